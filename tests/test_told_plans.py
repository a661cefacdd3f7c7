"""What a person says to a bot that follows a plan counts at once and leaves the books exact."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from lib.control.office import Verb
from lib.life import Standing
from tests.plans import PLANS, SWING
from tests.told_world import Said, ToldWorld
from tests.world import CALM, Luck, every_life, live

ROUGH = Luck(query_lag_ms=500)
DUST = Decimal("0.0002")
WORDS: Mapping[str, tuple[Verb, Verb | None]] = {
    "pause": (Verb.PAUSE, Verb.RESUME),
    "stop": (Verb.STOP, Verb.START),
    "flatten": (Verb.FLATTEN, None),
}
TOLD = ("dca", "dca with a stop", "dca that trails", "twap", "rebalance", "range")


def told(plan: str, word: str, luck: Luck = CALM, at: int = 45) -> ToldWorld:
    """Make a world in which a person says a word at some time, and later takes it back."""
    verb, back = WORDS[word]
    said = [Said(at, verb), *([Said(at + 150, back)] if back is not None else [])]
    return ToldWorld(2, {"bot": PLANS[plan]}, luck, said=said, shape=SWING)


def verify(world: ToldWorld, word: str) -> None:
    world.check()
    assert world.standings["bot"] in {Standing.FINISHED, Standing.IDLE}, world.news[-3:]
    if word == "flatten":
        assert world.locked() == {}
        held = world.held("bot")
        assert all(abs(left) < DUST * (1 + 20 * ("ETH" in s)) for s, left in held.items()), held
    else:
        came = world.orders_between(world.answered_at(0), world.answered_at(1))
        assert [order for order in came if order.is_entry] == []


@pytest.mark.parametrize("plan", TOLD)
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.slow
def test_a_word_is_kept_and_the_books_agree(plan: str, word: str) -> None:
    verify(live(told(plan, word)), word)


@pytest.mark.slow
@pytest.mark.parametrize("plan", TOLD)
@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_kept_whenever_the_power_fails(plan: str, word: str) -> None:
    for world in every_life(lambda: told(plan, word, ROUGH, at=70), stride=131):
        verify(world, word)


@pytest.mark.slow
def test_a_purchase_by_the_calendar_waits_while_the_bot_is_paused_and_is_made_once() -> None:
    said = [Said(60, Verb.PAUSE), Said(500, Verb.RESUME)]
    world = live(ToldWorld(1, {"bot": PLANS["recurring"]}, CALM, said=said, shape=SWING))

    world.check()
    (only,) = world.accepted.values()
    assert only.at > world.answered_at(1)


@pytest.mark.slow
def test_a_paused_deal_keeps_its_take_profit_and_buys_nothing_more() -> None:
    world = live(told("dca", "pause"))

    came = world.orders_between(world.answered_at(0), world.answered_at(1))
    assert {order.side for order in came} <= {"SELL"}
