"""Binance's limits, kept under virtual time."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from lib.binance.budget import DAY, MINUTE, Budget
from lib.binance.transport import Reply
from lib.clock import ExchangeClock
from lib.errors import NotSent
from lib.exchange import Urgency
from tests.binance.virtually import run, ticks_of
from tests.virtual_time import VirtualLoop

START = 1_700_000_040_000 // MINUTE * MINUTE


def virtually(story: Callable[[Budget, ExchangeClock], Coroutine[None, None, None]]) -> None:
    """Run a story that begins with the exchange's minute."""
    loop = VirtualLoop()
    clock = ExchangeClock(ticks_of(loop))
    clock.measured(START, 0, 0)
    run(loop, story(Budget(clock), clock))


def used(weight: int, **orders: int) -> Reply:
    counts = {f"X-MBX-ORDER-COUNT-{name}": str(count) for name, count in orders.items()}
    return Reply(200, {}, {"X-MBX-USED-WEIGHT-1M": str(weight), **counts})


def limited(code: int, status: int = 429, message: str = "", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"code": code, "msg": message}, named)


def test_lets_pass_at_once_while_there_is_room() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        await budget.admit(20, Urgency.ORDER, orders=1)

        assert clock.now() == START

    virtually(story)


@pytest.mark.parametrize(
    ("urgency", "passes", "waits"),
    [(Urgency.HISTORY, 3_590, 3_591), (Urgency.ORDER, 5_390, 5_391), (Urgency.POLL, 5_990, 5_991)],
)
def test_each_urgency_goes_up_to_its_share(urgency: Urgency, passes: int, waits: int) -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        budget.hear(used(passes), weight=0)
        await budget.admit(10, urgency, until=START + DAY)
        assert clock.now() == START

        budget.hear(used(waits), weight=10)
        await budget.admit(10, urgency, until=START + DAY)
        assert clock.now() == START + MINUTE

    virtually(story)


def test_counts_what_was_sent_and_not_yet_answered() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        for _ in range(60):
            await budget.admit(100, Urgency.POLL)

        with pytest.raises(NotSent, match="60000 ms"):
            await budget.admit(100, Urgency.POLL)

    virtually(story)


def test_takes_binances_count_over_its_own() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        for _ in range(60):
            await budget.admit(100, Urgency.POLL)
            budget.hear(used(5), weight=100)  # a success weighs nothing

        await budget.admit(100, Urgency.POLL)
        assert clock.now() == START

    virtually(story)


def test_a_request_that_never_left_costs_nothing() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        for _ in range(200):
            await budget.admit(100, Urgency.ORDER, orders=1)
            budget.forget(100, orders=1)

        assert clock.now() == START

    virtually(story)


def test_orders_wait_for_the_next_ten_seconds() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        for _ in range(51):
            await budget.admit(1, Urgency.ORDER, orders=1)

        assert clock.now() == START + 10_000

    virtually(story)


def test_an_order_that_would_come_too_late_is_not_kept_waiting() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        budget.hear(used(1, **{"10S": 50}), weight=0)

        with pytest.raises(NotSent):
            await budget.admit(1, Urgency.ORDER, orders=1, until=START + 9_999)

        assert clock.now() == START

    virtually(story)


def test_questions_pass_while_orders_are_limited() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        budget.hear(limited(-1015, Retry_After="7"), weight=1, orders=1)

        await budget.admit(4, Urgency.POLL)
        assert clock.now() == START
        await budget.admit(1, Urgency.ORDER, orders=1, until=START + 60_000)
        assert clock.now() >= START + 7_000

    virtually(story)


@pytest.mark.parametrize("status", [429, 418])
def test_nothing_is_asked_until_a_ban_is_over(status: int) -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        budget.hear(limited(-1003, status, Retry_After="120"), weight=1)

        for urgency in Urgency:
            with pytest.raises(NotSent):
                await budget.admit(1, urgency, until=START + 119_000)
        assert budget.silence >= 120_000
        await budget.admit(1, Urgency.POLL, until=START + DAY)
        assert clock.now() >= START + 120_000

    virtually(story)


def test_reads_the_end_of_a_ban_from_its_message() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        message = f"Way too much request weight used; IP banned until {START + 300_000}. Please"
        budget.hear(limited(-1003, 418, message), weight=1)

        await budget.admit(1, Urgency.POLL, until=START + DAY)
        assert clock.now() == START + 300_000

    virtually(story)


def test_keeps_quiet_for_a_while_after_a_limit_that_names_no_end() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        budget.hear(Reply(403, text="<html>"), weight=1)

        await budget.admit(1, Urgency.POLL, until=START + DAY)
        assert clock.now() == START + MINUTE

    virtually(story)


def test_keeps_a_ban_that_came_before_the_time_was_known() -> None:
    loop = VirtualLoop()
    clock = ExchangeClock(ticks_of(loop))
    budget = Budget(clock)
    budget.hear(limited(-1003, 418, Retry_After="30"), weight=1)

    async def ask() -> None:
        await budget.admit(1, Urgency.HISTORY)

    run(loop, ask())
    assert ticks_of(loop)() >= 30_000


def test_windows_turn_with_the_exchanges_time_and_not_with_ours() -> None:
    loop = VirtualLoop()
    clock = ExchangeClock(ticks_of(loop))
    clock.measured(START + 55_000, 0, 0)
    budget = Budget(clock)
    budget.hear(used(6_000), weight=0)

    async def ask() -> None:
        await budget.admit(1, Urgency.POLL)

    run(loop, ask())
    assert ticks_of(loop)() == 5_000


def test_history_lets_everyone_else_go_first() -> None:
    went: list[Urgency] = []

    async def ask(budget: Budget, urgency: Urgency) -> None:
        await budget.admit(10, urgency, until=START + DAY)
        went.append(urgency)

    async def story(budget: Budget, clock: ExchangeClock) -> None:
        budget.hear(used(6_000), weight=0)
        await asyncio.gather(*(ask(budget, each) for each in reversed(Urgency)))

    virtually(story)
    assert went[-1] is Urgency.HISTORY


def test_adopts_the_limits_that_exchange_info_states() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        rows: list[dict[str, object]] = [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": 100,
            },
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 2},
            {"rateLimitType": "ORDERS", "interval": "CENTURY", "intervalNum": 1, "limit": 2},
            {"rateLimitType": "ORDERS", "interval": "DAY", "limit": "many"},
        ]
        budget.adopt(rows)
        for _ in range(3):
            await budget.admit(1, Urgency.ORDER, orders=1)
        assert clock.now() == START + 10_000

        with pytest.raises(NotSent):
            await budget.admit(90, Urgency.ORDER)

    virtually(story)


@pytest.mark.parametrize("value", ["", "many", "-1", "1.5", "٣"])
def test_a_header_that_is_no_number_is_as_good_as_none(value: str) -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        headers = {"X-MBX-USED-WEIGHT-1M": value, "X-MBX-ORDER-COUNT-10S": value}
        budget.hear(Reply(200, {}, headers), weight=1, orders=1)
        budget.hear(Reply(429, None, {"Retry-After": value}), weight=1)

        assert budget.silence == MINUTE

    virtually(story)
