"""A machine whose clock is wrong when it wakes up, or is set while it trades."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.busy_bots import busy_bots
from tests.torture.experiment import Experiment, Outcome
from tests.torture.machine import lacks, take_own_namespaces
from tests.torture.machine_arena import MachineArena
from tests.torture.power_lives import Moment, measure, one_life, settle

LIVES: Final = 12
YEAR: Final = 365 * 86_400
END_OF_2037: Final = 2_145_916_799

TEXT: Final = """\
A Raspberry Pi has no clock of its own: after a power cut it wakes up in the past, and its time
jumps when the network tells it better. The same machine, exchange and bots as in the power cuts,
but the machine's clock shows 1970, last year, next year or 2037 when it boots, or jumps to and
fro while the bots trade. Whatever the clock says, a context, an order and a row of the journal
must carry the exchange's time: a moment from before the exchange began, or after now, is a loss,
and so is whatever disagrees in the books. Between exchange and runner there is no TLS here, so
certificates, which a wrong clock makes invalid, are not part of it."""


def wrong_clocks(seed: int, folder: Path) -> Outcome:
    """Boot with one wrong clock after the other, cut the power, and look at the disk."""
    take_own_namespaces()
    chance = random.Random(f"wrong clocks {seed}")
    outcome = Outcome()
    names = [name for _ in range(LIVES) for name in CLOCKS][:LIVES]
    chance.shuffle(names)
    with MachineArena(folder, busy_bots("c_"), seed=seed) as arena:
        arena.come_into_the_world(clock=str(chance.choice((0, 86_400, 1_600_000_000))))
        for life, name in enumerate(names):
            where = f"seed {seed}, life {life + 1}"
            one_life(arena, f"with a clock that {name}", CLOCKS[name], outcome, where=where)
            if outcome.losses:
                break
        else:
            settle(arena, f"seed {seed}, after {LIVES} lives", outcome)
        measure(arena, outcome)
    return outcome


def shows(seconds: Callable[[], int]) -> Moment:
    """Make a life that begins with this time on the clock."""

    def moment(arena: MachineArena) -> None:
        arena.start(clock=str(seconds()))
        time.sleep(arena.chance.uniform(0.5, 3))

    return moment


def jumps(*seconds: Callable[[], int]) -> Moment:
    """Make a life whose clock is right at first, and is set to each of these while it trades."""

    def moment(arena: MachineArena) -> None:
        settings = "; ".join(f"sleep 1; date -s @{each()} >/dev/null" for each in seconds)
        arena.start(before=f"(sleep 3; {settings}) &")
        time.sleep(arena.chance.uniform(1, 2 + len(seconds)))

    return moment


def now() -> int:
    return int(time.time())


CLOCKS: Final[dict[str, Moment]] = {
    "woke up in 1970": shows(lambda: 5),
    "was a year late": shows(lambda: now() - YEAR),
    "was a year early": shows(lambda: now() + YEAR),
    "showed the end of 2037": shows(lambda: END_OF_2037),
    "was set an hour back while it traded": jumps(lambda: now() - 3_600),
    "was set a day ahead and right again while it traded": jumps(lambda: now() + 86_400, now),
    "jumped to 1970, to 2037 and back": jumps(lambda: 5, lambda: END_OF_2037, now),
}

WRONG_CLOCKS: Final = Experiment(
    name="wrong-clocks",
    title="Clocks that wake up in the past",
    text=TEXT,
    attempts=6,
    seconds=180,
    cores=0.3,
    attempt=wrong_clocks,
    lacks=lacks,
)
