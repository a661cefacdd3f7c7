from decimal import Decimal

import pytest

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
