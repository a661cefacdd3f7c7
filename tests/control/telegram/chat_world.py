"""A world in which a person speaks to the program by Telegram, and the power fails at any instant.

The Bot API is a part of the world: it keeps what was said until that is confirmed, and what it was
sent for ever. Before and after each call of it the power may fail; a call whose answer did not
arrive in time was done all the same.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from lib.conf import ChatSettings
from lib.control.census import Census
from lib.control.telegram.chat import Setup, Telegram
from lib.control.telegram.chats import Chats
from lib.control.telegram.company import Company
from lib.control.telegram.wire import Buttons, Heard, OutOfReach, Wire
from lib.news import Kind, News
from lib.redaction import Redactor, Secret
from lib.shelf import Shelf
from lib.supervisor import Supervisor
from tests.control.telegram.bot_api import ME, TOKEN
from tests.disk import HOME
from tests.told_world import ToldLife, ToldWorld
from tests.world import World

MOMENT = 1.0  # seconds after which what was said must survive
DAY_BEGINS = 100  # seconds after the beginning, in whole minutes of the clock
NEVER_DROPPED = {Kind.START, Kind.FILL, Kind.RESULT, Kind.DOUBT, Kind.WARNING, Kind.PARKED}


@dataclass(frozen=True)
class Act:
    """What the person does: says a command, or presses a button of the newest question."""

    after: float  # seconds since the beginning
    says: str = ""
    presses: str = ""
    of: str = ""  # how the question begins


@dataclass(frozen=True)
class Message:
    """What arrived in the chat."""

    at: float
    text: str
    number: int
    buttons: tuple[tuple[str, str], ...]


@dataclass
class ChatWorld(ToldWorld):
    PATIENCE: ClassVar[float] = 1_800.0  # virtual seconds

    acts: Sequence[Act] = ()
    unreliable: int = 0  # one call in so many is done and its answer lost
    done: int = 0  # of the acts
    read: int = 0  # messages before the last command
    updates: list[Heard] = field(default_factory=list)
    given: int = 700
    messages: list[Message] = field(default_factory=list)
    heard_at: list[tuple[float, News]] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    calls: int = 0
    labels: list[str] = field(default_factory=list)  # of the instants of the first life

    def __post_init__(self) -> None:
        super().__post_init__()
        self.begin_life = ChatLife

    # --- the person

    def act(self) -> None:
        """Do what is due by now; a press waits until its question is there."""
        while self.done < len(self.acts):
            act = self.acts[self.done]
            if self.seconds() < act.after:
                return
            newest = reversed(self.messages[self.read :])
            shown = next((m for m in newest if _shows(m, act)), None)
            if act.presses and shown is None:
                return
            self.done += 1
            said = dict(shown.buttons)[act.presses] if shown and act.presses else act.says
            self.read = self.read if act.presses else len(self.messages)
            self._put(said, shown if act.presses else None)

    def _put(self, text: str, question: Message | None) -> None:
        self.given += 1
        at = int(question.at) if question else int(self.clock() / 1000)
        pressed = str(self.given) if question else ""
        number = question.number if question else 0
        self.note("person", f"{'presses' if question else 'says'} {text}")
        self.updates.append(Heard(self.given, ME, ME, "Ann", text, pressed, number, at, None))

    def seconds(self) -> float:
        return self.clock() / 1000 - self.begun

    # --- what happened

    def hear(self, news: News) -> None:
        super().hear(news)
        life = self.life
        if isinstance(life, ChatLife) and life.telegram is not None:
            self.heard_at.append((self.clock() / 1000, news))
            life.telegram(news)

    def instant(self, where: str = "") -> None:
        if self.lives == 1:
            self.labels.append(where)
        super().instant(where)

    def cut(self) -> None:
        self.cuts.append(self.now)
        super().cut()

    def texts(self, part: str) -> list[str]:
        return [message.text for message in self.messages if part in message.text]

    def firm(self, part: str) -> list[str]:
        """Answer the messages with these words that do not say that they may be repetitions."""
        return [text for text in self.texts(part) if not text.startswith("again: ")]

    def lost(self) -> list[str]:
        """Answer what was told more than a moment before a cut and never arrived."""
        arrived = "\n".join(message.text for message in self.messages)
        return [
            news.text
            for at, news in self.heard_at
            if news.kind in NEVER_DROPPED
            and not any(at <= cut <= at + MOMENT for cut in self.cuts)
            and news.text not in arrived
        ]


class ChatLife(ToldLife):
    """A life with a chat."""

    telegram: Telegram | None = None

    def furnish(self, supervisor: Supervisor, shelf: Shelf) -> None:
        super().furnish(supervisor, shelf)
        world = self.world
        assert isinstance(world, ChatWorld)
        daily = datetime.fromtimestamp(world.begun + DAY_BEGINS, UTC)
        setup = Setup(
            Secret(TOKEN), Chats.parse(str(ME)), "paper", UTC, ChatSettings(daily=f"{daily:%H:%M}")
        )
        self.scripted, self.began = ScriptedWire(world), self.loop.time()

        async def connect(*_: object) -> Wire:
            return self.scripted

        self.telegram = Telegram(setup, HOME / "ctx", Redactor(), disk=world.disk, connect=connect)
        company = Company(
            supervisor=supervisor,
            census=Census(supervisor),
            office=self.office,
            journal=HOME / "no journal",
            news=lambda *_: "",
            exchange_now=supervisor.floor.clock.now,
            machine_now=world.clock,
        )
        self.chatting = self.loop.create_task(self.telegram.run(company))

    def _at_rest(self) -> bool:
        world = self.world
        assert isinstance(world, ChatWorld)
        assert self.telegram is not None
        world.act()
        if self.chatting.done():
            self.chatting.result()
        quiet = not world.updates and not self.telegram._outbox.waits
        over = world.seconds() > DAY_BEGINS + 120 and self.loop.time() > self.began + 30
        return super()._at_rest() and quiet and over and world.done == len(world.acts)


class ScriptedWire(Wire):
    """The way to the Bot API of the world."""

    def __init__(self, world: World) -> None:
        assert isinstance(world, ChatWorld)
        self.world = world

    async def _call(self, what: str) -> None:
        await asyncio.sleep(0.05)
        self.world.instant(f"Telegram: before {what}")

    async def _answered(self, what: str) -> None:
        world = self.world
        world.instant(f"Telegram: after {what}")
        world.calls += 1
        await asyncio.sleep(0.05)
        if world.unreliable and world.calls % world.unreliable == 0:
            raise OutOfReach(f"the answer to {what} was lost", may_have_arrived=True)

    async def close(self) -> None:
        return

    async def name(self) -> str:
        return "bots_bot"

    async def offer(self, commands: Sequence[tuple[str, str]]) -> None:
        return

    async def send(self, chat: int | str, text: str, buttons: Buttons = ()) -> None:
        await self._call("a message")
        world = self.world
        flat = tuple(button for row in buttons for button in row)
        number = len(world.messages) + 1
        world.messages.append(Message(world.clock() / 1000, text, number, flat))
        world.note("chat", text.replace("\n", " / "))
        await self._answered("a message")

    async def close_question(self, heard: Heard, text: str) -> None:
        await self._call("closing a question")
        await self._answered("closing a question")

    async def updates(self, offset: int | None, seconds: int = 0) -> list[Heard]:
        world = self.world
        await self._call("fetching")
        world.updates[:] = [each for each in world.updates if each.update >= (offset or 0)]
        until = asyncio.get_running_loop().time() + seconds
        while not world.updates and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(1)
            world.act()
        await self._answered("fetching")
        now = int(world.clock() / 1000)
        return [_aged(each, now) for each in world.updates]


def _aged(heard: Heard, now: int) -> Heard:
    said = (heard.update, heard.chat, heard.sender, heard.name, heard.text, heard.pressed)
    return Heard(*said, heard.message, heard.sent_at, now - heard.sent_at)


def _shows(message: Message, act: Act) -> bool:
    asks = message.text.startswith(act.of)
    return asks and any(shown == act.presses for shown, _ in message.buttons)
