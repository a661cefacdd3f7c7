"""Several runners at once in one world: one exchange and one account, a disk and a person each."""

import asyncio
import copy
import gc
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from lib.atomic_json import read_generations
from lib.binance.venue import BinanceVenue
from lib.clock import ExchangeClock
from lib.context_file.generation import Generation, decode
from lib.exchange import Limits
from lib.life import Standing
from lib.news import News
from lib.shelf import Shelf
from lib.simulator.protocol import Request
from lib.supervisor import Supervisor
from tests.disk import HOME, Crash, Cut, SimulatedDisk
from tests.edges import MarketFeed, Quiet, UserFeed
from tests.test_life import Story, StoryWire, story_conf
from tests.virtual_time import VirtualLoop
from tests.world import EPOCH, Life

Bots = Mapping[str, Mapping[str, Any]]


@dataclass
class Home:
    """One runner's ctx folder and conf.json, and what its person heard."""

    tag: str  # the installation it draws, if it has none
    bots: Bots
    settings: Mapping[str, Any] = field(default_factory=dict)
    disk: SimulatedDisk = field(default_factory=lambda: SimulatedDisk(1))
    news: list[News] = field(default_factory=list)
    standings: dict[str, Standing] = field(default_factory=dict)

    def copied(self) -> "Home":
        """The same folder on another machine."""
        disk = SimulatedDisk(self.disk.seed, root=copy.deepcopy(self.disk.root))
        return Home(self.tag, self.bots, self.settings, disk)

    def generation(self, bot: str) -> Generation:
        return decode(read_generations(HOME / "ctx" / f"{bot}.json", disk=self.disk))

    @property
    def generations(self) -> list[Generation]:
        return [self.generation(name) for name in self.bots]

    @property
    def parked(self) -> list[str]:
        """Why its bots stopped."""
        return [each.parked.reason for each in self.generations if each.parked is not None]

    def told(self, *words: str) -> list[str]:
        return [news.text for news in self.news if all(word in news.text for word in words)]


class Runner(Life):
    """The program at work on one home, in a loop that it shares."""

    def __init__(self, street: "Street", home: Home, loop: VirtualLoop) -> None:
        self.world = self.street = street
        self.home = home
        self.loop = loop
        self.user = UserFeed(self)
        self.market = MarketFeed(self)
        self.supervisor = None

    async def begin(self, after: float) -> None:
        await asyncio.sleep(after)
        street, home = self.street, self.home
        clock = ExchangeClock(boottime=lambda: int(self.loop.time() * 1000) - EPOCH // 2)
        venue = BinanceVenue("paper", StoryWire(street), clock, user=self.user, market=self.market)
        street.bots, street.settings = home.bots, home.settings
        with patch("lib.shelf.secrets.token_hex", lambda _: home.tag):
            self.supervisor = Supervisor(
                story_conf(street),
                Shelf.open(HOME / "ctx", disk=home.disk),
                venue,
                clock,
                tell=home.news.append,
                vitals=Quiet(),
                disk=home.disk,
                limits=Limits(),
            )
        await self.supervisor.run()


@dataclass
class Street(Story):
    """A world in which several live at once."""

    runners: list[Runner] = field(default_factory=list)

    def leaves(self, request: Request) -> None:
        """Look at no disk: there are several."""

    def _on_user_event(self, account: str, event: dict[str, Any]) -> None:
        for runner in self.runners:
            runner.user.push(event)

    def _on_market_event(self, symbol: str, kind: str, payload: dict[str, Any]) -> None:
        for runner in self.runners:
            runner.market.push(symbol, kind, payload)

    def run_together(self, seconds: float, *homes: Home, apart: float = 0.0) -> None:
        """Have them at work for a while, each beginning some seconds after the one before."""
        gc.disable()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # what the dead left half done
            self._run(homes, seconds, apart)
            gc.collect()
        gc.enable()
        for home in homes:
            home.disk = home.disk.after(Cut.KILL)

    def _run(self, homes: tuple[Home, ...], seconds: float, apart: float) -> None:
        loop = VirtualLoop(self.now)
        self.runners = [Runner(self, home, loop) for home in homes]
        self.life = self.runners[0]
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._live_on(seconds, apart))
        except Crash:
            self.now = loop.time()
        finally:
            self.life, self.runners = None, []
            loop.abandon()
            asyncio.set_event_loop(None)

    async def _live_on(self, seconds: float, apart: float) -> None:
        self.after(seconds, self._end)
        self.runners[0]._tick()
        beginnings = [runner.begin(number * apart) for number, runner in enumerate(self.runners)]
        await asyncio.gather(*beginnings)

    def _end(self) -> None:
        for runner in self.runners:
            assert runner.supervisor is not None
            runner.home.standings = runner.supervisor.standings
            runner.home.disk.die()
        raise Crash

    # --- what is true afterwards

    def accepted_twice(self) -> set[str]:
        ids = [order["clientOrderId"] for order in self.orders()]
        return {each for each in ids if ids.count(each) > 1}

    def explained_by(self, *homes: Home) -> bool:
        """Say whether the contexts of all explain what the account moved, to the last digit."""
        known = [generation for home in homes for generation in home.generations]
        return self._explained(known) == self._moved()
