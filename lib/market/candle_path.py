"""How the price may have moved inside a recorded candle.

A candle tells four prices and a volume, not their order. The model: the price starts at the open,
visits the extreme that lies behind it first (the low if the candle rises, the high if it falls),
then the other one, and ends at the close. Each leg gets steps in proportion to its length. Between
these four points a little noise, drawn from the seed, keeps the way from being a straight line.
Every step trades a part of the volume. Putting the trades together again gives the candle, to the
last digit, whenever its volume has a lot for each step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import shake_128
from itertools import accumulate, pairwise

from lib.exchange import Candle

STEPS_MIN = 4  # open, two extremes, close
NOISE_SHARE = 8  # the noise is at most an eighth of the candle's range


@dataclass(frozen=True, slots=True)
class Grid:
    """The smallest steps of a symbol's price and quantity."""

    tick: Decimal
    lot: Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """One trade on the way through a candle. A quantity of 0 moves the book alone."""

    price: Decimal
    quantity: Decimal
    rising: bool  # the buyer took


def candle_path(candle: Candle, grid: Grid, *, steps: int, chance: bytes) -> tuple[Step, ...]:
    """Lay out a candle's way in `steps` steps, the same for the same `chance`."""
    count = max(steps, STEPS_MIN)
    noise = shake_128(b"%d:%b" % (candle.open_time, chance)).digest(2 * count)
    ticks = _ticks(candle, grid.tick, noise[:count])
    lots = _lots(int(candle.volume / grid.lot), noise[count:])
    rising = [candle.close >= candle.open, *(after >= before for before, after in pairwise(ticks))]
    return tuple(
        Step(price * grid.tick, quantity * grid.lot, up)
        for price, quantity, up in zip(ticks, lots, rising, strict=True)
    )


def reverse(candle: Candle) -> Candle:
    """Turn a candle around in time: it ends where it began."""
    return Candle(
        open_time=candle.open_time,
        open=candle.close,
        high=candle.high,
        low=candle.low,
        close=candle.open,
        volume=candle.volume,
        close_time=candle.close_time,
    )


def _ticks(candle: Candle, tick: Decimal, noise: bytes) -> list[int]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    start, high, low, end = (int(price / tick) for price in prices)
    corners = (start, low, high, end) if end >= start else (start, high, low, end)
    places = _places(corners, len(noise))
    swing = (high - low) // NOISE_SHARE
    ticks = [start]
    for (corner, target), (here, there) in zip(pairwise(corners), pairwise(places), strict=True):
        for place in range(here + 1, there):
            straight = corner + (target - corner) * (place - here) // (there - here)
            shaken = straight + swing * (noise[place] - 128) // 128
            ticks.append(max(low, min(shaken, high)))
        ticks.append(target)
    return ticks


def _places(corners: Sequence[int], count: int) -> list[int]:
    """Choose the step at which each corner is reached; every leg has at least one step."""
    legs = [abs(after - before) for before, after in pairwise(corners)]
    way, spare = sum(legs) or 1, count - STEPS_MIN
    reached = accumulate(legs)
    places = [0, *(number + spare * far // way for number, far in enumerate(reached, 1))]
    return [*places[:-1], count - 1]


def _lots(total: int, noise: bytes) -> Iterator[int]:
    weights = [64 + byte for byte in noise]
    whole = sum(weights)
    shares = (total * reached // whole for reached in accumulate(weights, initial=0))
    return (after - before for before, after in pairwise(shares))
