from decimal import Decimal
from typing import Any, Literal

import pytest

from lib.simulator.exchange import Options
from tests.simulator.venue import SYMBOL, Venue, refusal

UNKNOWN = (400, -2011, "Unknown order sent.")


def test_a_cancel_has_an_id_of_its_own_and_frees_the_funds() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="a1")

    body = venue.cancel(origClientOrderId="a1", newClientOrderId="c1").body

    assert (body["clientOrderId"], body["origClientOrderId"]) == ("c1", "a1")
    assert (body["status"], body["orderId"]) == ("CANCELED", 1)
    assert venue.balances()["USDT"] == (Decimal(100_000), Decimal(0))


def test_a_cancel_keeps_the_executed_quantity() -> None:
    venue = Venue().with_market()
    order_id = venue.limit("BUY", 3, 101).body["orderId"]

    body = venue.cancel(orderId=order_id).body

    assert (body["executedQty"], body["cummulativeQuoteQty"]) == ("1.00000000", "101.00000000")
    assert venue.balances()["USDT"] == (Decimal(99_899), Decimal(0))


def test_what_is_not_open_cannot_be_canceled() -> None:
    venue = Venue().with_market()
    filled = venue.market("BUY", 1, newClientOrderId="m").body["orderId"]
    venue.limit("BUY", 1, 90, newClientOrderId="a1")
    venue.cancel(origClientOrderId="a1")

    assert refusal(venue.cancel(orderId=filled)) == UNKNOWN
    assert refusal(venue.cancel(origClientOrderId="m")) == UNKNOWN
    assert refusal(venue.cancel(origClientOrderId="a1")) == UNKNOWN
    assert refusal(venue.cancel(origClientOrderId="never")) == UNKNOWN


def test_nobody_cancels_an_order_of_another() -> None:
    venue = Venue().with_market()
    order_id = venue.limit("BUY", 1, 90, newClientOrderId="a1").body["orderId"]

    assert refusal(venue.cancel("bob", orderId=order_id)) == UNKNOWN
    assert refusal(venue.cancel("bob", origClientOrderId="a1")) == UNKNOWN
    assert venue.order(order_id)["status"] == "NEW"


def test_both_ids_must_mean_the_same_order() -> None:
    venue = Venue().with_market()
    order_id = venue.limit("BUY", 1, 90, newClientOrderId="a1").body["orderId"]
    disagree = (400, -2039, "Client order ID is not correct for this order ID.")
    both = {"orderId": order_id, "origClientOrderId": "other"}

    assert refusal(venue.cancel(**both)) == disagree
    assert refusal(venue.ask("GET order", symbol=SYMBOL, **both)) == disagree
    assert venue.cancel(orderId=order_id, origClientOrderId="a1").status == 200


@pytest.mark.parametrize("call", ["DELETE order", "GET order"])
def test_an_order_is_meant_by_one_id_at_least(call: str) -> None:
    venue = Venue().with_market()

    answer = venue.ask(call, symbol=SYMBOL)

    text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    assert refusal(answer) == (400, -1102, text)


@pytest.mark.parametrize(
    ("restriction", "allowed"), [("ONLY_NEW", False), ("ONLY_PARTIALLY_FILLED", True)]
)
def test_a_cancel_can_be_restricted_to_a_status(restriction: str, allowed: bool) -> None:
    venue = Venue().with_market()
    order_id = venue.limit("BUY", 3, 101).body["orderId"]

    answer = venue.cancel(orderId=order_id, cancelRestrictions=restriction)

    if allowed:
        assert answer.status == 200
    else:
        text = "Order was not canceled due to cancel restrictions."
        assert refusal(answer) == (400, -2011, text)


def test_an_unknown_cancel_restriction_is_refused() -> None:
    venue = Venue().with_market()

    answer = venue.cancel(orderId=1, cancelRestrictions="ONLY_MINE")

    assert refusal(answer) == (400, -1145, "Invalid cancelRestrictions")


PAIR: dict[str, object] = {
    "aboveType": "LIMIT_MAKER",
    "abovePrice": 110,
    "belowType": "STOP_LOSS",
    "belowStopPrice": 90,
}


def with_pair(options: Options | None = None) -> Venue:
    """Rest an OCO as orders 1 and 2, then a buy as order 3."""
    venue = Venue(options or Options()).with_market()
    pair: dict[str, Any] = {"symbol": SYMBOL, "side": "SELL", "quantity": 1, **PAIR}
    assert venue.ask("POST orderList/oco", **pair).status == 200
    venue.limit("BUY", 1, 90)
    return venue.deaf()


def test_all_that_is_open_on_a_symbol_is_canceled_at_once() -> None:
    venue = with_pair()
    venue.limit("BUY", 3, 101)
    venue.limit("BUY", 1, 90, "bob")

    body = venue.ask("DELETE openOrders", symbol=SYMBOL).body

    third, fourth, pair = body
    assert (third["orderId"], third["status"]) == (3, "CANCELED")
    assert (fourth["orderId"], fourth["executedQty"]) == (4, "1.00000000")
    assert (pair["contingencyType"], pair["listOrderStatus"]) == ("OCO", "ALL_DONE")
    reports = pair["orderReports"]
    assert [(row["orderId"], row["status"]) for row in reports] == [
        (1, "CANCELED"),
        (2, "CANCELED"),
    ]
    ids = {row["clientOrderId"] for row in (third, fourth, *reports)}
    assert len(ids) == 1
    assert venue.ask("GET openOrders").body == []
    assert len(venue.ask("GET openOrders", "bob").body) == 1


def test_canceling_everything_is_told_order_by_order_and_the_balances_once() -> None:
    venue = with_pair()

    venue.ask("DELETE openOrders", symbol=SYMBOL)

    assert venue.reports() == [("CANCELED", "CANCELED")] * 3
    assert venue.kinds().count("listStatus") == 1
    assert venue.kinds().count("outboundAccountPosition") == 1
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))


def test_where_nothing_is_open_nothing_can_be_canceled() -> None:
    venue = Venue().with_market()

    assert refusal(venue.ask("DELETE openOrders", symbol=SYMBOL)) == UNKNOWN


def test_a_symbol_must_be_named_to_cancel_all_of_it() -> None:
    venue = Venue().with_market()

    assert venue.ask("DELETE openOrders").body["code"] == -1102
    assert venue.ask("DELETE openOrders", symbol="NOSUCH").body["code"] == -1121


@pytest.mark.parametrize("told", ["list", "order"])
def test_a_canceled_leg_takes_its_list_along(told: Literal["list", "order"]) -> None:
    venue = with_pair(Options(leg_cancel_answer=told))

    body = venue.cancel(orderId=2, newClientOrderId="c1").body

    if told == "list":
        assert [row["clientOrderId"] for row in body["orderReports"]] == ["c1", "c1"]
    else:
        assert (body["orderId"], body["clientOrderId"], body["orderListId"]) == (2, "c1", 0)
    assert [venue.order(number)["status"] for number in (1, 2, 3)] == ["CANCELED"] * 2 + ["NEW"]


def test_a_restriction_looks_at_the_leg_that_is_named() -> None:
    venue = with_pair()

    refused = venue.cancel(orderId=1, cancelRestrictions="ONLY_PARTIALLY_FILLED")

    assert refused.body["msg"] == "Order was not canceled due to cancel restrictions."
    assert [venue.order(number)["status"] for number in (1, 2)] == ["NEW", "NEW"]
    assert venue.cancel(orderId=1, cancelRestrictions="ONLY_NEW").status == 200


def test_a_cancel_without_an_id_gets_one_and_the_same_id_may_be_used_again() -> None:
    venue = Venue().with_market()
    for _ in range(2):
        venue.limit("BUY", 1, 90)

    first = venue.cancel(orderId=1, newClientOrderId="c1").body["clientOrderId"]
    second = venue.cancel(orderId=2, newClientOrderId="c1").body["clientOrderId"]
    venue.limit("BUY", 1, 90)

    assert first == second == "c1"
    assert len(venue.cancel(orderId=3).body["clientOrderId"]) == 22
