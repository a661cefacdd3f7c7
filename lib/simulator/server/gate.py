"""Where requests enter the exchange, and where the faults stand in their way."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import orjson

from lib.simulator.engine.limits import Limits
from lib.simulator.protocol import Answer, Request
from lib.simulator.refusals import Refusal
from lib.simulator.server.faults import Fault, FaultKind, FaultPlan
from lib.simulator.server.time_units import answer_in

JSON = "application/json"
BANNED = 418
UNKNOWN = {"code": -1000, "msg": "An unknown error occurred while processing the request."}


class Answering(Protocol):
    """The exchange, as far as the gate needs it."""

    @property
    def limits(self) -> Limits: ...

    def is_signed(self, method: str, path: str) -> bool: ...

    def answer(self, request: Request) -> Answer: ...

    def turn_away(self, request: Request, refusal: Refusal) -> Answer: ...


def nothing() -> None:
    """Do nothing after the reply was sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the client, whatever carries it."""

    status: int
    content: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[], None] = nothing  # to be called once it was sent

    @property
    def body(self) -> Any:
        """The content as JSON; an error of unknown outcome if it is none."""
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            return UNKNOWN

    @property
    def fails(self) -> bool:
        """Whether the WebSocket API calls it an error: refused, redirected, or no JSON at all."""
        return self.status >= 300 or not self.content.startswith((b"{", b"["))


class UserEvents:
    """The way of the user events to their listeners. It can be held up while a reply is sent."""

    def __init__(self, deliver: Callable[[str, dict[str, Any]], None]) -> None:
        self._deliver = deliver
        self._held: list[tuple[str, dict[str, Any]]] | None = None

    def tell(self, account: str, event: dict[str, Any]) -> None:
        if self._held is None:
            self._deliver(account, event)
        else:
            self._held.append((account, event))

    def answer_first(self, answer: Callable[[], Reply], delay_ms: int) -> Reply:
        """Answer; what that causes is told `delay_ms` after the reply was sent."""
        held = self._held = []
        try:
            reply = answer()
        finally:
            self._held = None

        def release() -> None:
            for account, event in held:
                self._deliver(account, event)

        def then() -> None:
            asyncio.get_running_loop().call_later(delay_ms / 1000, release)

        return replace(reply, then=then)


class Gate:
    """Lets requests through to the exchange, or does to them what the fault plan says."""

    def __init__(self, exchange: Answering, plan: FaultPlan, events: UserEvents) -> None:
        self._exchange = exchange
        self._plan = plan
        self._events = events
        self.on_ban: Callable[[str], None] = _nobody_is_cut
        self._late: set[asyncio.Task[None]] = set()

    @property
    def limits(self) -> Limits:
        return self._exchange.limits

    def is_signed(self, method: str, path: str) -> bool:
        """Say whether a call takes a signature."""
        return self._exchange.is_signed(method, path)

    def mind(self, reply: Reply, address: str) -> None:
        """Cut off an address that is told of its ban."""
        if reply.status == BANNED and self.limits.banned_until(address):
            self.on_ban(address)

    def decide(self, request: Request) -> Fault | None:
        """Say what goes wrong with a request. To be asked once for each."""
        return self._plan.for_request(request.method, request.path, request.params)

    def answer(self, request: Request) -> Reply:
        """Answer a request with which nothing goes wrong."""
        return _reply(self._exchange.answer(request), request)

    def turn_away(self, request: Request, refusal: Refusal) -> Reply:
        """Answer a request that was refused before it came to the exchange."""
        return _reply(self._exchange.turn_away(request, refusal), request)

    async def fail(self, request: Request, fault: Fault) -> Reply | None:
        """Do to a request what its fault says. None means that no answer ever comes."""
        match fault.kind:
            case FaultKind.DELAY_REQUEST:
                await asyncio.sleep(fault.delay_ms / 1000)
                return self.answer(request)
            case FaultKind.REFUSE:
                return _spoiled(fault)
            case FaultKind.LOSE_REQUEST:
                await asyncio.sleep(fault.delay_ms / 1000)
                return None
            case FaultKind.REPLY_FIRST:
                return self._events.answer_first(lambda: self.answer(request), fault.delay_ms)
            case _:
                return await self._fail_after_acceptance(request, fault)

    def let_happen(self, late: Coroutine[Any, Any, None]) -> None:
        """Let something happen in its time, whether who asked for it is still there or not."""
        task = asyncio.create_task(late)
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    def close(self) -> None:
        """Let nothing happen any more."""
        for task in self._late:
            task.cancel()

    async def _fail_after_acceptance(self, request: Request, fault: Fault) -> Reply | None:
        assert fault.accepted
        reply = self.answer(request)
        await asyncio.sleep(fault.delay_ms / 1000)
        match fault.kind:
            case FaultKind.SPOIL_REPLY:
                return _spoiled(fault)
            case FaultKind.LOSE_REPLY:
                return None
            case _:
                return reply


def _nobody_is_cut(_address: str) -> None:
    """Leave the connections of a banned address alone."""


def refusal_reply(refusal: Refusal) -> Reply:
    return Reply(refusal.status, orjson.dumps(refusal.body), headers=refusal.headers)


def _reply(answer: Answer, request: Request) -> Reply:
    """Encode an answer: JSON, but a text of another type as it is and nothing as nothing."""
    kind = answer.headers.get("Content-Type", JSON)
    if answer.body is None:
        content = b""
    elif kind == JSON:
        content = orjson.dumps(answer_in(request.time_unit, request.path, answer.body))
    else:
        content = str(answer.body).encode()
    return Reply(answer.status, content, kind, answer.headers)


def _spoiled(fault: Fault) -> Reply:
    return Reply(fault.status, fault.body.encode(), fault.content_type, fault.headers)
