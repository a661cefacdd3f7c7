"""The limits of conf.json in a back-test: the runner's own guard and keeper, over an office.

Live, losses are looked at every five seconds. Here five seconds after whatever can have changed
them: a price of what is held, or news of an order. In between nothing could be seen.
"""

import asyncio
from pathlib import Path
from typing import Final

from lib.backtest.ledger import Ledger, RefusalLine
from lib.backtest.refusals import OWN, RefusalJournal
from lib.conf import RunnerConf
from lib.control.limiting import LOOK_SECONDS, Limiting
from lib.control.office import Office
from lib.disk import Disk
from lib.news import Sink
from lib.risk.keeper import Keeper
from lib.risk.page import Trip
from lib.supervisor import Supervisor

TOLD_SECONDS: Final = 60  # nobody takes a word back here: who was told to wait looks seldom


class Limited:
    """What keeps the limits of one life of the runner."""

    def __init__(
        self,
        conf: RunnerConf,
        supervisor: Supervisor,
        folder: Path,
        disk: Disk,
        *,
        tell: Sink,
        ledger: Ledger,
        journal: RefusalJournal,
    ) -> None:
        supervisor.floor.instructions.told_seconds = TOLD_SECONDS
        office = Office(supervisor, folder, tell, disk=disk)
        self._limiting = Limiting(
            *(conf, supervisor, office, folder, tell), disk=disk, look_seconds=None
        )
        self._floor = supervisor.floor
        self._ledger = ledger
        self._stirred = asyncio.Event()
        self._followed: dict[str, asyncio.Task[None]] = {}
        journal.on_heard = self._stirred.set

    async def keep(self) -> None:
        """Look after losses for ever."""
        keeper = self._limiting.keeper
        if keeper is None or not keeper.guard.losses.watched:
            return
        overhear(keeper, self._ledger)
        self._stirred.set()  # what an earlier life has bought is looked at, too
        async with asyncio.TaskGroup() as both:
            both.create_task(self._limiting.keep())
            both.create_task(self._watch(keeper))

    async def _watch(self, keeper: Keeper) -> None:
        """Have a look follow whatever may have changed a result."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            await asyncio.sleep(LOOK_SECONDS)
            keeper.look_now()
            self._follow(set(keeper.guard.moved_by()))

    def _follow(self, symbols: set[str]) -> None:
        """Follow the prices of these symbols, and of no other."""
        for symbol in sorted(symbols - self._followed.keys()):
            self._floor.quotes.open(symbol)
            self._followed[symbol] = asyncio.create_task(self._heed(symbol))
        for symbol in sorted(self._followed.keys() - symbols):
            self._followed.pop(symbol).cancel()
            self._floor.quotes.close(symbol)

    async def _heed(self, symbol: str) -> None:
        while True:
            await self._floor.quotes.next(symbol)
            self._stirred.set()


def overhear(keeper: Keeper, ledger: Ledger) -> None:
    """Have a ledger say which limits were reached, and when."""
    losses = keeper.guard.losses
    told = losses.on_trip

    def note(trip: Trip) -> None:
        rule = f"limits.{trip.rule}"
        ledger.lines.append(RefusalLine(trip.at, trip.scope, "", rule, OWN, trip.words))
        told(trip)

    losses.on_trip = note
