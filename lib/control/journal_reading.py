"""What people ask of the order journal, as questions to its file. Reads only, and never waits for
the runner nor keeps it waiting.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, TypeAlias

from lib.amounts import EXACT, ZERO
from lib.journal.completion import read_only
from lib.journal.file import COLUMNS_OF_2, FORMAT, format_of
from lib.journal.rows import COLUMNS, Row

View: TypeAlias = Literal["orders", "fills", "journal"]
READ: Final = ", ".join(COLUMNS)
READ_OF_1: Final = ", ".join(  # of a copy that no runner writes to any more
    ("''" if "NOT NULL" in COLUMNS_OF_2[name] else "NULL") if name in COLUMNS_OF_2 else name
    for name in COLUMNS
)
SUMMED: Final = "base_asset, quote_asset, symbol, side, fill_quantity, fill_quote, fee, fee_asset"


class NoJournal(Exception):
    """There is none, and never was."""


class Unreadable(Exception):
    """The journal cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which rows: of whom, and from when to before when, in exchange ms. Empty: whatever."""

    bot: str = ""
    symbol: str = ""
    state: str = ""
    list_id: str = ""  # or its end
    since: int | None = None
    until: int | None = None
    limit: int | None = None  # the newest so many; None: all


@dataclass(slots=True)
class Traded:
    """What was bought and sold of one asset against another."""

    bought: Decimal = ZERO
    paid: Decimal = ZERO
    sold: Decimal = ZERO
    earned: Decimal = ZERO


@dataclass(slots=True)
class Totals:
    """What all matching fills add up to, by pair of assets; fees by asset."""

    fills: int = 0
    traded: dict[tuple[str, str], Traded] = field(default_factory=dict)
    fees: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows, oldest first; how many match in all; what the fills among all add up to."""

    rows: tuple[Row, ...]
    matching: int
    gaps: tuple[Row, ...]
    totals: Totals


def ask(journal: Path, view: View, question: Question) -> Answer:
    """Read the journal. Raises Unreadable, or NoJournal."""
    if not journal.exists():
        raise NoJournal(f"no order was ever journaled in {journal}")
    try:
        with closing(read_only(journal)) as connection:
            read = _columns_of(connection, journal)
            connection.execute("BEGIN")  # one state for all questions
            return _answer(connection, view, question, read)
    except (sqlite3.Error, OSError) as wrong:
        raise Unreadable(f"{journal} cannot be read: {wrong}") from wrong


def _columns_of(connection: sqlite3.Connection, journal: Path) -> str:
    """Answer what to read of a row. Raises Unreadable for a format we do not know."""
    found = format_of(connection)
    if found not in range(1, FORMAT + 1):
        what = "was written by a later version" if found else "is no journal yet"
        raise Unreadable(f"{journal} {what}")
    return READ if found == FORMAT else READ_OF_1


def _answer(connection: sqlite3.Connection, view: View, question: Question, read: str) -> Answer:
    where, given = _condition(question)
    (matching,) = connection.execute(f"SELECT count(*) FROM {view} WHERE {where}", given).fetchone()  # noqa: S608
    newest = connection.execute(
        f"SELECT {read} FROM {view} WHERE {where} ORDER BY at DESC, number DESC LIMIT ?",  # noqa: S608
        (*given, -1 if question.limit is None else question.limit),
    )
    rows = tuple(Row(*row) for row in newest)[::-1]
    totals = _totals(connection, where, given) if view == "fills" else Totals()
    return Answer(rows, matching, _gaps(connection, question, read), totals)


def _condition(question: Question) -> tuple[str, tuple[str | int, ...]]:
    """Make the words of a query and what stands for its question marks."""
    asked: dict[str, str | int | None] = {
        "bot = ? COLLATE NOCASE": question.bot or None,
        "symbol = ? COLLATE NOCASE": question.symbol or None,
        "state_after = ?": question.state or None,
        "list_id LIKE '%' || ?": question.list_id or None,
        "at >= ?": question.since,
        "at < ?": question.until,
    }
    given = {words: value for words, value in asked.items() if value is not None}
    return " AND ".join(given) or "TRUE", tuple(given.values())


def _gaps(connection: sqlite3.Connection, question: Question, read: str) -> tuple[Row, ...]:
    found = connection.execute(
        f"SELECT {read} FROM journal WHERE event = 'gap' AND until >= ? AND at < ?",  # noqa: S608
        (question.since or 0, question.until or 1 << 62),
    )
    return tuple(Row(*row) for row in found)


def _totals(connection: sqlite3.Connection, where: str, given: tuple[str | int, ...]) -> Totals:
    totals = Totals()
    found = connection.execute(
        f"SELECT {SUMMED} FROM fills WHERE {where}",  # noqa: S608
        given,
    )
    for base, quote, symbol, side, quantity, amount, fee, fee_asset in found:
        totals.fills += 1
        pair = totals.traded.setdefault((base or symbol, quote), Traded())
        _count(pair, side, Decimal(quantity), Decimal(amount))
        if fee_asset:
            totals.fees[fee_asset] = EXACT.add(totals.fees.get(fee_asset, ZERO), Decimal(fee))
    return totals


def _count(pair: Traded, side: str, quantity: Decimal, quote: Decimal) -> None:
    if side == "BUY":
        pair.bought, pair.paid = EXACT.add(pair.bought, quantity), EXACT.add(pair.paid, quote)
    else:
        pair.sold, pair.earned = EXACT.add(pair.sold, quantity), EXACT.add(pair.earned, quote)


def columns_of(row: Row) -> Iterator[tuple[str, str | int | None]]:
    """Answer what a row holds, by column, but for its key."""
    return ((name, getattr(row, name)) for name in COLUMNS if name != "key")
