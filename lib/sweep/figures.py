"""What a trial brought, in numbers that can be compared: the seam to the back-test's report."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final

from lib.backtest.backtest import Outcome
from lib.backtest.settings import BacktestSettings
from lib.mistakes import likely
from lib.report.metrics import Metrics
from lib.report.summary import summarize

NAMES: Final = tuple(field.name for field in fields(Metrics))
FEWER_IS_BETTER: Final = frozenset({
    *("volatility", "max_drawdown", "max_drawdown_days", "longest_drawdown_days"),
    *("exposure", "turnover"),
})
RETURN: Final = "total_return"
DEFAULT: Final = "sharpe"


@dataclass(frozen=True, slots=True)
class Figures:
    """Statistics of a trial by name, and the return of each day. None: it has no such figure."""

    metrics: Mapping[str, float | None]
    returns: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """The figure by which values are chosen: one of the report's."""

    name: str = DEFAULT

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            close = likely(self.name, NAMES)
            meant = f"; did you mean {close}?" if close else ""
            raise ValueError(f"there is no metric {self.name}, only {', '.join(NAMES)}{meant}")

    @property
    def more_is_better(self) -> bool:
        return self.name not in FEWER_IS_BETTER

    @property
    def better(self) -> Callable[[float, float], float]:
        """Answer what picks the better one of two figures."""
        return max if self.more_is_better else min

    def of(self, figures: Figures | None) -> float | None:
        """Answer the figure as it is."""
        return None if figures is None else figures.metrics.get(self.name)

    def score(self, figures: Figures | None) -> float | None:
        """Answer the figure so that more is better."""
        found = self.of(figures)
        return found if found is None or self.more_is_better else -found


def figures_of(outcome: Outcome, settings: BacktestSettings) -> Figures:
    """Compute what a back-test came to, for the account as a whole."""
    total = summarize(outcome, settings).total
    counts = {"trades": float(total.trades), "fills": float(total.fills)}
    return Figures({**asdict(total.metrics), **counts}, total.returns)
