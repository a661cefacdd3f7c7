"""A runner on a machine of its own whose network card delays, loses, repeats and damages packets.

The kernel below us may have no netem; the one of User-Mode Linux brings it as a module.
"""

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lib.torture.audit import BooksDiffer
from lib.torture.processes import Stuck
from tests.torture.crowd import crowd
from tests.torture.experiment import Outcome
from tests.torture.machine import lacks as lacks_machine
from tests.torture.machine import take_own_namespaces
from tests.torture.machine_arena import MachineArena
from tests.torture.mortal_runner import MODULE

MODULES: Final = Path("/usr/lib/uml/modules")
NETEM: Final = "kernel/net/sched/sch_netem.ko"
LOAD: Final = (  # what insmod does; 313 is finit_module on amd64, where alone this Linux runs
    "import ctypes, os, sys; "
    'sys.exit(ctypes.CDLL(None).syscall(313, os.open(sys.argv[1], os.O_RDONLY), b"", 0))'
)
SHAPED: Final = "machine: its network is bad now"
LIVES: Final = 3  # in one attempt
FILLS: Final = 5  # to be lived through in each
PATIENCE: Final = 180.0  # seconds, on a machine that is busy with other things
BOTS: Final = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of bad line, in the words of tc."""

    name: str
    words: str


LINES: Final = (
    Line("0.3 s of delay, varying by 0.2 s", "delay 300ms 200ms"),
    Line("1 s of delay", "delay 1s"),
    Line("one packet in ten lost", "loss 10%"),
    Line("losses in bursts, one packet in five", "loss 20% 50%"),
    Line("a quarter of the packets out of order", "delay 60ms reorder 25% 50%"),
    Line("one packet in ten twice", "duplicate 10%"),
    Line("three packets in a hundred damaged", "corrupt 3%"),
    Line("64 kbit a second", "rate 64kbit"),
    Line("a bit of everything", "delay 80ms 60ms loss 3% duplicate 3% corrupt 1% reorder 10%"),
)


def lacks() -> str:
    """Say what this machine has not; "" if nothing."""
    if reason := lacks_machine():
        return reason
    return "" if _module() else "no sch_netem.ko for User-Mode Linux"


def _module() -> Path | None:
    return next(iter(MODULES.glob(f"*/{NETEM}")), None)


def shaped(line: Line) -> str:
    """Write the line of shell that makes the machine's network bad, and says so."""
    shape = f"tc qdisc add dev vec0 root netem {line.words}"
    return f"{sys.executable} -IS -c '{LOAD}' {_module()} && {shape} && echo '{SHAPED}'"


def bad_lines(seed: int, folder: Path) -> Outcome:
    """Trade over some bad lines, one life each, cut and audited; settle over a good one."""
    take_own_namespaces()
    chance, outcome = random.Random(f"lines {seed}"), Outcome()
    with MachineArena(folder, crowd("n", BOTS), seed=seed) as arena:
        arena.program = ("-m", MODULE)
        try:
            arena.come_into_the_world()
            for line in chance.sample(LINES, LIVES):
                _live_over(arena, line, outcome)
            arena.settle()
        except (BooksDiffer, Stuck) as wrong:
            outcome.losses.append(str(wrong))
    return outcome


def _live_over(arena: MachineArena, line: Line, outcome: Outcome) -> None:
    life = arena.boot(before=shaped(line))
    life.until(f"{SHAPED}| runner start: ")
    if SHAPED not in life.output:
        raise OSError(f"the network stayed good:\n{life.output[-2_000:]}")
    deadline = time.monotonic() + PATIENCE
    while life.output.count(" fill: ") < FILLS:
        if time.monotonic() > deadline or not life.alive:
            raise Stuck(f"{line.name}: not {FILLS} fills:\n{life.last_words}")
        time.sleep(0.1)
    first = life.until(" fill: ")
    outcome.figures.setdefault(f"{line.name}: from power on to the first fill, s", []).append(
        first - life.began
    )
    arena.cut()
    outcome.deaths += 1
    outcome.points[line.name] += 1
    arena.audit()
