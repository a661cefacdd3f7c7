"""The power fails under the whole machine, again and again, and comes back."""

import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.busy_bots import busy_bots
from tests.torture.experiment import Experiment, Outcome
from tests.torture.machine import lacks, take_own_namespaces
from tests.torture.machine_arena import MachineArena
from tests.torture.power_clocks import WRONG_CLOCKS
from tests.torture.power_disks import UNFIT_DISKS
from tests.torture.power_lives import (
    Ending,
    Moment,
    all_of,
    file_system_of,
    measure,
    one_life,
    settle,
)
from tests.torture.power_rollbacks import ROLLBACKS

LIVES: Final = 20
CROWDS: Final = 4  # of bots: those that run soon all wait for the end of a doubt, so others follow
START_SECONDS: Final = 6.0  # what the machine and the runner need to start, about
DISK_PATIENCE: Final = 15.0
SPAN: Final = {"flush": 30, "write": 80}
CONTROL_LIVES: Final = 4

TEXT: Final = """\
A whole operating system dies, not a process. The real runner trades on a machine of its own:
User-Mode Linux, a Linux kernel that runs as a plain program, with its own memory, its own page
cache, its own file system (ext4 for most seeds, xfs and btrfs for others) and its own network.
Its processes are killed at once, without a warning; then it boots again, mounts its disk, and
starts the runner. What it had in memory and had not written is gone. Its disk forgets as well:
whatever was written since the last flush is there, missing or torn at a sector of 512 bytes (but
for the superblock, without which no file system is), by chance and in any order, so that a flush
left out anywhere between the runner and the disk would be seen. (User-Mode Linux's own disk
answers a flush and flushes nothing; the disk here is a network block device that honours it.) The
exchange runs outside and lives on. Ten bots trade at a time, forty in all: market orders without
end, and dip buyers with their stops.

An attempt is one exchange, one disk and twenty lives. The power goes at random moments of the
start and of the trading; at the n-th write or flush of the disk, before it is done or done and
not yet answered; and at an order on its way: accepted with the reply still coming, accepted only
after the machine is dead, or never accepted. After each cut a copy of the disk is mounted as a
restart would mount it, and every context is held against the exchange's own books, to the last
digit: an order that no saved intent announces, one accepted twice, one open and forgotten, a fill
that does not exist or is missing, an id counter behind the exchange's, money that the contexts do
not explain. The journal must be whole and every fill in it real. At the end the machine runs
until every doubt is resolved."""

CONTROL_TEXT: Final = """\
The same machine, bots, cuts and audit, but the runner's fsync and fdatasync do nothing. Its
contexts are as good as before as long as the power stays; the cuts must show the difference. If
nothing were lost here, the result above would mean nothing."""

FLUSHLESS: Final = """
import os, sys
os.fsync = os.fdatasync = lambda fd: None
from auto_trading import main
sys.exit(main())
"""


def power_cuts(seed: int, folder: Path) -> Outcome:
    """Make a whole attempt."""
    return cuts(seed, folder, lives=LIVES, crowds=CROWDS)


def cuts(seed: int, folder: Path, *, lives: int, crowds: int, finish: Ending = settle) -> Outcome:
    """Cut the power at moments of every kind, look at the disk each time, settle at the end."""
    take_own_namespaces()
    chance = random.Random(f"power cuts {seed}")
    kind = file_system_of(seed)
    outcome = Outcome()
    bots = [busy_bots(f"c{number}_") for number in range(crowds)]
    with MachineArena(folder, all_of(bots), seed=seed, kind=kind) as arena:
        arena.come_into_the_world()
        for life in range(lives):
            arena.renew(bots[life * crowds // lives])
            name = chance.choice(list(MOMENTS))
            where = f"seed {seed}, life {life + 1} on {kind}"
            one_life(arena, name, MOMENTS[name], outcome, where=where)
            if outcome.losses:
                break
        else:
            finish(arena, f"seed {seed}, after {lives} lives on {kind}", outcome)
        measure(arena, outcome)
    return outcome


def cuts_without_flushes(seed: int, folder: Path) -> Outcome:
    """Let a runner that never flushes live and die in the same way, until something is lost."""
    take_own_namespaces()
    outcome = Outcome()
    with MachineArena(folder, busy_bots("c_"), seed=seed) as arena:
        arena.program = ("-c", FLUSHLESS)
        for life in range(CONTROL_LIVES):
            where = f"seed {seed}, life {life + 1} without flushes"
            one_life(arena, "while it traded", while_it_trades, outcome, where=where)
            if outcome.losses:
                break
    return outcome


def while_it_starts(arena: MachineArena) -> None:
    arena.boot()
    time.sleep(arena.chance.uniform(0.5, START_SECONDS))


def while_it_trades(arena: MachineArena) -> None:
    life = arena.start()
    if life.first_of_a_bot() is None:
        life.until(" plan: ")
    time.sleep(arena.chance.uniform(0, 1.5))


def at_the_disk(what: str, *, done: bool, of_the_start: bool = False) -> Moment:
    """Make the moment of a random write or flush, before the disk did it or after."""

    def moment(arena: MachineArena) -> None:
        life = arena.boot() if of_the_start else arena.start()
        number = arena.machine.disk.counts[what] + arena.chance.randint(1, SPAN[what])
        happened = arena.machine.cut_at(what, number, done=done)
        deadline = time.monotonic() + DISK_PATIENCE
        while not happened() and life.alive and time.monotonic() < deadline:
            time.sleep(0.002)

    return moment


def at_the_exchange(fault: Mapping[str, Any]) -> Moment:
    """Make the moment at which a fault keeps one of the next orders from being answered."""

    def moment(arena: MachineArena) -> None:
        arena.start()
        arena.disturb_an_order(fault, skip=arena.chance.randint(0, 20))
        time.sleep(arena.chance.choice((0.0, 0.0, 0.3)))

    return moment


MOMENTS: Final[dict[str, Moment]] = {
    "while it started": while_it_starts,
    "while it traded": while_it_trades,
    "at a flush of the start, before the disk did it": at_the_disk(
        "flush", done=False, of_the_start=True
    ),
    "at a write of the start that was not flushed": at_the_disk(
        "write", done=True, of_the_start=True
    ),
    "at a flush, before the disk did it": at_the_disk("flush", done=False),
    "at a flush that was done and not answered": at_the_disk("flush", done=True),
    "at a write, before the disk had it": at_the_disk("write", done=False),
    "at a write that was not flushed": at_the_disk("write", done=True),
    "when an order was accepted and the reply under way": at_the_exchange({
        "kind": "delay_reply",
        "delay_ms": 3_000,
    }),
    "when an order was under way that was accepted a second later": at_the_exchange({
        "kind": "delay_request",
        "delay_ms": 1_000,
    }),
    "when an order was under way that never arrived": at_the_exchange({
        "kind": "lose_request",
        "delay_ms": 3_000,
    }),
}

EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        name="power-cuts",
        title="Power cuts",
        text=TEXT,
        attempts=11,
        seconds=320,
        cores=0.4,
        attempt=power_cuts,
        lacks=lacks,
    ),
    Experiment(
        name="power-cuts-without-flushes",
        title="Control: power cuts under a runner that never flushes",
        text=CONTROL_TEXT,
        attempts=3,
        seconds=50,
        cores=0.3,
        attempt=cuts_without_flushes,
        lacks=lacks,
        expects_losses=True,
    ),
    WRONG_CLOCKS,
    ROLLBACKS,
    UNFIT_DISKS,
)
