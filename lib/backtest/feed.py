"""Where recorded prices come from: the bars of one symbol, whoever keeps them.

A source answers by time, exchange ms, and never holds a whole recording: a back-test of years
reads it once, in order, and looks back into it where a bot asks for candles.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from lib.data.reading import MarketReading
from lib.data.series import Kind, Series
from lib.errors import Halt
from lib.market.candles import Bar
from lib.market.intervals import DAY, INTERVALS, MINUTE
from lib.market.recordings import CandleTable


class NoSuchRecording(ValueError):
    """What was asked for was not recorded. The message says what was."""


class Bars(Protocol):
    """The candles of one symbol and one interval. Some may be missing: nobody traded, or an outage.

    They open on multiples of `interval` (ms). `begins_at` is when the first opens, `ends_at` when
    the last has closed.
    """

    @property
    def interval(self) -> int: ...

    @property
    def begins_at(self) -> int: ...

    @property
    def ends_at(self) -> int: ...

    def between(self, begins: int, ends: int) -> Iterator[Bar]:
        """Yield those that open in [begins, ends), oldest first."""
        ...

    def close(self) -> None:
        """Let go of what it reads."""
        ...


class TableBars:
    """Bars of a candle file."""

    def __init__(self, table: CandleTable) -> None:
        self._table = table
        self.interval = table.interval
        self.begins_at = table.first_open_time
        self.ends_at = self.begins_at + len(table) * self.interval

    def between(self, begins: int, ends: int) -> Iterator[Bar]:
        for row in range(*self._rows(begins, ends)):
            found = self._table[row]
            yield Bar(found.open_time, found.open, found.high, found.low, found.close, found.volume)

    def extents(self, begins: int, ends: int) -> Iterator[tuple[int, int, int]]:
        """Yield open time, low and high as whole numbers of 10^-8."""
        return self._table.extents(*self._rows(begins, ends))

    def close(self) -> None:
        """Nothing is open: the table is in memory."""

    def _rows(self, begins: int, ends: int) -> tuple[int, int]:
        first = max(0, -(-(begins - self.begins_at) // self.interval))
        return first, min(len(self._table), -(-(ends - self.begins_at) // self.interval))


class StoredBars:
    """Bars of a file of market data (lib/data/)."""

    def __init__(self, reading: MarketReading, symbol: str, interval: str) -> None:
        """Raises NoSuchRecording for a file without such candles."""
        self.interval = INTERVALS[interval]
        self._reading = reading
        self._names = (symbol, interval)
        holding = reading.holding(Series(Kind.CANDLES, symbol, interval))
        if holding.begins is None or holding.ends is None:
            raise NoSuchRecording(f"there are no candles of {symbol} at {interval}")
        self.begins_at, self.ends_at = holding.begins, holding.ends + self.interval

    def between(self, begins: int, ends: int) -> Iterator[Bar]:
        return self._reading.bars(*self._names, max(begins, 0), max(ends, 0))

    def extents(self, begins: int, ends: int) -> Iterator[tuple[int, int, int]]:
        """Yield open time, low and high as whole numbers of 10^-8."""
        rows = self._reading.candle_units(*self._names, max(begins, 0), max(ends, 0))
        return ((opened, low, high) for opened, _, high, low, *_ in rows)

    def close(self) -> None:
        self._reading.close()


def recorded_bars(folder: Path, symbol: str) -> Bars:
    """Open the finest candle file of a symbol in `folder`. Raises NoSuchRecording."""
    found = {file.name.split("-")[1]: file for file in sorted(folder.glob(f"{symbol}-*.csv*"))}
    known = sorted((INTERVALS[each], each) for each in found if _is_playable(each))
    if not known:
        there = sorted({file.name.split("-")[0] for file in folder.glob("*.csv*")})
        raise NoSuchRecording(
            f"{symbol} has no recording in {folder}, which has {', '.join(there) or 'none'}"
        )
    length, interval = known[0]
    return TableBars(CandleTable.load(found[interval], interval=length))


def stored_bars(path: Path, symbol: str) -> StoredBars:
    """Open the finest candles of a symbol in a file of market data. Raises NoSuchRecording."""
    try:
        with MarketReading(path) as reading:
            stored = [held for held in reading.holdings() if held.rows]
    except (Halt, sqlite3.Error) as wrong:
        raise NoSuchRecording(f"{path} cannot be read as market data: {wrong}") from wrong
    candles = [held.series for held in stored if held.series.kind is Kind.CANDLES]
    known = [each.interval for each in candles if each.symbol == symbol]
    playable = [interval for interval in known if _is_playable(interval)]
    if not playable:
        there = ", ".join(sorted({each.symbol for each in candles})) or "none"
        raise NoSuchRecording(f"{path} has no candles of {symbol}, only of {there}")
    return StoredBars(MarketReading(path), symbol, min(playable, key=INTERVALS.__getitem__))


def _is_playable(interval: str) -> bool:
    """Say whether bars of an interval can be played: a minute or longer, up to a day."""
    return MINUTE <= INTERVALS.get(interval, 0) <= DAY
