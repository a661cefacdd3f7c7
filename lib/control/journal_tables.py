"""The order journal as tables for people and as CSV for spreadsheets."""

import csv
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, TextIO

from lib.control.columns import Column, lay_out
from lib.control.exits import Exit
from lib.control.journal_place import journal_of
from lib.control.journal_reading import (
    Answer,
    NoJournal,
    Question,
    Totals,
    Unreadable,
    View,
    ask,
    columns_of,
)
from lib.control.log_lines import printable
from lib.control.options import Options
from lib.control.spoken import complain, known_secrets, say
from lib.control.story import story_of
from lib.journal.rows import Row, with_zone
from lib.money import plain

WIDTH_UNLIMITED: Final = 10_000
STDOUT: Final = "-"
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet computes
LIST: Final = "list"
LIST_ID_SHOWN: Final = 7  # its counter and leg: no other list of that bot's life has these

ORDER_COLUMNS: Final = (
    Column("time"),
    Column("bot"),
    Column("symbol"),
    Column("side"),
    Column("type", spare=3),
    Column("quantity", right=True),
    Column("price", right=True),
    Column("executed", right=True),
    Column("average", right=True, spare=2),
    Column("state"),
    Column("order", right=True, spare=1),
    Column(LIST, spare=5),
    Column("why", spare=4),
)
FILL_COLUMNS: Final = (
    Column("time"),
    Column("bot"),
    Column("symbol"),
    Column("side"),
    Column("quantity", right=True),
    Column("price", right=True),
    Column("total", right=True),
    Column("fee", right=True),
    Column("order", right=True, spare=1),
    Column("trade", right=True, spare=2),
    Column(LIST, spare=4),
    Column("comment", spare=3),
)


def show(options: Options, view: View, question: Question, table: str | None) -> Exit:
    """Say what the journal answers, or write it to a file."""
    journal, as_text = journal_of(options), AS_TEXT[view]
    try:
        answer = ask(journal, view, question)
        if table is None:
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH_UNLIMITED
            say("\n".join(as_text(answer, width)))
        else:
            _export(answer.rows, table)
    except NoJournal as none:
        say(str(none))
    except (Unreadable, OSError) as wrong:
        complain(str(wrong))
        return Exit.ATTENTION
    return Exit.FINE


# --- for a person


def _orders_as_text(answer: Answer, width: int) -> Iterator[str]:
    yield from _laid_out(ORDER_COLUMNS, [_order_cells(row) for row in answer.rows], width)
    yield ""
    yield _count(answer, "orders")
    yield from _gaps(answer)


def _fills_as_text(answer: Answer, width: int) -> Iterator[str]:
    yield from _laid_out(FILL_COLUMNS, [_fill_cells(row) for row in answer.rows], width)
    yield ""
    yield _count(answer, "fills")
    yield from _sums(answer.totals)
    yield from _gaps(answer)


def _story_as_text(answer: Answer, _: int) -> Iterator[str]:
    yield from story_of(answer.rows)
    yield ""
    yield _count(answer, "steps")
    yield from _gaps(answer)


def _laid_out(
    columns: Sequence[Column], rows: Sequence[tuple[str, ...]], width: int
) -> Sequence[str]:
    """Lay out rows; the column of order lists is there if any row is of one."""
    kept = [
        index
        for index, column in enumerate(columns)
        if column.title != LIST or any(row[index] for row in rows)
    ]
    shown = [[row[index] for index in kept] for row in rows]
    return lay_out([columns[index] for index in kept], shown, width)


def _order_cells(row: Row) -> tuple[str, ...]:
    wanted = (
        row.amended_quantity
        or row.quantity
        or (f"{row.quote_quantity} {row.quote_asset}" if row.quote_quantity else "")
    )
    why = "; ".join(text for text in (row.comment, row.reason) if text)
    return (
        _time(row.at),
        row.bot or "?",
        row.symbol,
        row.side,
        row.type,
        wanted,
        row.price or row.stop_price or "market",
        row.executed or "0",
        row.average_price or "-",
        row.state_after,
        "-" if row.order_id is None else str(row.order_id),
        row.list_id[-LIST_ID_SHOWN:],
        printable(why).replace("\n", " "),
    )


def _fill_cells(row: Row) -> tuple[str, ...]:
    return (
        _time(row.at),
        row.bot or "?",
        row.symbol,
        row.side,
        row.fill_quantity or "",
        row.fill_price or "",
        f"{row.fill_quote} {row.quote_asset}".rstrip(),
        f"{row.fee} {row.fee_asset}",
        str(row.order_id),
        str(row.trade_id),
        row.list_id[-LIST_ID_SHOWN:],
        printable(row.comment).replace("\n", " "),
    )


def _time(at: int) -> str:
    """Write a time as the person's own, with the zone it is in: summer and winter differ."""
    return f"{datetime.fromtimestamp(at // 1000, UTC).astimezone():%Y-%m-%d %H:%M:%S %Z}"


def _count(answer: Answer, noun: str) -> str:
    shown = len(answer.rows)
    if shown < answer.matching:
        return f"the newest {shown} of {answer.matching} {noun}; --limit 0 shows all"
    return f"{answer.matching} {noun}"


def _sums(totals: Totals) -> Iterator[str]:
    if not totals.fills:
        return
    yield f"all {totals.fills} fills together:"
    for (base, quote), pair in sorted(totals.traded.items()):
        if pair.bought:
            yield f"  bought {plain(pair.bought)} {base} for {plain(pair.paid)} {quote}".rstrip()
        if pair.sold:
            yield f"  sold   {plain(pair.sold)} {base} for {plain(pair.earned)} {quote}".rstrip()
    for asset, fee in sorted(totals.fees.items()):
        yield f"  fees   {plain(fee)} {asset}"


def _gaps(answer: Answer) -> Iterator[str]:
    for gap in answer.gaps:
        until = _time(gap.until if gap.until is not None else gap.at)
        yield (
            f"a gap from {_time(gap.at)} to {until}: {gap.reason}; "
            "what contexts and exchange still knew was learned again"
        )


AS_TEXT: Final[Mapping[View, Callable[[Answer, int], Iterator[str]]]] = {
    "orders": _orders_as_text,
    "fills": _fills_as_text,
    "journal": _story_as_text,
}


# --- for a program


def _export(rows: Iterable[Row], place: str) -> None:
    with _opened(place) as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, row in enumerate(rows):
            facts = list(columns_of(row))
            if not number:
                writer.writerow(["time", *(name for name, _ in facts)])
            writer.writerow([with_zone(row.at), *map(_safe, (value for _, value in facts))])


def _safe(value: str | int | None) -> str | int:
    """Redact what bots said, once more: this file leaves the machine. No text is a formula."""
    if isinstance(value, str):
        redacted = known_secrets().redact(value)
        return f"'{redacted}" if redacted.startswith(FORMULAS) else redacted
    return "" if value is None else value


@contextmanager
def _opened(place: str) -> Iterator[TextIO]:
    if place == STDOUT:
        yield sys.stdout
        return
    fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8", newline="") as file:
        yield file
