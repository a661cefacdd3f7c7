"""What is said by Telegram is done once, and what is told arrives, wherever the power fails."""

import re
from collections.abc import Callable
from datetime import tzinfo

import pytest

from lib.control.telegram.listener import Listener
from lib.control.telegram.outbox import Again, Outbox
from lib.control.telegram.wire import Heard
from lib.kept import Kept
from lib.life import Standing
from tests.control.telegram.chat_world import Act, ChatWorld
from tests.swinging import swing
from tests.world import CALM, live, pairs_of_cuts

DIPS = {
    "function": "dip_buyer",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "dip": "0.002",
    "rebound": "0.002",
    "stop": "0.01",
    "patience": "60s",
    "laps": 2,
}
PAUSED_IN_THE_END = (
    Act(30, says="/pause dips"),
    Act(40, says="/resume dips"),
    Act(40, presses="Yes, resume", of="Resume"),
    Act(70, says="/pause"),
    Act(75, says="/flatten dips"),
    Act(75, presses="No", of="Flatten"),
    Act(120, says="/flatten dips"),
    Act(120, presses="Yes, flatten", of="Flatten"),
)


def world_of(*acts: Act, **more: object) -> ChatWorld:
    """Make a world whose bot has a buy open from 21 to 29 s, and sells at 99 s."""
    facts: dict[str, object] = {"acts": acts, "shape": swing(0.01, 120), **more}
    return ChatWorld(1, {"dips": DIPS}, CALM, **facts)  # type: ignore[arg-type]


def verify(world: ChatWorld) -> None:
    """See that everything arrived, and nothing twice without saying so."""
    world.check()
    assert world.lost() == []
    known_before = not any(cut < world.begun + 22 for cut in world.cuts)  # else it is the first day
    assert len(world.texts("daily result")) >= known_before
    lines = [line for text in world.firm("paper\n") for line in text.splitlines()]
    told = [line for line in lines if re.match(r"\d\d:\d\d:\d\d ", line)]
    assert len(told) == len(set(told))


def verify_words(world: ChatWorld) -> None:
    """See that everything that was said was done and answered, or refused for its age."""
    assert world.texts("dips: paused")
    assert world.texts("not done: /flatten") or world.texts("too old, not done: /flatten")
    flattened = world.standings == {"dips": Standing.IDLE}
    assert flattened or world.texts("too old, not done: /flatten")


def verify_lives(*, stride: int, where: str = "") -> None:
    """Cut at every so many-th instant of a kind; verify what becomes of each life."""
    calm = live(world_of(*PAUSED_IN_THE_END))
    cuts = [number for number, label in enumerate(calm.labels, 1) if label.startswith(where)]
    assert len(cuts) > 20
    for cut in cuts[::stride]:
        world = live(world_of(*PAUSED_IN_THE_END), cut)
        with world.narrated():
            verify(world)
            verify_words(world)


def test_a_calm_life_tells_everything_once_and_does_what_is_said() -> None:
    world = live(world_of(*PAUSED_IN_THE_END))

    verify(world)
    verify_words(world)
    assert world.texts("again: ") == []
    for part in ("dips: paused", "dips: goes on", "Flatten dips?", "not done: /flatten"):
        assert len(world.texts(part)) >= 1, part


@pytest.mark.slow
def test_every_word_is_done_and_every_news_told_wherever_the_power_fails() -> None:
    verify_lives(stride=9)
    verify_lives(stride=2, where="Telegram")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_so_it_is_when_answers_are_lost_and_the_power_fails_twice(seed: int) -> None:
    def make() -> ChatWorld:
        return world_of(*PAUSED_IN_THE_END, unreliable=4)

    for world in pairs_of_cuts(make, seed, 8):
        with world.narrated():
            verify(world)
            verify_words(world)


# --- what makes it so, taken away


def moves_on_at_once(patch: pytest.MonkeyPatch) -> None:
    """Confirm what was fetched before it is done."""
    hear = Listener._hear

    async def hear_and_forget(listener: Listener) -> None:
        wire, fetch = listener._wire, listener._wire.updates

        async def updates(offset: int | None, seconds: int = 0) -> list[Heard]:
            found = await fetch(offset, seconds)
            if found:
                await fetch(found[-1].update + 1, 0)
            return found

        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(wire, "updates", updates)
            await hear(listener)

    patch.setattr(Listener, "_hear", hear_and_forget)


def keeps_nothing(patch: pytest.MonkeyPatch) -> None:
    """Have the outbox in memory alone."""

    async def save(_: object, __: object) -> int:
        return 0

    patch.setattr(Kept, "save", save)


def marks_nothing(patch: pytest.MonkeyPatch) -> None:
    """Send without a note that it may have arrived."""
    message = Outbox.message

    def unmarked(outbox: Outbox, heading: str, zone: tzinfo) -> str:
        text = message(outbox, heading, zone)
        return text.removeprefix(Again.MAYBE)

    patch.setattr(Outbox, "message", unmarked)


@pytest.mark.slow
@pytest.mark.parametrize("weaken", [moves_on_at_once, keeps_nothing, marks_nothing])
def test_the_lives_above_find_what_is_taken_away(
    weaken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    weaken(monkeypatch)

    with pytest.raises(AssertionError):
        verify_lives(stride=1, where="Telegram: after")
