"""The same limits on the same prices: on paper, over sockets, and in a back-test."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lib.backtest.backtest import Outcome, gaps_between
from lib.backtest.cuts import drawn_instants
from lib.backtest.ledger import Ledger, RefusalLine
from lib.backtest.limited import overhear
from lib.backtest.settings import BacktestSettings
from lib.conf import RunnerConf
from lib.control.limiting import Limiting
from lib.control.office import Office
from lib.shelf import Shelf
from lib.supervisor import Supervisor
from tests.backtest.scenes import DIPS
from tests.backtest.test_limited import limited, limited_conf
from tests.backtest.test_paper_parity import COSTS, SWING, Furnished, on_paper

BOTS: Mapping[str, Mapping[str, Any]] = {
    "dip_buyer": DIPS,
    "deep": {**DIPS, "function": "dip_buyer", "quantity": "0.03", "dip": "0.001", "stop": "0.05"},
    "big": {
        **DIPS,
        "function": "dip_buyer",
        "quantity": "0.05",
        "limits": {"order_value": 2_000},
    },
}
LIMITS: Mapping[str, Any] = {"funds": 10_000, "daily_loss": 15, "daily_loss_then": "flatten"}


def refusals(ledger: Ledger) -> list[tuple[str, str]]:
    """Answer what the runner itself refused, and which limits were reached."""
    lines = (line for line in ledger.lines if isinstance(line, RefusalLine))
    return sorted({(line.bot, line.request) for line in lines if not line.code})


def with_limits(
    conf: RunnerConf, supervisor: Supervisor, shelf: Shelf, ledger: Ledger
) -> Furnished:
    """Put the runner's limits in force on paper; a look follows each price."""
    office = Office(supervisor, shelf.folder, lambda _: None)
    limiting = Limiting(conf, supervisor, office, shelf.folder, lambda _: None, look_seconds=None)
    assert limiting.keeper is not None
    overhear(limiting.keeper, ledger)
    return limiting.keep(), limiting.keeper.look_now


def backtested(settings: BacktestSettings = BacktestSettings(costs=COSTS)) -> Outcome:  # noqa: B008
    return limited(BOTS, LIMITS, SWING, settings).run()


@pytest.mark.slow
def test_limits_refuse_and_sell_in_a_back_test_exactly_as_on_paper(tmp_path: Path) -> None:
    conf = limited_conf(BOTS, LIMITS)

    paper = asyncio.run(
        on_paper(tmp_path / "ctx", SWING, conf, lambda *given: with_limits(conf, *given))
    )
    ledger = backtested().ledger

    assert refusals(ledger) == [("", "limits.daily_loss"), ("big", "limits.order_value")]
    assert refusals(paper) == refusals(ledger)
    assert {row[0] for row in ledger.trading} == {"deep", "dip_buyer"}
    assert ledger.trading == paper.trading


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_what_limits_do_is_the_same_when_the_power_fails(seed: int) -> None:
    calm = backtested()
    gaps = gaps_between(drawn_instants(seed, 6, calm.instants))

    cut = limited(BOTS, LIMITS, SWING, BacktestSettings(costs=COSTS)).run(gaps)

    assert cut.lives == 7
    assert cut.ledger.trading == calm.ledger.trading
    assert refusals(cut.ledger) == refusals(calm.ledger)
