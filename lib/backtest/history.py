"""What a symbol's chart shows of the past: closed bars alone.

A question is asked at a moment, and whatever has not closed by then is not there to be found: the
end of the past is moved on by the market's own pace, never by who asks. Candles finer than the
recording's are taken from a modelled way through it (lib/market/candle_path.py). What was not
recorded is estimated: the quote volume from the mean of the four prices, half of the volume taken
by buyers, one trade a bar.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Final

from lib.backtest.feed import Bars
from lib.exchange import Candle
from lib.market.candle_path import Grid, Step, candle_path
from lib.market.candles import ZERO, Bar, merge_bars
from lib.market.intervals import MINUTE

STEPS_PER_MINUTE: Final = 4
HALF: Final = Decimal("0.5")
SMALLEST: Final = Decimal("1E-8")


class BarHistory:
    """One symbol's bars as lib/market/candles.py's `History`."""

    def __init__(self, bars: Bars, grid: Grid) -> None:
        self._bars = bars
        self._grid = grid
        self._paths = lru_cache(maxsize=64)(self._path)
        self.begins_at = bars.begins_at

    def bar(self, start: int, end: int) -> Bar | None:
        """Answer what was traded in [start, end); None if nothing was recorded there.

        Both on a full minute. Seconds are not recorded.
        """
        if end - start < MINUTE:
            return None
        span = self._bars.interval
        first = min(-(-start // span) * span, end)
        last = max(end // span * span, first)
        pieces = (self._minutes(start, first), self._whole(first, last), self._minutes(last, end))
        return merge_bars((bar for piece in pieces for bar in piece), start)

    def _whole(self, start: int, end: int) -> Iterator[Bar]:
        return map(completed, self._bars.between(start, end))

    def _minutes(self, start: int, end: int) -> Iterator[Bar]:
        """Yield the modelled minutes of the bars that begin before `start` or end after `end`."""
        span = self._bars.interval
        for time in range(start, end, MINUTE):
            first = time % span // MINUTE * STEPS_PER_MINUTE
            steps = self._paths(time - time % span)[first : first + STEPS_PER_MINUTE]
            if steps:
                yield _bar_of(steps, time)

    def _path(self, opening: int) -> tuple[Step, ...]:
        span = self._bars.interval
        for bar in self._bars.between(opening, opening + 1):
            candle = Candle(
                *(bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume),
                close_time=bar.open_time + span - 1,
            )
            steps = span // MINUTE * STEPS_PER_MINUTE
            return candle_path(candle, self._grid, steps=steps, chance=b"minutes")
        return ()


def completed(bar: Bar) -> Bar:
    """Estimate what a bar does not say of itself."""
    if bar.trades or bar.quote:
        return bar
    quote = bar.volume * (bar.open + bar.high + bar.low + bar.close) / 4
    return _estimated(bar, quote)


def _bar_of(steps: Iterable[Step], open_time: int) -> Bar:
    prices, volume, quote = [], ZERO, ZERO
    for step in steps:
        prices.append(step.price)
        volume += step.quantity
        quote += step.quantity * step.price
    bar = Bar(open_time, prices[0], max(prices), min(prices), prices[-1], volume)
    return _estimated(bar, quote)


def _estimated(bar: Bar, quote: Decimal) -> Bar:
    return replace(
        bar,
        volume=bar.volume.quantize(SMALLEST),
        quote=quote.quantize(SMALLEST),
        trades=1,
        taker_volume=(bar.volume * HALF).quantize(SMALLEST),
        taker_quote=(quote * HALF).quantize(SMALLEST),
    )
