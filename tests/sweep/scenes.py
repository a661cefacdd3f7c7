"""Sweeps whose trials cost nothing: what a combination comes to is a formula, not a back-test."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any

from lib.backtest.settings import BacktestSettings
from lib.conf import RunnerSettings
from lib.sweep.axes import read_axis
from lib.sweep.crew import CrewLost
from lib.sweep.figures import Figures, Metric
from lib.sweep.folder import SweepFolder
from lib.sweep.plan import Plan
from lib.sweep.sweep import Sweep
from lib.sweep.trial import Ending, State, Trial, portable
from lib.sweep.variant import Bots
from lib.sweep.windows import Stretch, Walk

DAY = 86_400_000
BEGIN = 1_704_067_200_000  # 2024-01-01
DIPS: Mapping[str, Any] = {
    "symbol": "BTCUSDT",
    "quantity": Decimal("0.001"),
    "dip": Decimal("0.002"),
    "rebound": Decimal("0.003"),
    "stop": Decimal("0.01"),
    "patience": "5h",
    "laps": 0,
}
TWO = ("dip_buyer.dip=0.001..0.004/0.001", "dip_buyer.rebound=0.002,0.003,0.004")
Run = Callable[[Trial], Ending]


def plan_of(
    *axes: str, days: int = 40, begins: int = BEGIN, walk: Walk | None = None, **more: Any
) -> Plan:
    """Make a plan over some days, from the beginning of 2024 unless told otherwise."""
    settings = portable(BacktestSettings(begins=begins, ends=begins + days * DAY))
    return Plan(
        bots=Bots({"dip_buyer": DIPS}, RunnerSettings()),
        axes=tuple(map(read_axis, axes or TWO)),
        settings=settings,
        metric=more.pop("metric", Metric("total_return")),
        walk=walk,
        **more,
    )


def figures(total: float, days: int = 20) -> Figures:
    """Make figures whose days add up to a return, and that go up and down."""
    returns = tuple(total / days + (0.01 if day % 2 else -0.01) for day in range(days))
    return Figures({"total_return": total, "sharpe": total * 10, "max_drawdown": 0.02}, returns)


def formula(trial: Trial) -> Ending:
    """Answer what a trial comes to: best in the middle of every axis; a bit of each window."""
    distance = sum(abs(place - 1) for place in trial.key.places)
    noise = (sum(trial.key.places) * 7 + trial.key.window * 3) % 5 / 1_000
    return Ending(trial.key, State.DONE, "", figures(0.05 - distance / 100 + noise))


class Crew:
    """Runs each trial at once, in this process; what it has run is known."""

    def __init__(self, run: Run = formula, room: int = 3) -> None:
        self.room = room
        self.ran: list[Trial] = []
        self._run = run

    def submit(self, trial: Trial) -> "Future[Ending]":
        answer: Future[Ending] = Future()
        self.ran.append(trial)
        try:
            answer.set_result(self._run(trial))
        except CrewLost as lost:
            answer.set_exception(lost)
        return answer

    def disband(self) -> None:
        """Nobody is left."""


def swept(plan: Plan, path: Path, crew: Crew | None = None) -> SweepFolder:
    """Carry a plan out, and answer its folder, closed."""
    folder = SweepFolder.open(path, plan)
    try:
        Sweep(plan, folder, crew or Crew(), lambda _: None).run()
    finally:
        folder.close()
    return folder


def whole(days: int) -> Stretch:
    return Stretch(BEGIN, BEGIN + days * DAY)
