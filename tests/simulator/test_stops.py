from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.venue import START, Venue, refusal

TRIGGERS = [
    ("STOP_LOSS", "SELL", 95, 94),
    ("STOP_LOSS", "BUY", 105, 106),
    ("TAKE_PROFIT", "SELL", 105, 105),
    ("TAKE_PROFIT", "BUY", 95, 95),
]


@pytest.mark.parametrize(("kind", "side", "stop", "reached"), TRIGGERS)
def test_a_stop_waits_until_the_last_price_reaches_it_and_then_takes(
    kind: str, side: str, stop: int, reached: int
) -> None:
    venue = Venue().with_market()
    order_id = venue.place(kind, side, quantity=1, stopPrice=stop).body["orderId"]
    before = venue.order(order_id)

    venue.now += 5
    venue.last(reached)

    after = venue.order(order_id)
    assert (before["status"], before["isWorking"], before["workingTime"]) == ("NEW", False, -1)
    assert (after["status"], after["isWorking"], after["workingTime"]) == (
        "FILLED",
        True,
        START + 5,
    )
    assert all(locked == 0 for _, locked in venue.balances().values())


@pytest.mark.parametrize(("kind", "side", "stop", "reached"), TRIGGERS)
def test_a_stop_does_not_fire_one_tick_short_of_its_price(
    kind: str, side: str, stop: int, reached: int
) -> None:
    venue = Venue().with_market()
    order_id = venue.place(kind, side, quantity=1, stopPrice=stop).body["orderId"]

    venue.last(Decimal(stop) + (Decimal("0.01") if reached <= stop < 100 else Decimal("-0.01")))

    assert venue.order(order_id)["isWorking"] is False


@pytest.mark.parametrize(
    ("kind", "side", "stop"),
    [
        ("STOP_LOSS", "SELL", 100),
        ("STOP_LOSS", "BUY", 99),
        ("TAKE_PROFIT", "SELL", 99),
        ("TAKE_PROFIT", "BUY", 100),
    ],
)
def test_a_stop_on_the_wrong_side_of_the_market_is_refused(kind: str, side: str, stop: int) -> None:
    venue = Venue().with_market()

    answer = venue.place(kind, side, quantity=1, stopPrice=stop)

    assert refusal(answer) == (400, -2010, "Stop price would trigger immediately.")


def test_a_triggered_stop_limit_rests_at_its_limit_when_the_market_is_elsewhere() -> None:
    venue = Venue().with_market()
    sent: dict[str, Any] = {"quantity": 1, "price": 103, "stopPrice": 95, "timeInForce": "GTC"}
    order_id = venue.place("STOP_LOSS_LIMIT", "SELL", **sent).body["orderId"]

    venue.last(95)

    assert venue.order(order_id)["status"] == "NEW"
    assert (Decimal(103), Decimal(1)) in venue.depth()["asks"]


def test_a_waiting_stop_is_not_in_the_book_and_locks_its_funds() -> None:
    venue = Venue().with_market()
    book = venue.depth()

    venue.place("STOP_LOSS_LIMIT", "BUY", quantity=2, price=106, stopPrice=105, timeInForce="GTC")

    assert venue.depth() == book
    assert venue.balances()["USDT"] == (Decimal(100_000 - 212), Decimal(212))


def test_one_stop_can_set_off_the_next() -> None:
    venue = Venue().with_market()
    first = venue.place("STOP_LOSS", "SELL", quantity=2, stopPrice="99.5").body["orderId"]
    second = venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice="98.5").body["orderId"]

    venue.last("99.5")

    assert venue.order(first)["executedQty"] == "2.00000000"
    assert venue.order(second)["status"] == "FILLED"


def test_of_two_stops_at_one_price_the_older_fires_first() -> None:
    venue = Venue().with_market()
    older = venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=95).body["orderId"]
    newer = venue.place("STOP_LOSS", "SELL", "bob", quantity=1, stopPrice=95).body["orderId"]

    venue.last(94)

    assert venue.order(older)["cummulativeQuoteQty"] == "99.00000000"
    assert venue.order(newer, "bob")["cummulativeQuoteQty"] == "98.00000000"


def test_a_triggered_market_buy_dearer_than_its_stop_takes_the_rest_from_the_free_balance() -> None:
    venue = Venue().with_market()
    order_id = venue.place("TAKE_PROFIT", "BUY", quantity=1, stopPrice=95).body["orderId"]

    venue.last(95)

    assert venue.order(order_id)["cummulativeQuoteQty"] == "101.00000000"
    assert venue.balances()["USDT"] == (Decimal(100_000 - 101), Decimal(0))


def test_a_triggered_market_buy_that_cannot_be_paid_expires_as_rejected() -> None:
    venue = Venue().with_market()
    order_id = venue.place("TAKE_PROFIT", "BUY", quantity=1, stopPrice=95).body["orderId"]
    venue.limit("BUY", 1110, 90)

    venue.last(95)

    order = venue.order(order_id)
    assert (order["status"], order["expiryReason"]) == ("EXPIRED", "REJECTED")


def test_a_stop_can_be_canceled_while_it_waits() -> None:
    venue = Venue().with_market()
    order_id = venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=95).body["orderId"]

    canceled = venue.cancel(orderId=order_id)
    venue.last(90)

    assert canceled.body["status"] == "CANCELED"
    assert venue.order(order_id)["executedQty"] == "0.00000000"
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))
