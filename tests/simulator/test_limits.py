from typing import Any

import pytest

from lib.simulator.exchange import Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal


def tight(*, weight: int = 6000, orders: int = 50, day: int = 160_000) -> dict[str, Any]:
    return exchange_info(
        rateLimits=[
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "limit": weight},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "limit": orders},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": day},
            {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "limit": 61_000},
        ]
    )


@pytest.mark.parametrize(
    ("call", "params", "weight"),
    [
        ("GET ping", {}, 1),
        ("GET time", {}, 1),
        ("GET exchangeInfo", {}, 20),
        ("GET depth", {"symbol": SYMBOL}, 5),
        ("GET depth", {"symbol": SYMBOL, "limit": 500}, 25),
        ("GET depth", {"symbol": SYMBOL, "limit": 1000}, 50),
        ("GET depth", {"symbol": SYMBOL, "limit": 5000}, 250),
        ("GET trades", {"symbol": SYMBOL}, 25),
        ("GET klines", {"symbol": SYMBOL, "interval": "1m"}, 2),
        ("GET avgPrice", {"symbol": SYMBOL}, 2),
        ("GET ticker/24hr", {"symbol": SYMBOL}, 2),
        ("GET ticker/24hr", {}, 80),
        ("GET ticker/price", {"symbol": SYMBOL}, 2),
        ("GET ticker/price", {}, 4),
        ("GET ticker/bookTicker", {"symbol": SYMBOL}, 2),
    ],
)
def test_each_public_call_weighs_what_binance_says(
    call: str, params: dict[str, Any], weight: int
) -> None:
    answer = Venue().ask(call, None, **params)

    assert answer.status == 200
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


@pytest.mark.parametrize(
    ("call", "params", "weight"),
    [
        ("GET account", {}, 20),
        ("GET openOrders", {"symbol": SYMBOL}, 6),
        ("GET openOrders", {}, 80),
        ("GET allOrders", {"symbol": SYMBOL}, 20),
        ("GET myTrades", {"symbol": SYMBOL}, 20),
        ("GET myTrades", {"symbol": SYMBOL, "orderId": 1}, 5),
        ("GET order", {"symbol": SYMBOL, "orderId": 1}, 4),
        ("DELETE order", {"symbol": SYMBOL, "orderId": 1}, 1),
    ],
)
def test_each_private_call_weighs_what_binance_says(
    call: str, params: dict[str, Any], weight: int
) -> None:
    answer = Venue().ask(call, **params)

    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


def test_a_successful_order_and_cancel_weigh_nothing() -> None:
    venue = Venue().with_market()

    placed = venue.limit("BUY", 1, 90)
    canceled = venue.cancel(orderId=1)

    assert placed.headers["X-MBX-USED-WEIGHT-1M"] == "0"
    assert canceled.headers["X-MBX-USED-WEIGHT-1M"] == "0"


def test_weight_used_up_is_refused_until_the_minute_is_over() -> None:
    venue = Venue(info=tight(weight=40))
    venue.now += 60_000 - venue.now % 60_000 + 15_500
    venue.ask("GET account")
    venue.ask("GET account")

    refused = venue.ask("GET ping", None)
    venue.now += 44_500
    later = venue.ask("GET ping", None)

    assert refusal(refused) == (
        429,
        -1003,
        "Too much request weight used; current limit is 40 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
    )
    assert refused.headers["Retry-After"] == "45"
    assert later.status == 200
    assert later.headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_who_goes_on_asking_is_banned_for_a_while() -> None:
    venue = Venue(Options(ban_after=2, ban_ms=120_000), tight(weight=1))
    venue.ask("GET ping", None)

    statuses = [venue.ask("GET ping", None).status for _ in range(4)]
    banned = venue.ask("GET ping", None)
    until = venue.now + 120_000
    venue.now = until

    assert statuses == [429, 429, 418, 418]
    assert f"IP banned until {until}." in banned.body["msg"]
    assert banned.headers["Retry-After"] == "120"
    assert venue.ask("GET ping", None).status == 200


def test_too_many_unfilled_orders_are_refused_until_the_window_is_over() -> None:
    venue = Venue(info=tight(orders=2))
    venue.now -= venue.now % 10_000

    answers = [venue.limit("BUY", 1, 90) for _ in range(3)]
    venue.now += 10_000
    later = venue.limit("BUY", 1, 90)

    assert refusal(answers[2]) == (
        429,
        -1015,
        "Too many new orders; current limit is 2 orders per 10 SECOND.",
    )
    assert answers[2].headers["Retry-After"] == "10"
    assert (later.status, later.headers["X-MBX-ORDER-COUNT-10S"]) == (200, "1")
    assert later.headers["X-MBX-ORDER-COUNT-1D"] == "4"


def test_an_exceeded_day_leaves_the_seconds_alone() -> None:
    venue = Venue(info=tight(day=1))
    venue.limit("BUY", 1, 90)

    refused = venue.limit("BUY", 1, 90)

    assert refused.body["msg"] == "Too many new orders; current limit is 1 orders per 1 DAY."
    assert refused.headers["X-MBX-ORDER-COUNT-10S"] == "1"


def test_a_first_fill_is_taken_off_the_unfilled_orders() -> None:
    venue = Venue().with_market()
    for _ in range(7):
        venue.limit("BUY", "0.1", 90)

    taken = venue.limit("BUY", 3, 101, timeInForce="IOC")
    venue.last(90, "0.05", seller=True)
    venue.last(90, "0.05", seller=True)
    after = venue.limit("BUY", "0.1", 90)

    assert taken.headers["X-MBX-ORDER-COUNT-10S"] == "7"
    assert after.headers["X-MBX-ORDER-COUNT-10S"] == "3"


def test_each_account_has_an_order_count_of_its_own() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90)

    assert venue.limit("BUY", 1, 90, "bob").headers["X-MBX-ORDER-COUNT-10S"] == "1"


def test_limits_switched_off_are_counted_and_never_refused() -> None:
    venue = Venue(Options(enforce_limits=False), tight(weight=1, orders=1))

    answers = [venue.limit("BUY", 1, 90) for _ in range(3)]

    assert [answer.status for answer in answers] == [200] * 3
    assert answers[2].headers["X-MBX-ORDER-COUNT-10S"] == "3"
