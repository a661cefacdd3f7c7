"""Whatever fails, and when: each candle, each fill and each end is told once."""

from decimal import Decimal

import pytest

from tests.algorithm.worlds import heard_truly, scripted, told
from tests.swinging import with_small_bots
from tests.world import Luck, every_life, pairs_of_cuts

ROUGH = Luck(query_lag_ms=1_500)
ENDS = {
    "market": (("buy", "", "sell", ""), 2),
    "bracket": (("bracket", "", "", "close", ""), 1),
    "resting": (("far", "stopped", "cancel", "tighten", "close", ""), 2),
}

THIN = Decimal("0.004")  # on each level of the book: orders are filled in parts


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("script", ENDS)
def test_all_is_told_once_whenever_the_power_fails(script: str) -> None:
    acts, ends = ENDS[script]
    for world in every_life(lambda: scripted(*acts, luck=Luck()), stride=17):
        heard_truly(world)
        assert len(told(world)["ends"]) >= ends


@pytest.mark.slow
def test_each_part_of_an_order_is_told_once_whenever_the_power_fails() -> None:
    acts = ("buy", "bracket", "", "close", "")
    for world in every_life(lambda: scripted(*acts, luck=Luck(), depth=THIN), stride=23):
        heard_truly(world)


@pytest.mark.slow
@pytest.mark.parametrize("script", ENDS)
def test_all_is_told_once_after_two_cuts(script: str) -> None:
    acts, ends = ENDS[script]
    made = lambda: scripted(*acts, luck=ROUGH, seed=3, history=2)  # noqa: E731
    for world in pairs_of_cuts(made, 3, many=8):
        heard_truly(world)
        assert len(told(world)["ends"]) >= ends
