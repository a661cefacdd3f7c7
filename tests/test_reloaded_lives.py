"""Whatever conf.json is changed to while the bots live, and whenever the power fails after it."""

from collections.abc import Mapping
from typing import Any

import pytest

from lib.control.office import Verb
from lib.control.reload_words import SAME, TAKEN
from lib.control.request import Removed
from lib.life import Standing
from tests.reloaded_world import Bots, Edited, ReloadedWorld
from tests.swinging import with_small_bots
from tests.test_told_lives import BOTS, DUST, ROUGH, SWING, at_hand_if
from tests.told_world import Said
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

CHANGES: Mapping[str, Mapping[str, Any]] = {
    "dips": {"patience": "30s", "rebound": "0.001", "laps": 3},
    "grid": {"fills": 4},
    "holder": {"close_after": "200s"},
    "bracket": {"close_after": "200s"},
    "lists": {"patience": "60s", "laps": 3},
}
ETHER = {**BOTS["dips"], "symbol": "ETHUSDT", "quantity": "0.1", "laps": 1}
EDITS = ("add", "keep", "cancel", "change")
STORM = Luck(requests=3, events=3, stream_loss=60, query_lag_ms=2_500)
RESTING = {Standing.FINISHED, Standing.IDLE}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def confs_of(bot: str, edit: str) -> list[Bots]:
    """What conf.json has, one after the other, from the first edit on."""
    one, more = BOTS[bot], BOTS["lists"] if bot == "lists" else ETHER
    confs: Mapping[str, list[Bots]] = {
        "add": [{"bot": one, "more": more}],
        "keep": [{"more": more}, {"bot": one, "more": more}],
        "cancel": [{"more": more}],
        "change": [{"bot": {**one, **CHANGES[bot]}}],
    }
    return confs[edit]


def edits_of(bot: str, edit: str, first: Edited) -> list[Edited]:
    """The edits, and the word once more at the end: who got no answer asks again."""
    removed = Removed.CANCEL if edit == "cancel" else Removed.KEEP
    before, *later = confs_of(bot, edit)
    said = [Edited(first.after, Verb.RELOAD, on_cue=first.on_cue, conf=before, removed=removed)]
    said += [Edited(150, Verb.RELOAD, conf=conf) for conf in later]
    return [*said, Edited(500, Verb.RELOAD, removed=removed)]


def reloaded(bot: str, edit: str, seed: int, luck: Luck = CALM) -> ReloadedWorld:
    first = Edited(22 + (seed * 37) % 60, Verb.RELOAD)
    said = edits_of(bot, edit, first)
    return ReloadedWorld(seed, {"bot": BOTS[bot]}, luck, said=said, shape=SWING)


def verify(world: ReloadedWorld, edit: str) -> None:
    world.check()
    standings = {name: world.standings[name] for name in world.bots}
    assert set(standings.values()) <= RESTING, (standings, world.news)
    if edit == "cancel":
        assert world.locked() == {}
        assert not world.is_born("bot") or world.generation("bot").context.get("over", True)
    assert world.signs.count("RELOADING") == world.signs.count("READY")


@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("edit", EDITS)
def test_a_changed_conf_in_fair_weather_is_taken_over_and_the_books_agree(
    bot: str, edit: str
) -> None:
    with at_hand_if(bot):
        world = live(reloaded(bot, edit, 1))

    verify(world, edit)
    assert world.answer(0).startswith(f"{TAKEN}:")
    assert world.answer(len(world.said) - 1) == SAME


@pytest.mark.slow
@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("edit", EDITS)
def test_the_books_agree_whenever_the_power_fails(bot: str, edit: str) -> None:
    with at_hand_if(bot):
        for world in every_life(lambda: reloaded(bot, edit, 2), stride=23):
            verify(world, edit)


@pytest.mark.slow
@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("edit", EDITS)
def test_the_books_agree_in_bad_weather_whenever_the_power_fails(bot: str, edit: str) -> None:
    with at_hand_if(bot):
        for world in every_life(lambda: reloaded(bot, edit, 3, ROUGH), stride=41):
            verify(world, edit)


@pytest.mark.slow
@pytest.mark.parametrize("bot", ["dips", "grid"])
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("seed", range(6, 8))
def test_no_order_is_doubled_or_lost_in_a_storm_whenever_the_power_fails(
    bot: str, edit: str, seed: int
) -> None:
    for world in every_life(lambda: reloaded(bot, edit, seed, STORM), stride=59):
        verify(world, edit)


@pytest.mark.slow
@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("edit", EDITS)
def test_a_reload_at_any_instant_keeps_the_books_exact(bot: str, edit: str) -> None:
    begins = 12  # the instants before are of a start without a bot

    def spoken(cue: int) -> ReloadedWorld:
        said = edits_of(bot, edit, Edited(cue, Verb.RELOAD, on_cue=True))
        return ReloadedWorld(4, {"bot": BOTS[bot]}, ROUGH, said=said, shape=SWING)

    with at_hand_if(bot):
        length = min(live(spoken(begins)).instants, 250)
        for cue in range(begins, length, 19):
            verify(live(spoken(cue)), edit)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("bot", ["dips", "grid", "bracket"])
@pytest.mark.parametrize("edit", EDITS)
def test_the_books_agree_after_two_cuts(bot: str, edit: str) -> None:
    for world in pairs_of_cuts(lambda: reloaded(bot, edit, 5, ROUGH), 5, many=12):
        verify(world, edit)


def test_a_bot_that_comes_back_while_all_is_to_be_sold_is_sold_too() -> None:
    dips = {"bot": BOTS["dips"]}
    said = [
        Edited(60, Verb.RELOAD, conf={}),
        Said(70, Verb.KILL, flatten=True),
        Edited(80, Verb.RELOAD, conf=dips),
    ]
    world = live(ReloadedWorld(1, dips, CALM, said=said, shape=SWING))

    world.check()
    assert world.answer(2).startswith(f"{TAKEN}:\nbot: is back")
    assert world.standings == {"bot": Standing.IDLE}
    assert world.locked() == {}
    assert world.held("bot") == {} or max(world.held("bot").values()) < DUST
