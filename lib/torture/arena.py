"""A runner that lives and dies again and again, and the exchange that it trades at."""

import random
import signal
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

import orjson

from lib.orders import UNSETTLED, orders_inside
from lib.simulator.paper.paper_settings import MarketKind
from lib.torture.audit import BooksDiffer, audit, contexts_in
from lib.torture.journal_audit import BESIDE_CTX, journal_disagreements
from lib.torture.ledger import Ledger
from lib.torture.processes import PROGRAM, Process, Stuck
from lib.torture.venue import SPEED, START, Exchange

SETTINGS: Final[Mapping[str, Any]] = {"poll": "2s", "doubt_look": "15s"}
DOUBTS_END: Final = 400.0  # seconds; half a minute on a machine that has time for them
START_SECONDS: Final = 0.6  # until measured
SILENCE: Final = 6.0  # seconds after which a bot counts as one that has nothing to say
SILENT_STARTS: Final = 10  # the same on a busy machine: so many times what a start takes
BIRTHS_END: Final = 90.0  # seconds, for all new bots to come into being
EARLY: Final = 0.25  # how many of the deaths come while the runner still starts


class Lives:
    """A folder and one life of a runner after the other."""

    def __init__(
        self,
        folder: Path,
        bots: Mapping[str, Any],
        *,
        seed: int,
        settings: Mapping[str, Any] = SETTINGS,
    ) -> None:
        self.folder = folder
        self.ctx = folder / "ctx"
        self.chance = random.Random(f"arena {seed}")
        self.program: tuple[str, ...] = (PROGRAM,)
        self.options: tuple[str, ...] = ()
        self.settings = settings
        self.said = ""  # the last words of all lives
        self.recoveries: list[float] = []  # seconds
        self.ended_at = 0.0
        self.start_seconds = START_SECONDS
        self.runner: Process | None = None
        self.bots: dict[str, Any] = {}
        self.present: Collection[str] = ()
        self.renew(bots)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.runner is not None:
            self.runner.kill()

    def renew(self, bots: Mapping[str, Any]) -> None:
        """Have the next lives run these bots; the former ones wait as they were left."""
        self.bots |= bots
        self.present = bots.keys()
        write_conf(self.folder, bots, self.settings)

    def recall(self, names: Collection[str] | None = None) -> None:
        """Have the next lives run these bots again, or every one there ever was."""
        called = self.bots.keys() if names is None else names
        self.renew({name: self.bots[name] for name in called})

    def start(self) -> Process:
        """Begin the next life of the runner."""
        self.runner = Process(self.folder, *self.program, *self.options)
        return self.runner

    def kill(self, number: signal.Signals = signal.SIGKILL) -> float:
        """End this life; answer how long its end took."""
        assert self.runner is not None
        ended_at = time.monotonic()
        took = self.runner.kill(number)
        self.said += self.runner.output
        self.note_recovery()
        self.ended_at = ended_at
        return took

    def note_recovery(self) -> None:
        """Keep how long it was from the last end to the first word of a resumed bot."""
        assert self.runner is not None
        first = self.runner.first_of_a_bot()
        if first is not None and self.ended_at:
            self.recoveries.append(first - self.ended_at)
        self.ended_at = 0.0

    def live_a_while(self) -> None:
        """Begin a life and wait: a moment of the start, or some of the trading after it.

        Both are measured by how long a start takes on this machine at this time.
        """
        self.start()
        if self.chance.random() < EARLY:
            time.sleep(self.chance.uniform(0.1, 1.1) * self.start_seconds)
            return
        self.await_first_word()
        time.sleep(self.chance.uniform(0.0, 1.0) * self.start_seconds)

    def await_first_word(self) -> None:
        """Wait until a bot speaks in this life, or is silent. Raises Stuck if the runner ends."""
        runner = self.runner
        assert runner is not None
        deadline = time.monotonic() + max(SILENCE, SILENT_STARTS * self.start_seconds)
        while runner.first_of_a_bot() is None and time.monotonic() < deadline:
            if not runner.alive:
                raise Stuck(f"the runner ended by itself:\n{runner.output}")
            time.sleep(0.002)
        if spoken := runner.first_of_a_bot():
            self.start_seconds = (self.start_seconds + spoken - runner.began) / 2

    @property
    def born(self) -> bool:
        """Say whether every bot of the present conf has a context."""
        return set(self.present) <= {each.bot for each in contexts_in(self.ctx)}

    def await_births(self) -> None:
        """Wait until every present bot has come into being. Raises Stuck if the runner ends.

        A bot without a context waits first until nothing that a former life sent can be unseen.
        """
        assert self.runner is not None
        deadline = time.monotonic() + BIRTHS_END
        while not self.born and time.monotonic() < deadline:
            if not self.runner.alive:
                raise Stuck(f"the runner ended by itself:\n{self.runner.output}")
            time.sleep(0.2)

    def doubts(self) -> dict[str, str]:
        """Name the intents on disk that are not settled, each with its bot.

        Parked bots wait for a person: theirs are not among them.
        """
        living = (each for each in contexts_in(self.ctx) if each.parked is None)
        orders = ((each.bot, order) for each in living for order in orders_inside(each.context))
        return {
            order.token: bot for bot, order in orders if order.token and order.state in UNSETTLED
        }

    def await_end_of(self, doubts: Iterable[str], seconds: float = DOUBTS_END) -> None:
        """Wait until none of these intents is left open on disk. Raises Stuck."""
        deadline = time.monotonic() + seconds
        while left := set(doubts) & self.doubts().keys():
            if time.monotonic() > deadline:
                raise Stuck(f"in doubt for {seconds} s: {left}")
            time.sleep(0.5)

    def settle(self) -> Ledger:
        """Run the bots in doubt until none of their doubts is left; then audit."""
        doubts = self.doubts()
        self.recall(set(doubts.values()) or None)
        self.start()
        self.await_end_of(doubts)
        self.kill()
        return self.audit()

    def audit(self) -> Ledger:
        """Hold contexts against books; the runner must be dead or frozen. Raises BooksDiffer."""
        raise NotImplementedError


class Arena(Lives):
    """Runner and exchange as two processes."""

    def __init__(
        self,
        folder: Path,
        bots: Mapping[str, Any],
        *,
        seed: int,
        market: MarketKind = "candles",
        speed: int = SPEED,
        balances: Mapping[str, Decimal] = START,
        stops: Collection[str] = (),
        settings: Mapping[str, Any] = SETTINGS,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__(folder, bots, seed=seed, settings=settings)
        self.balances = balances
        self.stops = stops  # the errors for which a bot may stop itself
        self.exchange = Exchange(
            folder, seed=seed, market=market, speed=speed, start=balances, host=host
        )
        self.options = ("--venue", self.exchange.address)
        self.start_seconds = self.exchange.start_seconds

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.exchange.kill()

    def audit(self) -> Ledger:
        ledger = self.exchange.ledger()
        audit(self.ctx, ledger, self.balances, stops=self.stops)
        if found := list(journal_disagreements(self.folder / BESIDE_CTX, ledger)):
            raise BooksDiffer(found)
        return ledger


def write_conf(folder: Path, bots: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Write a conf.json in the long form."""
    sections = [{name: section} for name, section in bots.items()]
    content = orjson.dumps({**settings, "bots": sections}, default=str, option=orjson.OPT_INDENT_2)
    (folder / "conf.json").write_bytes(content)


def median(numbers: Sequence[float]) -> float:
    """Answer the middle one; zero without any."""
    return sorted(numbers)[len(numbers) // 2] if numbers else 0.0
