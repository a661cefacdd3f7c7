"""A finished run, worked through once: its course, its figures, and its files.

The page is for people, JSON and CSV for tools. Same run, same bytes: nothing in them tells when
they were written, or where.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lib.backtest.backtest import Outcome
from lib.backtest.settings import BacktestSettings
from lib.conf import RunnerConf
from lib.report.asked import asked
from lib.report.capitals import capitals_of
from lib.report.charts import MarketChart, market_chart
from lib.report.course import Course, course_of
from lib.report.page import page
from lib.report.record import as_json, record
from lib.report.summary import Summary, summary_of
from lib.report.tables import equity_table, monthly_table, trades_table
from lib.report.tape import Tape, open_tape
from lib.report.view import Told, view

RESULT: Final = "result.json"
PAGE: Final = "report.html"


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of a run, and what it was asked for."""

    outcome: Outcome
    settings: BacktestSettings
    conf: RunnerConf
    course: Course
    summary: Summary
    risk_free: float

    def write(self, folder: Path, *, version: str, refused: Iterable[str] = ()) -> list[Path]:
        """Write the page, result.json and the tables; answer what was written.

        `version` of the program; `refused` in lines, for the page.
        """
        with open_tape(self.outcome, self.settings) as tape:
            texts = self.texts(tape, version=version, refused=refused)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
        return [folder / name for name in texts]

    def texts(self, tape: Tape, *, version: str, refused: Iterable[str] = ()) -> Mapping[str, str]:
        """Answer every file by its name; the charts have the candles of this tape."""
        asks = asked(self.settings, self.conf, risk_free=self.risk_free)
        standings = {name: str(each) for name, each in self.outcome.standings.items()}
        told = Told(standings, self.outcome.stood_for, version, tuple(refused))
        seen = view(self.course, self.summary, tuple(self._charts(tape)), asks, told)
        return {
            PAGE: page(seen, title=f"Back-test of {', '.join(self.course.bots) or 'no bot'}"),
            RESULT: as_json(record(self.summary, asks, version=version)),
            "equity.csv": equity_table(self.course),
            "trades.csv": trades_table(self.course),
            "monthly.csv": monthly_table(self.course),
        }

    def _charts(self, tape: Tape) -> Iterator[MarketChart]:
        ledger, span = self.outcome.ledger, self.outcome.period
        for symbol, candles in tape.items():
            yield market_chart(symbol, candles, ledger, begins=span.begins, ends=span.ends)


def run_report(
    outcome: Outcome,
    settings: BacktestSettings,
    conf: RunnerConf,
    *,
    risk_free: float = 0.0,
    tape: Tape | None = None,
) -> RunReport:
    """Work through a finished run. `risk_free` a year; `tape` in place of the run's own candles.

    Raises ValueError for a run without a price.
    """
    if not outcome.closing:
        raise ValueError("nothing was played, so there is nothing to report")
    capitals = capitals_of(conf, outcome)
    if tape is not None:
        course = course_of(outcome, tape, capitals=capitals)
    else:
        with open_tape(outcome, settings) as own:
            course = course_of(outcome, own, capitals=capitals)
    summary = summary_of(course, risk_free=risk_free)
    return RunReport(outcome, settings, conf, course, summary, risk_free)
