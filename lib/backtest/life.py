"""One life of the runner in a back-test: the supervisor and its bots, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lib.atomic_json import atomic_save_json
from lib.backtest.latency import Ways
from lib.backtest.refusals import RefusalJournal
from lib.backtest.stage import Stage
from lib.backtest.virtual_time import VirtualLoop
from lib.backtest.wire import Streams, Wire
from lib.binance.venue import BinanceVenue
from lib.clock import ExchangeClock
from lib.conf import RunnerConf
from lib.disk import Disk
from lib.exchange import Limits
from lib.life import Standing
from lib.news import News, Sink
from lib.shelf import Shelf
from lib.supervisor import Supervisor

VENUE: Final = "backtest"
HOUR: Final = 3_600_000  # ms
DAY: Final = 24 * HOUR
POLL_MS: Final = 6 * HOUR  # a poll corrects what a stream lost; here it loses nothing
RULES_SECONDS: Final = 86_400.0  # filters do not change in a recording
LOOK_SECONDS: Final = 86_400.0  # how often it is seen whether all bots are done
BOOTED: Final = 1_000_000  # ms on the machine's own counter when the back-test begins
DONE: Final = frozenset({Standing.FINISHED, Standing.PARKED, Standing.IDLE})


class PowerCut(KeyboardInterrupt):
    """The power failed. Neither an event loop nor the program itself swallows this one."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the contexts are, and on what disk."""

    folder: Path
    disk: Disk
    installation: str  # six hex digits, the same in every run


class Life:
    """From a start of the runner to the end of the recording, or to a power cut."""

    def __init__(
        self, stage: Stage, home: Home, conf: RunnerConf, *, ways: Ways, tell: Sink
    ) -> None:
        self._stage = stage
        self._home = home
        self._conf = patient(conf)
        self._ways = ways
        self._sink = tell
        self._ended = False
        self.standings: dict[str, Standing] = {}
        self._ticks_behind = stage.begins - BOOTED
        self._supervisor: Supervisor | None = None
        self._keep_limits: Callable[[], Awaitable[None]] = nothing

    def run(self, until: int) -> None:
        """Live until a moment, exchange ms, or until every bot is done. Raises PowerCut."""
        loop = VirtualLoop(self._stage.seconds)
        asyncio.set_event_loop(loop)
        streams = Streams(self._stage, loop, self._ways)
        self._stage.enter(loop, streams)
        try:
            loop.run_until_complete(self._live(streams, until))
        finally:
            if self._supervisor is not None:
                self.standings = self._supervisor.standings
            self._ended = True
            self._stage.leave()
            asyncio.set_event_loop(None)
            loop.abandon()

    def _tell(self, news: News) -> None:
        """Pass on what the living say."""
        if not self._ended:
            self._sink(replace(news, at=news.at or self._stage.now()))

    async def _live(self, streams: Streams, until: int) -> None:
        self._supervisor = supervisor = self._assembled(streams)
        running = asyncio.gather(supervisor.run(), self._keep_limits())
        while not running.done() and (left := until - self._stage.now()) > 0:
            if self._is_over(supervisor):
                break
            await asyncio.wait([running], timeout=min(LOOK_SECONDS, left / 1000))
        if running.done():
            running.result()
        running.cancel()

    def _assembled(self, streams: Streams) -> Supervisor:
        stage, home = self._stage, self._home
        clock = ExchangeClock(boottime=lambda: stage.now() - self._ticks_behind)
        wire = Wire(stage, self._ways)
        venue = BinanceVenue(VENUE, wire, clock, user=streams.user, market=streams.market)
        shelf = Shelf.open(home.folder, disk=home.disk, allow_volatile=True)
        own = home.folder / "installation.json"
        if not home.disk.exists(own):
            atomic_save_json({"installation": home.installation}, own, disk=home.disk)
        journal = RefusalJournal(stage.ledger, stage.now)
        supervisor = Supervisor(
            *(self._conf, shelf, venue, clock),
            tell=self._tell,
            journal=journal,
            vitals=Quiet(),
            disk=home.disk,
            limits=Limits(silence=HOUR, glance=DAY, timer=DAY),
        )
        supervisor.floor.market_rules.renew_seconds = RULES_SECONDS
        streams.look(supervisor.floor.quotes)
        self._put_limits_in_force(supervisor, journal)
        return supervisor

    def _put_limits_in_force(self, supervisor: Supervisor, journal: RefusalJournal) -> None:
        """Have the limits of conf.json kept; who has none loads nothing of them."""
        if not any((self._conf.settings.limits, *(bot.terms.limits for bot in self._conf.bots))):
            return
        from lib.backtest.limited import Limited

        home = self._home
        limited = Limited(
            *(self._conf, supervisor, home.folder, home.disk),
            tell=self._tell,
            ledger=self._stage.ledger,
            journal=journal,
        )
        self._keep_limits = limited.keep

    def _is_over(self, supervisor: Supervisor) -> bool:
        """Say whether no bot will do anything any more."""
        standings = supervisor.standings
        born = standings.keys() | supervisor.held.keys()
        everybody = {bot.name for bot in self._conf.bots} <= born
        return everybody and all(standing in DONE for standing in standings.values())


async def nothing() -> None:
    """Have no limits to keep."""


class Quiet:
    """Nobody asks how the program is."""

    def ready(self) -> None:
        """Do nothing."""

    def status(self, text: str) -> None:
        """Do nothing."""


def patient(conf: RunnerConf) -> RunnerConf:
    """Ask less often for what streams bring anyway: nothing here gets lost."""
    return replace(conf, settings=conf.settings.model_copy(update={"poll": POLL_MS}))
