from typing import Any

import pytest

from lib.simulator.engine.limits import Limits
from lib.simulator.exchange import Options, Request
from lib.simulator.refusals import Refusal
from tests.simulator.venue import START, SYMBOL, Venue, exchange_info, refusal


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


def test_an_order_list_counts_all_its_orders_at_once() -> None:
    limits = Limits(tight(orders=5)["rateLimits"], Options())
    limits.turn(START)

    limits.count_order("alice", START, orders=3)
    limits.count_order("alice", START, orders=3)

    assert limits.order_headers("alice")["X-MBX-ORDER-COUNT-10S"] == "6"
    with pytest.raises(Refusal) as refused:
        limits.count_order("alice", START)
    assert (refused.value.code, refused.value.status) == (-1015, 429)


def test_an_order_that_the_short_window_refuses_counts_in_the_day_all_the_same() -> None:
    limits = Limits(tight(orders=1)["rateLimits"], Options())
    limits.count_order("alice", START)

    with pytest.raises(Refusal):
        limits.count_order("alice", START)

    headers = limits.order_headers("alice")
    assert (headers["X-MBX-ORDER-COUNT-10S"], headers["X-MBX-ORDER-COUNT-1D"]) == ("1", "2")


def test_an_order_after_its_window_has_passed_is_the_first_of_the_next() -> None:
    limits = Limits(tight(orders=1)["rateLimits"], Options())
    limits.count_order("alice", START)

    limits.count_order("alice", START + 10_000)

    headers = limits.order_headers("alice")
    assert (headers["X-MBX-ORDER-COUNT-10S"], headers["X-MBX-ORDER-COUNT-1D"]) == ("1", "2")


def test_each_address_has_a_weight_of_its_own() -> None:
    limits = Limits(tight(weight=10)["rateLimits"], Options())
    limits.turn(START)

    limits.weigh(10, "10.0.0.1")

    assert limits.headers("10.0.0.1")["X-MBX-USED-WEIGHT-1M"] == "10"
    assert limits.headers("10.0.0.2")["X-MBX-USED-WEIGHT-1M"] == "0"
    limits.refuse_weight(START, "10.0.0.2")
    with pytest.raises(Refusal) as refused:
        limits.refuse_weight(START, "10.0.0.1")
    assert refused.value.status == 429


def test_a_ban_lasts_twice_as_long_each_time_and_never_longer_than_three_days() -> None:
    limits = Limits(tight(weight=1)["rateLimits"], Options(ban_after=1, ban_ms=120_000))
    now = START - START % 60_000
    lasted = []

    for _ in range(14):
        limits.turn(now)
        limits.weigh(1)
        for _ in range(2):
            with pytest.raises(Refusal):
                limits.refuse_weight(now)
        lasted.append(limits.banned_until("") - now)
        now += lasted[-1]

    assert lasted[:4] == [120_000, 240_000, 480_000, 960_000]
    assert lasted[-2:] == [3 * 86_400_000] * 2


def test_a_ban_is_over_at_its_end_and_not_before() -> None:
    limits = Limits(tight()["rateLimits"], Options())
    limits.ban("10.0.0.1", START + 5_000)

    with pytest.raises(Refusal) as refused:
        limits.refuse_banned(START + 4_999, "10.0.0.1")
    limits.refuse_banned(START + 5_000, "10.0.0.1")
    limits.refuse_banned(START, "10.0.0.2")

    assert (refused.value.status, refused.value.headers) == (418, {"Retry-After": "1"})


def test_requests_are_counted_whatever_they_weigh() -> None:
    entry = {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 2}
    limits = Limits([entry], Options())
    limits.turn(START)
    limits.count_raw(START, "10.0.0.1")
    limits.count_raw(START, "10.0.0.1")
    limits.count_raw(START, "10.0.0.2")

    with pytest.raises(Refusal) as refused:
        limits.count_raw(START, "10.0.0.1")

    assert (refused.value.code, refused.value.status) == (-1003, 429)
    limits.turn(START + 300_000)
    limits.count_raw(START + 300_000, "10.0.0.1")


def test_three_hundred_connections_may_be_tried_in_five_minutes() -> None:
    limits = Limits(tight()["rateLimits"], Options())
    limits.turn(START)
    for _ in range(300):
        limits.count_attempt(START, "10.0.0.1")

    with pytest.raises(Refusal) as refused:
        limits.count_attempt(START, "10.0.0.1")

    assert (refused.value.code, refused.value.status) == (-1034, 429)
    limits.count_attempt(START, "10.0.0.2")


def test_what_is_not_enforced_is_counted_all_the_same() -> None:
    limits = Limits(tight(orders=1)["rateLimits"], Options(enforce_limits=False))
    limits.turn(START)
    for _ in range(400):
        limits.count_attempt(START)
        limits.count_order("alice", START)

    assert limits.order_headers("alice")["X-MBX-ORDER-COUNT-10S"] == "400"


def test_the_counts_survive_a_restart_as_far_as_their_windows_last() -> None:
    before = Limits(tight()["rateLimits"], Options())
    before.turn(START)
    before.weigh(7, "10.0.0.1")
    before.count_order("alice", START)
    before.ban("10.0.0.2", START + 60_000)

    after = Limits(tight()["rateLimits"], Options())
    after.restore(before.snapshot())

    after.turn(START)
    assert after.order_headers("alice", "10.0.0.1") == before.order_headers("alice", "10.0.0.1")
    assert after.banned_until("10.0.0.2") == START + 60_000
    after.turn(START + 60_000)
    later = after.order_headers("alice", "10.0.0.1")
    assert (later["X-MBX-USED-WEIGHT-1M"], later["X-MBX-ORDER-COUNT-1D"]) == ("0", "1")


def test_an_exchange_goes_on_counting_from_its_books() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90)
    venue.exchange.note()

    again = Venue(books=venue.books, now=venue.now)

    assert again.ask("GET ping", None).headers == venue.ask("GET ping", None).headers
    count = again.exchange.limits.order_headers("alice")["X-MBX-ORDER-COUNT-1D"]
    assert count == "1"


def test_who_is_not_believed_pays_the_weight_of_the_call() -> None:
    venue = Venue()
    forged = Request("GET", "/api/v3/account", {}, None, venue.now, "10.0.0.1")

    answer = venue.exchange.turn_away(forged, Refusal(-1022, "no", status=400))

    assert (answer.status, answer.headers["X-MBX-USED-WEIGHT-1M"]) == (400, "20")


def test_a_banned_address_is_told_so_before_its_signature_is_looked_at() -> None:
    venue = Venue()
    venue.exchange.limits.ban("10.0.0.1", venue.now + 1_000)
    forged = Request("GET", "/api/v3/account", {}, None, venue.now, "10.0.0.1")

    answer = venue.exchange.turn_away(forged, Refusal(-1022, "no"))

    assert (answer.status, answer.body["code"]) == (418, -1003)


def test_the_answer_to_a_cancel_tells_no_order_count() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90)
    venue.limit("BUY", 1, 91)

    canceled = (
        venue.cancel(orderId=1),
        venue.ask("DELETE openOrders", symbol=SYMBOL),
        venue.ask("DELETE orderList", symbol=SYMBOL, orderListId=0),
    )

    assert [answer.status for answer in canceled] == [200, 200, 400]
    for answer in canceled:
        assert set(answer.headers) == {"X-MBX-USED-WEIGHT", "X-MBX-USED-WEIGHT-1M"}
