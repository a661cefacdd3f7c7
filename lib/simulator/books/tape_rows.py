"""The tapes on disk: the last trades and aggregates, and the spans candles are made of.

What is new since the last time goes out with whatever else is written, in the same transaction.
"""

import sqlite3
from collections import deque
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, replace
from itertools import takewhile
from typing import Final, TypeVar

from lib.simulator.books.spans import HOUR, Print, Span, Spans
from lib.simulator.books.tape import MINUTES_KEPT, Aggregate, Tape

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS trades (symbol TEXT NOT NULL, id INTEGER NOT NULL,
    price INTEGER NOT NULL, quantity TEXT NOT NULL, quote TEXT NOT NULL, time INTEGER NOT NULL,
    buyer_is_maker INTEGER NOT NULL, PRIMARY KEY (symbol, id)) STRICT;
CREATE TABLE IF NOT EXISTS aggregates (symbol TEXT NOT NULL, id INTEGER NOT NULL,
    price INTEGER NOT NULL, quantity TEXT NOT NULL, first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL, time INTEGER NOT NULL, buyer_is_maker INTEGER NOT NULL,
    PRIMARY KEY (symbol, id)) STRICT;
CREATE TABLE IF NOT EXISTS spans (symbol TEXT NOT NULL, width INTEGER NOT NULL,
    begins INTEGER NOT NULL, open INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL,
    close INTEGER NOT NULL, volume TEXT NOT NULL, quote TEXT NOT NULL, count INTEGER NOT NULL,
    taker_volume TEXT NOT NULL, taker_quote TEXT NOT NULL, first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL, last_time INTEGER NOT NULL,
    PRIMARY KEY (symbol, width, begins)) STRICT;
"""
TABLES: Final = ("trades", "aggregates", "spans")
SURPLUS: Final = 1_000  # rows that wait before they are deleted together

Numbered = TypeVar("Numbered", Print, Aggregate)


@dataclass(slots=True)
class _Written:
    """How far a tape is on the disk."""

    trade: int = 0
    aggregate: int = 0
    begins: dict[int, int] = field(default_factory=dict)  # of the newest span, by width
    oldest: int = 0  # the trade from which on there are rows


class TapeRows:
    """Writes the tapes of all symbols into one database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tapes: dict[str, Tape] = {}
        self._written: dict[str, _Written] = {}
        connection.executescript(SCHEMA)

    def keep(self, symbol: str, tape: Tape) -> None:
        """Fill a new tape with what was written of its symbol, and write it from now on."""
        self._read(symbol, tape)
        self._tapes[symbol] = tape
        self._written[symbol] = _written(tape)

    def put(self) -> None:
        """Write what is new, within the transaction that is open."""
        for symbol, tape in self._tapes.items():
            written = self._written[symbol]
            if tape.trades and tape.trades[-1].id != written.trade:
                self._put_tape(symbol, tape, written)

    def mark(self) -> None:
        """Note that the transaction has ended well."""
        for symbol, tape in self._tapes.items():
            written = self._written[symbol]
            if tape.trades and tape.trades[-1].id != written.trade:
                self._written[symbol] = replace(
                    _written(tape),
                    oldest=tape.trades[0].id if _has_surplus(tape, written) else written.oldest,
                )

    def wipe(self) -> None:
        """Forget everything, within the transaction that is open."""
        for table in TABLES:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
        self._tapes.clear()
        self._written.clear()

    def _put_tape(self, symbol: str, tape: Tape, written: _Written) -> None:
        many = self._connection.executemany
        trades = _newer(tape.trades, written.trade)
        many(
            "INSERT OR REPLACE INTO trades VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(symbol, *_trade_row(trade)) for trade in trades],
        )
        wholes = _newer(tape.aggregates, written.aggregate - 1)
        many(
            "INSERT OR REPLACE INTO aggregates VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(symbol, *_aggregate_row(whole)) for whole in wholes],
        )
        for spans in (tape.seconds, tape.minutes, tape.quarters):
            newer = spans.between(written.begins.get(spans.width, 0), 1 << 62)
            many(
                "INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(symbol, spans.width, *_span_row(span)) for span in newer],
            )
        if _has_surplus(tape, written):
            self._delete_old(symbol, tape)

    def _delete_old(self, symbol: str, tape: Tape) -> None:
        """Delete what the tape itself no longer keeps."""
        newest = tape.trades[-1]
        run = self._connection.execute
        run("DELETE FROM trades WHERE symbol = ? AND id < ?", (symbol, tape.trades[0].id))
        first = tape.aggregates[0].id
        run("DELETE FROM aggregates WHERE symbol = ? AND id < ?", (symbol, first))
        for width, kept in (
            (tape.seconds.width, tape.average_minutes * tape.minutes.width + HOUR),
            (tape.minutes.width, MINUTES_KEPT),
        ):
            run(
                "DELETE FROM spans WHERE symbol = ? AND width = ? AND begins < ?",
                (symbol, width, newest.time - kept - width),
            )

    def _read(self, symbol: str, tape: Tape) -> None:
        tape.trades.extend(self._trades(symbol))
        tape.aggregates.extend(self._aggregates(symbol))
        for spans in (tape.seconds, tape.minutes, tape.quarters):
            for row in self._connection.execute(
                "SELECT * FROM spans WHERE symbol = ? AND width = ? ORDER BY begins",
                (symbol, spans.width),
            ):
                spans.append(Span(*(int(cell) for cell in row[2:])))
        tape.reload()

    def _trades(self, symbol: str) -> Iterable[Print]:
        found = self._connection.execute(
            "SELECT * FROM trades WHERE symbol = ? ORDER BY id", (symbol,)
        )
        for _, number, price, quantity, quote, time, buyer_is_maker in found:
            yield Print(number, price, int(quantity), int(quote), time, bool(buyer_is_maker))

    def _aggregates(self, symbol: str) -> Iterable[Aggregate]:
        found = self._connection.execute(
            "SELECT * FROM aggregates WHERE symbol = ? ORDER BY id", (symbol,)
        )
        for _, number, price, quantity, first_id, last_id, time, buyer_is_maker in found:
            yield Aggregate(
                number, price, int(quantity), first_id, last_id, time, bool(buyer_is_maker)
            )


def _written(tape: Tape) -> _Written:
    """Take the state of a tape that is wholly on the disk."""
    spans = (tape.seconds, tape.minutes, tape.quarters)
    return _Written(
        tape.trades[-1].id if tape.trades else 0,
        tape.aggregates[-1].id if tape.aggregates else 0,
        {each.width: _growing(each) for each in spans if each.all},
        tape.trades[0].id if tape.trades else 0,
    )


def _has_surplus(tape: Tape, written: _Written) -> bool:
    return tape.trades[0].id - written.oldest >= SURPLUS


def _growing(spans: Spans) -> int:
    return spans.begins[-1]


def _newer(kept: deque[Numbered], written: int) -> list[Numbered]:
    """Give what has come since."""
    return list(takewhile(lambda each: each.id > written, reversed(kept)))


def _trade_row(trade: Print) -> tuple[int | str, ...]:
    number, price, quantity, quote, time, buyer_is_maker = trade
    return number, price, str(quantity), str(quote), time, int(buyer_is_maker)


def _aggregate_row(whole: Aggregate) -> tuple[int | str, ...]:
    number, price, quantity, *ids, time, buyer_is_maker = astuple(whole)
    return number, price, str(quantity), *ids, time, int(buyer_is_maker)


def _span_row(span: Span) -> tuple[int | str, ...]:
    """Write sums as text: they may outgrow the integers of the database."""
    row: list[int | str] = list(astuple(span))
    for place in (5, 6, 8, 9):
        row[place] = str(row[place])
    return tuple(row)
