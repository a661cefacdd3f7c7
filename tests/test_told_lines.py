"""What a person says to a grid, to a season and to an average is kept, through every cut."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from lib.control.office import Verb
from lib.life import Standing
from tests.bots_of_lines import (
    CROSS,
    ENDLESS,
    FOLLOWING,
    GRID,
    ROUND_TRIP,
    SMA,
    STRATEGY,
    THERE_AND_BACK,
    WINTER,
    Section,
    Shape,
    SlowToldWorld,
    seasonal,
)
from tests.swinging import path
from tests.told_world import Said, ToldWorld
from tests.world import CALM, Luck, every_life, live

DUST = Decimal("0.0001")  # of BTC at 61000: about the least that can be sold
UP_AGAIN = path((0, 1), (50, 1.02), (110, 0.98), (200, 1.02), (260, 1.08))
TOLD: Mapping[str, tuple[Section, Shape, type[ToldWorld]]] = {
    "grid": (GRID, ROUND_TRIP, ToldWorld),
    "following grid": (FOLLOWING, THERE_AND_BACK, ToldWorld),
    "endless grid": (ENDLESS, UP_AGAIN, ToldWorld),
    "winter": (WINTER, seasonal, SlowToldWorld),
    "strategy": (STRATEGY, seasonal, SlowToldWorld),
    "cross": ({**CROSS, "stop": "0.2"}, seasonal, SlowToldWorld),
    "algorithm": ({**SMA, "stop": "0.2"}, seasonal, SlowToldWorld),
}
WORDS: Mapping[str, tuple[Verb, Verb | None, bool]] = {
    "pause": (Verb.PAUSE, Verb.RESUME, False),
    "stop": (Verb.STOP, Verb.START, False),
    "kill": (Verb.KILL, Verb.UNKILL, False),
    "flatten": (Verb.FLATTEN, None, False),
    "kill and sell": (Verb.KILL, None, True),
}
SELLING = ("flatten", "kill and sell")


def told(bot: str, word: str, at: float, luck: Luck = CALM) -> ToldWorld:
    """Make a world in which the person says a word, and takes it back half a minute later."""
    section, shape, world = TOLD[bot]
    verb, back, flatten = WORDS[word]
    said = [Said(at, verb, flatten=flatten)]
    said += [Said(at + 30, back)] if back is not None else []
    bots: Mapping[str, Mapping[str, Any]] = {"bot": section}
    return world(1, bots, luck, said=said, shape=shape)


def verify(world: ToldWorld, word: str) -> None:
    """The books agree, and what the word forbids did not come in."""
    world.check()
    assert world.standings["bot"] in {Standing.FINISHED, Standing.IDLE}, world.news[-3:]
    assert world.locked() == {}
    if word in SELLING:
        assert all(abs(held) < DUST for held in world.held("bot").values()), world.held("bot")
        return
    came = world.orders_between(world.answered_at(0), world.answered_at(1))
    assert [order for order in came if word == "kill" or order.is_entry] == []


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("bot", TOLD)
def test_a_word_is_kept_at_any_time_of_a_bots_life(bot: str, word: str) -> None:
    for at in (30, 100):
        verify(live(told(bot, word, at)), word)


@pytest.mark.slow
@pytest.mark.parametrize("word", ["stop", "flatten"])
@pytest.mark.parametrize("bot", ["grid", "winter", "cross", "algorithm"])
def test_a_word_is_kept_whenever_the_power_fails(bot: str, word: str) -> None:
    for world in every_life(lambda: told(bot, word, 70, Luck(query_lag_ms=500)), stride=97):
        verify(world, word)
