"""Puts the limits of conf.json in force: a guard at the floor, a keeper beside the bots.

Until there are any, lib/risk is not even loaded.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lib.conf import RunnerConf
from lib.control.office import Office
from lib.control.request import Request, Verb
from lib.disk import REAL_DISK, Disk
from lib.instructions import Instruction
from lib.limits import ALL, AllLimits, BotLimits, Then
from lib.news import Kind, News, Sink
from lib.supervisor import Supervisor

if TYPE_CHECKING:
    from lib.risk.keeper import Keeper

LOOK_SECONDS: Final = 5  # between two looks at losses


def limits_of(conf: RunnerConf) -> dict[str, BotLimits]:
    """Answer what limits anything: of all bots under an empty name, of each under its own."""
    found = {ALL: conf.settings.limits, **{bot.name: bot.terms.limits for bot in conf.bots}}
    return {scope: limits for scope, limits in found.items() if limits is not None and limits.is_on}


class Limiting:
    """What a run has of limits. Those of all bots count from the start to the next start."""

    def __init__(
        self,
        conf: RunnerConf,
        supervisor: Supervisor,
        office: Office,
        folder: Path,
        tell: Sink,
        *,
        disk: Disk = REAL_DISK,
        look_seconds: int | None = LOOK_SECONDS,
    ) -> None:
        """Have limits be kept; without `look_seconds` losses are looked at as they are told to."""
        self._supervisor = supervisor
        self._look_seconds = look_seconds
        self._zone = conf.settings.timezone
        self._crew = LivingCrew(supervisor, office)
        self._folder = folder
        self._sink = tell
        self._disk = disk
        self._of_all = conf.settings.limits
        self.keeper: Keeper | None = None
        self._there = asyncio.Event()
        self._bots_live = asyncio.Event()
        self.take(conf)
        self._begin_before_bots()

    def take(self, conf: RunnerConf) -> None:
        """Judge from now on by what the sections of the bots say."""
        limits = limits_of(conf)
        limits.pop(ALL, None)
        if self._of_all is not None and self._of_all.is_on:
            limits[ALL] = self._of_all
        if self.keeper is not None:
            self.keeper.take(limits)
        elif limits:
            self.keeper = self._begun(limits)
            self._there.set()

    async def keep(self) -> None:
        """Look after losses for ever, as soon as anything is limited.

        What breaks that is told, and it begins again; but where looks are told to, it is raised.
        """
        await self._there.wait()
        await self._bots_live.wait()
        assert self.keeper is not None
        keep = self.keeper.keep if self._look_seconds is None else self.keeper.keep_on
        await keep()

    def _begun(self, limits: Mapping[str, BotLimits]) -> "Keeper":
        from lib.risk.keeper import Keeper
        from lib.risk.limit_guard import LimitGuard
        from lib.risk.page import PageFile
        from lib.risk.worth import Worth

        floor, unit = self._supervisor.floor, (self._of_all or AllLimits()).valued_in
        file = PageFile.open(self._folder, venue=floor.venue.name, valued_in=unit, disk=self._disk)
        lets, worth = self._crew.lets, Worth(floor, unit)
        guard = LimitGuard(
            *(floor, limits, worth, file), lets=lets, tell=self._tell, zone=self._zone
        )
        floor.post(guard)
        return Keeper(guard, file, self._crew, self._tell, look_seconds=self._look_seconds)

    def _begin_before_bots(self) -> None:
        former = self._supervisor.before_bots

        async def begin() -> None:
            await former()
            if self.keeper is not None:
                await self.keeper.begin()
            self._bots_live.set()

        self._supervisor.before_bots = begin

    def _tell(self, bot: str, kind: Kind, text: str) -> None:
        self._sink(News(0, bot, kind, text))


class LivingCrew:
    """The bots of a supervisor, told through the office."""

    def __init__(self, supervisor: Supervisor, office: Office) -> None:
        self._supervisor = supervisor
        self._office = office

    def names(self) -> Sequence[str]:
        """Answer who lives or waits for its birth."""
        return [*self._supervisor.lives, *self._supervisor.unborn]

    def lets(self, bot: str) -> bool:
        """Say whether a bot may trade: the person does not forbid it, and it is not finished."""
        told = self._supervisor.floor.instructions.of(bot)
        life = self._supervisor.lives.get(bot)
        over = life.generation.finished if life else bot not in self._supervisor.unborn
        return told is Instruction.TRADE and not over

    async def tell(self, number: str, then: Then, bots: Sequence[str], by: str) -> None:
        """Tell bots what follows, once under each number."""
        verb = Verb.FLATTEN if then is Then.FLATTEN else Verb.PAUSE
        now = self._supervisor.floor.clock.now()
        await self._office.obey(Request(number, verb, tuple(bots), by, now))
