"""A runner with a chat: the real supervisor, office and files, on an exchange that is scripted."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

from lib.clock import ExchangeClock, read_boottime
from lib.conf import ChatSettings, read_conf
from lib.context_file.generation import Memory
from lib.control.census import Census
from lib.control.office import Office
from lib.control.socket_server import RecentNews
from lib.control.telegram.chat import Pace, Setup, Telegram
from lib.control.telegram.chats import Chats
from lib.control.telegram.company import Company
from lib.control.telegram.wire import Wire
from lib.news import Kind, News
from lib.redaction import Redactor, Secret
from lib.results import Position
from lib.shelf import Shelf
from lib.supervisor import Supervisor
from tests.control.folder import conf_file, folder, generation
from tests.control.telegram.bot_api import ME, TOKEN, BotApi
from tests.scripted_venue import ScriptedVenue

AT = 1_700_000_000_000  # 22:13:20 UTC
ACCOUNT = "4711"  # as the scripted exchange has it
HELD = Position(
    quantity=Decimal("0.01"), cost=Decimal(600), realised=Decimal(7), price=Decimal(61_000)
)
HOLDS = Memory(
    positions={"BTCUSDT": HELD},
    net={"BTC": Decimal("0.01"), "USDT": Decimal(-593)},
    fees={"BNB": Decimal("0.002")},
    assets={"BTCUSDT": ("BTC", "USDT")},
    orders_done=3,
)


class Vitals:
    def ready(self) -> None: ...

    def status(self, text: str) -> None: ...


@dataclass
class Pauses:
    """A sleep that only notes how long it was asked for."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


@dataclass
class Runner:
    """One life of the program."""

    telegram: Telegram
    supervisor: Supervisor
    office: Office
    pauses: Pauses

    def instruction(self, bot: str) -> str:
        return str(self.supervisor.lives[bot].generation.instruction)

    def tell(self, text: str, kind: Kind = Kind.FILL, bot: str = "lisa") -> None:
        self.telegram(news(text, kind, bot))


def news(text: str, kind: Kind = Kind.FILL, bot: str = "lisa", at: int = AT) -> News:
    return News(at, bot, kind, text)


def begin(tmp_path: Path, **memories: Memory) -> Path:
    """Make the folder of bots that have traded before; lisa holds coins, bob nothing."""
    bots = memories or {"lisa": HOLDS, "bob": Memory()}
    dips = {"symbol": "BTCUSDT", "quantity": "0.01", "dip": "0.5", "rebound": "0.03"}
    conf_file(tmp_path, **{name: {"function": "dip_buyer", **dips} for name in bots})
    return folder(
        tmp_path,
        *(generation(name, account=ACCOUNT, memory=memory) for name, memory in bots.items()),
    )


def exchange_clock() -> ExchangeClock:
    clock = ExchangeClock()
    ticks = read_boottime()
    clock.measured(AT, ticks, ticks)
    return clock


@asynccontextmanager
async def runner(
    tmp_path: Path,
    api: BotApi,
    *,
    chats: str = str(ME),
    venue: str = "paper",
    token: str = TOKEN,
    zone: tzinfo = UTC,
    pace: Mapping[str, Any] | None = None,
    **chat: Any,
) -> AsyncIterator[Runner]:
    """Let a runner live; when the block ends it is dropped as it stands, like a killed one."""
    secret, pauses = Secret(token), Pauses()
    setup = Setup(
        token=secret,
        chats=Chats.parse(chats, notify=chat.get("notify"), senders=chat.get("senders", ())),
        venue=venue,
        zone=zone,
        chat=ChatSettings(**chat),
        api=api.address,
    )
    redactor = Redactor([secret])
    shelf = Shelf.open(tmp_path / "ctx", allow_volatile=True)
    paces = {"sleep": pauses, "weather": 0.05, "gather": 0.0, **(pace or {})}
    telegram = Telegram(setup, shelf.folder, redactor, pace=Pace(**paces), connect=Wire.connect)
    recent = RecentNews()

    def tell(said: News) -> None:
        recent(said)

    clock = exchange_clock()
    scripted = ScriptedVenue(clock.now)
    scripted.name = "paper"
    supervisor = Supervisor(
        read_conf(tmp_path / "conf.json"), shelf, scripted, clock, tell=tell, vitals=Vitals()
    )
    office = Office(supervisor, shelf.folder, tell)
    company = Company(
        supervisor=supervisor,
        census=Census(supervisor),
        office=office,
        journal=tmp_path / "journal.sqlite",
        news=recent.text,
        exchange_now=clock.now,
        machine_now=lambda: api.clock * 1000,
    )
    tasks = [
        asyncio.create_task(supervisor.run()),
        asyncio.create_task(telegram.run(company)),
    ]
    try:
        async with asyncio.timeout(25):
            await supervisor.loaded()
            yield Runner(telegram, supervisor, office, pauses)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        shelf.close()
        broken = [end for end in ended if not isinstance(end, asyncio.CancelledError)]
        assert not broken, broken
