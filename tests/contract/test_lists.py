"""Order lists: rest-api.md, "Order lists"; errors.md, -1158 to -1199; user-data-stream.md."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.trader import SYMBOL, Trader

pytestmark = pytest.mark.asyncio

LIST = {
    *("orderListId", "contingencyType", "listStatusType", "listOrderStatus", "listClientOrderId"),
    *("transactionTime", "symbol", "orders"),
}


def protection(trader: Trader) -> dict[str, object]:
    """A take-profit above the market and a stop below it."""
    under = trader.price(Decimal(trader.low) * Decimal("0.99"))
    return {
        "symbol": SYMBOL,
        "side": "SELL",
        "quantity": trader.quantity,
        "listClientOrderId": trader.fresh_id(),
        "aboveType": "LIMIT_MAKER",
        "abovePrice": trader.high,
        "aboveClientOrderId": trader.fresh_id(),
        "belowType": "STOP_LOSS_LIMIT",
        "belowStopPrice": trader.low,
        "belowPrice": under,
        "belowTimeInForce": "GTC",
        "belowClientOrderId": trader.fresh_id(),
    }


def entry(trader: Trader) -> dict[str, object]:
    """A purchase below the market."""
    return {
        "symbol": SYMBOL,
        "listClientOrderId": trader.fresh_id(),
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": trader.low,
        "workingQuantity": trader.quantity,
        "workingTimeInForce": "GTC",
        "workingClientOrderId": trader.fresh_id(),
    }


def follow_up(trader: Trader) -> dict[str, object]:
    """A sale above the market, once the purchase is done."""
    return {
        "pendingType": "LIMIT",
        "pendingSide": "SELL",
        "pendingQuantity": trader.quantity,
        "pendingPrice": trader.high,
        "pendingTimeInForce": "GTC",
        "pendingClientOrderId": trader.fresh_id(),
    }


async def protected(trader: Trader, **changes: object) -> dict[str, Any]:
    wish = {**protection(trader), **changes}
    body: dict[str, Any] = (await trader.ask("POST orderList/oco", **wish)).accepted
    return body


async def test_a_pair_names_its_legs_the_stop_first(trader: Trader) -> None:
    placed = await protected(trader)

    assert placed.keys() == LIST | {"orderReports"}
    assert (placed["contingencyType"], placed["listStatusType"], placed["listOrderStatus"]) == (
        "OCO",
        "EXEC_STARTED",
        "EXECUTING",
    )
    assert [leg["type"] for leg in placed["orderReports"]] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]
    ids = [leg["orderId"] for leg in placed["orders"]]
    assert ids == sorted(ids) == [leg["orderId"] for leg in placed["orderReports"]]
    assert {leg["orderListId"] for leg in placed["orderReports"]} == {placed["orderListId"]}


async def test_a_pair_locks_its_quantity_once(trader: Trader) -> None:
    before = await _locked(trader, "BTC")
    await protected(trader)

    assert await _locked(trader, "BTC") - before == Decimal(trader.quantity)


async def test_canceling_one_leg_cancels_the_list(trader: Trader) -> None:
    placed = await protected(trader)
    first = placed["orders"][0]["orderId"]

    canceled = (await trader.cancel(orderId=first)).accepted
    found = await trader.ask("GET orderList", orderListId=placed["orderListId"])

    assert canceled["orderListId"] == placed["orderListId"]
    assert (canceled["listStatusType"], canceled["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert [leg["status"] for leg in canceled["orderReports"]] == ["CANCELED", "CANCELED"]
    assert len({leg["clientOrderId"] for leg in canceled["orderReports"]}) == 1
    assert found.accepted["listOrderStatus"] == "ALL_DONE"
    assert found.accepted.keys() == LIST


async def test_a_list_is_canceled_by_its_name(trader: Trader) -> None:
    placed = await protected(trader)
    name = placed["listClientOrderId"]

    canceled = await trader.ask("DELETE orderList", symbol=SYMBOL, listClientOrderId=name)
    again = await trader.ask("DELETE orderList", symbol=SYMBOL, listClientOrderId=name)

    assert canceled.accepted["listOrderStatus"] == "ALL_DONE"
    assert again.refusal[:2] == (400, -2011)
    assert await trader.open_ids() == []


async def test_an_open_list_is_among_the_open_and_the_named(trader: Trader) -> None:
    placed = await protected(trader)
    number = placed["orderListId"]

    open_lists = (await trader.ask("GET openOrderList")).accepted
    everything = (await trader.ask("GET allOrderList", fromId=number)).accepted
    named = await trader.ask("GET orderList", origClientOrderId=placed["listClientOrderId"])

    assert number in [found["orderListId"] for found in open_lists]
    assert [found["orderListId"] for found in everything] == [number]
    assert named.accepted["orderListId"] == number


async def test_an_open_list_keeps_its_name_to_itself(trader: Trader) -> None:
    placed = await protected(trader)
    name = placed["listClientOrderId"]

    refused = await trader.ask(
        "POST orderList/oco", **protection(trader) | {"listClientOrderId": name}
    )

    assert refused.refusal[:2] == (400, -2010)


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (
            {"aboveType": "STOP_LOSS", "abovePrice": None, "aboveStopPrice": "high"},
            -1197,
            "A stop loss order in a sell OCO must be below.",
        ),
        (
            {
                "belowType": "LIMIT_MAKER",
                "belowStopPrice": None,
                "belowTimeInForce": None,
            },
            -1166,
            "A limit order in a sell OCO must be above.",
        ),
        ({"aboveType": "MARKET", "abovePrice": None}, -1158, "Order type not supported in OCO."),
    ],
    ids=["stop above", "limit below", "market"],
)
async def test_a_pair_that_cannot_be_is_refused(
    trader: Trader, change: dict[str, str | None], code: int, text: str
) -> None:
    told = {name: trader.high if value == "high" else value for name, value in change.items()}

    refused = await trader.ask("POST orderList/oco", **protection(trader) | told)

    assert refused.refusal[0] == 400
    assert (refused.body["code"], refused.body["msg"]) in {
        (code, text),
        (-1168, "At least one OCO order must be contingent."),
    }


async def test_a_pair_around_the_wrong_price_is_refused(trader: Trader) -> None:
    swapped = {"abovePrice": trader.low}

    refused = await trader.ask("POST orderList/oco", **protection(trader) | swapped)

    assert refused.refusal[:2] == (400, -2010)


async def test_a_list_is_told_beside_its_orders(trader: Trader) -> None:
    placed = await protected(trader)
    events = await trader.events(4)

    reports = [event for event in events if event["e"] == "executionReport"]
    (told,) = (event for event in events if event["e"] == "listStatus")
    assert {report["g"] for report in reports} == {placed["orderListId"]}
    assert (told["c"], told["l"], told["L"], told["r"]) == (
        "OCO",
        "EXEC_STARTED",
        "EXECUTING",
        "NONE",
    )
    assert told["C"] == placed["listClientOrderId"]
    assert [leg["i"] for leg in told["O"]] == [leg["orderId"] for leg in placed["orders"]]
    assert events[-1]["e"] == "outboundAccountPosition"


async def test_a_pending_order_waits_for_the_working_one(trader: Trader) -> None:
    wish = {**entry(trader), **follow_up(trader)}
    placed = (await trader.ask("POST orderList/oto", **wish)).accepted

    working, pending = placed["orderReports"]
    assert placed["contingencyType"] == "OTO"
    assert (working["status"], pending["status"]) == ("NEW", "PENDING_NEW")
    assert pending["workingTime"] == -1
    assert pending["orderId"] in await trader.open_ids()


async def test_a_pending_order_begins_once_the_working_one_is_filled(trader: Trader) -> None:
    at_once = {"workingPrice": trader.price(trader.ask_price * Decimal("1.01"))}
    placed = (
        await trader.ask("POST orderList/oto", **entry(trader) | follow_up(trader) | at_once)
    ).accepted

    working, pending = (leg["orderId"] for leg in placed["orders"])
    bought = (await trader.find(orderId=working)).accepted
    sells = (await trader.find(orderId=pending)).accepted
    await trader.cancel(orderId=pending)
    await trader.place("MARKET", "SELL")
    assert placed["orderReports"][1]["status"] == "PENDING_NEW"
    assert (bought["status"], sells["status"], sells["isWorking"]) == ("FILLED", "NEW", True)


async def test_canceling_the_working_order_ends_the_pending_one(trader: Trader) -> None:
    placed = (await trader.ask("POST orderList/oto", **entry(trader) | follow_up(trader))).accepted
    await trader.cancel(orderId=placed["orders"][0]["orderId"])

    statuses = [
        (await trader.find(orderId=leg["orderId"])).accepted["status"] for leg in placed["orders"]
    ]
    assert statuses == ["CANCELED", "CANCELED"]


async def test_a_pair_may_wait_for_a_purchase(trader: Trader) -> None:
    pair = {
        f"pending{name[0].upper()}{name[1:]}": value
        for name, value in protection(trader).items()
        if name.startswith(("above", "below"))
    }
    wish = entry(trader) | pair | {"pendingSide": "SELL", "pendingQuantity": trader.quantity}

    placed = (await trader.ask("POST orderList/otoco", **wish)).accepted

    assert (placed["contingencyType"], len(placed["orders"])) == ("OTO", 3)
    statuses = [leg["status"] for leg in placed["orderReports"]]
    assert statuses == ["NEW", "PENDING_NEW", "PENDING_NEW"]


async def _locked(trader: Trader, asset: str) -> Decimal:
    account = (await trader.ask("GET account")).accepted
    rows = {row["asset"]: row["locked"] for row in account["balances"]}
    return Decimal(rows.get(asset, "0"))
