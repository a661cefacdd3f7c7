"""How soon a lost stream is tried again, in virtual time."""

import asyncio
from itertools import pairwise

import pytest

from lib.binance.connection import Connection, Keeper, Patience
from lib.errors import NotSent, Unavailable
from tests.binance.virtually import run
from tests.virtual_time import VirtualLoop

HOUR = 3_600.0


def tries(failure: Unavailable, *, each_takes: float) -> list[float]:
    """Have every try of an hour fail like this; answer when they began, in seconds."""
    loop = VirtualLoop()
    began: list[float] = []

    async def fail() -> Connection:
        began.append(loop.time())
        await asyncio.sleep(each_takes)
        raise failure

    async def story() -> None:
        keeper = Keeper(
            "tried",
            fail,
            on_ready=lambda: None,
            on_lost=lambda _: None,
            patience=Patience(),
            chance=lambda below: below - 1,
        )
        await asyncio.sleep(HOUR)
        await keeper.close()

    run(loop, story())
    return began


def pauses(began: list[float]) -> list[float]:
    return [round(after - before, 3) for before, after in pairwise(began)]


def test_an_exchange_that_turns_us_away_is_tried_every_five_seconds_in_the_end() -> None:
    found = pauses(tries(Unavailable("503"), each_takes=0.1))

    assert found[0] == 0.1
    assert set(found[10:]) == {5.0}


@pytest.mark.parametrize("each_takes", [0.0, 0.2])
def test_where_nobody_is_reached_the_next_try_comes_within_a_second(each_takes: float) -> None:
    found = pauses(tries(NotSent("no connection"), each_takes=each_takes))

    assert max(found) == 1.0


def test_a_try_that_took_long_is_followed_by_the_next_at_once() -> None:
    found = pauses(tries(Unavailable("no answer"), each_takes=5.0))

    assert set(found) == {5.0}


def test_no_five_minutes_see_more_tries_than_binance_allows_connections() -> None:
    began = tries(Unavailable("503"), each_takes=0.0)

    assert max(sum(at <= each < at + 300 for each in began) for at in began) < 300 // 2
