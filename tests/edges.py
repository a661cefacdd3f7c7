"""The edges of one life in a world: the wire, the user stream, the market stream, the service."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from lib.binance.transport import Frame, Reply
from lib.errors import OutcomeUnknown
from lib.simulator.protocol import Request
from lib.simulator.server.faults import EventLane, Fault, FaultKind

if TYPE_CHECKING:
    from tests.world import Life, World

ACCOUNT = "trader"
LATENCY = 0.02


class Wire:
    """Carries requests to the exchange in process; the world's plan says what goes wrong."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        world, call = self._world, f"{method} {path.rpartition('/')[2]}"
        world.instant(f"wire: before {call}")
        fault = world.plan.for_request(method, path)
        request = Request(method, path, params, ACCOUNT if signed else None)
        if method != "GET":
            world.leaves(request)
        elif path.endswith("myTrades"):
            world.note("wire", "myTrades is asked")
        await self._travel(request)
        if fault is not None:
            return await self._fail(request, fault)
        reply = self._answered(request)
        world.instant(f"wire: after {call}")
        await asyncio.sleep(LATENCY)
        return reply

    async def _travel(self, request: Request) -> None:
        """Take the way there; what changes something may arrive although its sender died."""
        if request.method == "GET":
            await asyncio.sleep(LATENCY)
            return
        self._world.under_way[id(request)] = request
        await asyncio.sleep(LATENCY)
        del self._world.under_way[id(request)]

    def _answered(self, request: Request) -> Reply:
        answer = self._world.exchange.answer(request)
        body = orjson.loads(orjson.dumps(answer.body))
        if request.method != "GET" or answer.status != 200:
            said = body.get("msg", body.get("status", "")) if isinstance(body, dict) else ""
            self._world.note("exchange", f"answers {request.method}: {answer.status} {said}")
        return Reply(answer.status, body, answer.headers)

    async def _fail(self, request: Request, fault: Fault) -> Reply:
        world = self._world
        world.note("wire", f"{request.method} {request.path} meets {fault.kind}")
        if fault.kind is FaultKind.DELAY_REQUEST:
            world.in_flight.append((world.clock() / 1000 + fault.delay_ms / 1000, request))
        elif fault.accepted:
            self._answered(request)
            world.instant(f"wire: after {request.method}, {fault.kind}")
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.status:
            body = orjson.loads(fault.body) if fault.body.startswith("{") else None
            return Reply(fault.status, body, fault.headers, fault.body)
        raise OutcomeUnknown(f"{request.method} {request.path}: the connection was lost")

    async def close(self) -> None:
        return


class UserFeed:
    """The user stream: subscribed, lost now and then, and never complete."""

    def __init__(self, life: "Life") -> None:
        self._life = life
        self._lane = EventLane(life.world.plan)
        self._up = False
        self._on_event: Callable[[Frame], None] = lambda _: None
        self._on_ready: Callable[[], None] = lambda: None
        self._on_lost: Callable[[str], None] = lambda _: None

    def start(
        self,
        *,
        on_event: Callable[[Frame], None],
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._on_event, self._on_ready, self._on_lost = on_event, on_ready, on_lost
        self._life.loop.call_later(0.1, self._subscribe)

    def _subscribe(self) -> None:
        self._up = True
        self._on_ready()

    def lose(self) -> None:
        if self._up:
            self._up = False
            self._life.world.note("wire", "the user stream is lost")
            self._on_lost("connection reset")
            self._life.loop.call_later(self._life.world.chance.uniform(0.5, 20), self._subscribe)

    def push(self, event: dict[str, Any]) -> None:
        if not self._up:
            return
        for delay_ms, copy in self._lane.pass_on(event):
            self._life.loop.call_later(LATENCY + delay_ms / 1000, self._arrive, copy)

    def _arrive(self, event: dict[str, Any]) -> None:
        if self._up:
            self._life.world.note("stream", event)
            self._life.world.instant(f"event: {event['e']}")
            self._on_event(event)

    async def close(self) -> None:
        self._up = False


class MarketFeed:
    def __init__(self, life: "Life") -> None:
        self._life = life
        self._followed: set[str] = set()
        self._on_frame: Callable[[Frame], None] = lambda _: None

    def start(self, on_frame: Callable[[Frame], None]) -> None:
        self._on_frame = on_frame

    def follow(self, symbol: str) -> None:
        self._followed.add(symbol)

    def leave(self, symbol: str) -> None:
        self._followed.discard(symbol)

    def push(self, symbol: str, kind: str, payload: dict[str, Any]) -> None:
        if symbol in self._followed and kind in {"trade", "bookTicker"}:
            self._life.loop.call_soon(self._on_frame, payload)

    async def close(self) -> None:
        self._followed.clear()


class Quiet:
    def ready(self) -> None:
        return

    def status(self, text: str) -> None:
        return
