"""The real runner on disks that fail, fill up, lag, vanish or are meddled with, and get well."""

import errno
import random
import signal
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lib.torture.arena import Arena
from lib.torture.audit import BooksDiffer, audit
from lib.torture.processes import PROGRAM, Process, Stuck
from tests.torture import mounts
from tests.torture import sick_stages as stages
from tests.torture.crowd import buys, dipping, sells
from tests.torture.experiment import Experiment, Outcome

PATIENCE: Final = 60.0  # seconds until all must go on; the back-off of a short illness is under 10
ILL: Final = 4.0  # seconds
OLD: Final = {
    "btc_buys": buys("BTCUSDT"),
    "eth_sells": sells("ETHUSDT"),
    "dips": dipping("BTCUSDT"),
}
YOUNG: Final = {"eth_buys": buys("ETHUSDT"), "btc_sells": sells("BTCUSDT")}
PRIVILEGES: Final = "-dac_override,-dac_read_search,-fowner"
WITHOUT_PRIVILEGES: Final = f"""
import os, sys
words = ["--bounding-set", "{PRIVILEGES}", "--inh-caps", "{PRIVILEGES}", sys.executable]
os.execvp("setpriv", ["setpriv", *words, *sys.argv[1:]])
"""


@dataclass(frozen=True, kw_only=True)
class Sickness:
    """What is done to the disk, what must be said, and who must stop."""

    name: str
    stage: stages.Open
    says: str
    stops: bool = True  # no order may leave while it lasts; else all must go on
    at_birth: bool = False  # it is met by bots that have no context yet
    without_privileges: bool = False  # the runner is an ordinary user's
    at_start: bool = False  # it is met by a runner that starts, which must be started again after


def _fails(call: str, number: int, words: str, **more: bool) -> Sickness:
    name = f"{errno.errorcode[number]} at {call}"
    return Sickness(name=name, stage=stages.switched({call: number}), says=words, **more)


BACK: Final = "put it back as it was"
SICKNESSES: Final = (
    _fails("write", errno.EIO, "cannot be saved: the disk fails"),
    _fails("fsync", errno.EIO, "cannot be saved: the disk fails"),
    _fails("write", errno.ENOSPC, "cannot be saved: the disk is full"),
    _fails("fsync", errno.EDQUOT, "cannot be saved: the disk quota is used up"),
    _fails("write", errno.EROFS, "cannot be saved: the disk can be read only"),
    _fails("rename", errno.EIO, "cannot be created: the disk fails", at_birth=True, stops=False),
    Sickness(
        name="flushes of 2.5 seconds",
        stage=stages.switched({}, {"fsync": 2.5}),
        says=" fill: ",
        stops=False,
    ),
    Sickness(
        name="a full ext4",
        stage=stages.full("ext4"),
        says="cannot be created: the disk is full",
        at_birth=True,
        stops=False,
    ),
    Sickness(
        name="an ext4 without inodes",
        stage=stages.full("ext4", "-N", "64", inodes=True),
        says="cannot be created: the disk is full",
        at_birth=True,
        stops=False,
    ),
    Sickness(
        name="a full xfs",
        stage=stages.full("xfs"),
        says="cannot be created: the disk is full",
        at_birth=True,
        stops=False,
    ),
    Sickness(
        name="a full btrfs", stage=stages.full("btrfs"), says="cannot be saved: the disk is full"
    ),
    Sickness(name="a disk pulled out and plugged in again", stage=stages.pulled, says=BACK),
    Sickness(
        name="ctx moved away and back",
        stage=stages.handled(stages.move_away, stages.move_back),
        says=BACK,
    ),
    Sickness(
        name="ctx replaced by an empty folder",
        stage=stages.handled(stages.replace, stages.replace_back),
        says=BACK,
    ),
    Sickness(
        name="every context deleted under the running program",
        stage=stages.handled(stages.delete, stages.nothing),
        says="was deleted while this program runs",
        stops=False,
    ),
    Sickness(
        name="every context edited under the running program",
        stage=stages.handled(stages.edit, stages.nothing),
        says="was changed by another hand",
        stops=False,
    ),
    Sickness(
        name="every context made unreadable between two runs",
        stage=stages.handled(stages.spoil, stages.unspoil),
        says="CorruptContext",
        at_start=True,
    ),
    Sickness(
        name="contexts of another user",
        stage=stages.handled(stages.give_away, stages.take_back),
        says="cannot be opened: this program is not allowed to",
        at_start=True,
        without_privileges=True,
    ),
)


class Patient:
    """One runner, one exchange, one disk that falls ill and gets well."""

    def __init__(
        self,
        arena: Arena,
        stage: stages.Stage,
        sickness: Sickness,
        seed: int,
        patience: float,
    ) -> None:
        self.arena, self.stage, self.sickness = arena, stage, sickness
        self.patience = patience  # seconds
        self.chance = random.Random(f"sick {seed}")
        self.deaths: Counter[str] = Counter()
        self.losses: list[str] = []
        self.seconds: list[float] = []

    def live(self) -> None:
        """Trade, fall ill, get well, trade again."""
        self._trade(self.arena.start(), OLD)
        time.sleep(self.chance.uniform(0, 1.5))
        if self.sickness.at_birth or self.sickness.at_start:
            self._die("while all was well")
        if self.sickness.at_birth:
            self.arena.renew(OLD | YOUNG)
        self._fall_ill()
        self._suffer()
        self._heal()
        self._die("after it was well again")
        self.arena.audit()

    def _fall_ill(self) -> None:
        runner, began = self.arena.runner, time.monotonic()
        self.stage.fall_ill()
        if not (runner and runner.alive):
            runner = self.arena.start()
        runner.until(self.sickness.says, self.patience, after=began)
        if not self.sickness.stops:
            self._trade(runner, OLD)

    def _suffer(self) -> None:
        """Let it last; hold disk against exchange in the middle of it; perhaps die of it."""
        time.sleep(ILL / 2)
        before = self._orders()
        time.sleep(ILL / 2)
        runner = self.arena.runner
        assert runner is not None
        runner.stop()
        if self.sickness.stops and (more := self._orders() - before):
            self.losses.append(f"{more} orders left while nothing could be saved")
        if self.stage.truth is not None:
            audit(self.stage.truth, self.arena.exchange.ledger(), self.arena.balances)
        if self.sickness.at_start or self.chance.random() < 0.5:
            self._die("while it was ill")
        else:
            runner.send(signal.SIGCONT)

    def _heal(self) -> None:
        began = time.monotonic()
        self.stage.heal()
        runner = self.arena.runner
        if not (runner and runner.alive):
            runner = self.arena.start()
        self._trade(runner, OLD | YOUNG if self.sickness.at_birth else OLD)
        self.seconds.append(time.monotonic() - began)

    def _trade(self, runner: Process, bots: Iterable[str]) -> None:
        """Wait until each of these bots filled an order from now on."""
        began = time.monotonic()
        for name in bots:
            if name != "dips":  # it may wait for its price
                runner.until(rf" {name} fill: ", PATIENCE, after=began)

    def _die(self, moment: str) -> None:
        self.arena.kill()
        self.deaths[f"{self.sickness.name}: killed {moment}"] += 1

    def _orders(self) -> int:
        return len(self.arena.exchange.ledger().orders)


def attempt(seed: int, folder: Path) -> Outcome:
    """Make a disk ill under a runner; which way, the seed says."""
    return suffered(SICKNESSES[seed % len(SICKNESSES)], seed, folder)


def suffered(
    sickness: Sickness,
    seed: int,
    folder: Path,
    program: tuple[str, ...] = (),
    patience: float = PATIENCE,
) -> Outcome:
    """Live through one sickness; whatever goes wrong is a loss with its story."""
    mounts.enter_own_namespace()
    with sickness.stage(folder) as stage, Arena(folder, OLD, seed=seed) as arena:
        if sickness.without_privileges:
            arena.program = ("-c", WITHOUT_PRIVILEGES, PROGRAM)
        arena.program = program or arena.program
        patient = Patient(arena, stage, sickness, seed, patience)
        try:
            patient.live()
        except (BooksDiffer, Stuck) as wrong:
            patient.losses.append(f"{sickness.name}: {wrong}\n{_last_words(arena)}")
        return Outcome(
            deaths=patient.deaths.total(),
            points=patient.deaths,
            losses=patient.losses,
            figures={"from a well disk to trading again, seconds": patient.seconds},
        )


def _last_words(arena: Arena) -> str:
    said = arena.runner.output if arena.runner else ""
    return "\n".join(said.splitlines()[-25:])


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        name="sick_disks",
        title="Disks that fail, fill up, lag and vanish",
        text=(
            "The runner trades against a simulated exchange, both as processes of their own. Then "
            "its disk falls ill, and is well again after some seconds: writes, flushes or renames "
            "that fail with EIO, ENOSPC, EDQUOT or EROFS (by a FUSE folder with a switch), flushes "
            "of 2.5 seconds, a real ext4, xfs and btrfs filled to the last block, an ext4 without "
            "inodes, a disk pulled out and plugged in again as another device, and "
            "hands: ctx/ moved, replaced, its files deleted or edited under the running program, "
            "made unreadable or given to another user between two runs. Required: while a context "
            "cannot be saved no order of its bot leaves; the person is told in plain words; once "
            "the disk is well, all bots trade again by themselves (where a runner was started on "
            "files it must refuse, after the next start). In the middle of it the runner is frozen "
            "and what the disk holds is compared with the exchange's books, order by order; half "
            "of the time it is then killed. A loss would show as an order the files do not know, "
            "as one that left in the meantime, or as a bot that does not come back."
        ),
        attempts=3 * len(SICKNESSES),
        seconds=35,
        cores=0.15,
        attempt=attempt,
        lacks=lambda: mounts.lacks("ext4", "xfs", "btrfs"),
    ),
)
