"""A run as tables for other programs: CSV with a header, times in exchange ms, amounts exact.

docs/report.md says what each column means, and in which unit.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Final

from lib.amounts import plain
from lib.report.course import Course, Runner
from lib.report.curve import Point
from lib.report.months import months_of
from lib.report.round_trips import Trade
from lib.report.sums import rounded

EQUITY: Final = ("time", "bot", "equity", "held", "fees", "exposure", "drawdown")
TRADES: Final = (
    *("bot", "symbol", "direction", "quantity", "entry_price", "exit_price"),
    *("entered_at", "exited_at", "profit", "fees", "quote_asset", "worth", "order"),
)
MONTHLY: Final = ("year", "month", "bot", "began", "ended", "return")

Row = Sequence[object]


def equity_table(course: Course) -> str:
    """Write how each stood at each UTC midnight, and at the two ends; no bot: the account."""
    return _table(
        EQUITY, (_point(runner, point) for runner in _all(course) for point in _ends(runner))
    )


def trades_table(course: Course) -> str:
    """Write every closed trade, in the order in which they were closed."""
    return _table(TRADES, (_trade(trade) for trade in all_trades(course)))


def monthly_table(course: Course) -> str:
    """Write what each month brought."""
    return _table(MONTHLY, _months(course))


def all_trades(course: Course) -> list[Trade]:
    """Answer the closed trades of every bot, by the time of their end."""
    found = [trade for bot in course.bots.values() for trade in bot.trades]
    return sorted(found, key=lambda trade: (trade.exited_at, trade.bot, trade.order))


def _all(course: Course) -> Iterator[Runner]:
    yield course.total
    yield from course.bots.values()


def _ends(runner: Runner) -> Iterator[Point]:
    """Yield a curve's days, and its first and last point where they are no midnights."""
    curve = runner.curve
    known = {point.time for point in curve.days}
    if curve.first is not None and curve.first.time not in known:
        yield curve.first
    yield from curve.days
    if curve.last is not None and curve.last.time not in known:
        yield curve.last


def _point(runner: Runner, point: Point) -> Row:
    shares = (f"{share:.8f}" for share in (point.exposure, point.drawdown))
    amounts = (rounded(amount) for amount in (point.equity, point.held, point.fees))
    return (point.time, runner.name, *amounts, *shares)


def _trade(trade: Trade) -> Row:
    return (
        *(trade.bot, trade.symbol, trade.direction, plain(trade.quantity)),
        *(rounded(trade.entry_price), rounded(trade.exit_price)),
        *(trade.entered_at, trade.exited_at, rounded(trade.profit), rounded(trade.fees)),
        *(trade.quote_asset, rounded(trade.worth), trade.order),
    )


def _months(course: Course) -> Iterator[Row]:
    for runner in _all(course):
        for month in months_of(runner.began, runner.curve):
            gain = "" if month.gain is None else f"{month.gain:.8f}"
            ends = rounded(month.began), rounded(month.ended)
            yield (month.year, month.month, runner.name, *ends, gain)


def _table(columns: Sequence[str], rows: Iterable[Row]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
