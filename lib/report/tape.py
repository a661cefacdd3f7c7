"""The candles of a run, read again once it is over: what the bots' fills are measured by."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Final, Protocol, TypeAlias

from lib.backtest.backtest import Outcome
from lib.backtest.feed import Bars
from lib.backtest.flows import open_flow
from lib.backtest.recordings import open_bars
from lib.backtest.settings import BacktestSettings
from lib.backtest.ticks import Ticks, bar_of
from lib.market.candles import Bar
from lib.market.intervals import HOUR, MINUTE, SECOND

SHORT: Final = 2 * HOUR  # ms; of so short a run every second is looked at


class Candles(Protocol):
    """One symbol's candles of one interval (ms), read by time."""

    @property
    def interval(self) -> int: ...

    def between(self, begins: int, ends: int) -> Iterator[Bar]:
        """Yield those that open in [begins, ends), oldest first."""
        ...


Tape: TypeAlias = Mapping[str, Candles]
Close: TypeAlias = tuple[int, str, Decimal]


class TickCandles:
    """Single trades as candles; where nobody traded there is none."""

    def __init__(self, ticks: Ticks, interval: int) -> None:
        self.interval = interval
        self._ticks = ticks

    def between(self, begins: int, ends: int) -> Iterator[Bar]:
        span = self.interval
        ticks = self._ticks.between(begins, ends)
        for opening, together in groupby(ticks, key=lambda tick: tick.time - tick.time % span):
            yield bar_of(opening, together)


def closes(tape: Tape, begins: int, ends: int) -> Iterator[tuple[int, list[Close]]]:
    """Yield what closed at each moment after `begins` up to `ends`, in common time."""
    lanes = (_closes(symbol, candles, begins, ends) for symbol, candles in tape.items())
    for time, group in groupby(merge(*lanes), key=itemgetter(0)):
        yield time, list(group)


def _closes(symbol: str, candles: Candles, begins: int, ends: int) -> Iterator[Close]:
    interval = candles.interval
    for bar in candles.between(begins, ends):
        yield min(bar.open_time + interval, ends), symbol, bar.close


@contextmanager
def open_tape(outcome: Outcome, settings: BacktestSettings) -> Iterator[Tape]:
    """Open the candles of what a run played, and close them behind it."""
    length = outcome.period.ends - outcome.period.begins
    with ExitStack() as opened:
        yield {symbol: _open(settings, symbol, length, opened) for symbol in outcome.closing}


def _open(settings: BacktestSettings, symbol: str, length: int, opened: ExitStack) -> Candles:
    flow = open_flow(settings, symbol) if settings.market == "trades" else None
    if flow is not None:
        opened.callback(flow.ticks.close)
        return TickCandles(flow.ticks, SECOND if length <= SHORT else MINUTE)
    bars: Bars = open_bars(settings.data, symbol)
    opened.callback(bars.close)
    return bars
