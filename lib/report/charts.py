"""What a chart of the market shows: candles, fills, and the prices at which orders stood.

A screen has some thousand columns, a run may have millions of bars: candles are put together, fills
of one candle are one mark, and of too many levels those that stood longest are drawn.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Final

from lib.amounts import ZERO
from lib.backtest.ledger import FillLine, Ledger, OrderLine
from lib.market.candles import Bar, merge_bars
from lib.market.intervals import INTERVALS, MONTH
from lib.report.tape import Candles

CANDLES_MAX: Final = 2_000
LEVELS_MAX: Final = 3_000
MARKS_MAX: Final = 6_000
FINAL: Final = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"})


@dataclass(frozen=True, slots=True)
class Level:
    """A price at which an order stood, from when to when (exchange ms)."""

    begins: int
    ends: int
    price: Decimal
    bot: str
    kind: str  # buy, sell, stop or take profit
    side: str
    status: str  # how it ended; empty: it still stood
    type: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Mark:
    """What a bot bought or sold within one candle, at the mean price."""

    time: int  # the candle's opening
    bot: str
    side: str
    quantity: Decimal
    price: Decimal
    fills: int


@dataclass(frozen=True, slots=True)
class MarketChart:
    """One symbol as a person sees it."""

    symbol: str
    interval: str
    candles: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    marks_left_out: int
    levels: tuple[Level, ...]
    levels_left_out: int


def market_chart(
    symbol: str, candles: Candles, ledger: Ledger, *, begins: int, ends: int
) -> MarketChart:
    """Put together what happened on one symbol."""
    interval = fitting_interval(ends - begins, finest=candles.interval)
    marks = list(_marks(ledger.fills, symbol, INTERVALS[interval]))
    levels = list(levels_of(ledger, symbol, ends=ends))
    return MarketChart(
        *(symbol, interval),
        candles=tuple(_merged(candles.between(begins, ends), INTERVALS[interval])),
        marks=tuple(marks[-MARKS_MAX:]),
        marks_left_out=max(0, len(marks) - MARKS_MAX),
        levels=tuple(_longest(levels)),
        levels_left_out=max(0, len(levels) - LEVELS_MAX),
    )


def fitting_interval(length: int, *, finest: int) -> str:
    """Name the shortest interval of which a chart of `length` (ms) has not too many."""
    whole = [(span, name) for name, span in INTERVALS.items() if name != MONTH and span >= finest]
    fitting = [each for each in whole if length / each[0] <= CANDLES_MAX]
    return min(fitting)[1] if fitting else max(whole)[1]


def levels_of(ledger: Ledger, symbol: str, *, ends: int) -> Iterator[Level]:
    """Yield where orders stood, in the order in which they came to their end."""
    standing: dict[int, OrderLine] = {}
    for line in ledger.lines:
        if not isinstance(line, OrderLine) or line.symbol != symbol or not _price(line):
            continue
        first = standing.setdefault(line.order, line)
        if line.status in FINAL:
            del standing[line.order]
            if line.time > first.time:
                yield _level(first, line.time, line.status)
    for line in standing.values():
        yield _level(line, ends, "")


def _longest(levels: Sequence[Level]) -> list[Level]:
    kept = sorted(levels, key=lambda level: level.begins - level.ends)[:LEVELS_MAX]
    return sorted(kept, key=lambda level: level.begins)


def _level(line: OrderLine, ends: int, status: str) -> Level:
    return Level(
        *(line.time, ends, _price(line), line.bot, _kind(line), line.side),
        status=status,
        type=line.type,
        quantity=Decimal(line.quantity),
    )


def _price(line: OrderLine) -> Decimal:
    """Answer where it waits: at its trigger, else at its limit; a market order waits nowhere."""
    return Decimal(line.stop_price) or Decimal(line.price)


def _kind(line: OrderLine) -> str:
    if line.type.startswith("STOP_LOSS"):
        return "stop"
    return "take profit" if line.type.startswith("TAKE_PROFIT") else line.side.lower()


def _merged(bars: Iterable[Bar], span: int) -> Iterator[Bar]:
    """Put bars together into longer ones."""
    for number, group in groupby(bars, key=lambda bar: bar.open_time // span):
        whole = merge_bars(group, number * span)
        if whole is not None:
            yield whole


def _marks(fills: Iterable[FillLine], symbol: str, span: int) -> Iterator[Mark]:
    """Put the fills of one candle, bot and side together."""
    of_symbol = (fill for fill in fills if fill.symbol == symbol)
    for opened, group in groupby(of_symbol, key=lambda fill: fill.time - fill.time % span):
        sums: dict[tuple[str, str], list[FillLine]] = {}
        for fill in group:
            sums.setdefault((fill.bot, fill.side), []).append(fill)
        for (bot, side), together in sorted(sums.items()):
            quantity = sum((Decimal(fill.quantity) for fill in together), ZERO)
            quote = sum((Decimal(fill.quote) for fill in together), ZERO)
            yield Mark(opened, bot, side, quantity, quote / quantity, len(together))
