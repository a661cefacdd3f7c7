"""What the network and the exchange do wrong, described apart from what carries it.

A `Fault` says what happens, a `Rule` to what, how often and with which luck, and a `FaultPlan` asks
its rules about each request and each user event. The same seed and the same sequence of questions
give the same faults. The socket server obeys a plan; so can a transport inside a test.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class FaultKind(StrEnum):
    """What goes wrong. "Accepted" means that the exchange acted as if nothing were wrong."""

    # requests
    LOSE_REQUEST = "lose_request"  # never accepted; the connection closes after delay_ms
    LOSE_REPLY = "lose_reply"  # accepted; the connection closes after delay_ms
    DELAY_REQUEST = "delay_request"  # accepted delay_ms later, if its window is still open then
    DELAY_REPLY = "delay_reply"  # accepted; answered delay_ms later
    SPOIL_REPLY = "spoil_reply"  # accepted; answered with `status` and `body`
    REFUSE = "refuse"  # never accepted; answered with `status`, `body` and Retry-After

    # user events
    DROP_EVENT = "drop_event"
    REPEAT_EVENT = "repeat_event"
    SWAP_EVENT = "swap_event"  # held back until the one after it was sent
    DELAY_EVENT = "delay_event"


REQUEST_KINDS = frozenset({
    FaultKind.LOSE_REQUEST,
    FaultKind.LOSE_REPLY,
    FaultKind.DELAY_REQUEST,
    FaultKind.DELAY_REPLY,
    FaultKind.SPOIL_REPLY,
    FaultKind.REFUSE,
})
ACCEPTED_KINDS = REQUEST_KINDS - {FaultKind.LOSE_REQUEST, FaultKind.REFUSE}

HTML = "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
BUS_UNEXPECTED = (
    '{"code":-1006,"msg":"An unexpected response was received from the message bus. '
    'Execution status unknown."}'
)
BACKEND_TIMEOUT = (
    '{"code":-1007,"msg":"Timeout waiting for response from backend server. '
    'Send status unknown; execution status unknown."}'
)
TOO_MANY_REQUESTS = '{"code":-1003,"msg":"Too many requests queued."}'
BANNED = '{"code":-1003,"msg":"Way too much request weight used; IP banned."}'


class Fault(BaseModel):
    """One thing that goes wrong. Times in ms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    delay_ms: int = Field(default=0, ge=0)
    status: int = Field(default=0, ge=0, le=599)
    body: str = ""  # as sent; JSON if it begins with a brace
    retry_after: int | None = Field(default=None, ge=0)  # seconds

    @model_validator(mode="after")
    def _answers_with_a_status(self) -> Self:
        answers = self.kind in {FaultKind.SPOIL_REPLY, FaultKind.REFUSE}
        if answers != bool(self.status):
            raise ValueError(f"{self.kind} and status {self.status} do not go together")
        return self

    @property
    def accepted(self) -> bool:
        """Whether the exchange acts on the request all the same."""
        return self.kind in ACCEPTED_KINDS

    @property
    def content_type(self) -> str:
        return "application/json" if self.body.startswith(("{", "[")) else "text/html"

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def lose_request(delay_ms: int = 0) -> Fault:
    return Fault(kind=FaultKind.LOSE_REQUEST, delay_ms=delay_ms)


def lose_reply(delay_ms: int = 0) -> Fault:
    return Fault(kind=FaultKind.LOSE_REPLY, delay_ms=delay_ms)


def delay_request(delay_ms: int) -> Fault:
    return Fault(kind=FaultKind.DELAY_REQUEST, delay_ms=delay_ms)


def delay_reply(delay_ms: int) -> Fault:
    return Fault(kind=FaultKind.DELAY_REPLY, delay_ms=delay_ms)


def spoil_reply(status: int, body: str) -> Fault:
    """Accept the request and answer with something else, e.g. (502, HTML) or (500, "")."""
    return Fault(kind=FaultKind.SPOIL_REPLY, status=status, body=body)


def backend_timeout() -> Fault:
    return spoil_reply(504, BACKEND_TIMEOUT)


def bus_unexpected() -> Fault:
    return spoil_reply(500, BUS_UNEXPECTED)


def refuse_too_many(retry_after: int) -> Fault:
    return Fault(kind=FaultKind.REFUSE, status=429, body=TOO_MANY_REQUESTS, retry_after=retry_after)


def refuse_banned(retry_after: int) -> Fault:
    return Fault(kind=FaultKind.REFUSE, status=418, body=BANNED, retry_after=retry_after)


def drop_event() -> Fault:
    return Fault(kind=FaultKind.DROP_EVENT)


def repeat_event() -> Fault:
    return Fault(kind=FaultKind.REPEAT_EVENT)


def swap_event() -> Fault:
    return Fault(kind=FaultKind.SWAP_EVENT)


def delay_event(delay_ms: int) -> Fault:
    return Fault(kind=FaultKind.DELAY_EVENT, delay_ms=delay_ms)


class Rule(BaseModel):
    """Which requests or events a fault befalls.

    `one_in` is the luck: each match is hit with a chance of 1 in `one_in`. `skip` matches pass
    first; after `times` hits the rule is spent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: Fault
    method: str = "*"  # GET, POST, …; or a pattern
    path: str = "*"  # "/api/v3/order"; or a pattern
    event: str = "*"  # "executionReport"; or a pattern
    one_in: int = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=None, ge=1)

    def meets_request(self, method: str, path: str) -> bool:
        return (
            self.fault.kind in REQUEST_KINDS
            and fnmatchcase(method, self.method)
            and fnmatchcase(path, self.path)
        )

    def meets_event(self, event: str) -> bool:
        return self.fault.kind not in REQUEST_KINDS and fnmatchcase(event, self.event)


@dataclass(slots=True)
class _Count:
    """How a rule stands."""

    met: int = 0
    hit: int = 0


class FaultPlan:
    """Says for each request and each user event what goes wrong with it, if anything.

    The rules are asked in their order; the first that hits wins.
    """

    def __init__(self, seed: int = 0, rules: Iterable[Rule] = ()) -> None:
        self._seed = seed
        self._rules: list[tuple[Rule, _Count]] = []
        self._drawn = 0
        self.set(rules)

    @property
    def rules(self) -> Sequence[Rule]:
        return tuple(rule for rule, _ in self._rules)

    def add(self, rule: Rule) -> None:
        self._rules.append((rule, _Count()))

    def set(self, rules: Iterable[Rule]) -> None:
        """Replace all rules; their counts begin anew."""
        self._rules = [(rule, _Count()) for rule in rules]

    def clear(self) -> None:
        self._rules = []

    def for_request(self, method: str, path: str) -> Fault | None:
        """Decide about one request. Asked once for each."""
        return self._first_hit(
            (rule, count) for rule, count in self._rules if rule.meets_request(method, path)
        )

    def for_event(self, event: str) -> Fault | None:
        """Decide about one user event of a type ("executionReport", …). Asked once for each."""
        return self._first_hit(
            (rule, count) for rule, count in self._rules if rule.meets_event(event)
        )

    def _first_hit(self, met: Iterable[tuple[Rule, _Count]]) -> Fault | None:
        for rule, count in met:
            if self._hits(rule, count):
                return rule.fault
        return None

    def _hits(self, rule: Rule, count: _Count) -> bool:
        if rule.times is not None and count.hit >= rule.times:
            return False
        count.met += 1
        if count.met <= rule.skip or self._draw(rule.one_in):
            return False
        count.hit += 1
        return True

    def _draw(self, sides: int) -> int:
        """Draw a number from 0 to `sides` - 1. A one-sided die is not thrown."""
        if sides == 1:
            return 0
        self._drawn += 1
        digest = blake2b(f"{self._seed}:{self._drawn}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) % sides


class EventLane:
    """The way of the user events to one listener, with what goes wrong on it.

    `pass_on` answers what is to be sent now, and after how many ms each.
    """

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._held: dict[str, Any] | None = None

    def pass_on(self, event: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
        """Decide about one event. A swapped one is sent after the next."""
        held, self._held = self._held, None
        fault = self._plan.for_event(event.get("e", ""))
        if fault is not None and fault.kind is FaultKind.SWAP_EVENT and held is None:
            self._held = event
            return []
        sent = _copies(event, fault)
        return [*sent, (0, held)] if held is not None else sent


def _copies(event: dict[str, Any], fault: Fault | None) -> list[tuple[int, dict[str, Any]]]:
    match fault.kind if fault else None:
        case FaultKind.DROP_EVENT:
            return []
        case FaultKind.REPEAT_EVENT:
            return [(0, event), (0, event)]
        case FaultKind.DELAY_EVENT if fault:
            return [(fault.delay_ms, event)]
        case _:
            return [(0, event)]
