"""Recorded candles, re-dated so that they end now.

Whatever the pace at which a recording is replayed, its past is shown at its own: the candle
recorded k intervals before the replay's position appears k intervals ago. Candles finer than the
recording's are taken from the modelled way through it (lib/market/candle_path.py). What was not
recorded is estimated: the quote volume from the mean of the four prices, half of the volume taken
by buyers, one trade a candle. A second is flat unless a step of that way falls into it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from lib.exchange import Candle
from lib.market.candle_path import Grid, Step, candle_path
from lib.market.candles import FAR, ZERO, Bar, merge_bars
from lib.market.intervals import MINUTE, SECOND
from lib.market.replay import Tape

STEPS_PER_MINUTE = 4
STEP = MINUTE // STEPS_PER_MINUTE
HALF = Decimal("0.5")
SMALLEST = Decimal("1E-8")


class RedatedHistory:
    """One symbol's past as the exchange shows it."""

    def __init__(self, tape: Tape, grid: Grid, *, place: int, now: int, chance: bytes) -> None:
        """Let the candles before `place` end in the interval that contains `now`."""
        self._tape = tape
        self._grid = grid
        self._chance = chance
        self._span = tape.interval
        self._last_place = place - 1
        self._last_start = now - now % self._span
        self.begins_at = self._last_start - self._last_place * self._span if place else FAR
        self._merged = lru_cache(maxsize=2_048)(self._merge)
        self._paths = lru_cache(maxsize=64)(self._path)

    def bar(self, start: int, end: int) -> Bar | None:
        return self._second(start) if end - start == SECOND else self._merged(start, end)

    def _merge(self, start: int, end: int) -> Bar | None:
        return merge_bars(self._pieces(start, end), start)

    def _pieces(self, start: int, end: int) -> Iterator[Bar | None]:
        """Yield minutes up to the first whole recorded candle, all whole ones, minutes again."""
        first = min(-(-start // self._span) * self._span, end)
        last = max(end // self._span * self._span, first)
        yield from (self._minute(time) for time in range(start, first, MINUTE))
        yield _bar_of(self._candles(first, last), first)
        yield from (self._minute(time) for time in range(last, end, MINUTE))

    def _candles(self, start: int, end: int) -> list[Candle]:
        found = (self._candle(time) for time in range(start, end, self._span))
        return [candle for candle in found if candle is not None]

    def _candle(self, start: int) -> Candle | None:
        place = self._last_place - (self._last_start - start) // self._span
        return self._tape.candle(place) if 0 <= place <= self._last_place else None

    def _minute(self, time: int) -> Bar | None:
        first = time % self._span // STEP
        steps = self._paths(time - time % self._span)[first : first + STEPS_PER_MINUTE]
        return _bar_of_steps(steps, time) if steps else None

    def _second(self, time: int) -> Bar | None:
        number, into_step = divmod(time % self._span, STEP)
        path = self._paths(time - time % self._span)
        if not path:
            return None
        price = path[number].price
        if into_step < SECOND:
            return _bar_of_steps(path[number : number + 1], time)
        return Bar(time, price, price, price, price)

    def _path(self, start: int) -> Sequence[Step]:
        """Lay out the way through the candle that begins at `start`; empty if there is none."""
        candle = self._candle(start)
        if candle is None:
            return ()
        steps = self._span // STEP
        return candle_path(candle, self._grid, steps=steps, chance=self._chance)


def _bar_of(candles: Sequence[Candle], open_time: int) -> Bar | None:
    if not candles:
        return None
    quotes = (
        candle.volume * (candle.open + candle.high + candle.low + candle.close)
        for candle in candles
    )
    return _estimated(
        Bar(
            open_time,
            candles[0].open,
            max(candle.high for candle in candles),
            min(candle.low for candle in candles),
            candles[-1].close,
            sum((candle.volume for candle in candles), ZERO),
            trades=len(candles),
        ),
        quote=sum(quotes, ZERO) / 4,
    )


def _bar_of_steps(steps: Sequence[Step], open_time: int) -> Bar:
    prices = [step.price for step in steps]
    return _estimated(
        Bar(
            open_time,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum((step.quantity for step in steps), ZERO),
            trades=1,
        ),
        quote=sum((step.quantity * step.price for step in steps), ZERO),
    )


def _estimated(bar: Bar, *, quote: Decimal) -> Bar:
    return replace(
        bar,
        quote=quote.quantize(SMALLEST),
        taker_volume=(bar.volume * HALF).quantize(SMALLEST),
        taker_quote=(quote * HALF).quantize(SMALLEST),
    )
