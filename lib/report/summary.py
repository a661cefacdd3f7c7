"""What a finished run was worth, in a small value: for tables, for comparing, for choosing.

summary = summarize(run_backtest(settings, conf), settings)
summary.total.metrics.sharpe
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from lib.amounts import ZERO
from lib.backtest.backtest import Outcome
from lib.backtest.settings import BacktestSettings
from lib.report import metrics
from lib.report.course import Course, Runner, course_of
from lib.report.curve import Point
from lib.report.metrics import DAY, Metrics
from lib.report.tape import open_tape


@dataclass(frozen=True, slots=True)
class Result:
    """One bot, or the whole account. Amounts in the account's asset."""

    name: str  # empty: the account as a whole
    symbols: tuple[str, ...]
    began: Decimal
    ended: Decimal
    held: Decimal  # at the end, had it bought and held instead
    fees: Decimal
    bought: Decimal
    sold: Decimal
    fills: int
    trades: int  # closed ones
    metrics: Metrics
    returns: tuple[float, ...]  # of each whole day, UTC

    @property
    def profit(self) -> Decimal:
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in figures. `begins` and `ends` in exchange ms."""

    asset: str
    begins: int
    ends: int
    total: Result
    bots: tuple[Result, ...]  # by name
    unpriced: tuple[str, ...]  # assets that no played symbol prices: left out


def summarize(
    outcome: Outcome,
    settings: BacktestSettings,
    *,
    risk_free: float = 0.0,
    capitals: Mapping[str, Decimal] | None = None,
) -> Summary:
    """Sum up a finished run; writes nothing. Reads the run's candles once more.

    `risk_free` a year. `capitals`: what each bot has to work with, in the account's asset; without
    a word it is all that the account began with. Raises ValueError for a run without a price.
    """
    if not outcome.closing:
        raise ValueError("nothing was played, so there is nothing to sum up")
    with open_tape(outcome, settings) as tape:
        course = course_of(outcome, tape, capitals=capitals)
    return summary_of(course, risk_free=risk_free)


def summary_of(course: Course, *, risk_free: float = 0.0) -> Summary:
    """Sum up the course of a run."""
    length = course.ends - course.begins
    total, *bots = (
        result_of(runner, length=length, risk_free=risk_free, profits=_profits(course, runner))
        for runner in (course.total, *course.bots.values())
    )
    return Summary(course.asset, course.begins, course.ends, total, tuple(bots), course.unpriced)


def result_of(runner: Runner, *, length: int, risk_free: float, profits: Sequence[float]) -> Result:
    """Answer the figures of one bot, or of all."""
    last = runner.curve.last
    assert last is not None, "a course has its first and its last price"
    returns = daily_returns(runner.curve.days)
    return Result(
        *(runner.name, runner.symbols, runner.began, last.equity, last.held),
        *(runner.fees, runner.bought, runner.sold, runner.fills, len(profits)),
        metrics=_metrics(runner, returns, profits, length=length, risk_free=risk_free),
        returns=returns,
    )


def daily_returns(days: Sequence[Point]) -> tuple[float, ...]:
    """Answer what each whole day brought; a part of a day at either end is no day."""
    assert all(after.time - before.time == DAY for before, after in pairwise(days)), (
        "no day is lost"
    )
    return metrics.returns_of([float(point.equity) for point in days])


def _metrics(
    runner: Runner,
    returns: Sequence[float],
    profits: Sequence[float],
    *,
    length: int,
    risk_free: float,
) -> Metrics:
    curve, drawdown = runner.curve, runner.curve.drawdown
    began, ended = float(runner.began), float(curve.last.equity if curve.last else ZERO)
    growth = metrics.cagr(began, ended, length=length)
    return Metrics(
        total_return=metrics.total_return(began, ended),
        cagr=growth,
        volatility=metrics.volatility(returns),
        sharpe=metrics.sharpe(returns, risk_free=risk_free),
        sortino=metrics.sortino(returns, risk_free=risk_free),
        calmar=metrics.calmar(growth, drawdown.deepest),
        max_drawdown=drawdown.deepest,
        max_drawdown_days=drawdown.length / DAY,
        longest_drawdown_days=drawdown.longest / DAY,
        profit_factor=metrics.profit_factor(profits),
        win_rate=metrics.win_rate(profits),
        expectancy=metrics.expectancy(profits),
        exposure=curve.exposure,
        turnover=metrics.turnover(float(runner.bought), float(runner.sold), curve.average),
    )


def _profits(course: Course, runner: Runner) -> list[float]:
    """Answer what the closed trades brought, oldest first: of a bot, or of all."""
    bots = course.bots.values() if runner is course.total else (runner,)
    trades = [trade for bot in bots for trade in bot.trades]
    return [float(trade.worth) for trade in sorted(trades, key=lambda trade: trade.exited_at)]
