"""The algorithm of docs/algorithms.md runs as it stands, through every cut."""

from pathlib import Path
from typing import Any

import pytest

import bots
from tests.algorithm.worlds import SWING
from tests.bots_of_lines import SlowWorld, finished
from tests.test_documents import blocks
from tests.world import CALM, Luck, every_life, live

PAGE = Path("docs/algorithms.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (program,) = blocks(PAGE, "python")
    (tmp_path / "three_down.py").write_text(program, encoding="utf-8")
    monkeypatch.setattr(bots, "__path__", [*bots.__path__, str(tmp_path)])


def falling(luck: Luck = CALM) -> SlowWorld:
    section: dict[str, Any] = {"function": "three_down", "symbol": "BTCUSDT", "interval": "1m"}
    section |= {"quantity": "0.01", "laps": 1, "entries_within": "1h"}
    return SlowWorld(1, {"bot": section}, luck, shape=lambda at: SWING(at * 0.4))


def test_the_algorithm_of_the_page_buys_and_takes_its_profit() -> None:
    world = live(falling())

    finished(world)
    done = [(o["side"], o["type"]) for o in world.orders() if o["status"] == "FILLED"]
    assert done == [("BUY", "MARKET"), ("SELL", "LIMIT_MAKER")]


@pytest.mark.slow
def test_the_algorithm_of_the_page_survives_every_cut() -> None:
    for world in every_life(lambda: falling(Luck()), stride=41):
        finished(world)
