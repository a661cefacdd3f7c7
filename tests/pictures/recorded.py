"""A world in which the recorded market of August 2024 plays, each symbol its own."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final

from tests.stepping import CENT, Prices, SteppedWorld
from tests.world import EPOCH

ROOT: Final = Path(__file__).parents[2]
RECORDING: Final = "data/candles/{}-5m-20240101-20240906.csv.gz"
CANDLE_MS: Final = 300_000


@dataclass(frozen=True)
class Bar:
    """What one stretch of the market was."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal

    def walked(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Put its prices in an order in which they may have been: it falls before it rises."""
        if self.close >= self.open:
            return self.open, self.low, self.high, self.close
        return self.open, self.high, self.low, self.close


@cache
def candles(symbol: str) -> Sequence[Bar]:
    """Read the candles of five minutes from the day on which the worlds begin."""
    with gzip.open(ROOT / RECORDING.format(symbol), "rt") as rows:
        return [_bar(row) for row in csv.DictReader(rows) if int(row["open_time_ms"]) >= EPOCH]


def _bar(row: dict[str, Any]) -> Bar:
    return Bar(*(Decimal(row[name]) for name in ("open", "high", "low", "close")))


def bars(symbol: str, minutes: int) -> Iterator[Bar]:
    """Answer longer candles, made of those of five minutes."""
    found = iter(candles(symbol))
    while part := list(islice(found, minutes * 60_000 // CANDLE_MS)):
        yield Bar(part[0].open, max(b.high for b in part), min(b.low for b in part), part[-1].close)


def steps(symbol: str, minutes: int, days: float) -> list[Decimal]:
    """Answer the prices of so many days, four to a bar of so many minutes."""
    many = int(days * 24 * 60 / minutes)
    return [price for bar in islice(bars(symbol, minutes), many) for price in bar.walked()]


@dataclass
class RecordedWorld(SteppedWorld):
    """Every symbol shows what was recorded; the book is deep enough for anybody here."""

    recorded: dict[str, list[Decimal]] = field(default_factory=dict)
    depth: Decimal = Decimal(500)
    PATIENCE: ClassVar[float] = 60 * 86_400.0

    def _show(self, symbol: str, at: Prices) -> None:
        own = self.recorded[symbol]
        last = own[min(self.number(self.clock() / 1000 - self.begun), len(own) - 1)]
        super()._show(symbol, Prices(last, last - CENT, last))
