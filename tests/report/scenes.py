"""Finished runs for reports: bars that a test wrote down, bots that place one order each."""

from collections.abc import Mapping
from typing import Any

from lib.backtest.backtest import Outcome
from lib.backtest.liquidity import Costs
from lib.backtest.settings import BacktestSettings
from lib.market.candles import Bar
from lib.report.run_report import RunReport, run_report
from tests.backtest.scenes import SYMBOL, ListBars, conf_of, staged

HOUR = 3_600_000
DAY = 24 * HOUR
WHOLE = BacktestSettings(costs=Costs(volume_share=1))  # type: ignore[arg-type]


def ran(
    bots: Mapping[str, Mapping[str, Any]],
    *bars: Bar,
    settings: BacktestSettings = WHOLE,
    interval: int = HOUR,
) -> tuple[Outcome, dict[str, ListBars]]:
    """Run a back-test of these bars of BTCUSDT; answer it and its tape."""
    outcome = staged(bots, bars, settings, interval=interval).run()
    return outcome, {SYMBOL: ListBars(*bars, interval=interval)}


def reported(
    bots: Mapping[str, Mapping[str, Any]],
    *bars: Bar,
    settings: BacktestSettings = WHOLE,
    interval: int = HOUR,
) -> tuple[RunReport, dict[str, ListBars]]:
    """Run a back-test and work through it."""
    outcome, tape = ran(bots, *bars, settings=settings, interval=interval)
    return run_report(outcome, settings, conf_of(bots), tape=tape), tape


def facts(*values: Any) -> tuple[Any, ...]:
    """Answer amounts as what plain numbers may be compared with."""
    return values
