"""What was recorded of a symbol beside candles: its streams, or its aggregate trades alone."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lib.backtest.capture import CapturedLines, Lines, LineTicks, StoredLines, captures_of
from lib.backtest.feed import NoSuchRecording
from lib.backtest.settings import BacktestSettings
from lib.backtest.ticks import StoredTicks, Ticks
from lib.data.reading import MarketReading
from lib.data.series import Kind
from lib.errors import Halt


@dataclass(frozen=True, slots=True)
class Flow:
    """One symbol's single trades, and what its book did if that was recorded."""

    ticks: Ticks
    lines: Lines | None = None

    def covers(self, begins: int | None, ends: int | None) -> bool:
        """Say whether it goes as far back and as far on as that."""
        early = begins is None or self.ticks.begins_at <= begins
        return early and (ends is None or self.ticks.ends_at >= ends)


def open_flow(settings: BacktestSettings, symbol: str) -> Flow | None:
    """Open what was recorded of a symbol; None if that is candles at most.

    Where a file has both, the recorded book is played if it covers the period that was asked for.
    Raises NoSuchRecording for a file that holds no market data.
    """
    if settings.data.is_dir():
        files = captures_of(settings.data / "capture", symbol)
        return _of_lines(CapturedLines(files)) if files else None
    found = list(_stored(settings.data, symbol))
    whole = [flow for flow in found if flow.covers(settings.begins, settings.ends)]
    chosen = next(iter([*whole, *found]), None)
    for flow in found:
        if flow is not chosen:
            flow.ticks.close()
    return chosen


def _stored(path: Path, symbol: str) -> Iterator[Flow]:
    """Open what a file has of a symbol, a recorded book first."""
    if _has(path, symbol, Kind.DEPTH):
        yield _of_lines(StoredLines(MarketReading(path), symbol))
    if _has(path, symbol, Kind.TRADES):
        yield Flow(StoredTicks(MarketReading(path), symbol))


def _of_lines(lines: Lines) -> Flow:
    return Flow(LineTicks(lines), lines)


def _has(path: Path, symbol: str, kind: Kind) -> bool:
    """Say whether a file has rows of a kind. Raises NoSuchRecording."""
    try:
        with MarketReading(path) as reading:
            held = reading.holdings()
    except (Halt, sqlite3.Error) as wrong:
        raise NoSuchRecording(f"{path} cannot be read as market data: {wrong}") from wrong
    return any(
        each.rows and each.series.symbol == symbol and each.series.kind is kind for each in held
    )
