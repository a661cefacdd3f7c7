"""Amendments that are refused, and change nothing."""

from typing import Any

import pytest

from lib.simulator.exchange import Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

FEW = exchange_info(
    symbol_entry(filters=[{"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 2}])
)


@pytest.fixture
def venue() -> Venue:
    """A venue without liquidity of others."""
    venue = Venue()
    venue.last(100)
    return venue.deaf()


@pytest.mark.parametrize(
    ("quantity", "code", "text"),
    [
        ("5.1", -2038, "Order amend (quantity increase) is not supported."),
        (5, -2038, "The requested action would change no state; rejecting"),
        (0, -1013, "Invalid quantity."),
        ("4.000001", -1013, "Filter failure: LOT_SIZE"),
        ("0.05", -1013, "Filter failure: NOTIONAL"),
        ("1e1", -1100, None),
        ("1.123456789", -1111, "Parameter 'newQty' has too much precision."),
        (
            None,
            -1102,
            "Mandatory parameter 'newQty' was not sent, was empty/null, or malformed.",
        ),
    ],
)
def test_a_quantity_that_cannot_be_is_refused_and_changes_nothing(
    venue: Venue, quantity: object, code: int, text: str | None
) -> None:
    venue.limit("BUY", 5, 90)
    before = venue.order(1)

    answer = venue.amend(quantity, orderId=1)

    assert (answer.status, answer.body["code"]) == (400, code)
    assert text in {None, answer.body["msg"]}
    assert venue.order(1) == before


def test_an_order_can_be_amended_only_so_often() -> None:
    venue = Venue(info=FEW)
    venue.limit("BUY", 5, 90)

    answers = [venue.amend(quantity, orderId=1) for quantity in (4, 3, 2)]

    assert [answer.status for answer in answers] == [200, 200, 400]
    assert refusal(answers[2]) == (400, -2038, "Filter failure: MAX_NUM_ORDER_AMENDS")


@pytest.mark.parametrize("code", [-2038, -2011])
@pytest.mark.parametrize("asked", [{"orderId": 7}, {"origClientOrderId": "nobody"}])
def test_an_order_that_is_not_open_is_unknown(code: Any, asked: dict[str, Any]) -> None:
    venue = Venue(Options(unknown_amended_code=code))

    assert refusal(venue.amend(1, **asked)) == (400, code, "Unknown order sent.")


def test_an_order_of_somebody_else_is_unknown(venue: Venue) -> None:
    venue.limit("BUY", 5, 90, "bob")

    assert venue.amend(1, orderId=1).body["msg"] == "Unknown order sent."


def test_two_names_for_different_orders_are_refused(venue: Venue) -> None:
    venue.limit("BUY", 5, 90, newClientOrderId="mine")

    answer = venue.amend(4, orderId=1, origClientOrderId="other")

    text = "Client order ID is not correct for this order ID."
    assert refusal(answer) == (400, -2039, text)


def test_an_order_must_be_named(venue: Venue) -> None:
    answer = venue.amend(4)

    text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
    assert refusal(answer) == (400, -1102, text)


def test_a_symbol_may_not_allow_amendments() -> None:
    venue = Venue(info=exchange_info(symbol_entry(amendAllowed=False)))
    venue.limit("BUY", 5, 90)

    answer = venue.amend(4, orderId=1)

    assert refusal(answer) == (400, -2038, "Order amend is not supported for this symbol.")


@pytest.mark.parametrize(
    ("status", "expected"), [("CANCEL_ONLY", 200), ("HALT", 400), ("BREAK", 400)]
)
def test_a_symbol_that_does_not_trade_may_still_let_orders_shrink(
    venue: Venue, status: str, expected: int
) -> None:
    venue.limit("BUY", 5, 90)
    venue.exchange.change_symbol(SYMBOL, {"status": status})

    assert venue.amend(4, orderId=1).status == expected
