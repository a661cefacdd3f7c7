"""The person's chat: news go out, commands come in, a result once a day. A trade never waits.

`Telegram` takes news from the first moment on and keeps them on disk; `run` does the rest beside
the bots, once those who answer are there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Final, TypeAlias

from lib.conf import ChatSettings
from lib.control.telegram.chats import Chats
from lib.control.telegram.company import Company
from lib.control.telegram.crew import Crew
from lib.control.telegram.daily import Book, Daily, Days
from lib.control.telegram.deeds import Deeds
from lib.control.telegram.keeper import FLUSHED_WITHIN, Keeper
from lib.control.telegram.listener import Listener
from lib.control.telegram.mail import Mail
from lib.control.telegram.notices import WEATHER_PAUSE, Notices
from lib.control.telegram.outbox import Outbox, Page
from lib.control.telegram.reach import Reach, Sleep
from lib.control.telegram.readings import Readings, Sources
from lib.control.telegram.speaker import Speaker
from lib.control.telegram.wire import TELEGRAM, Wire
from lib.disk import REAL_DISK, Disk
from lib.kept import Kept
from lib.modes import mode_and_venue
from lib.news import Kind, News
from lib.redaction import Redactor, Secret

OUTBOX_FILE: Final = "installation.telegram.json"  # no bot can have this name,
DAYS_FILE: Final = "installation.days.json"  # nor this one
BEGIN_AGAIN: Final = 60.0  # seconds


log = logging.getLogger(__name__)

Connect: TypeAlias = Callable[[Secret, str], Awaitable[Wire]]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a person set."""

    token: Secret
    chats: Chats
    venue: str
    zone: tzinfo
    chat: ChatSettings = field(default_factory=ChatSettings)
    api: str = TELEGRAM

    @property
    def number(self) -> str:
        """The bot's own number, the open half of its token."""
        return self.token.reveal().partition(":")[0]

    @property
    def heading(self) -> str:
        """The first line of every message."""
        return "LIVE, real money" if self.venue == "live" else mode_and_venue(self.venue)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast things go; tests have their own."""

    sleep: Sleep = asyncio.sleep
    weather: float = WEATHER_PAUSE
    gather: float = FLUSHED_WITHIN


class Telegram:
    """A sink for news, and the one task that does the rest: `run`."""

    def __init__(
        self,
        setup: Setup,
        folder: Path,
        redactor: Redactor,
        *,
        disk: Disk = REAL_DISK,
        pace: Pace = Pace(),
        connect: Connect = Wire.connect,
    ) -> None:
        self._setup = setup
        self._folder = folder
        self._disk = disk
        self._redact = redactor.redact
        self._pace = pace
        self._connect = connect
        file = Kept(folder / OUTBOX_FILE, Page(), disk)
        self._outbox = Outbox(file.content)
        self._keeper = Keeper(file, self._outbox, gather=pace.gather)
        self._notices = Notices(
            self._outbox, self._redact, orders=setup.chat.orders, weather_pause=pace.weather
        )
        self._problem = file.problem

    def __call__(self, news: News) -> None:
        """Take news in and return at once."""
        self._notices(news)

    async def run(self, company: Company) -> None:
        """Tell, hear and answer for ever."""
        crew = Crew(company.supervisor)
        book = Kept(self._folder / DAYS_FILE, Book(), self._disk)
        for name, problem in ((OUTBOX_FILE, self._problem), (DAYS_FILE, book.problem)):
            if problem:  # losing such a file costs messages, never an order
                text = f"{name} is put aside: {problem}"
                self(News(company.machine_now(), "", Kind.WARNING, text))
        days = Days(book, crew)
        wire = await self._connect(self._setup.token, self._setup.api)
        try:
            await asyncio.gather(
                *(
                    self._lasting(name, begin)
                    for name, begin in self._parts(wire, company, crew, days).items()
                )
            )
        finally:
            await wire.close()

    def _parts(
        self, wire: Wire, company: Company, crew: Crew, days: Days
    ) -> dict[str, Callable[[], Awaitable[None]]]:
        """Answer what goes on side by side, each by what is missing without it."""
        mail, listener = self._mail(), self._listener(wire, company, crew, days)
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "what is told is not on disk": self._keeper.run,
            "nothing is told": lambda: mail.deliver(wire),
            "no command is heard": listener.listen,
        }
        if self._setup.chat.daily is not None:
            parts["no daily result is told"] = self._daily(days, company).tell
        return parts

    async def _lasting(self, without: str, begin: Callable[[], Awaitable[None]]) -> None:
        """Run one part for ever. If it breaks, the others go on, and it begins again."""
        while True:
            try:
                await begin()
            except Exception as wrong:  # a bug in one must not silence the others
                text = self._redact(f"{type(wrong).__name__}: {wrong}")
                log.exception("Telegram: %s for a minute: %s", without, text)
            await asyncio.sleep(BEGIN_AGAIN)

    def _mail(self) -> Mail:
        return Mail(
            self._outbox,
            self._keeper,
            self._setup.chats,
            heading=self._setup.heading,
            zone=self._setup.zone,
            redact=self._redact,
            sleep=self._pace.sleep,
        )

    def _daily(self, days: Days, company: Company) -> Daily:
        at = self._setup.chat.daily
        assert at is not None, "asked for when there is a time"
        return Daily(days, self._outbox, company.exchange_now, at=at, zone=self._setup.zone)

    def _listener(self, wire: Wire, company: Company, crew: Crew, days: Days) -> Listener:
        speaker = Speaker(
            wire,
            self._outbox,
            heading=self._setup.heading if self._setup.venue == "live" else "",
            redact=self._redact,
            now=company.machine_now,
            sleep=self._pace.sleep,
        )
        deeds = Deeds(
            company.office,
            crew,
            speaker,
            self._outbox,
            self._keeper,
            number=self._setup.number,
            now=company.machine_now,
        )
        reach = Reach("commands wait", self._redact, self._pace.sleep)
        readings = Readings(self._sources(company, crew, days))
        chats = self._setup.chats
        return Listener(wire, chats, reach, speaker, deeds, readings, self._redact)

    def _sources(self, company: Company, crew: Crew, days: Days) -> Sources:
        heading = self._setup.heading
        return Sources(
            supervisor=company.supervisor,
            census=company.census,
            crew=crew,
            days=days,
            journal=company.journal,
            news=company.news,
            heading=heading if self._setup.venue == "live" else f"{heading}: no real money",
            zone=self._setup.zone,
        )
