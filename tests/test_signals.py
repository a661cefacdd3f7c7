"""A signal is saved before it is acknowledged, and taken once, whenever the power fails."""

from collections.abc import Mapping
from typing import Any

import pytest

from lib.control.office import Verb
from lib.desk import Desk
from lib.inbox import DONE_MAX, NAMES_MAX, Inbox, Signal, check_room, deliver, take
from lib.life import Standing
from lib.obedience import signal_bot
from tests.plans import DCA, traded
from tests.swinging import path
from tests.told_world import Said, ToldLife, ToldWorld
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

ROUGH = Luck(query_lag_ms=500)
BUYS_ON_SIGNAL = {
    **DCA,
    "safety_orders": 0,
    "safety_order": None,
    "start": {"signal": "buy", "signal_valid_for": "30m"},
    "close_after": "60s",
}


def signal(number: int, name: str = "buy", value: str = "") -> Signal:
    return Signal(id=str(number), name=name, value=value)


def signaled(
    seed: int, luck: Luck = CALM, *said: Said, deeds: Any = (), **section: Any
) -> ToldWorld:
    """Make a world in which a bot is told to buy, again and again as if the answer were lost."""
    told = said or (say(140, "buy", times=3),)  # born by then, whatever was cut before
    bots: Mapping[str, Any] = {"bot": {**BUYS_ON_SIGNAL, **section}}
    return ToldWorld(seed, bots, luck, said=told, deeds=deeds, shape=path((0, 1)))


def say(after: float, what: str, **more: Any) -> Said:
    return Said(after, Verb.SIGNAL, ("bot",), signal=what, **more)


def verify(world: ToldWorld) -> None:
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}
    assert [side for side, _, _ in traded(world)] == ["BUY", "SELL"]
    inbox = world.generation("bot").memory.inbox
    assert (inbox.waiting, inbox.done) == ({}, ["0"])


@pytest.mark.slow
@pytest.mark.parametrize("luck", [CALM, ROUGH], ids=["calm", "rough"])
def test_one_signal_begins_one_deal_whenever_the_power_fails(luck: Luck) -> None:
    for world in every_life(lambda: signaled(2, luck), stride=13):
        verify(world)


@pytest.mark.slow
def test_one_signal_begins_one_deal_after_two_cuts() -> None:
    for world in pairs_of_cuts(lambda: signaled(3, ROUGH), 3, many=12):
        verify(world)


def test_what_was_answered_is_on_the_medium() -> None:
    world = live(signaled(1))

    assert world.answer(0) == "bot: signaled buy: it waits until the bot takes it"
    assert world.breaches == []
    verify(world)


def test_a_signal_to_a_paused_bot_waits_until_it_may_trade() -> None:
    said = (Said(30, Verb.PAUSE, ("bot",)), say(60, "buy"), Said(200, Verb.RESUME, ("bot",)))
    world = live(signaled(1, CALM, *said))

    world.check()
    assert world.accepted[1].at > world.answered_at(2)


def test_a_signal_that_came_too_long_ago_is_thrown_away() -> None:
    start = {"signal": "buy", "at": "2024-08-01 00:05", "signal_valid_for": "60s"}
    world = live(signaled(1, CALM, say(40, "buy"), say(320, "buy"), start=start))

    assert any("too old and thrown away" in news.text for news in world.news)
    assert world.accepted[1].at > world.answered_at(1)


def test_a_signal_with_a_blank_is_refused_and_nothing_waits() -> None:
    world = live(signaled(1, CALM, say(40, "buy now"), say(60, "buy")))

    assert "a signal is a word or WORD=VALUE" in world.answer(0)
    assert len(traded(world, "BUY")) == 1


def test_a_bot_that_takes_a_signal_without_a_save_buys_twice_and_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Desk, "take_signal", lambda desk, name: desk.signal(name))

    world = live(signaled(1, CALM, deals=2))

    with pytest.raises(AssertionError):
        verify(world)


# --- the inbox itself


def test_a_newer_signal_takes_the_place_of_one_of_the_same_name() -> None:
    inbox = Inbox()
    deliver(inbox, signal(1, value="60000"))
    deliver(inbox, signal(2, value="61000"))

    assert take(inbox, "buy") == signal(2, value="61000")
    assert take(inbox, "buy") is None


@pytest.mark.parametrize("taken", [False, True], ids=["waiting", "taken"])
def test_a_request_that_is_repeated_brings_nothing(*, taken: bool) -> None:
    inbox = Inbox()
    deliver(inbox, signal(1))
    if taken:
        take(inbox, "buy")
    before = inbox.model_copy(deep=True)

    deliver(inbox, signal(1))

    assert inbox == before


def test_a_replaced_signal_does_not_come_back() -> None:
    inbox = Inbox()
    for number in (1, 2):
        deliver(inbox, signal(number))

    deliver(inbox, signal(1))

    assert inbox.waiting == {"buy": signal(2)}


def full() -> Inbox:
    """Make an inbox that has no room for another name, and knows what it had."""
    inbox = Inbox()
    for number in range(200):
        deliver(inbox, signal(number))
    for number in range(NAMES_MAX - 1):
        deliver(inbox, signal(1_000 + number, f"other-{number}"))
    return inbox


def test_an_inbox_stays_small_whatever_comes() -> None:
    inbox = full()

    with pytest.raises(ValueError, match="other signals wait already"):
        check_room(inbox, signal(2_000, "one-more"))
    check_room(inbox, signal(2_001))

    assert len(inbox.waiting) == NAMES_MAX
    assert len(inbox.done) == DONE_MAX


def test_one_that_came_before_needs_no_room() -> None:
    inbox = full()
    take(inbox, "buy")
    deliver(inbox, signal(3_000, "another"))

    check_room(inbox, signal(199))


def signal_too_many(world: ToldWorld) -> None:
    """Signal a bot whose newest look at its inbox made room, which is not on disk yet."""
    life = world.life
    assert isinstance(life, ToldLife)
    bot = life.office._supervisor.lives["bot"]
    bot.generation.memory.inbox = Inbox()
    world.extra = life.loop.create_task(signal_bot(bot, signal(9_999, "now")))


def test_room_that_is_not_on_disk_yet_is_room() -> None:
    names = [say(20 + number, f"name-{number}") for number in range(NAMES_MAX)]
    world = live(signaled(1, CALM, *names, say(200, "buy"), deeds=[(60, signal_too_many)]))

    assert world.extra is not None
    assert world.extra.result() is None
    assert "now" in world.generation("bot").memory.inbox.waiting


def test_a_memory_of_before_there_were_signals_has_none() -> None:
    world = live(signaled(1))
    memory = world.generation("bot").memory
    old = memory.model_dump(exclude={"inbox"})

    assert type(memory).model_validate(old).inbox == Inbox()
