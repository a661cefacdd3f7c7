"""Orders that wait until another one is filled, alone or as a pair."""

from decimal import Decimal
from typing import Any

import pytest

from lib.simulator.exchange import Options
from tests.simulator.order_lists import (
    ask_list,
    list_status,
    place_list,
    reasons,
    statuses,
    told,
)
from tests.simulator.venue import SYMBOL, Venue, refusal

MARKET_SELL: dict[str, Any] = {
    "pendingType": "MARKET",
    "pendingPrice": None,
    "pendingTimeInForce": None,
}


@pytest.mark.parametrize(("kind", "legs"), [("oto", 2), ("otoco", 3)])
def test_only_the_working_order_is_in_the_book_and_locks_funds(kind: str, legs: int) -> None:
    venue = Venue().with_market()

    placed = place_list(venue, kind)

    assert placed["contingencyType"] == "OTO"
    assert statuses(venue, placed) == ["NEW", *["PENDING_NEW"] * (legs - 1)]
    assert [row["workingTime"] for row in placed["orderReports"]] == [
        venue.now,
        *[-1] * (legs - 1),
    ]
    assert venue.balances() == {
        "BTC": (Decimal(10), Decimal(0)),
        "USDT": (Decimal(100_000 - 97), Decimal(97)),
    }
    assert (Decimal(120), Decimal("0.5")) not in venue.depth()["asks"]


def test_a_new_list_is_told_order_by_order_and_as_a_list() -> None:
    venue = Venue().with_market()

    place_list(venue, "otoco")

    assert told(venue) == [
        (1, "NEW", "NEW", ""),
        (2, "NEW", "PENDING_NEW", ""),
        (3, "NEW", "PENDING_NEW", ""),
        ("list", "EXEC_STARTED", "EXECUTING"),
        ("balances", "USDT"),
    ]


def test_of_a_pending_pair_the_stop_leg_comes_first() -> None:
    venue = Venue().with_market()

    placed = place_list(venue, "otoco")

    types = [row["type"] for row in placed["orderReports"]]
    assert types == ["LIMIT", "STOP_LOSS", "LIMIT_MAKER"]


def test_a_partly_filled_working_order_leaves_the_pending_order_waiting() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oto")

    venue.last(97, "0.9", seller=True)

    assert statuses(venue, placed) == ["PARTIALLY_FILLED", "PENDING_NEW"]


def test_the_pending_order_begins_when_the_working_order_is_filled() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oto")
    venue.deaf()
    venue.now += 5

    venue.last(97, 1, seller=True)

    assert statuses(venue, placed) == ["FILLED", "NEW"]
    assert told(venue) == [
        (1, "TRADE", "FILLED", ""),
        (2, "NEW", "NEW", ""),
        ("list", "EXEC_STARTED", "EXECUTING"),
        ("balances", "USDT", "BTC"),
    ]
    assert venue.order(2)["workingTime"] == venue.now
    assert venue.order(2)["time"] == venue.now - 5
    assert venue.balances()["BTC"] == (Decimal("10.499"), Decimal("0.5"))
    assert (Decimal(120), Decimal("0.5")) in venue.depth()["asks"]


def test_the_answer_shows_pending_orders_as_pending_even_if_the_other_fills_at_once() -> None:
    venue = Venue().with_market()

    placed = place_list(venue, "oto", **MARKET_SELL, workingPrice=101)

    assert [row["status"] for row in placed["orderReports"]] == ["FILLED", "PENDING_NEW"]
    assert placed["listOrderStatus"] == "EXECUTING"
    assert len(placed["orderReports"][0]["fills"]) == 1
    assert placed["orderReports"][1]["fills"] == []
    assert statuses(venue, placed) == ["FILLED", "FILLED"]
    assert list_status(venue, placed) == "ALL_DONE"


def test_a_pending_order_may_take_as_soon_as_it_begins() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oto", pendingPrice=90, pendingQuantity=1)

    venue.last(97, 1, seller=True)

    assert statuses(venue, placed) == ["FILLED", "FILLED"]
    assert venue.order(2)["cummulativeQuoteQty"] == "99.00000000"
    assert list_status(venue, placed) == "ALL_DONE"


def test_a_pending_stop_begins_to_wait_when_the_working_order_is_filled() -> None:
    venue = Venue().with_market()
    stop = {"pendingType": "STOP_LOSS", "pendingPrice": None, "pendingTimeInForce": None}
    placed = place_list(venue, "oto", **stop, pendingStopPrice=90)

    venue.last(97, 1, seller=True)
    assert statuses(venue, placed) == ["FILLED", "NEW"]
    assert venue.order(2)["isWorking"] is False
    venue.last(90)

    assert statuses(venue, placed) == ["FILLED", "FILLED"]


def test_a_pending_pair_begins_as_a_pair() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "otoco")
    venue.deaf()

    venue.last(97, 1, seller=True)

    assert statuses(venue, placed) == ["FILLED", "NEW", "NEW"]
    assert told(venue)[1:4] == [
        (2, "NEW", "NEW", ""),
        (3, "NEW", "NEW", ""),
        ("list", "EXEC_STARTED", "EXECUTING"),
    ]
    assert venue.balances()["BTC"][1] == Decimal("0.5")
    venue.last(110, "0.1")
    assert statuses(venue, placed) == ["FILLED", "EXPIRED", "PARTIALLY_FILLED"]
    assert reasons(venue, placed) == [None, "OCO_TRIGGER", None]


def test_a_pending_pair_that_is_stopped_sells_from_its_one_lock() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "otoco")
    venue.last(97, 1, seller=True)

    venue.last(90)

    assert statuses(venue, placed) == ["FILLED", "FILLED", "EXPIRED"]
    assert list_status(venue, placed) == "ALL_DONE"
    assert venue.balances()["BTC"] == (Decimal("10.499"), Decimal(0))


# --- refused when it should begin


def test_a_pending_order_that_cannot_be_paid_expires_as_rejected() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oto", pendingQuantity=100)
    venue.deaf()

    venue.last(97, 1, seller=True)

    assert statuses(venue, placed) == ["FILLED", "EXPIRED"]
    assert reasons(venue, placed) == [None, "REJECTED"]
    assert told(venue) == [
        (1, "TRADE", "FILLED", ""),
        (2, "EXPIRED", "EXPIRED", "REJECTED"),
        ("list", "ALL_DONE", "ALL_DONE"),
        ("balances", "USDT", "BTC"),
    ]


def test_a_pending_stop_that_would_trigger_at_once_expires_as_rejected() -> None:
    venue = Venue().with_market()
    stop = {"pendingType": "STOP_LOSS", "pendingPrice": None, "pendingTimeInForce": None}
    placed = place_list(venue, "oto", **stop, pendingStopPrice="97.5")

    venue.last(97, 1, seller=True)

    assert reasons(venue, placed) == [None, "REJECTED"]


def test_a_pending_maker_that_would_take_expires_as_rejected() -> None:
    venue = Venue().with_market()
    maker = {"pendingType": "LIMIT_MAKER", "pendingTimeInForce": None}
    placed = place_list(venue, "oto", **maker, pendingPrice="98.5")

    venue.last(97, 1, seller=True)

    assert reasons(venue, placed) == [None, "REJECTED"]


def test_a_pending_order_that_no_longer_fits_a_filter_expires_as_rejected() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oto")
    venue.exchange.change_symbol(
        SYMBOL,
        {
            "filters": [
                {
                    "filterType": "PRICE_FILTER",
                    "minPrice": "0.01",
                    "maxPrice": "119",
                    "tickSize": "0.01",
                }
            ]
        },
    )

    venue.last(97, 1, seller=True)

    assert reasons(venue, placed) == [None, "REJECTED"]


def test_a_pending_pair_whose_prices_the_market_has_passed_is_rejected_whole() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "otoco", pendingAbovePrice=99, pendingBelowStopPrice=98)

    venue.last(97, 1, seller=True)

    assert statuses(venue, placed) == ["FILLED", "EXPIRED", "EXPIRED"]
    assert reasons(venue, placed) == [None, "REJECTED", "REJECTED"]
    assert list_status(venue, placed) == "ALL_DONE"
    assert venue.balances()["BTC"] == (Decimal("10.999"), Decimal(0))


def test_a_pending_pair_that_does_not_straddle_the_last_price_is_rejected() -> None:
    venue = Venue().with_market()
    venue.exchange.set_book(SYMBOL, [], [("101", "1")], venue.now)
    placed = place_list(venue, "otoco", pendingAbovePrice=97)

    venue.last(97, 1, seller=True)

    assert reasons(venue, placed) == [None, "REJECTED", "REJECTED"]


def test_the_pending_orders_of_one_list_do_not_count_against_themselves() -> None:
    venue = Venue().with_market()
    for _ in range(197):
        venue.now += 300
        assert venue.limit("BUY", "0.1", 90).status == 200
    venue.now += 300
    placed = place_list(venue, "otoco")

    venue.last(97, 1, seller=True)

    assert statuses(venue, placed) == ["FILLED", "NEW", "NEW"]


# --- the working order does not fill


@pytest.mark.parametrize(("time_in_force", "quantity"), [("IOC", 2), ("FOK", 2)])
def test_a_working_order_that_expires_takes_the_pending_ones_with_it(
    time_in_force: str, quantity: int
) -> None:
    venue = Venue().with_market()

    placed = place_list(
        venue,
        "otoco",
        workingTimeInForce=time_in_force,
        workingPrice=101,
        workingQuantity=quantity,
    )

    assert placed["listOrderStatus"] == "ALL_DONE"
    assert [row["status"] for row in placed["orderReports"]] == ["EXPIRED"] * 3
    assert reasons(venue, placed)[1:] == ["OTO_PHASE_ONE_EXPIRED"] * 2
    assert told(venue)[-2][0] == "list"
    assert list_status(venue, placed) == "ALL_DONE"


def test_a_working_order_that_would_trade_with_its_owner_takes_the_pending_one_with_it() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oto", workingPrice="99.5")

    venue.limit("SELL", 1, "99.5", selfTradePreventionMode="EXPIRE_MAKER")

    assert statuses(venue, placed) == ["EXPIRED_IN_MATCH", "EXPIRED"]
    assert reasons(venue, placed) == [None, "OTO_PHASE_ONE_EXPIRED"]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_cancel_of_any_order_cancels_the_whole_list(order: int) -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "otoco")
    venue.deaf()

    venue.cancel(orderId=order)

    assert statuses(venue, placed) == ["CANCELED"] * 3
    assert told(venue)[-2:] == [("list", "ALL_DONE", "ALL_DONE"), ("balances", "USDT")]
    assert venue.balances()["USDT"] == (Decimal(100_000), Decimal(0))


def test_the_cancel_of_a_begun_pair_leaves_what_the_working_order_has_done() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "otoco")
    venue.last(97, 1, seller=True)

    body = venue.ask("DELETE orderList", symbol=SYMBOL, orderListId=0).body

    assert [row["orderId"] for row in body["orderReports"]] == [2, 3]
    assert [row["orderId"] for row in body["orders"]] == [1, 2, 3]
    assert statuses(venue, placed) == ["FILLED", "CANCELED", "CANCELED"]
    assert venue.balances()["BTC"] == (Decimal("10.999"), Decimal(0))


def test_two_lists_whose_working_orders_fill_in_one_trade_both_go_on() -> None:
    venue = Venue().with_market()
    first = place_list(venue, "oto")
    second = place_list(venue, "otoco")

    venue.last(97, 2, seller=True)

    assert statuses(venue, first) == ["FILLED", "NEW"]
    assert statuses(venue, second) == ["FILLED", "NEW", "NEW"]


def test_one_list_can_fill_the_working_order_of_another() -> None:
    venue = Venue().with_market()
    venue.exchange.set_book(SYMBOL, [], [], venue.now)
    waiting = place_list(venue, "oto", "bob")

    placed = place_list(
        venue, "oto", workingPrice=98, **MARKET_SELL, pendingQuantity=1, workingQuantity=1
    )
    venue.last(98, 1, seller=True)

    assert statuses(venue, placed) == ["FILLED", "FILLED"]
    assert statuses(venue, waiting, "bob") == ["FILLED", "NEW"]


def test_a_working_maker_that_would_take_refuses_the_list() -> None:
    venue = Venue().with_market()

    answer = ask_list(
        venue, "oto", workingType="LIMIT_MAKER", workingTimeInForce=None, workingPrice=101
    )

    assert refusal(answer) == (400, -2010, "Order would immediately match and take.")
    assert venue.ask("GET openOrders", symbol=SYMBOL).body == []


@pytest.mark.parametrize("position_after", ["request", "fill"])
def test_the_last_balances_told_are_those_after_the_pending_order_began(
    position_after: str,
) -> None:
    venue = Venue(Options(position_after=position_after)).with_market()  # type: ignore[arg-type]
    place_list(venue, "oto")

    venue.last(97, 1, seller=True)

    positions = [event["B"] for _, event in venue.user_events if event["e"][0] == "o"]
    bitcoin = [row for rows in positions for row in rows if row["a"] == "BTC"][-1]
    assert (bitcoin["f"], bitcoin["l"]) == ("10.49900000", "0.50000000")
