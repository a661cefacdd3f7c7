"""What the exchange says of requests it cannot read: codes and texts are Binance's."""

from typing import Any

import pytest

from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

ID_RANGE = "^[a-zA-Z0-9-_]{1,36}$"
AMOUNT_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
LIMIT = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "90"}
STOP = {"side": "SELL", "type": "STOP_LOSS", "quantity": "1", "stopPrice": "90"}
MARKET = {"side": "BUY", "type": "MARKET", "quantity": "1"}


def illegal(name: str, legal: str) -> tuple[int, str]:
    return -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."


def mandatory(name: str) -> tuple[int, str]:
    return -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


def superfluous(name: str) -> tuple[int, str]:
    return -1106, f"Parameter '{name}' sent when not required."


@pytest.mark.parametrize(
    ("order", "changes", "expected"),
    [
        (LIMIT, {"symbol": None}, mandatory("symbol")),
        (LIMIT, {"symbol": ""}, mandatory("symbol")),
        (LIMIT, {"symbol": "NOPE"}, (-1121, "Invalid symbol.")),
        (LIMIT, {"symbol": "btcusdt"}, illegal("symbol", "^[A-Z0-9-_.]{1,20}$")),
        (LIMIT, {"side": None}, mandatory("side")),
        (LIMIT, {"side": "HOLD"}, (-1117, "Invalid side.")),
        (LIMIT, {"type": None}, mandatory("type")),
        (LIMIT, {"type": "WISH"}, (-1116, "Invalid orderType.")),
        (LIMIT, {"timeInForce": None}, mandatory("timeInForce")),
        (LIMIT, {"timeInForce": ""}, (-1105, "Parameter 'timeInForce' was empty.")),
        (LIMIT, {"timeInForce": "GTX"}, (-1115, "Invalid timeInForce.")),
        (LIMIT, {"price": None}, mandatory("price")),
        (LIMIT, {"quantity": None}, mandatory("quantity")),
        (LIMIT, {"price": "1e2"}, illegal("price", AMOUNT_RANGE)),
        (LIMIT, {"quantity": "-1"}, illegal("quantity", AMOUNT_RANGE)),
        (LIMIT, {"quantity": "1."}, illegal("quantity", AMOUNT_RANGE)),
        (LIMIT, {"quantity": "٣"}, illegal("quantity", AMOUNT_RANGE)),
        (LIMIT, {"quantity": ""}, (-1105, "Parameter 'quantity' was empty.")),
        (
            LIMIT,
            {"quantity": "0.123456789"},
            (-1111, "Parameter 'quantity' has too much precision."),
        ),
        (LIMIT, {"newClientOrderId": "a b"}, illegal("newClientOrderId", ID_RANGE)),
        (LIMIT, {"newClientOrderId": "x" * 37}, illegal("newClientOrderId", ID_RANGE)),
        (LIMIT, {"newClientOrderId": ""}, (-1105, "Parameter 'newClientOrderId' was empty.")),
        (LIMIT, {"stopPrice": "80"}, superfluous("stopPrice")),
        (LIMIT, {"quoteOrderQty": "80"}, superfluous("quoteOrderQty")),
        (MARKET, {"price": "80"}, superfluous("price")),
        (MARKET, {"timeInForce": "GTC"}, superfluous("timeInForce")),
        (MARKET, {"quoteOrderQty": "80"}, superfluous("quoteOrderQty")),
        (
            MARKET,
            {"quantity": None},
            (
                -1102,
                "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
            ),
        ),
        (STOP, {"timeInForce": "GTC"}, superfluous("timeInForce")),
        (
            STOP,
            {"stopPrice": None},
            (-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"),
        ),
        (LIMIT, {"strategyType": "5"}, (-1134, "strategyType was less than 1000000.")),
        (
            LIMIT,
            {"newOrderRespType": "LOUD"},
            (-1130, "Data sent for parameter 'newOrderRespType' is not valid."),
        ),
        (
            LIMIT,
            {"selfTradePreventionMode": "TRANSFER"},
            (-1013, "This symbol does not allow the specified self-trade prevention mode."),
        ),
        (
            LIMIT,
            {"pegPriceType": "PRIMARY_PEG"},
            (-2010, "Pegged orders are not supported for this symbol."),
        ),
        (LIMIT, {"quantity": "92233720368.54775808"}, (-1108, "Parameter 'quantity' overflowed.")),
        (LIMIT, {"strategyId": str(2**63)}, (-1108, "Parameter 'strategyId' overflowed.")),
        (
            LIMIT,
            {"wish": "1"},
            (-1104, "Not all sent parameters were read; read '7' parameter(s) but was sent '8'."),
        ),
    ],
)
def test_an_order_that_cannot_be_read_is_refused_in_binances_words(
    order: dict[str, str], changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    venue = Venue().with_market()

    answer = venue.ask("POST order", **{"symbol": SYMBOL, **order, **changes})

    assert refusal(answer) == (400, *expected)
    assert venue.ask("GET allOrders", symbol=SYMBOL).body == []


def test_the_first_refusal_is_given_again_for_the_same_mistake() -> None:
    venue = Venue().with_market()

    answers = [venue.place("LIMIT", "BUY", quantity=1) for _ in range(3)]

    assert {refusal(answer) for answer in answers} == {(400, *mandatory("timeInForce"))}


def test_too_many_parameters_are_counted() -> None:
    answer = Venue().ask("GET ping", None, one="1")

    assert refusal(answer) == (400, -1101, "Too many parameters; expected '0' and received '1'.")


@pytest.mark.parametrize("order_id", ["abc", "-1", "1.5", "1" * 21])
def test_an_order_id_is_a_number(order_id: str) -> None:
    answer = Venue().with_market().cancel(orderId=order_id)

    assert refusal(answer) == (400, *illegal("orderId", "^[0-9]{1,20}$"))


def test_an_order_type_the_symbol_does_not_take_is_refused() -> None:
    venue = Venue(info=exchange_info(symbol_entry(orderTypes=["LIMIT"])))

    answer = venue.market("BUY", 1)

    assert refusal(answer) == (400, -1013, "Market orders are not supported for this symbol.")


def test_a_market_order_by_quote_can_be_switched_off_for_a_symbol() -> None:
    venue = Venue(info=exchange_info(symbol_entry(quoteOrderQtyMarketAllowed=False)))

    answer = venue.place("MARKET", "BUY", quoteOrderQty=50)

    text = "Quote order qty market orders are not support for this symbol."
    assert refusal(answer) == (400, -2010, text)


def test_a_symbol_that_does_not_trade_takes_no_orders_but_cancels() -> None:
    info = exchange_info(symbol_entry())
    venue = Venue(info=info)
    order_id = venue.limit("BUY", 1, 90).body["orderId"]
    halted = Venue(info=exchange_info(symbol_entry(status="HALT")), books=venue.books)

    placed = halted.limit("BUY", 1, 90)
    canceled = halted.cancel(orderId=order_id)

    assert refusal(placed) == (400, -1013, "Market is closed.")
    assert canceled.status == 200


@pytest.mark.parametrize("who", ["nobody", ""])
def test_a_private_call_needs_a_known_account(who: str) -> None:
    answer = Venue().ask("GET account", who)

    assert refusal(answer) == (
        401,
        -2015,
        "Invalid API-key, IP, or permissions for action.",
    )


def test_a_path_that_binance_does_not_have_is_not_found() -> None:
    answer = Venue().ask("GET wishes", None)

    assert (answer.status, answer.body) == (404, None)


@pytest.mark.parametrize("call", ["POST sor/order", "POST sor/order/test"])
def test_a_call_of_binance_that_this_venue_lacks_is_refused_clearly(call: str) -> None:
    assert refusal(Venue().ask(call)) == (400, -1020, "This operation is not supported.")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_listen_keys_are_gone(method: str) -> None:
    assert Venue().ask(f"{method} userDataStream").status == 410
