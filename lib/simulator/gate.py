"""Where requests enter the exchange, and where the faults stand in their way."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from lib.simulator.faults import Fault, FaultKind, FaultPlan
from lib.simulator.protocol import Answer, Request
from lib.simulator.refusals import Refusal

JSON = "application/json"


class Answering(Protocol):
    """The exchange, as far as the gate needs it."""

    def answer(self, request: Request) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the client, whatever carries it."""

    status: int
    content: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> Any:
        """The content as JSON; an error of unknown outcome if it is none."""
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            text = "An unknown error occurred while processing the request."
            return {"code": -1000, "msg": text}


class Gate:
    """Lets requests through to the exchange, or does to them what the fault plan says."""

    def __init__(self, exchange: Answering, plan: FaultPlan) -> None:
        self._exchange = exchange
        self._plan = plan

    def decide(self, request: Request) -> Fault | None:
        """Say what goes wrong with a request. To be asked once for each."""
        return self._plan.for_request(request.method, request.path)

    def answer(self, request: Request) -> Reply:
        """Answer a request with which nothing goes wrong."""
        return _reply(self._exchange.answer(request))

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
            case _:
                return await self._fail_after_acceptance(request, fault)

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


def refusal_reply(refusal: Refusal) -> Reply:
    return Reply(refusal.status, orjson.dumps(refusal.body), headers=refusal.headers)


def _reply(answer: Answer) -> Reply:
    """Encode an answer: JSON, but a text of another type as it is and nothing as nothing."""
    kind = answer.headers.get("Content-Type", JSON)
    if answer.body is None:
        content = b""
    else:
        content = orjson.dumps(answer.body) if kind == JSON else str(answer.body).encode()
    return Reply(answer.status, content, kind, answer.headers)


def _spoiled(fault: Fault) -> Reply:
    return Reply(fault.status, fault.body.encode(), fault.content_type, fault.headers)
