from typing import Any

import pytest

from lib.simulator.exchange import Options
from tests.simulator.venue import START, SYMBOL, Venue, refusal

HOUR = 3_600_000


def hourly_orders(count: int = 30) -> Venue:
    """Place and fill one order each hour; ids count from 1."""
    venue = Venue()
    for _ in range(count):
        venue.exchange.set_book(SYMBOL, [], [("100", "1")], venue.now)
        venue.last(100)
        venue.market("BUY", "0.1")
        venue.now += HOUR
    return venue


def ids(rows: list[dict[str, int]], name: str = "orderId") -> list[int]:
    return [row[name] for row in rows]


def test_a_queried_order_has_exactly_binances_fields() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 3, 101, newClientOrderId="a1")

    body = venue.ask("GET order", symbol=SYMBOL, origClientOrderId="a1").body

    assert body == {
        "symbol": SYMBOL,
        "orderId": 1,
        "orderListId": -1,
        "clientOrderId": "a1",
        "price": "101.00000000",
        "origQty": "3.00000000",
        "executedQty": "1.00000000",
        "cummulativeQuoteQty": "101.00000000",
        "status": "PARTIALLY_FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": START,
        "updateTime": START,
        "isWorking": True,
        "workingTime": START,
        "origQuoteOrderQty": "0.00000000",
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


@pytest.mark.parametrize("asked", [{"orderId": 7}, {"origClientOrderId": "never"}])
def test_an_order_that_is_not_there_does_not_exist(asked: dict[str, Any]) -> None:
    answer = Venue().ask("GET order", symbol=SYMBOL, **asked)

    assert refusal(answer) == (400, -2013, "Order does not exist.")


def test_nobody_sees_the_orders_and_trades_of_another() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 3, 101, newClientOrderId="a1")

    seen = venue.ask("GET order", "bob", symbol=SYMBOL, orderId=1)

    assert seen.body["code"] == -2013
    for call in ("openOrders", "allOrders", "myTrades"):
        assert venue.ask(f"GET {call}", "bob", symbol=SYMBOL).body == []


def test_all_orders_shows_the_newest_first_to_last() -> None:
    venue = hourly_orders()

    rows = venue.ask("GET allOrders", symbol=SYMBOL, limit=3).body

    assert ids(rows) == [28, 29, 30]


def test_all_orders_pages_from_an_order_id_on() -> None:
    venue = hourly_orders()

    rows = venue.ask("GET allOrders", symbol=SYMBOL, orderId=5, limit=3).body

    assert ids(rows) == [5, 6, 7]


def test_history_is_asked_in_pieces_of_24_hours() -> None:
    venue = hourly_orders()
    day = 24 * HOUR
    too_long = (400, -1127, "More than 24 hours between startTime and endTime.")

    for call in ("GET allOrders", "GET myTrades"):
        span: dict[str, Any] = {"symbol": SYMBOL, "startTime": START + HOUR}
        exact = venue.ask(call, **span, endTime=START + HOUR + day)
        over = venue.ask(call, **span, endTime=START + HOUR + day + 1)

        assert ids(exact.body) == list(range(2, 27)) if "all" in call else exact.status == 200
        assert refusal(over) == too_long


def test_one_end_of_a_span_reaches_24_hours() -> None:
    venue = hourly_orders()

    forward = venue.ask("GET allOrders", symbol=SYMBOL, startTime=START).body
    backward = venue.ask("GET allOrders", symbol=SYMBOL, endTime=START + 29 * HOUR).body

    assert ids(forward) == list(range(1, 26))
    assert ids(backward) == list(range(6, 31))


def test_an_order_belongs_to_the_time_of_its_last_update() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90)
    venue.now += 2 * HOUR
    venue.cancel(orderId=1)

    early = venue.ask("GET allOrders", symbol=SYMBOL, startTime=START, endTime=START + HOUR)
    late = venue.ask("GET allOrders", symbol=SYMBOL, startTime=venue.now, endTime=venue.now)

    assert early.body == []
    assert ids(late.body) == [1]


def test_my_trades_pages_from_an_id_on() -> None:
    venue = hourly_orders(5)
    every = venue.ask("GET myTrades", symbol=SYMBOL).body

    rows = venue.ask("GET myTrades", symbol=SYMBOL, fromId=every[2]["id"], limit=2).body

    assert rows == every[2:4]


def test_a_trade_has_exactly_binances_fields() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 101)

    (trade,) = venue.ask("GET myTrades", symbol=SYMBOL, orderId=1).body

    assert trade == {
        "symbol": SYMBOL,
        "id": 2,
        "orderId": 1,
        "orderListId": -1,
        "price": "101.00000000",
        "qty": "1.00000000",
        "quoteQty": "101.00000000",
        "commission": "0.00100000",
        "commissionAsset": "BTC",
        "time": START,
        "isBuyer": True,
        "isMaker": False,
        "isBestMatch": True,
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"fromId": 1, "startTime": START},
        {"orderId": 1, "endTime": START},
        {"orderId": 1, "fromId": 1, "startTime": START},
    ],
)
def test_my_trades_takes_no_other_combinations(asked: dict[str, Any]) -> None:
    answer = Venue().ask("GET myTrades", symbol=SYMBOL, **asked)

    assert refusal(answer) == (400, -1128, "Combination of optional parameters invalid.")


def test_an_account_is_shown_with_or_without_its_empty_balances() -> None:
    venue = Venue().with_market()
    venue.limit("SELL", 10, 101)
    venue.last(200, 10)

    every = venue.ask("GET account").body
    held = venue.ask("GET account", omitZeroBalances="true").body

    assert [row["asset"] for row in every["balances"]] == ["BTC", "USDT"]
    assert [row["asset"] for row in held["balances"]] == ["USDT"]
    assert every["uid"] == 1
    assert every["commissionRates"]["maker"] == "0.00100000"
    assert every["makerCommission"] == 10


def test_memory_does_not_show_an_order_younger_than_the_lag_but_the_engine_cancels_it() -> None:
    venue = Venue(Options(query_lag_ms=500, list_lag_ms=2000)).with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="a1")
    asked = {"symbol": SYMBOL, "origClientOrderId": "a1"}

    venue.now = START + 499
    assert venue.ask("GET order", **asked).body["code"] == -2013
    venue.now = START + 500
    assert venue.ask("GET order", **asked).status == 200
    venue.now = START + 1999
    assert venue.ask("GET openOrders", symbol=SYMBOL).body == []
    assert venue.ask("GET allOrders", symbol=SYMBOL).body == []
    venue.now = START + 2000
    assert len(venue.ask("GET openOrders").body) == 1

    venue.limit("BUY", 1, 90, newClientOrderId="a2")
    assert venue.cancel(origClientOrderId="a2").status == 200


def test_trades_of_a_young_order_are_not_shown_either() -> None:
    venue = Venue(Options(query_lag_ms=500)).with_market()
    venue.market("BUY", 1)

    early = venue.ask("GET myTrades", symbol=SYMBOL).body
    venue.now += 500

    assert early == []
    assert len(venue.ask("GET myTrades", symbol=SYMBOL).body) == 1


def test_the_answer_is_not_changed_by_what_happens_later() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90)
    before = venue.ask("GET openOrders").body

    venue.cancel(orderId=1)

    assert before[0]["status"] == "NEW"


DAYS_90 = 90 * 24 * HOUR
ARCHIVED = (
    "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
)


def aged(days_90_and: int) -> Venue:
    """Orders 1 to 5 at START: canceled, expired, prevented, canceled after a fill, open."""
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90)
    venue.cancel(orderId=1)
    venue.limit("BUY", 1, 90, timeInForce="IOC")
    venue.limit("BUY", 1, 100)
    venue.limit("SELL", 10, 100, timeInForce="IOC")  # expires order 3, then takes nothing
    venue.limit("BUY", 2, 101)
    venue.cancel(orderId=5)
    venue.limit("BUY", 1, 90)
    venue.now = START + DAYS_90 + days_90_and
    return venue


def test_what_ended_without_a_fill_is_archived_after_90_days() -> None:
    venue = aged(1)

    told = {
        number: venue.ask("GET order", symbol=SYMBOL, orderId=number).body for number in range(1, 7)
    }

    archived = [number for number, body in told.items() if body.get("code") == -2026]
    assert archived == [1, 2, 3, 4]
    assert told[1]["msg"] == ARCHIVED
    assert (told[5]["status"], told[6]["status"]) == ("CANCELED", "NEW")
    assert ids(venue.ask("GET allOrders", symbol=SYMBOL).body) == [5, 6]
    assert ids(venue.ask("GET openOrders", symbol=SYMBOL).body) == [6]
    span: dict[str, Any] = {"startTime": START, "endTime": START + HOUR}
    assert ids(venue.ask("GET allOrders", symbol=SYMBOL, **span).body) == [5, 6]


def test_nothing_is_archived_before() -> None:
    venue = aged(0)

    assert ids(venue.ask("GET allOrders", symbol=SYMBOL).body) == [1, 2, 3, 4, 5, 6]


def test_an_order_id_is_ignored_where_a_time_is_given() -> None:
    venue = hourly_orders(5)

    rows = venue.ask("GET allOrders", symbol=SYMBOL, orderId=4, startTime=START).body

    assert ids(rows) == [1, 2, 3, 4, 5]


def test_a_page_by_time_begins_at_the_start_or_ends_at_the_end() -> None:
    venue = hourly_orders(10)
    last = START + 9 * HOUR

    for call, name in (("GET allOrders", "orderId"), ("GET myTrades", "orderId")):
        forward = venue.ask(call, symbol=SYMBOL, startTime=START + HOUR, limit=3).body
        backward = venue.ask(call, symbol=SYMBOL, endTime=last, limit=3).body
        both = venue.ask(call, symbol=SYMBOL, startTime=START, endTime=last, limit=3).body

        assert ids(forward, name) == [2, 3, 4]
        assert ids(backward, name) == [8, 9, 10]
        assert ids(both, name) == [1, 2, 3]


def test_a_page_has_500_rows_unless_more_are_wanted_and_1000_at_most() -> None:
    venue = Venue(Options(enforce_limits=False)).with_market()
    for _ in range(1_010):
        venue.limit("BUY", "0.1", 90, timeInForce="IOC")

    sizes = [
        len(venue.ask("GET allOrders", symbol=SYMBOL, limit=limit).body)
        for limit in (None, 501, 1_000, 1_001)
    ]

    assert sizes == [500, 501, 1_000, 1_000]


@pytest.mark.parametrize(
    "asked",
    [{"orderId": 2}, {"orderId": 2, "fromId": 1}, {"startTime": START}, {"endTime": START}],
)
def test_each_legal_question_about_trades_is_answered(asked: dict[str, Any]) -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 101)
    venue.limit("BUY", 2, 102)
    every = venue.ask("GET myTrades", symbol=SYMBOL).body

    rows = venue.ask("GET myTrades", symbol=SYMBOL, **asked).body

    assert rows == (every[1:] if "orderId" in asked else every)


def test_times_that_never_were_or_are_yet_to_come_are_fitted_to_those_there_are() -> None:
    venue = hourly_orders(5)
    soon = venue.now - 20 * HOUR
    far = venue.now + 1_000 * HOUR

    recent = venue.ask("GET allOrders", symbol=SYMBOL, startTime=soon, endTime=far)
    ancient = venue.ask("GET allOrders", symbol=SYMBOL, startTime=1, endTime=1_483_228_800_000)

    assert ids(recent.body) == [1, 2, 3, 4, 5]
    assert (ancient.status, ancient.body) == (200, [])
