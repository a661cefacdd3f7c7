"""Looks at losses while no entry asks, carries out what follows from one, and keeps the file.

What follows is told to bots the way a person tells them: so it is on disk, survives every restart,
and the person takes it back in the same way. It is told under a number that is saved first, so
it is done once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from lib.errors import Unavailable
from lib.limits import ALL, BotLimits, Then
from lib.news import Kind
from lib.risk.limit_guard import LimitGuard, Tell
from lib.risk.page import UNREADABLE, PageFile, Trip

AGAIN_SECONDS: Final = 10  # until a keeper that broke begins again
SAVE_EVERY: Final = 60_000  # ms; the best and the last result are saved no more often


class Crew(Protocol):
    """The bots, as far as limits are concerned."""

    def names(self) -> Sequence[str]:
        """Answer who lives or waits for its birth."""
        ...

    def lets(self, bot: str) -> bool:
        """Say whether a bot may trade: the person does not forbid it, and it is not finished."""
        ...

    async def tell(self, number: str, then: Then, bots: Sequence[str], by: str) -> None:
        """Tell bots what follows, once under each number."""
        ...


class Keeper:
    """Beside the bots, for ever.

    It looks every `look_seconds`; without them only when it is told to.
    """

    def __init__(
        self,
        guard: LimitGuard,
        file: PageFile,
        crew: Crew,
        tell: Tell,
        *,
        look_seconds: int | None,
    ) -> None:
        self.guard = guard
        self._file = file
        self._crew = crew
        self._tell = tell
        self._look_seconds = look_seconds
        self._due = asyncio.Event()
        guard.losses.on_trip = self._on_trip
        guard.losses.on_lift = self._on_lift
        if file.problem:  # it may have held that a limit was reached
            words = f"{file.problem}; all bots are paused until you let one go on"
            trip = Trip(scope=ALL, rule=UNREADABLE, then=Then.PAUSE, words=words, at=0)
            guard.losses.trip(trip)

    async def begin(self) -> None:
        """Look before any bot lives."""
        await self._look()
        await self._file.settled()

    def take(self, limits: Mapping[str, BotLimits]) -> None:
        """Judge by these from now on."""
        self.guard.limits.clear()
        self.guard.limits.update(limits)

    async def keep_on(self) -> None:
        """Keep for ever: what breaks it is told, and it begins again, for money rests on it."""
        told = ""
        while True:
            try:
                await self.keep()
            except Exception as wrong:  # noqa: BLE001 - losses are limited all the same
                text = f"limits: {type(wrong).__name__}: {wrong}; losses are looked at again"
                if text != told:
                    self._tell("", Kind.WARNING, text)
                told = text
                await asyncio.sleep(AGAIN_SECONDS)

    async def keep(self) -> None:
        """Look, tell and save for ever."""
        saved_at = self.guard.now()
        while True:
            self._due.clear()
            await self._look()
            await self._carry_out()
            if self.guard.now() - saved_at >= SAVE_EVERY and self._file.page.marks:
                await self._file.saved()
                saved_at = self.guard.now()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_seconds):
                    await self._due.wait()

    def look_now(self) -> None:
        """Have it look at once."""
        self._due.set()

    async def _look(self) -> None:
        losses = self.guard.losses
        losses.lift(self._crew.lets)
        with suppress(Unavailable):
            await self.guard.learn_assets(losses.watched)
            self.guard.look(losses.watched)

    async def _carry_out(self) -> None:
        """Tell everybody whom a limit that was reached concerns, and who was not told."""
        for trip in list(self.guard.losses.trips):
            self._take_newcomers(trip)
            await self._file.settled()
            if not trip.told:
                await self._carry_out_one(trip)
                trip.told = True
                self._file.press()
        await self._file.settled()

    def _take_newcomers(self, trip: Trip) -> None:
        concerned = [name for name in self._crew.names() if trip.scope in {ALL, name}]
        if not set(concerned) <= set(trip.bots):
            trip.bots, trip.told = sorted({*trip.bots, *concerned}), False
            trip.number = f"limit {trip.rule} {trip.scope or 'all'} {self.guard.now()}"
            self._file.press()

    async def _carry_out_one(self, trip: Trip) -> None:
        by = f"limits.{trip.rule}"
        bots = [name for name in self._crew.names() if name in trip.bots]
        if trip.then is Then.PAUSE:  # who stopped a bot, or flattened it, wanted more than that
            bots = [name for name in bots if self._crew.lets(name)]
        if not bots:
            return
        await self._crew.tell(trip.number, trip.then, bots, by)
        left = [bot for bot in bots if self._crew.lets(bot)]
        if left:  # what cannot be flattened does at least begin nothing new
            await self._crew.tell(f"{trip.number} paused", Then.PAUSE, left, by)

    def _on_trip(self, trip: Trip) -> None:
        self._tell(trip.scope, Kind.WARNING, trip.words)
        self._due.set()

    def _on_lift(self, trip: Trip) -> None:
        whose = trip.scope or "all bots"
        text = f"limits.{trip.rule} of {whose}: you let go on, so losses are counted anew from now"
        self._tell(trip.scope, Kind.WARNING, text)
        self._due.set()
