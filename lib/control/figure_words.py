"""A run's figures in a terminal: one line for the account and one for each bot."""

from typing import TYPE_CHECKING, Any, Final

from lib.control.columns import Column, lay_out

if TYPE_CHECKING:
    from lib.report.summary import Result, Summary

WIDTH: Final = 110
NOTHING: Final = "–"
ALL: Final = "all"
SHARES: Final = frozenset({
    *("total_return", "cagr", "volatility", "max_drawdown", "win_rate", "exposure"),
})
SIGNED: Final = frozenset({"total_return", "cagr"})
DAYS: Final = frozenset({"max_drawdown_days", "longest_drawdown_days"})
MONEY: Final = frozenset({"began", "ended", "profit", "held", "fees", "expectancy"})
FIGURES: Final = (
    *(("total_return", "return", 0), ("cagr", "a year", 5), ("sharpe", "sharpe", 0)),
    *(("sortino", "sortino", 3), ("max_drawdown", "drawdown", 0), ("exposure", "exposure", 6)),
    *(("win_rate", "wins", 1), ("profit_factor", "factor", 2), ("expectancy", "a trade", 4)),
)
COLUMNS: Final = (
    Column("figures"),
    Column("trades", right=True),
    *(Column(title, right=True, spare=spare) for _, title, spare in FIGURES),
)


def figure_lines(summary: "Summary") -> list[str]:
    """Lay out the key figures of the account and of each bot."""
    return lay_out(COLUMNS, [_cells(each) for each in (*summary.bots, summary.total)], WIDTH)


def figure(name: str, value: Any) -> str:
    """Write a figure as a person reads it; `name` as in result.json."""
    if value is None:
        return NOTHING
    if name in SHARES:
        return f"{float(value) * 100:{'+' if name in SIGNED else ''}.2f} %"
    if name in DAYS:
        return f"{float(value):.1f} d"
    return f"{float(value):.2f}" if name in MONEY or isinstance(value, float) else str(value)


def _cells(result: "Result") -> list[str]:
    metrics = result.metrics
    figures = (figure(name, getattr(metrics, name)) for name, *_ in FIGURES)
    return [result.name or ALL, str(result.trades), *figures]
