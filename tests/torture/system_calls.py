"""The real runner, killed or refused at any system call of its own, while it trades."""

import math
import random
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lib.torture.arena import Arena
from lib.torture.audit import BooksDiffer
from lib.torture.processes import PROGRAM, Process, Stuck
from tests.conftest import lacking
from tests.torture.crowd import buys, dipping, rests, sells, spends
from tests.torture.experiment import Experiment, Outcome

BOTS: Final = {
    "btc_buys": buys("BTCUSDT"),
    "eth_sells": sells("ETHUSDT"),
    "btc_spends": spends("BTCUSDT"),
    "eth_rests": rests("ETHUSDT"),
    "btc_dips": dipping("BTCUSDT"),
}
BUSY: Final = ("btc_buys", "eth_sells", "btc_spends")  # they fill again and again
INJECTIONS: Final = 6  # per attempt
TRACED: Final = 4.0  # seconds of trading
PATIENCE: Final = 90.0  # seconds
STARTED: Final = "no real money"  # in the first line: what comes before is Python's own start
REFUSALS: Final = {
    "EIO": ("openat", "pread64", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "sendto"),
    "ENOSPC": ("openat", "pwrite64", "fsync", "fdatasync", "rename", "write"),
    "EROFS": ("openat", "pwrite64", "fsync", "fdatasync", "rename", "unlink"),
    "EMFILE": ("openat", "socket"),
}
CALL: Final = re.compile(r"(\d+) +(\w+)\(")
TRACE: Final = """
import os, sys
os.execvp("strace", ["strace", "-D", "-f", "-qq", *{words!r}, sys.executable, *sys.argv[1:]])
"""


@dataclass(frozen=True)
class Injection:
    """What one run meets: its k-th call of a name, in whichever thread, is its last or fails."""

    call: str
    number: int
    refusal: str = ""  # empty: SIGKILL before the call

    @property
    def words(self) -> tuple[str, ...]:
        """strace's options. A refusal names its call to the trace, or nothing is injected."""
        way = f"error={self.refusal}" if self.refusal else "signal=KILL"
        inject = f"inject={self.call}:{way}:when={self.number}"
        return "-o", "/dev/null", "-e", f"trace={self.call}", "-e", inject

    def __str__(self) -> str:
        way = f"{self.refusal} at" if self.refusal else "SIGKILL before"
        return f"{way} {self.call}"


@dataclass(frozen=True)
class Calls:
    """How often the busiest thread of a run made each call: until it began, and in all."""

    before: Counter[str]
    at_all: Counter[str]

    def draw(self, chance: random.Random) -> Injection:
        """Draw a name, then a moment: early ones as likely as late ones, on a scale of powers."""
        if chance.random() < 0.5:
            name = chance.choice(sorted(self.at_all))
            return Injection(name, _draw_number(1, self.at_all[name], chance))
        refusal = chance.choice(sorted(REFUSALS))
        possible = [name for name in REFUSALS[refusal] if self.at_all[name] > self.before[name]]
        name = chance.choice(possible)
        first = self.before[name] + 1
        return Injection(name, _draw_number(first, self.at_all[name], chance), refusal)


def _draw_number(first: int, last: int, chance: random.Random) -> int:
    return first - 1 + round(math.pow(last - first + 1, chance.random()))


def calls_in(trace: Path) -> Calls:
    """Count the calls of a trace by name: each thread counts for itself, as strace does."""
    counts: dict[str, Counter[str]] = {}
    before: Counter[str] = Counter()
    begun = False
    for line in trace.read_text(errors="replace").splitlines():
        called = CALL.match(line)
        if called is None:
            continue
        thread, name = called.groups()
        counts.setdefault(thread, Counter())[name] += 1
        if not begun and STARTED in line:
            begun, before = True, Counter(counts[thread])
    at_all: Counter[str] = Counter()
    for each in counts.values():
        at_all |= each
    return Calls(before, at_all)


def traced(*words: str) -> tuple[str, ...]:
    """Answer the words that start the runner under strace, as a direct child all the same."""
    return "-c", TRACE.format(words=words)


class Attempt:
    """One arena, a run that is only watched, then runs that are struck."""

    def __init__(self, arena: Arena, program: tuple[str, ...], seed: int) -> None:
        self.arena, self.program = arena, program
        self.chance = random.Random(f"system calls {seed}")
        self.points: Counter[str] = Counter()
        self.deaths = 0

    def watch(self) -> Calls:
        """Let it live under strace, and count its calls."""
        trace = self.arena.folder / "trace"
        self.arena.program = (*traced("-o", str(trace), "-s", "200"), *self.program)
        runner = self.arena.start()
        self._trade(runner)
        time.sleep(TRACED)
        self.arena.kill()
        return calls_in(trace)

    def strike(self, injection: Injection) -> None:
        """Let it meet the injection; hold files against books; see that it trades on.

        Raises BooksDiffer or Stuck.
        """
        self.arena.program = (*traced(*injection.words), *self.program)
        runner = self.arena.start()
        began = time.monotonic()
        while runner.alive and time.monotonic() - began < 2 * TRACED + self.arena.start_seconds:
            time.sleep(0.02)
        self.deaths += 1
        met = not runner.alive or bool(injection.refusal)
        self.points[str(injection) if met else "SIGKILL while trading"] += 1
        self.arena.kill()
        self.arena.audit()

    def go_on(self) -> None:
        """Start it as it is, and wait until all trade."""
        self.arena.program = self.program
        self._trade(self.arena.start())
        self.arena.kill()
        self.deaths += 1
        self.points["SIGKILL while trading"] += 1
        self.arena.audit()

    def _trade(self, runner: Process) -> None:
        began = time.monotonic()
        for name in BUSY:
            runner.until(rf" {name} fill: ", PATIENCE, after=began)


def attempt(seed: int, folder: Path) -> Outcome:
    """Strike a runner at system calls drawn by the seed."""
    return struck(seed, folder, INJECTIONS, (PROGRAM,))


def struck(seed: int, folder: Path, injections: int, program: tuple[str, ...]) -> Outcome:
    """Strike a program so many times; what goes wrong is a loss, and the end."""
    losses: list[str] = []
    with Arena(folder, BOTS, seed=seed) as arena:
        each = Attempt(arena, program, seed)
        calls = each.watch()
        for left in reversed(range(injections)):
            injection = calls.draw(each.chance)
            try:
                each.strike(injection)
                if injection.refusal or not left:
                    each.go_on()
            except (BooksDiffer, Stuck) as wrong:
                said = arena.said + (arena.runner.output if arena.runner else "")
                losses.append(f"{injection} number {injection.number}: {wrong}\n{said[-3000:]}")
                break
    return Outcome(deaths=each.deaths, points=each.points, losses=losses)


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        name="system_calls",
        title="Killed or refused at any system call",
        text=(
            "The runner, a process that trades with five bots against a simulated exchange, is "
            "watched once, so that every system call of all its threads is known. Then it runs "
            "again and again under strace: it is killed before the k-th call of a name, be it a "
            "write, a flush, a rename, a send or a mere look at the clock, early or late in its "
            "life; or that call is refused with EIO, ENOSPC, EROFS or EMFILE. After each, files "
            "and exchange are compared, order by order, trade by trade; then the runner is started "
            "as it is, and each bot must trade on. A loss would show as an order the files do not "
            "know, one accepted twice, books that differ, or a bot that a passing error parked."
        ),
        attempts=16,
        seconds=100,
        cores=0.65,
        attempt=attempt,
        lacks=lambda: lacking("needs_strace"),
    ),
)
