"""A world in which a person tells the program something, and repeats it until there is an answer.

What is said is a request with an id of its own, as Telegram and the command line make them. The
world notes when each was answered, and everything the exchange accepts afterwards can be judged.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lib.control.office import Office, Verb
from lib.control.request import Request as Asked
from lib.ids import bot_tag, parse_id
from lib.shelf import Shelf
from lib.simulator.protocol import Request
from lib.supervisor import Supervisor
from tests.announcement import durable_files
from tests.swinging import ShapedWorld
from tests.world import ACCOUNT, EPOCH, Life, World

SAVED_AS: Mapping[str, str] = {
    "paused: no": '"pause"',
    "stopped: its": '"stop"',
    "is being flattened": '"flatten"',
    "killed: ": '"killed":{"by":"aperson"',
}


@dataclass(frozen=True)
class Said:
    """What is said so many seconds after the beginning."""

    after: float  # or a cue: once the world has come to its so many-th instant
    verb: Verb
    bots: tuple[str, ...] = ()
    flatten: bool = False
    times: int = 1  # how often, under one id
    on_cue: bool = False
    signal: str = ""


@dataclass
class Accepted:
    """One order as the exchange took it in."""

    id: str
    bot: str
    side: str
    at: int  # exchange ms
    position: Decimal  # of the bot, before it

    @property
    def is_entry(self) -> bool:
        return self.position >= 0 if self.side == "BUY" else self.position <= 0


@dataclass
class ToldWorld(ShapedWorld):
    """Counts each bot's position from the exchange's own reports."""

    said: Sequence[Said] = ()
    deeds: Sequence[tuple[float, Callable[["ToldWorld"], object]]] = ()  # when, and what is done
    answered: dict[str, tuple[int, str]] = field(default_factory=dict)  # when, and what
    accepted: dict[int, Accepted] = field(default_factory=dict)
    positions: dict[str, Decimal] = field(default_factory=dict)
    extra: asyncio.Task[Any] | None = None  # what a deed began

    def __post_init__(self) -> None:
        self.waiting = list(self.deeds)
        self.judged: set[str] = set()
        super().__post_init__()
        self.begin_life = ToldLife

    def instant(self, where: str = "") -> None:
        super().instant(where)
        life = self.life
        if isinstance(life, ToldLife):
            life.instants += 1
            life.cue.set()

    def move_market(self) -> None:
        super().move_market()
        while self.waiting and self.waiting[0][0] <= self.clock() / 1000 - self.begun:
            self.waiting.pop(0)[1](self)

    def ask(self, method: str, path: str, **params: str) -> Any:
        """Ask the exchange by hand."""
        known = {"symbol": "BTCUSDT", "timestamp": str(self.clock()), **params}
        return self.exchange.answer(Request(method, f"/api/v3/{path}", known, ACCOUNT)).body

    def look_whether_saved(self, request: Asked, answer: str) -> None:
        """See that a power cut now would leave a medium that knows what was answered, and said.

        One that is repeated is answered as before, whatever was said since.
        """
        if request.id in self.judged:
            return
        self.judged.add(request.id)
        kept = [content.replace(b" ", b"") for content in durable_files(self.disk.root)]
        wanted = [f'"{request.id}":"']
        wanted += [word for said, word in SAVED_AS.items() if said in answer]
        for word in wanted:
            if not any(word.encode() in content for content in kept):
                self.breaches.append(f"answered before it was saved: {answer} ({word})")

    def cancel_sells(self) -> None:
        """Cancel what is to be sold, as a person would at the exchange."""
        for order in self.ask("GET", "openOrders"):
            if order["side"] == "SELL":
                self.ask("DELETE", "order", orderId=str(order["orderId"]))

    def heard(self, event: Mapping[str, Any]) -> None:
        bot = self._bot_of(event["C"] or event["c"])
        held = self.positions.get(bot, Decimal(0))
        if event["i"] not in self.accepted:
            self.accepted[event["i"]] = Accepted(event["c"], bot, event["S"], event["T"], held)
        if event["x"] == "TRADE":
            sign = 1 if event["S"] == "BUY" else -1
            self.positions[bot] = held + sign * Decimal(event["l"])

    def _bot_of(self, client_order_id: str) -> str:
        own = parse_id(client_order_id)
        names = {*self.bots, *(self.later_bots or {})}
        return next((n for n in names if own and bot_tag(n) == own.bot), "")

    def answer(self, number: int) -> str:
        return self.answered[str(number)][1]

    def answered_at(self, number: int) -> int:
        return self.answered[str(number)][0]

    def orders_between(self, begin: int, end: int) -> list[Accepted]:
        """Answer the orders that came in after one time and not after another."""
        return [order for order in self.accepted.values() if begin < order.at <= end]

    def held(self, bot: str) -> dict[str, Decimal]:
        """Answer what a bot's own fills left, by its file."""
        positions = self.generation(bot).memory.positions
        return {symbol: each.quantity for symbol, each in positions.items() if each.quantity}


class ToldLife(Life):
    """A life with an office, and a person who speaks to it."""

    office: Office

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.instants = 0
        self.cue = asyncio.Event()

    def furnish(self, supervisor: Supervisor, shelf: Shelf) -> None:
        world = self.world
        self.office = Office(supervisor, shelf.folder, world.hear, disk=world.disk)
        self.speaking = self.loop.create_task(self._speak())

    async def _speak(self) -> None:
        world = self.world
        assert isinstance(world, ToldWorld)
        for number, said in enumerate(world.said):
            await self._moment(said)
            at, sells = EPOCH + number, said.flatten
            request = Asked(str(number), said.verb, said.bots, "a person", at, sells, said.signal)
            world.note("person", f"says {said.verb} {', '.join(said.bots) or 'all'}")
            for _ in range(said.times):
                answer = await self.office.obey(request)
                world.note("person", f"hears: {answer}")
                world.look_whether_saved(request, answer)
                known = world.answered.setdefault(request.id, (world.clock(), answer))
                assert known[1] == answer, "the same request is answered in the same way"

    async def _moment(self, said: Said) -> None:
        """Wait until something is to be said; what was said before a cut is repeated at once."""
        assert isinstance(self.world, ToldWorld)
        if not said.on_cue:
            await asyncio.sleep(max(0.0, self.world.begun + said.after - self.loop.time()))
        while said.on_cue and self.world.lives == 1 and self.instants < said.after:
            self.cue.clear()
            await self.cue.wait()

    def _at_rest(self) -> bool:
        if self.speaking.done():
            self.speaking.result()
        return super()._at_rest() and self.speaking.done()
