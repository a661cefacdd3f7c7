"""What is refused before the matching engine sees it: errors.md, filters.md, Timing security."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.trader import SYMBOL, Trader

pytestmark = pytest.mark.asyncio

MANDATORY = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"symbol": None}, -1102, MANDATORY.format("symbol")),
        ({"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "GUESS"}, -1116, "Invalid orderType."),
        ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        ({"timeInForce": None}, -1102, MANDATORY.format("timeInForce")),
        ({"quantity": None}, -1102, MANDATORY.format("quantity")),
        ({"price": None}, -1102, MANDATORY.format("price")),
        ({"quantity": "0.123456789"}, -1111, "Parameter 'quantity' has too much precision."),
        (
            {"newClientOrderId": "two.words"},
            -1100,
            "Illegal characters found in parameter 'newClientOrderId'; "
            "legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
        ),
        (
            {"quantity": "1e-5"},
            -1100,
            "Illegal characters found in parameter 'quantity'; "
            "legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'.",
        ),
    ],
)
async def test_a_malformed_order_is_refused_by_name(
    trader: Trader, change: dict[str, Any], code: int, text: str
) -> None:
    refused = await trader.limit(**change)

    assert refused.refusal == (400, code, text)


@pytest.mark.parametrize(
    ("kind", "change"),
    [("MARKET", {"timeInForce": "GTC"}), ("MARKET", {"price": "1"})],
    ids=["time in force", "price"],
)
async def test_what_does_not_belong_to_a_type_is_refused(
    trader: Trader, kind: str, change: dict[str, str]
) -> None:
    (name,) = change
    refused = await trader.place(kind, "BUY", **change)

    assert refused.refusal == (400, -1106, f"Parameter '{name}' sent when not required.")


async def test_a_price_between_two_ticks_is_refused(trader: Trader) -> None:
    price = Decimal(trader.low) + trader.tick / 2

    refused = await trader.limit(price=price)

    assert refused.refusal == (400, -1013, "Filter failure: PRICE_FILTER")


async def test_a_quantity_between_two_steps_is_refused(trader: Trader) -> None:
    refused = await trader.limit(quantity=Decimal(trader.quantity) + trader.lot / 2)

    assert refused.refusal == (400, -1013, "Filter failure: LOT_SIZE")


async def test_an_order_of_too_little_worth_is_refused(trader: Trader) -> None:
    refused = await trader.limit(quantity=trader.lot)

    assert refused.refusal == (400, -1013, "Filter failure: NOTIONAL")


async def test_a_price_out_of_proportion_is_refused(trader: Trader) -> None:
    refused = await trader.limit("SELL", price=trader.price(trader.ask_price * 9))

    assert refused.refusal == (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE")


async def test_more_than_the_account_holds_is_refused(trader: Trader) -> None:
    account = (await trader.ask("GET account")).accepted
    held = {row["asset"]: Decimal(row["free"]) for row in account["balances"]}
    too_many = held["BTC"] + 1

    refused = await trader.limit("SELL", quantity=trader.lot * (too_many // trader.lot))

    text = "Account has insufficient balance for requested action."
    assert refused.refusal == (400, -2010, text)


async def test_a_request_from_long_ago_is_refused(trader: Trader) -> None:
    now = (await trader.ask("GET time")).accepted["serverTime"]
    old = await trader.ask("GET account", timestamp=now - 10_000)
    short = await trader.ask("GET account", timestamp=now - 2_000, recvWindow=1_000)
    early = await trader.ask("GET account", timestamp=now + 5_000)

    text = "Timestamp for this request is outside of the recvWindow."
    assert old.refusal == short.refusal == (400, -1021, text)
    ahead = "Timestamp for this request was 1000ms ahead of the server's time."
    assert early.refusal == (400, -1021, ahead)


async def test_a_window_of_more_than_a_minute_is_refused(trader: Trader) -> None:
    refused = await trader.ask("GET account", recvWindow=60_001)

    assert refused.status == 400
    assert refused.body["code"] in {-1102, -1131}


@pytest.mark.parametrize("call", ["GET order", "DELETE order"])
async def test_an_order_must_be_named_somehow(trader: Trader, call: str) -> None:
    refused = await trader.ask(call, symbol=SYMBOL)

    text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    assert refused.refusal == (400, -1102, text)


async def test_an_order_that_never_was_does_not_exist(trader: Trader) -> None:
    never = {"origClientOrderId": trader.fresh_id()}

    assert (await trader.find(**never)).refusal == (400, -2013, "Order does not exist.")
    assert (await trader.cancel(**never)).refusal == (400, -2011, "Unknown order sent.")
