"""The chamber in which runners die, and what came of it; ways to die that only tests need."""

import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from lib.torture.arena import Arena
from lib.torture.audit import BooksDiffer
from lib.torture.deaths import AWAITED, BY_CHANCE, Deaths, Way, in_waves
from lib.torture.ledger import Ledger
from lib.torture.processes import PATIENCE, Stuck
from tests.torture.crowd import crowd
from tests.torture.experiment import Outcome
from tests.torture.mortal_runner import MODULE

FROZEN: Final = 11.0  # seconds; a request is sent within 5 s and accepted within 5 s more, at most
LAST_WORDS: Final = 25  # lines
SYSTEM_CALLS: Final = ("pwrite", "fdatasync", "fsync", "open", "rename")


class Chamber:
    """One attempt: an arena, and what came of it so far."""

    def __init__(self, folder: Path, seed: int, bots: Mapping[str, Any]) -> None:
        self.outcome = Outcome()
        self.arena = Arena(folder, bots, seed=seed)
        self.arena.program = ("-m", MODULE)

    @property
    def lost(self) -> bool:
        return bool(self.outcome.losses)

    def die(self, way: Way) -> None:
        """Have it die, then hold the books against each other."""
        try:
            self.count(way(self.arena))
        except BooksDiffer as wrong:
            self.lose(way.__name__, str(wrong))

    def count(self, deaths: Deaths) -> None:
        """Note what died, and audit."""
        self.outcome.deaths += deaths.total()
        self.outcome.points.update(deaths)
        self.audit(", ".join(deaths))

    def audit(self, point: str) -> Ledger | None:
        """Note every disagreement as a story."""
        try:
            return self.arena.audit()
        except BooksDiffer as wrong:
            self.lose(point, str(wrong))
            return None

    def lose(self, point: str, what: str) -> None:
        runner = self.arena.runner
        said = runner.output.splitlines()[-LAST_WORDS:] if runner else []
        self.outcome.losses.append(
            f"death {self.outcome.deaths} ({point}):\n{what}\n\nThe runner's last words:\n"
            + "\n".join(said)
        )

    def settle(self) -> None:
        """Let every bot there ever was resolve its doubts and trade on; audit a last time."""
        if doubts := self.arena.doubts():
            self.arena.recall(set(doubts.values()))
            self.arena.start()
            self.arena.await_end_of(doubts)
            self.arena.kill()
        self.arena.recall()
        self.arena.start().until(" fill: ", 4 * PATIENCE)
        self.arena.kill()
        ledger = self.audit("at the end, all doubts resolved")
        if ledger is not None:
            self.outcome.figures["orders accepted, number"] = [len(ledger.orders)]


@contextmanager
def chamber(folder: Path, seed: int, bots: Mapping[str, Any]) -> Iterator[Chamber]:
    """Open a chamber; a program that hangs or ends by itself is a loss too."""
    opened = Chamber(folder, seed, bots)
    with opened.arena:
        try:
            yield opened
        except Stuck as wrong:
            opened.lose("it got stuck", str(wrong)[-4_000:])
        name = "from death to the first word of a resumed bot, s"
        opened.outcome.figures[name] = opened.arena.recoveries


def lives_and_deaths(
    seed: int,
    folder: Path,
    *,
    deaths: int,
    ways: tuple[Way, ...],
    many: int = 12,
    plant: str = "",
) -> Outcome:
    """Let the runner die so many times, in ways drawn by the seed; settle, and audit it all.

    With a planted fault the harness must find losses.
    """
    with chamber(folder, seed, {}) as opened:
        if plant:
            opened.arena.program += ("--plant", plant)
        for _ in in_waves(opened.arena, lambda wave: crowd(f"w{wave}n", many), deaths):
            opened.die(opened.arena.chance.choice(ways))
            if opened.lost:
                return opened.outcome
        opened.settle()
    return opened.outcome


def killed_at_a_system_call(arena: Arena) -> Deaths:
    """Have it kill itself right before or right after its n-th call of a kind."""
    when = arena.chance.choice(("before", "after"))
    name = arena.chance.choice(SYSTEM_CALLS)
    count = arena.chance.randrange(1, 3 if name == "rename" else 60)
    program, arena.program = arena.program, (*arena.program, "--die", f"{when}:{name}:{count}")
    runner = arena.start()
    arena.program = program
    with suppress(Stuck):  # it may die while it starts
        arena.await_first_word()
    deadline = time.monotonic() + AWAITED * arena.start_seconds
    while runner.alive and time.monotonic() < deadline:
        time.sleep(0.01)
    struck = not runner.alive
    arena.kill()
    return Counter({f"SIGKILL {when} {name}" if struck else BY_CHANCE: 1})


def frozen_for_longer_than_a_fence(arena: Arena) -> Deaths:
    """Stop every thread for longer than a request may be on its way; audit; let it go on."""
    runner = arena.start()
    for _ in range(4):
        runner.until(" fill: ", after=time.monotonic())
        time.sleep(arena.chance.uniform(0, 0.5))
        runner.stop()
        arena.audit()
        time.sleep(FROZEN)
        runner.send(signal.SIGCONT)
        runner.until(" fill: ", after=time.monotonic())
    arena.kill()
    return Counter({"SIGSTOP for 11 s": 4, BY_CHANCE: 1})
