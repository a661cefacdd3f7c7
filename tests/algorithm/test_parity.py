"""The same algorithm, unchanged, on paper and in a back-test: the same fills.

Paper is the simulated exchange in process, with the runner, its disk and its clock as tests have
them; a back-test plays the same bars. Both play them by the same model of what happens in a bar.
"""

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from lib.backtest.settings import BacktestSettings
from lib.market.candles import Bar
from tests.algorithm.bar_world import COSTS, BarWorld, on_paper
from tests.backtest.scenes import SPAN, SYMBOL, bar, recorded, staged
from tests.swinging import with_small_bots
from tests.world import CALM

BARS = 30
CANDLES = {"symbol": SYMBOL, "interval": "5m", "entries_within": "1h"}
FIRST = ["", "bracket", "below", "", "buy", "far", "", "stopped", "", "tighten", "close"]
SECOND = ["", "bracket", "below", "", "sell out", "buy", "", "", "close"]
ALGORITHMS: Mapping[str, Mapping[str, Any]] = {
    "sma_cross": {
        **CANDLES,
        "quantity": "0.01",
        "fast": 1,
        "slow": 3,
        "stop": "0.004",
        "trades": 3,
    },
    "scribe": {
        **CANDLES,
        "acts": [*FIRST, *SECOND],
    },
    "tape_reader": {"symbol": SYMBOL, "entries_within": "1h", "ends_at": 60},
}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def walk() -> list[Bar]:
    chance, opened, found = random.Random("parity"), Decimal(61_000), []
    for number in range(BARS):
        close = opened + Decimal(chance.randrange(-20_000, 20_000)) / 100
        high = max(opened, close) + Decimal(chance.randrange(8_000)) / 100
        low = min(opened, close) - Decimal(chance.randrange(8_000)) / 100
        found.append(bar(number, str(opened), str(high), str(low), str(close)))
        opened = close
    return found


@pytest.mark.slow
@pytest.mark.parametrize("function", ALGORITHMS)
def test_an_algorithm_trades_in_a_back_test_exactly_as_on_paper(function: str) -> None:
    bots, bars = {"bot": {"function": function, **ALGORITHMS[function]}}, walk()
    paper = on_paper(BarWorld(1, bots, CALM, bars=bars))

    settings = BacktestSettings(costs=COSTS, ends=bars[-1].open_time + SPAN)
    backtest = staged(bots, bars, settings).run()

    assert len(paper.trading) >= 2
    assert backtest.ledger.trading == paper.trading


RECORDED: Mapping[str, Mapping[str, Any]] = {
    "sma_cross": {"quantity": "0.01", "interval": "15m", "fast": 2, "slow": 5, "stop": "0.01"},
    "taker_pressure": {"quantity": "0.01", "memory": 4, "enter": "0.1", "leave": "0.1"},
}


@pytest.mark.slow
@pytest.mark.parametrize("function", RECORDED)
def test_an_algorithm_trades_the_same_when_the_power_fails(function: str) -> None:
    section = {"function": function, "symbol": SYMBOL, "entries_within": "1h"}
    bots = {"bot": {**section, **RECORDED[function]}}
    calm = recorded(bots)

    cut = recorded(bots, BacktestSettings(seed=3, cuts=6))

    assert cut.lives == 7
    assert len(cut.ledger.trading) > 4
    assert cut.ledger.trading == calm.ledger.trading
