"""Files as data.binance.vision has them: a CSV in a zip, and its checksum beside it.

Times are in milliseconds until 2024 and in microseconds from 2025 on; which one is seen by their
size. A file's name says what it holds: BTCUSDT-1m-2024-01.zip, ETHUSDT-aggTrades-2025-03-01.zip.
Files with six columns (time, four prices, volume) are read too; what they do not say is zero.
"""

import csv
import gzip
import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Final, TypeAlias, TypeVar

from lib.data.rows import AggregateTrade, bar_of
from lib.data.series import Kind, Series
from lib.market.candles import Bar
from lib.market.intervals import INTERVALS, Frame
from lib.settings import exact

NAME: Final = re.compile(
    r"(?P<symbol>[A-Z0-9_-]+?)-(?P<what>[A-Za-z0-9]+)(?:-[\d-]+.*)?\.(?:zip|csv|csv\.gz)"
)
AGGREGATES: Final = "aggTrades"
CHECKSUM: Final = ".CHECKSUM"
MICROSECONDS_FROM: Final = 10**15  # ms would be the year 33658
CANDLE_COLUMNS: Final = 11  # a twelfth is unused
SHORT_COLUMNS: Final = 6
TRADE_COLUMNS: Final = 7
UNREADABLE: Final = (
    *(OSError, EOFError, UnicodeDecodeError, zlib.error),
    *(zipfile.BadZipFile, csv.Error, NotImplementedError, RuntimeError),
)
FALSE: Final = frozenset({"false", "0"})
TRUE: Final = frozenset({"true", "1"})


Parsed = TypeVar("Parsed")
Parse: TypeAlias = Callable[[Sequence[str]], Parsed]


class BrokenFile(ValueError):
    """A file that does not hold what its name or its checksum says."""


def series_of(name: str) -> Series:
    """Tell from a file's name what it holds. Raises BrokenFile."""
    found = NAME.fullmatch(name)
    what = found["what"] if found else ""
    if found and what in INTERVALS:
        return Series(Kind.CANDLES, found["symbol"], what)
    if found and what == AGGREGATES:
        return Series(Kind.TRADES, found["symbol"])
    raise BrokenFile(
        f"{name}: no name like BTCUSDT-1m-2024-01.zip or BTCUSDT-aggTrades-2024-01.zip"
    )


def check(path: Path, checksum: str | None) -> None:
    """Compare a file with what its checksum file says. Raises BrokenFile."""
    if checksum is None:
        return
    words = checksum.split()
    if not words or not re.fullmatch("[0-9a-fA-F]{64}", words[0]):
        raise BrokenFile(f"{path.name}{CHECKSUM} holds no checksum")
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != words[0].lower():
        raise BrokenFile(f"{path.name} is not what its checksum says: incomplete, or altered")


def checksum_beside(path: Path) -> str | None:
    """Read the checksum that lies beside a file, if one does."""
    beside = path.with_name(path.name + CHECKSUM)
    return beside.read_text(encoding="ascii", errors="replace") if beside.is_file() else None


def read_bars(path: Path, interval: str) -> Iterator[Bar]:
    """Yield the candles of a file, one at a time. Raises BrokenFile."""
    frame, last = Frame(interval), -1
    for number, row in _rows(path):
        bar = _read(path, number, row, _bar)
        if frame.opening(bar.open_time) != bar.open_time:
            raise BrokenFile(f"{path.name} row {number}: no candle of {interval} opens then")
        if bar.open_time <= last:
            raise BrokenFile(f"{path.name} row {number}: not after the row before it")
        last = bar.open_time
        yield bar


def read_trades(path: Path) -> Iterator[AggregateTrade]:
    """Yield the aggregate trades of a file, one at a time. Raises BrokenFile."""
    last = -1
    for number, row in _rows(path):
        trade = _read(path, number, row, _trade)
        if trade.id <= last:
            raise BrokenFile(f"{path.name} row {number}: not after the row before it")
        last = trade.id
        yield trade


def candle_cells(bar: Bar, interval: str) -> list[object]:
    """Write a candle as a row of such a file, in milliseconds."""
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    closing = Frame(interval).closing(bar.open_time)
    takers = (_text(bar.taker_volume), _text(bar.taker_quote))
    return [
        *(bar.open_time, *map(_text, prices), closing),
        *(_text(bar.quote), bar.trades, *takers, 0),
    ]


def trade_cells(trade: AggregateTrade) -> list[object]:
    """Write a trade as a row of such a file, in milliseconds."""
    maker = "True" if trade.buyer_is_maker else "False"
    amounts = _text(trade.price), _text(trade.quantity)
    return [trade.id, *amounts, trade.first_id, trade.last_id, trade.time, maker, "True"]


def _text(amount: Decimal) -> str:
    return f"{amount:.8f}"


def _rows(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield a file's rows with their numbers; a header is none. Raises BrokenFile."""
    try:
        with _opened(path) as lines:
            yield from _numbered(csv.reader(lines))
    except UNREADABLE as wrong:
        raise BrokenFile(f"{path.name} cannot be read: {wrong}") from wrong


def _numbered(table: Iterable[Sequence[str]]) -> Iterator[tuple[int, Sequence[str]]]:
    for number, row in enumerate(table, 1):
        if row and (number > 1 or row[0].isdecimal()):
            yield number, row


@contextmanager
def _opened(path: Path) -> Iterator[Iterable[str]]:
    """Open what is packed: zip, gzip or plain. Raises BrokenFile."""
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="ascii", newline="") as lines:
            yield lines
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, _table(path, archive) as content:
            yield TextIOWrapper(content, encoding="ascii", newline="")
    else:
        with path.open(encoding="ascii", newline="") as lines:
            yield lines


def _table(path: Path, archive: zipfile.ZipFile) -> IO[bytes]:
    names = [name for name in archive.namelist() if name.endswith(".csv")]
    if len(names) != 1:
        raise BrokenFile(f"{path.name} holds {len(names)} tables, not one")
    return archive.open(names[0])


def _read(path: Path, number: int, row: Sequence[str], parse: Parse[Parsed]) -> Parsed:
    try:
        return parse(row)
    except (ValueError, IndexError) as wrong:
        raise BrokenFile(f"{path.name} row {number}: {_why(wrong)}") from wrong


def _why(wrong: Exception) -> str:
    return "too few columns" if isinstance(wrong, IndexError) else str(wrong)


def _bar(row: Sequence[str]) -> Bar:
    if not (len(row) == SHORT_COLUMNS or len(row) >= CANDLE_COLUMNS):
        raise ValueError(f"{len(row)} columns")
    if len(row) == SHORT_COLUMNS:
        return bar_of(_moment(row[0]), map(_amount, row[1:6]), 0)
    amounts = [_amount(row[place]) for place in (1, 2, 3, 4, 5, 7, 9, 10)]
    return bar_of(_moment(row[0]), amounts, _whole(row[8]))


def _trade(row: Sequence[str]) -> AggregateTrade:
    if len(row) < TRADE_COLUMNS:
        raise ValueError(f"{len(row)} columns")
    number, first_id, last_id = (_whole(row[place]) for place in (0, 3, 4))
    word = row[6].strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(f"{row[6]!r} is neither true nor false")
    amounts = _amount(row[1]), _amount(row[2])
    return AggregateTrade(number, *amounts, first_id, last_id, _moment(row[5]), word in TRUE)


def _moment(text: str) -> int:
    """Read a time as ms, whichever of the two units it has."""
    time = _whole(text)
    return time // 1000 if time >= MICROSECONDS_FROM else time


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def _amount(text: str) -> Decimal:
    amount = exact(text)
    if amount.is_signed():
        raise ValueError(f"{text} is below zero")
    return amount
