"""Writes series as files that others read: tables as data.binance.vision has them, and captures.

A file appears under its name when it is whole.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from lib.data.reading import MarketReading
from lib.data.series import Kind, Series
from lib.data.vision import AGGREGATES, candle_cells, trade_cells

UNFINISHED: Final = ".unfinished"


def export(
    reading: MarketReading, series: Series, folder: Path, *, begin: int, end: int
) -> tuple[Path, int]:
    """Write what there is of a series in [begin, end); answer where, and how many rows.

    Raises OSError and NothingStored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name_of(series)
    unfinished = path.with_name(path.name + UNFINISHED)
    if series.kind is Kind.DEPTH:
        rows = _write_lines(unfinished, reading.lines(series.symbol, begin, end))
    else:
        rows = _write_table(unfinished, _cells(reading, series, begin, end))
    unfinished.replace(path)
    return path, rows


def name_of(series: Series) -> str:
    """Name the file of a series, so that it can be brought in again."""
    match series.kind:
        case Kind.CANDLES:
            return f"{series.symbol}-{series.interval}.csv"
        case Kind.TRADES:
            return f"{series.symbol}-{AGGREGATES}.csv"
        case Kind.DEPTH:
            return f"{series.symbol.lower()}_depth.jsonl.gz"


def _cells(reading: MarketReading, series: Series, begin: int, end: int) -> Iterator[list[object]]:
    if series.kind is Kind.TRADES:
        for trade in reading.trades(series.symbol, begin, end):
            yield trade_cells(trade)
        return
    for bar in reading.bars(series.symbol, series.interval, begin, end):
        yield candle_cells(bar, series.interval)


def _write_table(path: Path, rows: Iterable[list[object]]) -> int:
    count = 0
    with path.open("w", encoding="ascii", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _write_lines(path: Path, lines: Iterable[bytes]) -> int:
    count = 0
    with gzip.open(path, "wb") as capture:
        for line in lines:
            capture.write(line + b"\n")
            count += 1
    return count
