"""A context that went back, or was lost, buys nothing twice."""

import pytest

from lib.ids import make_id, parse_id
from lib.life import Standing
from tests.disk import HOME, Cut
from tests.test_life import DAY, HOUR, Story, bot
from tests.test_supervisor import ETH, GOOD, rot
from tests.world import Luck

ONCE = bot("steady", times=1)


def newest_slot(story: Story, name: str) -> int:
    content = story.disk.content(story.path(name))
    half = len(content) // 2
    found = [
        int(part.split(b'"sequence":')[1].split(b",")[0])
        for part in (content[:half], content[half:])
    ]
    return int(found[1] > found[0])


def back_up(story: Story, name: str) -> bytes:
    return story.disk.content(story.path(name))


def lose(story: Story, *names: str) -> None:
    for name in names:
        story.disk.unlink(HOME / "ctx" / name)


# --- nothing there


@pytest.mark.parametrize("whole_folder", [True, False], ids=["folder", "file"])
def test_a_lost_context_buys_nothing_twice(whole_folder: bool) -> None:
    story = Story(1, {"one": ONCE, "two": ETH})
    story.live_for(30)
    names = story.disk.names(HOME / "ctx") - {".lock"} if whole_folder else {"one.json"}
    lose(story, *names)

    story.live_for(120)

    assert len(story.shown()) == 1
    assert story.standings["one"] is Standing.PARKED
    assert story.told("afresh one", bot="one")


def test_a_lost_context_with_a_resting_order_is_noticed_however_old_the_order_is() -> None:
    story = Story(2, {"one": bot("steady", price="30000")})
    story.live_for(30)
    lose(story, "one.json")
    story.now += 60 * DAY

    story.live_for(120)

    assert len(story.open_now()) == 1
    assert story.standings["one"] is Standing.PARKED


def test_a_context_lost_a_moment_after_an_order_buys_nothing_twice() -> None:
    luck = Luck(0, 0, 0, query_lag_ms=2_500)
    story = Story(17, {"one": ONCE}, luck, venue_name="testnet")
    story.after_order = story._end
    story.live_for(30)
    lose(story, "one.json")

    story.live_for(120)

    story.now += 5
    assert len(story.shown()) == 1


def test_a_bot_that_lost_its_context_stays_parked() -> None:
    story = Story(3, {"one": ONCE})
    story.live_for(30)
    lose(story, "one.json")
    for _ in range(3):
        story.live_for(60)
        story.now += 2 * DAY

    assert len(story.shown()) == 1


def test_a_new_bot_with_an_old_name_under_another_case_buys_nothing_twice() -> None:
    story = Story(4, {"one": ONCE})
    story.live_for(30)
    story.bots = {"ONE": ONCE}

    story.live_for(60)

    assert len(story.shown()) == 1


@pytest.mark.slow
def test_a_bot_born_again_never_repeats_an_id() -> None:
    story = Story(5, {"one": bot("steady", every="1s")})
    for _ in range(4):
        story.live_for(60)
        lose(story, "one.json")
        story.now += 2 * DAY
    story.live_for(60)

    ids = [order["clientOrderId"] for order in story.shown()]
    births = {own.birth for own in map(parse_id, ids) if own}
    assert len(ids) == len(set(ids)) > 100
    assert len(births) == 5


# --- an older file


def restored(seed: int, *, away: float = 0.0) -> Story:
    """A backup from before some orders is put back after a while."""
    story = Story(seed, {"one": bot("steady", times=2), "good": ETH})
    story.bots = {"one": ONCE, "good": ETH}
    story.live_for(30)
    backup = back_up(story, "one")
    story.bots = {"one": bot("steady", times=3), "good": ETH}
    story.live_for(60)
    assert len(story.shown()) == 3
    story.disk.put(story.path("one"), backup)
    story.now += away
    return story


@pytest.mark.parametrize("away", [0.0, HOUR, 5 * DAY], ids=["at once", "an hour", "five days"])
def test_a_restored_backup_halts_the_bot_with_both_facts(away: float) -> None:
    story = restored(6, away=away)

    story.live_for(120)

    assert len(story.shown()) == 3
    parked = story.generation("one").parked
    assert parked is not None
    assert parked.kind == "BooksDisagree"
    assert "intent" in parked.reason
    assert "its context knows 1" in parked.reason
    assert story.standings["good"] is Standing.RUNNING


def test_a_backup_restored_weeks_later_halts_the_bot_all_the_same() -> None:
    story = restored(7, away=20 * DAY)

    story.live_for(120)

    assert len(story.shown()) == 3
    assert story.standings["one"] is Standing.PARKED


def test_a_backup_from_before_a_change_of_symbol_halts_the_bot() -> None:
    story = Story(8, {"one": ONCE})
    story.live_for(30)
    backup = back_up(story, "one")
    story.bots = {"one": {**ETH, "times": 2}}
    story.live_for(60)
    assert len(story.shown("ETHUSDT")) == 1
    story.disk.put(story.path("one"), backup)

    story.live_for(120)

    assert len(story.shown("ETHUSDT")) == 1
    assert story.standings["one"] is Standing.PARKED


def test_a_backup_of_an_earlier_birth_halts_the_bot() -> None:
    story = Story(9, {"one": ONCE})
    story.live_for(30)
    backup = back_up(story, "one")
    lose(story, "one.json")
    story.now += 2 * DAY
    story.live_for(30)
    assert len(story.shown()) == 2
    story.disk.put(story.path("one"), backup)
    story.bots = {"one": bot("steady", times=2)}

    story.live_for(60)

    assert len(story.shown()) == 2
    assert story.told("of a later life of this bot", bot="one")


@pytest.mark.slow
def test_the_bot_that_went_back_stays_parked_at_every_later_start() -> None:
    story = restored(10)
    story.live_for(60)

    for cut in (*Cut, *Cut):
        story.live_for(60, cut)

    assert len(story.shown()) == 3
    assert story.standings["one"] is Standing.PARKED


@pytest.mark.slow
def test_a_restored_backup_is_noticed_although_the_history_answers_late() -> None:
    story = restored(11)
    story.dark = {"BTCUSDT"}
    story.after(900, story.dark.clear)

    story.live_for(1_200)

    assert len(story.shown()) == 3
    assert story.standings["one"] is Standing.PARKED


# --- a rotten newest slot


def test_a_rotten_newest_slot_that_announced_an_order_halts_the_bot() -> None:
    story = Story(12, {"one": bot("steady", price="30000"), "good": ETH})
    story.live_for(30)
    rot(story, "one", newest_slot(story, "one"))
    older = story.generation("one")
    assert older.memory.ids_given == 1

    story.live_for(120)

    assert len([o for o in story.shown() if o["type"] == "LIMIT"]) == 1
    story.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whenever_the_newest_slot_rots_no_order_is_doubled_or_lost(seed: int) -> None:
    for moment in range(1, 60):
        story = Story(seed, {"one": bot("steady", every="2s")})
        story.live_for(0.3 + moment / 20, Cut.POWER)
        content = story.disk.content(story.path("one"))
        if content.count(b'"sequence"') < 2:
            continue
        before = len(story.shown())
        rot(story, "one", newest_slot(story, "one"))
        story.live_for(120)
        generation = story.generation("one")
        if generation.parked is None:
            assert generation.context["done"] in {len(story.shown()), len(story.shown()) - 1}
            story.check()
        else:
            assert generation.parked.kind == "BooksDisagree"
            assert len(story.shown()) == before


def test_a_suspect_bot_sends_nothing_before_a_lost_request_is_dead() -> None:
    story = Story(13, {"one": bot("steady", every="1s")})
    story.live_for(30)
    rot(story, "one", 1 - newest_slot(story, "one"))
    began, before = story.now, len(story.shown())

    story.live_for(60)

    first_new = story.shown()[before]["time"] / 1000
    assert first_new - began > 16


def test_a_suspect_bot_holds_up_no_other() -> None:
    story = Story(14, {"one": bot("steady", every="1s"), "good": ETH})
    story.live_for(30)
    rot(story, "one", 1 - newest_slot(story, "one"))
    before = len(story.shown("ETHUSDT"))

    story.live_for(15)

    assert len(story.shown("ETHUSDT")) > before


def test_an_order_that_appears_late_beyond_the_counter_halts_a_running_bot() -> None:
    story = Story(15, {"one": GOOD})
    story.live_for(30)
    generation = story.generation("one")

    def second_runner() -> None:
        story.place(
            make_id(
                installation=generation.installation,
                bot="one",
                birth=generation.birth,
                counter=9_999,
                leg="a",
            )
        )

    story.after(60, second_runner)
    story.live_for(180)

    parked = story.generation("one").parked
    assert parked is not None
    assert "9999" in parked.reason
    assert len(story.open_now()) == 1
