"""Candles that have closed, each seen once and in order, whatever was slept through.

Who evaluates candles keeps the open time of the newest one he evaluated. What opened after it and
has closed is asked for by that time, a page at once, so an outage of any length is made up for. A
candle counts as closed by the time at which it was *asked* for: an answer may be late.
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from lib.desk import Desk
from lib.errors import Unavailable
from lib.exchange import Candle

Interval: TypeAlias = Literal[
    "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w"
]

LongInterval: TypeAlias = Interval | Literal["1M"]

PAGE: Final = 1_000  # as many as one question brings
SETTLING: Final = 2_000  # ms after its end in which the last trades of a candle are counted
LATE_PAUSE: Final = 5_000  # ms until it is asked again for a candle that is late
LOOK: Final = 10_000  # ms between two looks whether who waits is still wanted

LENGTHS: Final = {
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "M": 31 * 86_400_000,  # the longest
}


def length_of(interval: LongInterval) -> int:
    """Answer how long a candle is at most, in ms."""
    return int(interval[:-1]) * LENGTHS[interval[-1]]


async def newest_closed(desk: Desk, symbol: str, interval: Interval) -> Sequence[Candle]:
    """Answer the newest candles that have closed, oldest first. Raises Unavailable."""
    asked_at = desk.now()
    return _closed(await desk.candles(symbol, interval, PAGE), asked_at)


async def closed_after(
    desk: Desk, symbol: str, interval: Interval, opened: int
) -> Sequence[Candle]:
    """Answer the first candles that opened after one, oldest first, once closed.

    There may be more after them: ask again until there are none. Raises Unavailable.
    """
    asked_at = desk.now()
    found = await desk.candles(symbol, interval, PAGE, since=opened + 1)
    return [candle for candle in _closed(found, asked_at) if candle.open_time > opened]


async def closed_until(
    desk: Desk, symbol: str, interval: Interval, opened: int, *, reach: int
) -> Sequence[Candle]:
    """Answer what opened up to a time, a candle's own, and within `reach` intervals before.

    Raises Unavailable.
    """
    assert reach <= PAGE, "one question brings no more"
    since = opened - (reach - 1) * length_of(interval)
    found = await desk.candles(symbol, interval, reach, since=max(since, 0))
    _refuse_disorder(found)
    return [candle for candle in found if candle.open_time <= opened]


async def candles_since(
    desk: Desk, symbol: str, interval: LongInterval, since: int
) -> Sequence[Candle]:
    """Answer every candle that opened at a time or later, the open one included.

    Raises Unavailable.
    """
    found: list[Candle] = []
    while page := await desk.candles(symbol, interval, PAGE, since=since):
        _refuse_disorder(page)
        found += page
        if len(page) < PAGE:
            break
        since = page[-1].open_time + 1
    return found


def next_look(interval: Interval, opened: int, now: int) -> int:
    """Answer when the candle after one has closed, or when to ask again if it is late; ms."""
    due = opened + 2 * length_of(interval) + SETTLING
    return due if due > now else now + LATE_PAUSE


def missing_before(interval: Interval, opened: int, candle: Candle) -> int:
    """Count the candles that the exchange does not have between one and the next."""
    return (candle.open_time - opened) // length_of(interval) - 1


def _closed(candles: Sequence[Candle], asked_at: int) -> Sequence[Candle]:
    _refuse_disorder(candles)
    return [candle for candle in candles if candle.close_time + SETTLING <= asked_at]


def _refuse_disorder(candles: Sequence[Candle]) -> None:
    times = [candle.open_time for candle in candles]
    if times != sorted(set(times)):
        raise Unavailable("the candles that were answered are not in order")
