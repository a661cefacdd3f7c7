"""What a run was worth in figures, each by its textbook definition.

Conventions: daily equity at UTC midnight, a market that never closes (365 days a year), a risk-free
rate of nothing unless told otherwise. Drawdowns look at every candle's close. Money becomes a float
here and only here, where it is no longer money but a statistic. None: too little to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, sqrt
from statistics import fmean, stdev
from typing import Final

DAYS_A_YEAR: Final = 365
DAY: Final = 86_400_000  # ms
YEAR: Final = DAYS_A_YEAR * DAY


@dataclass(frozen=True, slots=True)
class Drawdown:
    """How far a curve fell below its peak, as a share of it, and for how long (ms)."""

    deepest: float = 0.0
    length: int = 0  # of the deepest: from its peak until it was made good, or the end
    longest: int = 0  # of all


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one curve and its closed trades. Shares, not percents; days are days."""

    total_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_days: float
    longest_drawdown_days: float
    profit_factor: float | None
    win_rate: float | None
    expectancy: float | None  # in the account's asset, a trade
    exposure: float | None
    turnover: float | None


def returns_of(equity: Sequence[float]) -> tuple[float, ...]:
    """Answer what each point brought on the one before it. Empty once all is lost."""
    if any(worth <= 0 for worth in equity[:-1]):
        return ()
    return tuple(after / before - 1 for before, after in pairwise(equity))


def total_return(began: float, ended: float) -> float | None:
    """Answer what was gained, as a share of what there was."""
    return ended / began - 1 if began > 0 else None


def cagr(began: float, ended: float, *, length: int) -> float | None:
    """Answer the compound annual growth rate: what a year would bring at the same pace.

    (ended / began) ^ (year / length) - 1 (Bacon, Practical Portfolio Performance Measurement and
    Attribution, 2nd ed., ch. 2). None for less than a day (`length` in ms): that is no pace.
    """
    if began <= 0 or length < DAY:
        return None
    if ended <= 0:
        return -1.0
    try:
        return float((ended / began) ** (YEAR / length)) - 1
    except OverflowError:
        return None


def volatility(returns: Sequence[float]) -> float | None:
    """Answer the standard deviation of daily returns (n - 1), annualised by the root of time."""
    return stdev(returns) * sqrt(DAYS_A_YEAR) if len(returns) > 1 else None


def sharpe(returns: Sequence[float], *, risk_free: float = 0.0) -> float | None:
    """Answer the annualised reward to variability.

    The mean excess over its standard deviation (Sharpe, The Sharpe Ratio, Journal of Portfolio
    Management 21, 1994). `risk_free` a year.
    """
    if len(returns) < 2:
        return None
    excess = [each - risk_free / DAYS_A_YEAR for each in returns]
    return _ratio(fmean(excess) * sqrt(DAYS_A_YEAR), stdev(excess))


def sortino(returns: Sequence[float], *, risk_free: float = 0.0) -> float | None:
    """Answer the annualised reward to downside deviation.

    The mean excess over the root of the mean square of the shortfalls, days without one counted as
    nothing (Sortino and Price, Performance Measurement in a Downside Risk Framework, 1994).
    """
    if len(returns) < 2:
        return None
    excess = [each - risk_free / DAYS_A_YEAR for each in returns]
    downside = sqrt(fmean(min(each, 0.0) ** 2 for each in excess))
    return _ratio(fmean(excess) * sqrt(DAYS_A_YEAR), downside)


def calmar(growth: float | None, deepest: float) -> float | None:
    """Answer the annual growth over the deepest drawdown (Young, Futures 20, 1991).

    Of the whole run, where Young looks at three years.
    """
    return None if growth is None else _ratio(growth, deepest)


def profit_factor(profits: Sequence[float]) -> float | None:
    """Answer what the winners won over what the losers lost; None while nothing was lost."""
    won = sum(each for each in profits if each > 0)
    lost = -sum(each for each in profits if each < 0)
    return _ratio(won, lost)


def win_rate(profits: Sequence[float]) -> float | None:
    """Answer how many of the closed trades won anything, as a share."""
    return sum(each > 0 for each in profits) / len(profits) if profits else None


def expectancy(profits: Sequence[float]) -> float | None:
    """Answer what a closed trade brought on average."""
    return fmean(profits) if profits else None


def turnover(bought: float, sold: float, average: float) -> float | None:
    """Answer the lesser of purchases and sales over the mean equity (SEC, Form N-1A, item 13)."""
    return min(bought, sold) / average if average > 0 else None


def _ratio(above: float, below: float) -> float | None:
    """Divide; None by nothing, and by what is nothing but for the rounding of floats."""
    if abs(below) < 1e-15:
        return None
    found = above / below
    return found if isfinite(found) else None
