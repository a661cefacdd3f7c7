"""A runner on a machine whose power can fail, and an exchange on another one that never dies."""

import random
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from lib.orders import UNSETTLED, orders_inside
from lib.torture.arena import SETTINGS, write_conf
from lib.torture.audit import BooksDiffer, audit, contexts_in
from lib.torture.ledger import Ledger
from lib.torture.processes import PROGRAM, Stuck
from lib.torture.venue import START, Exchange
from tests.torture.machine import HOST, FileSystemKind, Life, Machine, program
from tests.torture.machine_audit import Era, journal_faults, time_faults

DISK: Final = Path("/mnt")
CTX: Final = DISK / "ctx"
JOURNAL: Final = DISK / "journal" / "orders.sqlite"
SETTLE_PATIENCE: Final = 180.0  # seconds
SILENCE_MAX: Final = 15.0  # seconds
LOOK_EVERY: Final = 4.0  # seconds between two looks at a disk that is in use
ENDED: Final = "machine: the program ended with"


class MachineArena:
    """One exchange, one machine, and one life of it after the other.

    What is kept of a former life are the disk and what the exchange knows, nothing else.
    """

    def __init__(
        self, folder: Path, bots: Mapping[str, Any], *, seed: int, kind: FileSystemKind = "ext4"
    ) -> None:
        self.folder = folder
        self.chance = random.Random(f"machine {seed}")
        self.program: tuple[str, ...] = (PROGRAM,)
        self.recoveries: list[float] = []  # seconds from power on to the first word of a bot
        self.bots: dict[str, Any] = {}
        self._began = now_ms()
        self.renew(bots)
        self.machine = Machine(folder, kind, self.chance)
        try:
            self.exchange = Exchange(folder, seed=seed, host=HOST)
        except BaseException:
            self.machine.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.machine.close()
        self.exchange.kill()

    def renew(self, bots: Mapping[str, Any]) -> None:
        """Have the next lives run these bots; the former ones wait as they were left."""
        self.bots |= bots
        write_conf(self.folder, bots, SETTINGS)

    def boot(self, *, clock: str = "right", before: str = "", options: str = "rw") -> Life:
        """Switch the machine on; it starts the runner by itself, after a line of shell if told."""
        words = (*self.program, "--conf", str(self.folder / "conf.json"), "--ctx", str(CTX))
        where = ("--journal", str(JOURNAL), "--venue", self.exchange.address)
        started = program(*words, *where)
        if before:
            started = ("sh", "-c", f"{before}\n{shlex.join(started)}")
        return self.machine.boot(*started, clock=clock, options=options)

    def cut(self) -> Life:
        """Take the power away. Raises Stuck if the runner had ended by itself before."""
        life = self.machine.cut()
        first = life.first_of_a_bot()
        if first is not None:
            self.recoveries.append(first - life.began)
        if ENDED in life.output:
            raise Stuck(f"the runner ended by itself:\n{life.last_words}")
        return life

    def audit(self) -> Ledger:
        """Hold the disk, as a restart would find it, against the exchange. Raises BooksDiffer."""
        ledger, era = self.exchange.ledger(), Era(self._began, now_ms())
        with self.machine.opened() as disk:
            audit(disk / CTX.relative_to(DISK), ledger, START)
            faults = [
                *time_faults(contexts_in(disk / CTX.relative_to(DISK)), era),
                *journal_faults(disk / JOURNAL.relative_to(DISK), ledger, era),
            ]
        if faults:
            raise BooksDiffer(faults)
        return ledger

    @contextmanager
    def opened_ctx(self) -> Iterator[Path]:
        """Show the contexts, in a copy, as a restart would find them."""
        with self.machine.opened() as disk:
            yield disk / CTX.relative_to(DISK)

    def doubts(self) -> dict[str, set[str]]:
        """Name by bot the intents on disk whose outcome is not known there yet."""
        with self.opened_ctx() as ctx:
            contexts = contexts_in(ctx)
        open_intents = {
            each.bot: {
                order.token
                for order in orders_inside(each.context)
                if order.token and order.state in UNSETTLED
            }
            for each in contexts
        }
        return {bot: tokens for bot, tokens in open_intents.items() if tokens}

    def settle(self) -> Ledger:
        """Run the bots in doubt until none of their doubts is left; then audit. Raises Stuck."""
        left = self.doubts()
        self.renew({bot: self.bots[bot] for bot in left} or self.bots)
        life = self.start()
        deadline = time.monotonic() + SETTLE_PATIENCE
        while left := _common(left, self.doubts()):
            if time.monotonic() > deadline:
                raise Stuck(f"in doubt for {SETTLE_PATIENCE} s: {left}\n{life.last_words}")
            time.sleep(LOOK_EVERY)
        self.cut()
        return self.audit()

    def come_into_the_world(self, **how: str) -> None:
        """Let every bot there is be born, which takes longer than to be resumed, and die."""
        life = self.boot(**how)
        for bot in self.bots:
            life.until(rf" {bot} plan: ")
        self.cut()

    def start(self, **how: str) -> Life:
        """Switch the machine on and wait until a bot speaks; if all are in doubt, not for long."""
        life = self.boot(**how)
        started = life.until(" runner start: ")
        while life.first_of_a_bot() is None and time.monotonic() < started + SILENCE_MAX:
            time.sleep(0.01)
        return life

    def await_fault(self, seconds: float = 20.0) -> bool:
        """Wait until a fault met a request; answer whether one did."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(entry["rule"] for entry in self.exchange.command("GET", "log")):
                return True
            time.sleep(0.01)
        return False

    def disturb_an_order(self, fault: Mapping[str, Any], *, skip: int) -> bool:
        """Have a fault meet one of the next orders; come back when it has."""
        self.exchange.command("DELETE", "log")
        rule = {"fault": fault, "method": "POST", "path": "/api/v3/order", "times": 1}
        self.exchange.command("POST", "faults", [rule | {"skip": skip}])
        return self.await_fault()

    def mend(self) -> None:
        """Take all faults away."""
        self.exchange.command("DELETE", "faults")


def _common(former: Mapping[str, set[str]], present: Mapping[str, set[str]]) -> dict[str, set[str]]:
    return {bot: both for bot in former if (both := former[bot] & present.get(bot, set()))}


def now_ms() -> int:
    """Read the clock of this machine, which is the exchange's."""
    return time.time_ns() // 1_000_000
