"""A machine whose disk cannot be used as it is: read-only, full, or in memory only."""

import time
from pathlib import Path
from typing import Final

from lib.torture.processes import PROGRAM
from tests.busy_bots import busy_bots
from tests.torture.experiment import Experiment, Outcome
from tests.torture.machine import lacks, program, take_own_namespaces
from tests.torture.machine_arena import ENDED, MachineArena
from tests.torture.power_lives import Moment, measure, one_life, settle

FILLER: Final = "/mnt/filler"
FILL: Final = f"dd if=/dev/zero of={FILLER} bs=4k 2>/dev/null; sync"
KEYS: Final = "BINANCE_API_KEY=none BINANCE_API_SECRET=none BINANCE_API_TEST=true"
REFUSAL: Final = f"{ENDED} 2"
LIVES: Final = 6

TEXT: Final = """\
The same machine, but its disk is not fit for use. It is mounted read-only, as Linux does with a
disk that fails: the runner must refuse with a sentence and an exit code of 2, and no order may
leave. The ctx folder is in memory only (tmpfs) while real keys are given: it must refuse as well.
And the disk is full when the runner starts, or fills up while it trades: contexts are
preallocated and are saved on a full disk too; the power is cut on the full disk, again and again,
and the same audit follows. A refusal that is missing, a trace of an exception, and any
disagreement of the books is a loss."""


def unfit_disks(seed: int, folder: Path) -> Outcome:
    """Try each unfit disk, and cut the power on a full one."""
    take_own_namespaces()
    outcome = Outcome()
    with MachineArena(folder, busy_bots("c_"), seed=seed) as arena:
        arena.come_into_the_world()
        refuses(arena, "on a disk that is read-only", outcome, options="ro")
        refuses_memory(arena, outcome)
        for life in range(LIVES):
            name = list(FULL)[(seed + life) % len(FULL)]
            one_life(arena, name, FULL[name], outcome, where=f"seed {seed}, life {life + 1}")
            if outcome.losses:
                break
        else:
            settle(arena, f"seed {seed}, after {LIVES} lives on a full disk", outcome)
        measure(arena, outcome)
    return outcome


def refuses(arena: MachineArena, where: str, outcome: Outcome, *, options: str) -> None:
    """See the runner refuse this disk without an order."""
    before = len(arena.exchange.ledger().orders)
    life = arena.boot(options=options)
    life.until(ENDED)
    arena.machine.cut()
    if len(arena.exchange.ledger().orders) != before:
        outcome.losses.append(f"{where} an order left")
    if REFUSAL not in life.output or "Traceback" in life.output:
        outcome.losses.append(f"{where} it did not refuse:\n{life.last_words}")
    outcome.deaths += 1
    outcome.points[where] += 1


def refuses_memory(arena: MachineArena, outcome: Outcome) -> None:
    """See the runner refuse to keep what real orders need in memory."""
    words = " ".join(program(PROGRAM))
    conf = arena.folder / "conf.json"
    line = f"{KEYS} {words} --venue testnet --conf {conf} --ctx /run/ctx"
    life = arena.machine.boot("sh", "-c", line)
    life.until(ENDED)
    arena.machine.cut()
    if REFUSAL not in life.output or "tmpfs" not in life.output or "Traceback" in life.output:
        outcome.losses.append(f"a ctx folder in memory was not refused:\n{life.last_words}")
    outcome.deaths += 1
    outcome.points["with contexts in memory only"] += 1


def full_from_the_start(arena: MachineArena) -> None:
    arena.start(before=FILL)
    time.sleep(arena.chance.uniform(0.5, 3))


def full_while_it_trades(arena: MachineArena) -> None:
    arena.start(before=f"rm -f {FILLER}; (sleep 4; {FILL}) &")
    time.sleep(arena.chance.uniform(1, 6))


FULL: Final[dict[str, Moment]] = {
    "on a disk that was full from the start": full_from_the_start,
    "on a disk that filled up while it traded": full_while_it_trades,
}

UNFIT_DISKS: Final = Experiment(
    name="unfit-disks",
    title="Disks that are full, read-only, or no disks",
    text=TEXT,
    attempts=3,
    seconds=150,
    cores=0.3,
    attempt=unfit_disks,
    lacks=lacks,
)
