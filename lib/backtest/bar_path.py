"""The way of the price through one bar, by a model that is stated and chosen.

A candle tells four prices and a volume, not their order. The price goes in four steps: the open at
the bar's first millisecond, one extreme after a third of it, the other after two thirds, the close
at its last millisecond; each trades a quarter of the volume. Whether the first trade of a bar
bought or sold is not recorded either, and must not follow from where the bar goes: the last digit
of its price settles it. The model says which extreme comes first:

    low_first, high_first   always that one
    pessimistic             the one that hurts: what our orders would profit from comes last

Pessimistic asks, in this order: would a stop of ours be reached? Then the extreme with the stop
comes first, so that a stop and a take profit inside one bar count as the loss. Would a resting
limit order be reached? Then its extreme comes last, so that nothing bought at the low is sold at
the high of the same bar. Otherwise: whoever holds coins sees the low first, whoever holds none the
high. Where both answers apply at once, the extreme nearer to the open comes first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from lib.market.candle_path import Grid, Step
from lib.market.candles import Bar

STEPS: Final = 4


class PathModel(StrEnum):
    """Which extreme of a bar comes first."""

    PESSIMISTIC = "pessimistic"
    HIGH_FIRST = "high_first"
    LOW_FIRST = "low_first"


@dataclass(frozen=True, slots=True)
class Resting:
    """What one open order of ours waits for: its stop price if it has one, else its price."""

    is_buy: bool
    is_stop: bool
    price: Decimal
    trails: bool = False  # with every price

    def is_reached(self, *, low: Decimal, high: Decimal) -> bool:
        """Say whether prices as low and as high as this concern it."""
        if self.trails:
            return True
        waits_below = self.is_buy != self.is_stop
        return self.price >= low if waits_below else self.price <= high


def way_through(bar: Bar, grid: Grid, share: Decimal, *, low_first: bool) -> tuple[Step, ...]:
    """Lay out a bar's four steps, each with a `share` of what it traded, in whole lots."""
    extremes = (bar.low, bar.high) if low_first else (bar.high, bar.low)
    prices = (bar.open, *extremes, bar.close)
    lots = int(bar.volume * share / grid.lot)
    each, left = divmod(lots, STEPS)
    rising = (_opens_rising(bar, grid), not low_first, low_first, bar.close >= extremes[1])
    return tuple(
        Step(price, grid.lot * (each + (left if number == STEPS - 1 else 0)), up)
        for number, (price, up) in enumerate(zip(prices, rising, strict=True))
    )


def _opens_rising(bar: Bar, grid: Grid) -> bool:
    """Say whether the first trade bought, by what is known with it: its price."""
    return bool(bar.open // grid.tick % 2)


def step_time(open_time: int, interval: int, number: int) -> int:
    """Answer when a step is taken, exchange ms: the last one while the bar is still open."""
    return open_time + number * (interval - 1) // (STEPS - 1)


def low_comes_first(
    model: PathModel, bar: Bar, resting: Iterable[Resting], *, holds_coins: bool
) -> bool:
    """Decide by the model which extreme comes first. `resting` is what we have open there."""
    if model is not PathModel.PESSIMISTIC:
        return model is PathModel.LOW_FIRST
    stops, limits = set(), set()
    for each in resting:
        if each.is_stop and bar.low <= each.price <= bar.high:
            stops.add(each.price <= bar.open)
        elif not each.is_stop:
            reached = each.price >= bar.low if each.is_buy else each.price <= bar.high
            limits |= {not each.is_buy} if reached else set()
    for found in (stops, limits):
        if found:
            return found.pop() if len(found) == 1 else _low_is_nearer(bar)
    return holds_coins


def _low_is_nearer(bar: Bar) -> bool:
    return bar.open - bar.low <= bar.high - bar.open
