"""Reads a file of market data: candles, trades and recordings, oldest first, in flat memory.

It is read a page at a time, each with a transaction of its own: a reader that takes hours holds up
nobody who writes. Times are exchange ms, spans half open.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from lib.data.amounts import amount_of
from lib.data.file import open_for_reading
from lib.data.rows import AggregateTrade, bar_of
from lib.data.series import Kind, Series, Span, uncovered
from lib.exchange import Candle
from lib.market.candles import Bar
from lib.market.intervals import Frame
from lib.market.recordings import Captured, read_line

PAGE: Final = 10_000
END_OF_TIME: Final = 2**62

CANDLE_QUERY: Final = """SELECT open_time, trades, open, high, low, close, volume, quote,
taker_volume, taker_quote FROM candles WHERE series = ? AND open_time >= ? AND open_time < ?
ORDER BY open_time LIMIT ?"""
SHORT_CANDLE_QUERY: Final = """SELECT open_time, open, high, low, close, volume FROM candles
WHERE series = ? AND open_time >= ? AND open_time < ? ORDER BY open_time LIMIT ?"""
TRADE_QUERY: Final = """SELECT id, price, quantity, first_id, trades, time, buyer_is_maker
FROM trades WHERE series = ? AND id >= ? AND id < ? ORDER BY id LIMIT ?"""
DEPTH_QUERY: Final = """SELECT number, content FROM depth
WHERE series = ? AND number > ? AND ends > ? AND begins < ? ORDER BY number LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Holding:
    """What the file has of one series."""

    series: Series
    rows: int
    begins: int | None  # exchange ms of the first row
    ends: int | None  # and of the last
    spans: tuple[Span, ...]  # of places: open times of candles, ids of trades, ms of recordings
    outages: tuple[Span, ...]


class NothingStored(LookupError):
    """The file has nothing of that series."""


class MarketReading:
    """A file of market data that is open for reading; others may write to it meanwhile."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises Halt if it is none."""
        self._connection = open_for_reading(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    @property
    def origin(self) -> str:
        """The exchange whose data this is; nobody's yet where a kill came between."""
        query = "SELECT value FROM facts WHERE name = 'origin'"
        found = self._connection.execute(query).fetchone()
        return str(found[0]) if found else "nobody's yet"

    # --- what was traded

    def candles(
        self, symbol: str, interval: str, begin: int = 0, end: int = END_OF_TIME
    ) -> Iterator[Candle]:
        """Yield the candles that open in [begin, end). Raises NothingStored.

        What is missing is missing: `missing` tells beforehand.
        """
        number = self._number(Series(Kind.CANDLES, symbol, interval))
        closing = Frame(interval).closing
        for row in self._paged(SHORT_CANDLE_QUERY, number, begin, end):
            opened, first, high, low, last, volume = row
            yield Candle(
                opened,
                amount_of(first),
                amount_of(high),
                amount_of(low),
                amount_of(last),
                amount_of(volume),
                closing(opened),
            )

    def candle_units(
        self, symbol: str, interval: str, begin: int = 0, end: int = END_OF_TIME
    ) -> Iterator[tuple[int, ...]]:
        """Yield open time, four prices and volume as whole numbers of 10^-8: the quickest way.

        Raises NothingStored.
        """
        number = self._number(Series(Kind.CANDLES, symbol, interval))
        for row in self._paged(SHORT_CANDLE_QUERY, number, begin, end):
            yield row if isinstance(row[5], int) else tuple(map(int, row))

    def bars(
        self, symbol: str, interval: str, begin: int = 0, end: int = END_OF_TIME
    ) -> Iterator[Bar]:
        """Yield them with all that the exchange tells. Raises NothingStored."""
        number = self._number(Series(Kind.CANDLES, symbol, interval))
        for row in self._paged(CANDLE_QUERY, number, begin, end):
            opened, trades, *amounts = row
            yield bar_of(opened, map(amount_of, amounts), trades)

    def trades(
        self, symbol: str, begin: int = 0, end: int = END_OF_TIME
    ) -> Iterator[AggregateTrade]:
        """Yield the aggregate trades of [begin, end). Raises NothingStored."""
        number = self._number(Series(Kind.TRADES, symbol))
        first = self._first_trade_from(number, begin)
        last = self._first_trade_from(number, end) if end < END_OF_TIME else END_OF_TIME
        for row in self._paged(TRADE_QUERY, number, first, last):
            yield _trade_of(row)

    def recording(self, symbol: str, begin: int = 0, end: int = END_OF_TIME) -> Iterator[Captured]:
        """Yield what the streams brought in [begin, end), in that order. Raises NothingStored.

        A snapshot comes first, after each gap and every hour. With `begin` in between, changes
        of a book come before the snapshot they belong to: they change no book yet.
        """
        for line in self.lines(symbol, begin, end):
            yield read_line(symbol, line)

    def lines(self, symbol: str, begin: int = 0, end: int = END_OF_TIME) -> Iterator[bytes]:
        """Yield the recording as text: lines as data/capture has them."""
        number = self._number(Series(Kind.DEPTH, symbol))
        last = 0
        while found := self._connection.execute(DEPTH_QUERY, (number, last, begin, end)).fetchone():
            last, content = found
            for line in zlib.decompress(content).splitlines():
                if begin <= _received_at(line) < end:
                    yield line

    # --- what there is

    def holdings(self) -> list[Holding]:
        """Tell of every series that has been asked for, in the order of their names."""
        query = "SELECT kind, symbol, interval FROM series ORDER BY symbol, kind, id"
        found = self._connection.execute(query).fetchall()
        return [self.holding(Series(Kind(kind), *names)) for kind, *names in found]

    def holding(self, series: Series) -> Holding:
        """Tell what there is of one series. Raises NothingStored."""
        number = self._number(series)
        rows, begins, ends = self._extent(series.kind, number)
        spans, outages = (self._spans(table, number) for table in ("spans", "outages"))
        return Holding(series, rows, begins, ends, spans, outages)

    def missing(self, series: Series, whole: Span) -> list[Span]:
        """Give the places of a whole that were never asked for or answered.

        Outages of the exchange are not missing: there is nothing to be had.
        """
        return uncovered(self._spans("spans", self._number(series)), whole)

    def damage(self) -> list[str]:
        """Have SQLite look at every page of the file; nothing if it is whole."""
        try:
            found = [str(row[0]) for row in self._connection.execute("PRAGMA quick_check")]
        except sqlite3.DatabaseError as wrong:
            return [str(wrong)]
        return [] if found == ["ok"] else found

    def _extent(self, kind: Kind, number: int) -> tuple[int, int | None, int | None]:
        """Count a series' rows; tell the times of its first and last one."""
        query = {
            Kind.CANDLES: "SELECT count(*), min(open_time), max(open_time) FROM candles",
            Kind.TRADES: "SELECT count(*), min(time), max(time) FROM trades",
            Kind.DEPTH: "SELECT coalesce(sum(lines), 0), min(begins), max(ends) - 1 FROM depth",
        }[kind]
        found = self._connection.execute(f"{query} WHERE series = ?", (number,)).fetchone()
        return int(found[0]), found[1], found[2]

    def _spans(self, table: str, number: int) -> tuple[Span, ...]:
        query = f"SELECT begins, ends FROM {table} WHERE series = ? ORDER BY begins"  # noqa: S608 - names of our own
        return tuple(Span(*row) for row in self._connection.execute(query, (number,)))

    def _number(self, series: Series) -> int:
        query = "SELECT id FROM series WHERE kind = ? AND symbol = ? AND interval = ?"
        key = (series.kind, series.symbol, series.interval)
        found = self._connection.execute(query, key).fetchone()
        if found is None:
            raise NothingStored(f"there is nothing of {series} in the file")
        return int(found[0])

    def _paged(self, query: str, number: int, begin: int, end: int) -> Iterator[tuple[Any, ...]]:
        """Walk over rows by their key, which comes first in them."""
        fetch: Callable[..., sqlite3.Cursor] = self._connection.execute
        while page := fetch(query, (number, begin, end, PAGE)).fetchall():
            yield from page
            if len(page) < PAGE:
                return
            begin = page[-1][0] + 1

    def _first_trade_from(self, number: int, time: int) -> int:
        """Find the id of the first trade at or after a time by halving: times grow with ids."""
        query = "SELECT min(id), max(id) FROM trades WHERE series = ?"
        low, high = self._connection.execute(query, (number,)).fetchone()
        if low is None:
            return 0
        query = "SELECT id, time FROM trades WHERE series = ? AND id >= ? ORDER BY id LIMIT 1"
        high += 1
        while low < high:
            middle = (low + high) // 2
            found, at = self._connection.execute(query, (number, middle)).fetchone()
            if at >= time:
                high = middle
            else:
                low = found + 1
        return int(low)


def _trade_of(row: tuple[Any, ...]) -> AggregateTrade:
    number, price, quantity, first_id, trades, time, maker = row
    return AggregateTrade(
        number,
        amount_of(price),
        amount_of(quantity),
        first_id,
        first_id + trades - 1,
        time,
        bool(maker),
    )


def _received_at(line: bytes) -> int:
    return int(line[: line.index(b" ")]) // 1_000_000
