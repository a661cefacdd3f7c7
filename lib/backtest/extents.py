"""How low and how high bars come, in columns: what is looked through for those that matter.

Prices are whole numbers of 10^-8. Only a stretch of a recording is held at a time, so that years
cost no more memory than days.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from lib.backtest.bar_path import Resting
from lib.backtest.feed import Bars
from lib.backtest.liquidity import LadderLiquidity, Liquidity
from lib.market.candles import FAR, Bar
from lib.quotes import Bounds
from lib.simulator.units import DECIMALS

STRETCH: Final = 1_024  # bars that are held
BACK: Final = 8  # of these, how many lie before the one that was asked for
NEVER: Final = 1 << 62  # where nothing is waited for,
FARTHEST: Final = NEVER - 1  # and beyond every price, but short of that


@dataclass(frozen=True, slots=True)
class Alert:
    """Prices at or beyond which there is something to do, in units."""

    below: int
    above: int

    def is_far(self, low: int, high: int) -> bool:
        """Say whether prices as low and as high as this concern nobody."""
        return low > self.below and high < self.above


def alert_of(waited_for: Bounds, resting: Iterable[Resting]) -> Alert:
    """Put together what a bot waits for and where its orders rest."""
    fall, rise = waited_for.below, waited_for.above
    for order in resting:
        if order.trails:
            return ALWAYS
        if order.is_buy != order.is_stop:
            fall = order.price if fall is None else max(fall, order.price)
        else:
            rise = order.price if rise is None else min(rise, order.price)
    return Alert(
        -NEVER if fall is None else _upwards(fall),
        NEVER if rise is None else _downwards(rise),
    )


ALWAYS: Final = Alert(FARTHEST, -FARTHEST)


class Stretch:
    """The bars that open in [begins, ends), ms, and how far the book around them may reach."""

    def __init__(self, extents: Iterable[tuple[int, int, int]], *, begins: int, ends: int) -> None:
        self.begins = begins
        self.ends = ends
        columns: list[array[int]] = [array("q", column) for column in zip(*extents, strict=True)]
        self.times, self.lows, self.highs = columns or [array("q") for _ in range(3)]
        self.reach = 0

    def free_until(self, time: int, last: int, alert: Alert) -> int:
        """Answer until when no bar that opens from `time` to `last` comes near; at most our end."""
        below, above = alert.below + self.reach, alert.above - self.reach
        lows, highs = self.lows, self.highs
        first, end = bisect_left(self.times, time), bisect_right(self.times, last)
        for place in range(first, end):
            if lows[place] <= below or highs[place] >= above:
                return self.times[place]
        return min(last + 1, self.ends)


class Extents:
    """Of one symbol's bars, up to a moment. Owns the stretch that is looked through."""

    def __init__(self, bars: Bars, liquidity: Liquidity, *, ends: int) -> None:
        self._bars = bars
        self._liquidity = liquidity
        self._ends = ends
        self._stretch = Stretch((), begins=0, ends=0)

    def first_from(self, time: int) -> int:
        """Answer when the first bar opens, at a time or later; FAR if none does."""
        while time < self._ends:
            stretch = self.around(time)
            place = bisect_left(stretch.times, time)
            if place < len(stretch.times):
                return stretch.times[place]
            time = stretch.ends
        return FAR

    def last_until(self, time: int) -> int:
        """Answer when the last bar opens, at a time or before; the first of all if none does."""
        begins, span = self._bars.begins_at, STRETCH * self._bars.interval
        while time >= begins:
            stretch = self.around(time)
            place = bisect_right(stretch.times, time)
            if place:
                return stretch.times[place - 1]
            time = stretch.begins - 1
            self._stretch = self._read(max(stretch.begins - span, 0), stretch.begins)
        return self.first_from(begins)

    def is_far(self, open_time: int, alert: Alert) -> bool:
        """Say whether the bar that opens then concerns nobody."""
        return self.around(open_time).free_until(open_time, open_time, alert) > open_time

    def around(self, time: int) -> Stretch:
        """Answer the stretch in which a time lies."""
        if not self._stretch.begins <= time < self._stretch.ends:
            interval = self._bars.interval
            opening = time - time % interval
            ends = min(opening + STRETCH * interval, self._ends)
            self._stretch = self._read(max(opening - BACK * interval, 0), ends)
        return self._stretch

    def _read(self, begins: int, ends: int) -> Stretch:
        if type(self._liquidity) is not LadderLiquidity:
            return Stretch(self._reaching(begins, ends), begins=begins, ends=ends)
        stretch = Stretch(extents_of(self._bars, begins, ends), begins=begins, ends=ends)
        if stretch.highs:  # a ladder reaches the farther the higher a bar is
            highest = Decimal(max(stretch.highs)).scaleb(-DECIMALS)
            bar = Bar(begins, highest, highest, highest, highest)
            stretch.reach = _upwards(self._liquidity.reach(bar))
        return stretch

    def _reaching(self, begins: int, ends: int) -> Iterable[tuple[int, int, int]]:
        """Ask a model that we do not know bar by bar."""
        for bar in self._bars.between(begins, ends):
            yield (bar.open_time, *span_of(bar, self._liquidity))


def span_of(bar: Bar, liquidity: Liquidity) -> tuple[int, int]:
    """Answer how low and how high prices and the book around them may come in a bar."""
    reach = liquidity.reach(bar)
    return _downwards(bar.low - reach), _upwards(bar.high + reach)


def extents_of(bars: Bars, begins: int, ends: int) -> Iterable[tuple[int, int, int]]:
    """Read open time, low and high, as quickly as a source can."""
    quick = getattr(bars, "extents", None)
    if quick is not None:
        found: Iterable[tuple[int, int, int]] = quick(begins, ends)
        return found
    return (
        (bar.open_time, _downwards(bar.low), _upwards(bar.high))
        for bar in bars.between(begins, ends)
    )


def _upwards(price: Decimal) -> int:
    return _whole(price, ROUND_CEILING)


def _downwards(price: Decimal) -> int:
    return _whole(price, ROUND_FLOOR)


def _whole(price: Decimal, rounding: str) -> int:
    if not price.is_finite():
        return FARTHEST if price > 0 else -FARTHEST
    return int(price.scaleb(DECIMALS).to_integral_value(rounding))
