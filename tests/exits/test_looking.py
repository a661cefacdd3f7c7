"""A price, the time or a save has what stands for coins be looked at, whichever comes first."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from lib.exits.looking import look, stir
from lib.quotes import Bounds
from tests.scripted_venue import Office, play

BELOW = Bounds(below=Decimal(59_000))


def waited(times: Sequence[int], falls_after: float = 0) -> int:
    """Answer for how long it is waited, ms; times are counted from the beginning."""

    async def story(office: Office) -> int:
        office.floor.quotes.open("BTCUSDT")
        office.quote("60000")
        began = office.now()
        if falls_after:
            office.loop.call_later(falls_after, office.quote, "58000")
        await stir(office.desk, "BTCUSDT", [began + each for each in times], [BELOW])
        return office.now() - began

    return play(story)


@pytest.mark.parametrize("times", [[], [4_000], [60_000]])
def test_a_price_is_heard_at_once_however_near_a_time_is(times: list[int]) -> None:
    assert 300 <= waited(times, falls_after=0.3) < 350


def test_the_nearest_time_to_come_ends_the_wait() -> None:
    assert 2_500 <= waited([-1, 0, 2_500, 4_000]) < 2_550


def test_it_is_looked_again_after_ten_seconds_at_the_latest() -> None:
    assert 10_000 <= waited([30_000]) < 10_050


def test_a_price_that_cannot_be_had_is_zero() -> None:
    async def story(office: Office) -> tuple[Decimal, Decimal]:
        office.floor.quotes.open("BTCUSDT")
        office.quote("60000")
        quote = await look(office.desk, "BTCUSDT", ["last", "bid"])
        return quote.last, quote.bid

    assert play(story) == (Decimal(60_000), Decimal(0))
