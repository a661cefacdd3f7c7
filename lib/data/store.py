"""The one writer of a file of market data.

Rows and the word that they are all there go into one transaction: whatever instant the process
dies at, a span that is marked as covered holds everything the exchange had.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, cast

from lib.data.file import WriterLock, open_for_writing
from lib.data.rows import (
    CANDLE_COLUMNS,
    TRADE_COLUMNS,
    AggregateTrade,
    Item,
    Line,
    Piece,
    Row,
    candle_row,
    place_of,
    trade_row,
)
from lib.data.series import Kind, Series, Span, merged, runs, uncovered
from lib.errors import Halt
from lib.market.candles import Bar

SPARE: Final = 6  # zlib's level: a higher one gains a hundredth
LOOKED_UP_AT_ONCE: Final = 500
COLUMNS: Final = {Kind.CANDLES: CANDLE_COLUMNS, Kind.TRADES: TRADE_COLUMNS}


@dataclass(slots=True)
class Added:
    """What came of saving: how many rows are new, and which are not what was there before."""

    new: int = 0
    known: int = 0
    differing: list[str] = field(default_factory=list)  # what was there first has stayed


class MarketStore:
    """A file that is open, and nobody else writes to. Belongs to one thread at a time."""

    def __init__(self, path: Path, *, origin: str) -> None:
        """Open or make the file of an exchange's data; `origin` names the exchange.

        Raises Halt if it is in use, another exchange's, or no file of ours.
        """
        self._lock = WriterLock(path)
        try:
            self._connection = open_for_writing(path)
            try:
                self._claim(path, origin)
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        self._numbers: dict[Series, int] = {}

    def close(self) -> None:
        self._connection.close()
        self._lock.release()

    def add(self, pieces: Iterable[Piece]) -> Added:
        """Save pieces of any series in one transaction. Raises Unstorable and sqlite3.Error."""
        added = Added()
        rows = [(piece, _rows(piece)) for piece in pieces]
        with self._transaction():
            for piece, content in rows:
                self._add(piece, content, added)
        return added

    def spans(self, series: Series) -> list[Span]:
        """Give what of a series is known: rows, or that there are none."""
        query = "SELECT begins, ends FROM spans WHERE series = ? ORDER BY begins"
        number = self._number(series)
        return [Span(*row) for row in self._connection.execute(query, (number,))]

    def missing(self, series: Series, whole: Span) -> list[Span]:
        """Give what of a whole was never asked for, or never answered."""
        return uncovered(self.spans(series), whole)

    def wish(self, series: Series) -> tuple[int, int] | None:
        """Answer since when (ms) a series is wanted, and at which place that begins."""
        query = "SELECT since, first FROM series WHERE id = ? AND since IS NOT NULL"
        found = self._connection.execute(query, (self._number(series),)).fetchone()
        return (int(found[0]), int(found[1])) if found else None

    def note_wish(self, series: Series, since: int, first: int) -> None:
        """Remember since when a series is wanted; a later wish does not take back an earlier."""
        query = "UPDATE series SET since = ?, first = ? WHERE id = ? AND coalesce(since, ?) >= ?"
        number = self._number(series)
        with self._transaction():
            self._connection.execute(query, (since, first, number, since, since))

    def wishes(self) -> list[tuple[Series, int]]:
        """Give every series that is collected, and since when (ms)."""
        query = "SELECT kind, symbol, interval, since FROM series WHERE since IS NOT NULL"
        return [
            (Series(Kind(kind), symbol, interval), since)
            for kind, symbol, interval, since in self._connection.execute(f"{query} ORDER BY id")
        ]

    def newest_trade(self, series: Series) -> tuple[int, int] | None:
        """Give the id and the time (ms) of the last trade that is kept."""
        query = "SELECT id, time FROM trades WHERE series = ? ORDER BY id DESC LIMIT 1"
        found = self._connection.execute(query, (self._number(series),)).fetchone()
        return (int(found[0]), int(found[1])) if found else None

    # --- within one transaction

    def _transaction(self) -> sqlite3.Connection:
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def _claim(self, path: Path, origin: str) -> None:
        """Write down whose data this is, or compare."""
        with self._transaction():
            query = "INSERT INTO facts VALUES ('origin', ?) ON CONFLICT DO NOTHING"
            self._connection.execute(query, (origin,))
            query = "SELECT value FROM facts WHERE name = 'origin'"
            (found,) = self._connection.execute(query).fetchone()
        if found != origin:
            raise Halt(f"{path} holds data of {found}, not of {origin}: name another file")

    def _number(self, series: Series) -> int:
        number = self._numbers.get(series)
        return self._numbered(series) if number is None else number

    def _numbered(self, series: Series) -> int:
        """Find a series, or make it; in the transaction that is open, if one is."""
        key = (series.kind, series.symbol, series.interval)
        make = "INSERT INTO series (kind, symbol, interval) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        find = "SELECT id FROM series WHERE kind = ? AND symbol = ? AND interval = ?"
        found = self._connection.execute(find, key).fetchone()
        if found is None:
            within = self._connection.in_transaction
            self._connection.execute(make, key)
            found = self._connection.execute(find, key).fetchone()
            if within:
                return int(found[0])  # not remembered: the transaction may yet fail
            self._connection.commit()
        self._numbers[series] = int(found[0])
        return int(found[0])

    def _add(self, piece: Piece, rows: Sequence[Row], added: Added) -> None:
        number = self._number(piece.series)
        if piece.series.kind is Kind.DEPTH:
            self._add_lines(number, cast("tuple[Line, ...]", piece.items))
            added.new += len(piece.items)
        elif rows:
            self._add_rows(number, piece.series, rows, added)
            self._end_outages(number, piece)
        self._cover(number, piece.covered)
        self._mark_outages(number, piece)

    def _add_rows(self, number: int, series: Series, rows: Sequence[Row], added: Added) -> None:
        table, columns = series.kind.value, COLUMNS[series.kind]
        marks = ", ".join("?" * (len(columns) + 1))
        query = (
            f"INSERT INTO {table} (series, {', '.join(columns)}) "  # noqa: S608 - names of our own
            f"VALUES ({marks}) ON CONFLICT DO NOTHING"
        )
        new = self._connection.executemany(query, ((number, *row) for row in rows)).rowcount
        added.new += new
        added.known += len(rows) - new
        if new < len(rows):
            added.differing += self._differing(number, series, rows)

    def _differing(self, number: int, series: Series, rows: Sequence[Row]) -> Iterator[str]:
        """Name the rows that are not what is in the file under the same key."""
        columns = ", ".join(COLUMNS[series.kind])
        key = COLUMNS[series.kind][0]
        query = (
            f"SELECT {columns} FROM {series.kind.value} "  # noqa: S608 - names of our own
            f"WHERE series = ? AND {key} BETWEEN ? AND ?"
        )
        remaining = iter(sorted(rows, key=lambda row: row[0]))
        while some := list(islice(remaining, LOOKED_UP_AT_ONCE)):
            found = self._connection.execute(query, (number, some[0][0], some[-1][0]))
            there = {row[0]: row for row in found}
            yield from (f"{series} {row[0]}" for row in some if there[row[0]] != row)

    def _add_lines(self, number: int, lines: Sequence[Line]) -> None:
        if not lines:
            return
        content = b"".join(b"%d000000 %b\n" % (line.received_at, line.content) for line in lines)
        query = "SELECT coalesce(max(number), 0) + 1 FROM depth WHERE series = ?"
        (next_number,) = self._connection.execute(query, (number,)).fetchone()
        begins = min(line.received_at for line in lines)
        ends = max(line.received_at for line in lines) + 1
        packed = zlib.compress(content, SPARE)
        self._connection.execute(
            "INSERT INTO depth VALUES (?, ?, ?, ?, ?, ?)",
            (number, next_number, begins, ends, len(lines), packed),
        )

    def _cover(self, number: int, covered: Iterable[Span]) -> None:
        for span in merged(covered):
            near = self._near("spans", number, span)
            (whole,) = merged([*near, span])
            self._connection.execute("INSERT INTO spans VALUES (?, ?, ?)", (number, *whole))

    def _mark_outages(self, number: int, piece: Piece) -> None:
        for span in merged(piece.outages):
            near = self._near("outages", number, span)
            (whole,) = merged([*near, span])
            self._connection.execute(
                "INSERT INTO outages VALUES (?, ?, ?, ?)", (number, *whole, piece.asked_at)
            )

    def _end_outages(self, number: int, piece: Piece) -> None:
        """Take back the word that there was nothing where there is something after all."""
        there = runs(
            piece.series, map(place_of, cast("tuple[Bar | AggregateTrade, ...]", piece.items))
        )
        query = (
            "SELECT begins, ends, asked_at FROM outages "
            "WHERE series = ? AND begins < ? AND ends > ?"
        )
        found = self._connection.execute(
            query, (number, there[-1].ends, there[0].begins)
        ).fetchall()
        for begins, ends, asked_at in found:
            query = "DELETE FROM outages WHERE series = ? AND begins = ?"
            self._connection.execute(query, (number, begins))
            rest = uncovered(there, Span(begins, ends))
            self._connection.executemany(
                "INSERT INTO outages VALUES (?, ?, ?, ?)",
                [(number, *span, asked_at) for span in rest],
            )

    def _near(self, table: str, number: int, span: Span) -> list[Span]:
        """Take out the spans that touch one."""
        chosen = "WHERE series = ? AND begins <= ? AND ends >= ?"
        key = (number, span.ends, span.begins)
        query = f"SELECT begins, ends FROM {table} {chosen}"  # noqa: S608 - names of our own
        near = [Span(*row) for row in self._connection.execute(query, key)]
        query = f"DELETE FROM {table} {chosen}"  # noqa: S608 - names of our own
        self._connection.execute(query, key)
        return near


def _rows(piece: Piece) -> list[Row]:
    return [_row(item) for item in piece.items if not isinstance(item, Line)]


def _row(item: Item) -> Row:
    match item:
        case Bar():
            return candle_row(item)
        case AggregateTrade():
            return trade_row(item)
        case _:
            raise AssertionError("lines are packed, not kept one by one")
