"""Completes the order journal from what the exchange says, after a start, a gap, and once a day.

Fills that a crash took from the journal may be in no context any more: their order was done with.
So the exchange's own history of our orders is compared, from the time up to which it was compared
last. What is known already is not added twice.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from lib.context_file.generation import Generation
from lib.errors import BotError, Refused, Unavailable
from lib.exchange import ZERO, OrderRecord
from lib.floor import Floor
from lib.ids import parse_id
from lib.journal.known import Known
from lib.journal.order_journal import OrderJournal
from lib.journal.rows import Happening
from lib.journal.writer import JournalWriter
from lib.orders import orders_inside

DAY: Final = 86_400_000
OVERLAP: Final = 600_000  # ms; the exchange's own questions lag behind
LOOK_BACK_MAX: Final = 7 * DAY  # of a journal that was never compared
PAUSE: Final = 5.0  # seconds between two questions, so that trading has the exchange to itself
GLANCE: Final = 1.0
LAG: Final = 30.0  # seconds; longer than an answer of the exchange can be behind its events
LAG_MAX: Final = 3_600.0  # seconds between two tries where no answer comes, or rows get lost
TRIES_MAX: Final = 10
NOTED: Final = frozenset({
    Happening.INTENT,
    Happening.SENT,
    Happening.RESULT,
})  # from the order itself


@dataclass(frozen=True, slots=True)
class Past:
    """What the journal has: compared up to (0: never), and the symbols of its rows since."""

    until: int
    symbols: frozenset[str]


@dataclass(slots=True)
class Journaled:
    """What the journal has of one order: of its fills, and of what the exchange does not say."""

    executed: Decimal = ZERO
    known: Known | None = None


class JournalCompletion:
    """Compares the journal with the exchange."""

    def __init__(
        self,
        floor: Floor,
        journal: OrderJournal,
        writer: JournalWriter,
        generations: Callable[[], Iterable[Generation]],
        *,
        pause: float = PAUSE,
    ) -> None:
        self._floor = floor
        self._journal = journal
        self._writer = writer
        self._generations = generations
        self._pause = pause
        self._due = asyncio.Event()
        self.settled = False  # nothing is known to be missing

    async def keep(self) -> None:
        """Complete the journal now, after each gap and once a day, for ever."""
        loop = asyncio.get_running_loop()
        self._writer.on_recovered = lambda: _call(loop, self._come_due)
        while not self._floor.mirror.polled_at:  # nor is the account known before
            await asyncio.sleep(GLANCE)
        await self._learn_contexts(self._journal.remembered)
        self._journal.remembered = ()
        tries = 0
        while True:
            self._due.clear()
            await asyncio.sleep(min(LAG * 2**tries, LAG_MAX))
            self.settled = await self._try()
            tries = 0 if self.settled else min(tries + 1, TRIES_MAX)
            timer = loop.call_later(DAY / 1000 if self.settled else 0, self._due.set)
            await self._due.wait()
            timer.cancel()

    def _come_due(self) -> None:
        self.settled = False
        self._due.set()

    async def _try(self) -> bool:
        """Complete once; say whether that went well and nothing was lost since."""
        try:
            await self._learn_contexts(self._generations())
            await self.complete()
        except (Unavailable, OSError, sqlite3.Error):  # the writer tells of the journal's own
            return False
        return not self._due.is_set()

    async def complete(self) -> None:
        """Compare with the exchange once. Raises Unavailable, OSError or sqlite3.Error."""
        began, lost = self._floor.clock.now(), self._writer.lost
        generations = list(self._generations())
        past = await asyncio.to_thread(read_past, self._writer.file.path, self._fact)
        since = max(past.until - OVERLAP, began - LOOK_BACK_MAX)
        if not past.until:
            since = max(since, min((g.birth for g in generations), default=began))
        for symbol in sorted(past.symbols | _symbols(generations)):
            await self._compare(symbol, since)
            await asyncio.sleep(self._pause)
        if self._writer.lost == lost:
            self._writer.remember(self._fact, began)

    @property
    def _fact(self) -> str:
        place = self._journal.place
        return f"compared until {place.venue} {place.account} {place.installation}"

    async def _learn_contexts(self, generations: Iterable[Generation]) -> None:
        for generation in generations:
            await self._room()
            self._journal.learn(generation)

    async def _room(self) -> None:
        """Wait while the writer has much to do: what is learned can be learned later."""
        while self._writer.crowded:
            await asyncio.sleep(GLANCE)

    async def _compare(self, symbol: str, since: int) -> None:
        try:
            records = await self._floor.venue.history(symbol, since=since)
        except Refused:  # archived, or no longer traded
            return
        ours = [record for record in records if self._is_ours(record)]
        ids = [record.client_order_id for record in ours]
        path = self._writer.file.path
        journaled = await asyncio.to_thread(read_journaled, path, ids)
        for record in ours:
            await self._room()
            await self._learn(record, journaled.get(record.client_order_id, Journaled()))

    def _is_ours(self, record: OrderRecord) -> bool:
        own = parse_id(record.client_order_id)
        return own is not None and own.installation == self._floor.installation

    async def _learn(self, record: OrderRecord, journaled: Journaled) -> None:
        """Ask for an order's trades if the journal has not all of them."""
        if record.executed != journaled.executed:
            fills = await self._floor.venue.fills(record.symbol, record.order_id)
            record = replace(record, fills=tuple(fills))
        self._journal.relearn(record, journaled.known)


def read_past(journal: Path, fact: str) -> Past:
    """Read how far the journal was compared. A file that is not there has no past."""
    if not journal.exists():
        return Past(0, frozenset())
    with closing(read_only(journal)) as connection:
        found = connection.execute("SELECT value FROM facts WHERE name = ?", (fact,)).fetchone()
        until = found[0] if found else 0
        rows = connection.execute(
            "SELECT DISTINCT symbol FROM journal WHERE symbol <> '' AND at >= ?",
            (until - OVERLAP,),
        )
        return Past(until, frozenset(symbol for (symbol,) in rows))


def read_journaled(journal: Path, ids: Iterable[str]) -> Mapping[str, Journaled]:
    """Read what the journal has of each order. A file that is not there has nothing."""
    if not journal.exists():
        return {}
    with closing(read_only(journal)) as connection:
        return {client_order_id: _journaled(connection, client_order_id) for client_order_id in ids}


def _journaled(connection: sqlite3.Connection, client_order_id: str) -> Journaled:
    found = Journaled()
    rows = connection.execute(
        "SELECT event, fill_quantity, comment, list_id, quantity FROM journal "
        "WHERE client_order_id = ?",
        (client_order_id,),
    )
    for event, filled, comment, list_id, quantity in rows:
        if event == Happening.FILL:
            found.executed += Decimal(filled)
        elif event in NOTED:
            ordered = Decimal(quantity) if quantity else None
            found.known = Known(comment=comment, list_id=list_id, ordered=ordered)
    return found


def read_only(journal: Path) -> sqlite3.Connection:
    """Open the journal without ever keeping its writer waiting."""
    return sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True, timeout=2)


def _symbols(generations: Iterable[Generation]) -> set[str]:
    found: set[str] = set()
    for generation in generations:
        found |= set(generation.symbols)
        if generation.memory.newest_order is not None:
            found.add(generation.memory.newest_order[0])
        try:
            found |= {order.symbol for order in orders_inside(generation.context) if order.id}
        except BotError:  # one that cannot be read is told of elsewhere
            continue
    return found


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and with it all that could be due
        loop.call_soon_threadsafe(what)
