"""Any bots, any limits, any words, an edited conf.json, bad weather and power cuts: all at once."""

import random

import pytest

from lib.control.office import Verb
from lib.life import Standing
from tests.mixed_world import SECTIONS, MixedWorld, mixed
from tests.swinging import with_small_bots
from tests.told_world import Said, ToldWorld
from tests.world import CALM, live

Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: Patch) -> None:
    with_small_bots(monkeypatch)


def verify(world: MixedWorld) -> None:
    """The books agree, nothing came in that was forbidden, and nothing is left at the end."""
    world.check()
    assert list(world.forbidden()) == []
    assert list(world.beyond_limits()) == []
    assert world.locked() == {}
    assert {world.standings[name] for name in world.bots} <= {Standing.FINISHED, Standing.IDLE}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 108))
def test_nothing_forbidden_comes_in_and_nothing_is_left_whatever_comes_together(seed: int) -> None:
    world = live(mixed(seed))

    verify(world)
    chance = random.Random(f"cuts {seed}")
    verify(live(mixed(seed), *(chance.randint(12, world.instants) for _ in range(2))))


def test_what_was_sold_short_is_bought_back_by_a_kill_that_sells() -> None:
    far = {"take_profit": {"price": "20%"}, "stop_loss": {"price": "-20%"}}
    said = [Said(60, Verb.KILL, flatten=True)]
    world = live(ToldWorld(1, {"bot": {**SECTIONS["short"], **far}}, CALM, said=said))

    world.check()
    assert world.locked() == {}
    assert world.standings == {"bot": Standing.IDLE}
    sold, back = [each for each in world.orders() if each["status"] == "FILLED"]
    assert (sold["side"], back["side"], back["executedQty"]) == ("SELL", "BUY", sold["executedQty"])
