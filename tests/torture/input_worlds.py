"""Worlds in which the exchange speaks nonsense for a while, and what must be true nevertheless.

What runs is the program on a simulated disk, exchange and clock, as in the experiments with power
cuts. Between it and the exchange sits somebody who spoils answers and events; the exchange's own
books stay true, and are what is judged.
"""

import asyncio
import traceback
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from lib.binance.client import TEXT_MAX
from lib.binance.transport import Reply
from lib.errors import Unavailable
from lib.life import Standing
from lib.news import Kind
from lib.orders import orders_inside
from tests.edges import LATENCY, MarketFeed, UserFeed, Wire
from tests.torture.input_spoiling import PAGES, Spoiler
from tests.torture.scenes import SCENES, Scene, have_small_bots
from tests.world import CALM, OPEN, Life, World, live

PATIENCE: Final = 1_800.0  # virtual seconds in which every scene has long come to rest
STATUSES: Final = (200, 200, 204, 302, 400, 404, 500, 503)


class SpoilingWire(Wire):
    """Spoils answers of every call; what the exchange did stays done."""

    def __init__(self, world: World, spoiler: Spoiler) -> None:
        super().__init__(world)
        self._spoiler = spoiler
        self._former: dict[str, Reply] = {}

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        reply = await super().request(method, path, params, signed=signed)
        call = f"{method} {path}"
        former, self._former[call] = self._former.get(call), reply
        if not self._spoiler.strikes():
            return reply
        how, spoilt = self._spoilt(reply, former if method == "GET" else None)
        self._world.note("wire", f"the answer to {call} is spoilt: {how}: {str(spoilt.body)[:200]}")
        return spoilt

    def _spoilt(self, reply: Reply, former: Reply | None) -> tuple[str, Reply]:
        spoiler, chance = self._spoiler, self._spoiler.chance
        if spoiler.lies and former is not None and not chance.randrange(4):
            spoiler.count("an answer", "older")
            return "older", former
        if not chance.randrange(4):
            spoiler.count("an answer", "of another kind")
            return "another page", page(chance.choice(STATUSES), chance.choice(PAGES))
        how, body = spoiler.spoil("an answer", reply.body)
        return how, as_read(reply.status, body, reply.headers)


def page(status: int, text: str) -> Reply:
    """Read a body as the transport does."""
    try:
        return Reply(status, orjson.loads(text))
    except orjson.JSONDecodeError:
        return Reply(status, text=text[:TEXT_MAX])


def as_read(status: int, body: Any, headers: Mapping[str, str]) -> Reply:
    """Make the body once more what JSON makes of it."""
    return Reply(status, orjson.loads(orjson.dumps(body)), headers)


class SpoilingUserFeed(UserFeed):
    """Spoils events; also repeats them late, and tells of orders that never were."""

    def __init__(self, life: Life, spoiler: Spoiler) -> None:
        super().__init__(life)
        self._spoiler = spoiler
        self._told: list[dict[str, Any]] = []

    def push(self, event: dict[str, Any]) -> None:
        self._told = [*self._told[-20:], deepcopy(event)]
        if not self._spoiler.strikes():
            super().push(event)
            return
        chance = self._spoiler.chance
        if not chance.randrange(3):  # it comes twice, the second time in the wrong order
            self._spoiler.count("an event", "repeated late")
            super().push(event)
            self._life.loop.call_later(chance.uniform(0.1, 30), super().push, self._told[0])
            return
        how, spoilt = self._spoiler.spoil("an event", event)
        self._life.world.note("wire", f"an event is spoilt: {how}: {str(spoilt)[:300]}")
        if chance.randrange(2):
            super().push(event)
        if isinstance(spoilt, dict):
            self._life.loop.call_later(LATENCY, self._arrive_spoilt, spoilt)

    def _arrive_spoilt(self, event: dict[str, Any]) -> None:
        """Take what it does not stand as a breach: in production it would only be logged."""
        if not self._up:
            return
        try:
            self._on_event(event)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as wrong:
            self._life.world.breaches.append(f"an event raised {wrong!r}: {str(event)[:300]}")


class SpoilingMarketFeed(MarketFeed):
    """Spoils best prices and trades."""

    def __init__(self, life: Life, spoiler: Spoiler) -> None:
        super().__init__(life)
        self._spoiler = spoiler

    def push(self, symbol: str, kind: str, payload: dict[str, Any]) -> None:
        if symbol in self._followed and self._spoiler.strikes():
            _, payload = self._spoiler.spoil("a frame of the market", payload)
        if isinstance(payload, dict):
            super().push(symbol, kind, payload)


class SpoiltLife(Life):
    """A life whose edges are spoilt."""

    def __init__(self, world: World, answers: Spoiler, events: Spoiler, market: Spoiler) -> None:
        super().__init__(world)
        self.wire = SpoilingWire(world, answers)
        self.user = SpoilingUserFeed(self, events)
        self.market = SpoilingMarketFeed(self, market)
        self.loop.set_exception_handler(self._breach)

    def _breach(self, _: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        self.world.breaches.append(f"in the loop: {context.get('exception')!r}: {context}")


@dataclass(frozen=True, kw_only=True)
class Nonsense:
    """All that one history of nonsense follows from."""

    scene: str
    seed: int
    lies: bool
    answers: int = 60  # how many of them are spoilt, at most
    events: int = 60
    market: int = 60

    def __str__(self) -> str:
        kind = "lies" if self.lies else "broken input"
        counts = f"{self.answers} answers, {self.events} events, {self.market} market frames"
        return f"{self.scene}, seed {self.seed}, {kind}: at most {counts}"


@dataclass(frozen=True)
class Heard:
    """What came of one history: how much was spoilt, and what was wrong at the end."""

    nonsense: Nonsense
    world: World
    spoilt: Counter[str]
    wrong: str

    def transcript(self) -> str:
        told = self.world.transcript.text(self.world.bots)
        return f"{self.nonsense}\n{told}\nWRONG AT THE END: {self.wrong}"


def hear(nonsense: Nonsense) -> Heard:
    """Live through it, and judge what is left."""
    have_small_bots()
    scene = SCENES[nonsense.scene]
    world = scene.world(nonsense.seed, scene.bots, CALM, **scene.more)
    seed, lies = nonsense.seed, nonsense.lies
    spoilers = (
        Spoiler(seed, lies=lies, one_in=5, enough=nonsense.answers),
        Spoiler(seed + 1, lies=lies, one_in=2, enough=nonsense.events),
        Spoiler(seed + 2, lies=lies, one_in=5, enough=nonsense.market),
    )
    world.begin_life = lambda world: SpoiltLife(world, *spoilers)
    wrong = ""
    try:
        live(world)
        judge(world, scene, lies=lies)
    except Exception as found:  # noqa: BLE001 - whatever is wrong is the finding
        wrong = _in_one_line(found)
    spoilt: Counter[str] = Counter()
    for spoiler in spoilers:
        spoilt.update(spoiler.spoilt)
    return Heard(nonsense, world, spoilt, wrong)


def _in_one_line(wrong: Exception) -> str:
    frame = traceback.extract_tb(wrong.__traceback__)[-1]
    said = str(wrong).partition("\n")[0] or f"{frame.line}"
    return f"{type(wrong).__name__} in {frame.name}: {said}"


def judge(world: World, scene: Scene, *, lies: bool) -> None:
    """Broken input leaves no trace; after a lie a bot may have stopped itself, and said why."""
    parked = [name for name, each in world.standings.items() if each is Standing.PARKED]
    alive = parked == [] and world.standings.keys() == scene.bots.keys()
    if alive or not (lies or all(never_begun(world, name) for name in parked)):
        scene.check(world)
        return
    assert not world.breaches, world.breaches[0]
    for name in scene.bots:
        told = [n for n in world.news if n.bot == name and n.kind in {Kind.PARKED, Kind.WARNING}]
        assert name not in parked or told, f"{name} stopped without a word"
    judge_orders(world)


def never_begun(world: World, name: str) -> bool:
    """Say whether a bot waits for a person because the exchange could not be asked of its past."""
    parked = world.generation(name).parked
    return parked is not None and parked.kind == Unavailable.__name__


def judge_orders(world: World) -> None:
    """No order twice, none in no context, none but what a context wanted."""
    ids = [order["clientOrderId"] for order in world.orders()]
    assert len(ids) == len(set(ids)), "an id was accepted twice"
    known = {each for name in world.standings for each in known_ids(world, name)}
    forgotten = {o["clientOrderId"] for o in world.orders() if o["status"] in OPEN} - known
    told = " ".join(news.text for news in world.news)
    assert all(each in told for each in forgotten), f"forgotten without a word: {forgotten}"


def known_ids(world: World, name: str) -> set[str]:
    return {order.id for order in orders_inside(world.generation(name).context)}


def fewer(heard: Heard, tries: int = 12) -> Heard:
    """Make a failing history as short as can be: no kind of nonsense more than it takes."""
    best = heard
    for part in ("answers", "events", "market"):
        low, high = -1, getattr(best.nonsense, part)  # fails with high, as far as is known
        while high - low > 1 and tries > 0:
            tries -= 1
            middle = (low + high) // 2 if low >= 0 else 0
            counts: dict[str, Any] = {part: middle}
            found = hear(replace(best.nonsense, **counts))
            if found.wrong.partition(":")[0] == heard.wrong.partition(":")[0]:
                best, high = found, middle
            else:
                low = middle
    return best
