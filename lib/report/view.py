"""What the page shows of a run: numbers to draw, texts to read. Times in seconds, as charts take.

Numbers that are drawn are floats, to the eight digits that an eye could tell apart; those that are
read (trades, sums) are text, rounded once and here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from lib.amounts import plain
from lib.market.candles import Bar
from lib.report.asked import Asked, flat
from lib.report.charts import Level, Mark, MarketChart
from lib.report.course import Course, Runner
from lib.report.curve import Curve
from lib.report.months import months_of
from lib.report.record import result_record
from lib.report.round_trips import Trade
from lib.report.summary import Summary
from lib.report.sums import rounded
from lib.report.tables import all_trades

TRADES_MAX: Final = 5_000  # the newest; all of them are in trades.csv
POINTS_MAX: Final = 15_000  # of all curves together


@dataclass(frozen=True, slots=True)
class Told:
    """What a person was told, beside the figures."""

    standings: Mapping[str, str]
    bars: int
    version: str
    refused: tuple[str, ...] = ()  # what was refused, in lines


def view(
    course: Course, summary: Summary, charts: Sequence[MarketChart], asked: Asked, told: Told
) -> dict[str, Any]:
    """Lay out a run for the page."""
    trades = all_trades(course)
    runners = (course.total, *course.bots.values())
    results = (summary.total, *summary.bots)
    most = max(POINTS_MAX // len(runners), 100)
    return {
        "asset": course.asset,
        "begins": course.begins,
        "ends": course.ends,
        "bars": told.bars,
        "version": told.version,
        "unpriced": list(course.unpriced),
        "runners": [
            {
                "name": runner.name,
                "standing": told.standings.get(runner.name, ""),
                **result_record(result),
                "curve": _curve(runner.curve, most),
                "months": list(_months(runner)),
            }
            for runner, result in zip(runners, results, strict=True)
        ],
        "charts": [_chart(chart) for chart in charts],
        "trades": [_trade(trade) for trade in trades[-TRADES_MAX:]],
        "trades_left_out": max(0, len(trades) - TRADES_MAX),
        "refused": list(told.refused),
        "options": sorted(flat(asked.options).items()),
        "sections": [[name, sorted(flat(each).items())] for name, each in asked.bots.items()],
    }


def _curve(curve: Curve, most: int) -> dict[str, list[float]]:
    points = curve.drawn(most)
    return {
        "time": [point.time // 1000 for point in points],
        "equity": [_number(point.equity) for point in points],
        "held": [_number(point.held) for point in points],
        "fees": [_number(point.fees) for point in points],
        "exposure": [round(point.exposure, 6) for point in points],
        "drawdown": [round(point.drawdown, 8) for point in points],
    }


def _months(runner: Runner) -> Iterator[list[Any]]:
    for month in months_of(runner.began, runner.curve):
        yield [month.year, month.month, month.gain]


def _chart(chart: MarketChart) -> dict[str, Any]:
    return {
        "symbol": chart.symbol,
        "interval": chart.interval,
        "candles": [_candle(bar) for bar in chart.candles],
        "marks": [_mark(mark) for mark in chart.marks],
        "marks_left_out": chart.marks_left_out,
        "levels": [_level(level) for level in chart.levels],
        "levels_left_out": chart.levels_left_out,
    }


def _candle(bar: Bar) -> list[float]:
    prices = (float(price) for price in (bar.open, bar.high, bar.low, bar.close))
    return [bar.open_time // 1000, *prices]


def _mark(mark: Mark) -> list[Any]:
    amounts = rounded(mark.quantity), _number(mark.price)
    return [mark.time // 1000, mark.bot, mark.side, *amounts, mark.fills]


def _level(level: Level) -> list[Any]:
    begins, ends = level.begins // 1000, level.ends // 1000
    words = level.kind, level.side, level.status, level.type, rounded(level.quantity)
    return [begins, ends, float(level.price), level.bot, *words]


def _trade(trade: Trade) -> list[Any]:
    return [
        *(trade.bot, trade.symbol, trade.direction, rounded(trade.quantity)),
        *(_price(trade.entry_price), _price(trade.exit_price)),
        *(trade.entered_at, trade.exited_at),
        *(_sum(trade.profit), _sum(trade.fees), trade.quote_asset),
    ]


def _price(price: Decimal) -> str:
    return plain(round(price, 2 if price >= 1000 else 8))


def _sum(amount: Decimal) -> str:
    return f"{round(amount, 2 if abs(amount) >= 100 else 4):f}"


def _number(amount: Decimal) -> float:
    return float(f"{amount:.10g}")
