"""The result of the day, told once a day at a set time; late rather than never, and never twice.

What the bots had brought by the last time is kept in a file of its own; a day's result is what
they brought since. The text is saved there first, and goes into the outbox in the same save that
notes its day, so that no cut tells a day twice or leaves one out.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict

from lib.amounts import EXACT, ZERO, add_by_asset
from lib.context_file.generation import Generation
from lib.control.results import listed, money_of
from lib.control.standing import signed
from lib.control.telegram.crew import Crew
from lib.control.telegram.outbox import Line, Outbox
from lib.errors import DiskFailed, Unavailable
from lib.kept import Kept
from lib.news import readable
from lib.orders import orders_inside
from lib.time_zones import local

LOOK_EVERY: Final = 20.0  # seconds
DAYS_MAX: Final = 31
BOTS_MAX: Final = 20  # named in one result

Amounts = dict[str, Decimal]


class Brought(BaseModel):
    """What one bot had brought by some time, or brought in a while."""

    model_config = ConfigDict(extra="forbid")

    realised: Amounts = {}
    fees: Amounts = {}
    orders: int = 0


class Day(BaseModel):
    """What all bots brought until a day began."""

    model_config = ConfigDict(extra="forbid")

    until: str  # the day that began then, as 2026-11-21
    realised: Amounts
    fees: Amounts
    orders: int


class Book(BaseModel):
    """What is on disk."""

    model_config = ConfigDict(extra="forbid")

    day: str = ""  # the last whose beginning was reckoned
    at: int = 0  # exchange ms of that
    text: str = ""  # what is told of it
    bots: dict[str, Brought] = {}  # what each had brought by then
    days: list[Day] = []  # the newest last


class Days:
    """Owns the book."""

    def __init__(self, file: Kept[Book], crew: Crew) -> None:
        self._file = file
        self._crew = crew
        self.book = file.content

    async def ready(self) -> None:
        """Wait until it is known which bots there are."""
        await self._crew.loaded()

    async def reckon(self, day: str, at: int) -> None:
        """Close the time since the last reckoning. Raises DiskFailed; then nothing changed."""
        now, before = self.by_now(), self.book
        if not before.day:
            book = Book(day=day, at=at, bots=now)
        else:
            brought = {name: less(each, before.bots.get(name)) for name, each in now.items()}
            whole = total(brought)
            newest = Day(until=day, **whole.model_dump())
            text = "\n".join(result_lines(before.day, day, whole, brought))
            days = [*before.days, newest][-DAYS_MAX:]
            known = {**before.bots, **now}  # one that does not run today is not new tomorrow
            book = Book(day=day, at=at, text=text, bots=known, days=days)
        await self._file.save(book)
        self.book = book

    def by_now(self) -> dict[str, Brought]:
        """Answer what each bot has brought so far."""
        return {each.bot: brought_by(each) for each in self._crew.generations()}

    def since(self) -> Brought:
        """Answer what all bots brought since the last reckoning."""
        before = self.book.bots
        return total({name: less(each, before.get(name)) for name, each in self.by_now().items()})


class Daily:
    """One task: `tell`."""

    def __init__(
        self, days: Days, outbox: Outbox, now: Callable[[], int], *, at: str, zone: tzinfo
    ) -> None:
        self._days = days
        self._outbox = outbox
        self._now = now
        self._at = at
        self._zone = zone

    async def tell(self) -> None:
        """Look for ever whether a day is due."""
        await self._days.ready()
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Reckon and tell what is due by now. A disk that refuses is asked again."""
        try:
            now = self._now()
        except Unavailable:  # nobody has told us the time yet
            return
        day = self._begun(local(now, self._zone))
        try:
            if day > self._days.book.day:
                await self._days.reckon(day, now)
        except DiskFailed:
            return
        book = self._days.book
        if book.text and book.day > self._outbox.page.daily:
            self._outbox.page.daily = book.day
            self._outbox.put(Line(at=book.at, bot="", kind="daily", text=book.text, grave=True))

    def _begun(self, now: datetime) -> str:
        """Answer the newest day whose set time has passed."""
        began = now if f"{now:%H:%M}" >= self._at else now - timedelta(days=1)
        return f"{began:%Y-%m-%d}"


# --- reckoning


def brought_by(generation: Generation) -> Brought:
    """Answer what a bot has brought in its life."""
    sums = money_of(generation, orders_inside(generation.context)).sums
    return Brought(
        realised=dict(sums.realised),
        fees=dict(sums.fees),
        orders=generation.memory.orders_done,
    )


def less(now: Brought, before: Brought | None) -> Brought:
    """Answer what came since. A bot with fewer orders than before began anew: all is since."""
    if before is None or now.orders < before.orders:
        return now
    return Brought(
        realised=_difference(now.realised, before.realised),
        fees=_difference(now.fees, before.fees),
        orders=now.orders - before.orders,
    )


def total(brought: dict[str, Brought]) -> Brought:
    """Add up what all brought."""
    whole = Brought()
    for each in brought.values():
        add_by_asset(whole.realised, each.realised)
        add_by_asset(whole.fees, each.fees)
        whole.orders += each.orders
    return whole


def _difference(now: Amounts, before: Amounts) -> Amounts:
    return {asset: EXACT.subtract(amount, before.get(asset, ZERO)) for asset, amount in now.items()}


# --- in words


def result_lines(since: str, until: str, whole: Brought, bots: dict[str, Brought]) -> Iterator[str]:
    """Say what a day brought, bots that traded by name."""
    yield f"daily result, {since} to {until}"
    yield from in_words(whole)
    active = {
        name: each for name, each in bots.items() if each.orders or any(each.realised.values())
    }
    for name, each in list(active.items())[:BOTS_MAX]:
        yield f"{name}: {listed(each.realised, signed) or '0'}"
    if len(active) > BOTS_MAX:
        yield f"and {len(active) - BOTS_MAX} more bots"


def day_lines(days: Days) -> Iterator[str]:
    """Say what each of the last days brought, and this one so far."""
    for day in days.book.days[-7:]:
        yield f"until {day.until}: {listed(day.realised, signed) or '0'}"
    yield f"since {days.book.day or 'the start'}:"
    yield from in_words(days.since())


def in_words(brought: Brought) -> Iterator[str]:
    """Say what was brought, in a line each."""
    yield f"realised {listed(brought.realised, signed) or '0'}"
    if any(brought.fees.values()):
        yield f"fees {listed(brought.fees, readable)}"
    yield f"orders done {brought.orders}"
