"""Timers of one moment ring in the order in which they were set, whatever else is waited for."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from lib.backtest.virtual_time import VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.abandon()


@pytest.mark.parametrize("seed", range(10))
def test_timers_of_one_moment_ring_in_the_order_of_setting(loop: VirtualLoop, seed: int) -> None:
    chance = random.Random(seed)
    rang: list[int] = []
    others = []
    for number in range(30):
        loop.call_at(10.0, rang.append, number)
        others += [loop.call_at(chance.uniform(0, 20), lambda: None) for _ in range(3)]
        others.pop(chance.randrange(len(others))).cancel()

    loop.run_until_complete(asyncio.sleep(15))

    assert rang == list(range(30))


def test_time_stands_exactly_where_the_next_timer_is(loop: VirtualLoop) -> None:
    passed: list[float] = []

    def passing(until: float) -> None:
        passed.append(until)
        loop.move_to(until)

    loop.passing = passing
    times = [number / 7 for number in range(1, 50)]
    for at in times:
        loop.call_at(at, lambda: None)
    loop.run_until_complete(asyncio.sleep(10))

    assert set(times) <= set(passed)


def test_a_timer_that_is_days_away_is_reached(loop: VirtualLoop) -> None:
    loop.passing = loop.move_to

    loop.run_until_complete(asyncio.sleep(300_000))

    assert loop.time() == pytest.approx(300_000)
