"""What the network and the exchange do wrong, described apart from what carries it.

A `Fault` says what happens, a `Rule` to what, how often and with which luck, and a `FaultPlan` asks
its rules about each request and each user event. The same seed and the same sequence of questions
give the same faults. The socket server obeys a plan; so can a transport inside a test.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from lib.simulator.server.fault_log import FaultLog


class FaultKind(StrEnum):
    """What goes wrong. "Accepted" means that the exchange acted as if nothing were wrong."""

    # requests
    LOSE_REQUEST = "lose_request"  # never accepted; the connection closes after delay_ms
    LOSE_REPLY = "lose_reply"  # accepted; the connection closes after delay_ms
    DELAY_REQUEST = "delay_request"  # accepted delay_ms later, if its window is still open then
    DELAY_REPLY = "delay_reply"  # accepted; answered delay_ms later
    SPOIL_REPLY = "spoil_reply"  # accepted; answered with `status` and `body`
    REFUSE = "refuse"  # never accepted; answered with `status`, `body` and Retry-After
    REPLY_FIRST = "reply_first"  # accepted; what it causes is told delay_ms after the reply

    # user events
    DROP_EVENT = "drop_event"
    REPEAT_EVENT = "repeat_event"
    SWAP_EVENT = "swap_event"  # held back until the one after it was sent
    DELAY_EVENT = "delay_event"
    GARBAGE_EVENT = "garbage_event"  # sent after a frame that is no JSON
    NULL_ERROR = "null_error"  # sent after the error frame that answers no request
    CUT_STREAM = "cut_stream"  # lost: the connection is cut instead
    FREEZE_STREAM = "freeze_stream"  # lost: the connection stays open and silent from then on


REQUEST_KINDS = frozenset({
    FaultKind.LOSE_REQUEST,
    FaultKind.LOSE_REPLY,
    FaultKind.DELAY_REQUEST,
    FaultKind.DELAY_REPLY,
    FaultKind.SPOIL_REPLY,
    FaultKind.REFUSE,
    FaultKind.REPLY_FIRST,
})
LOST_KINDS = frozenset({FaultKind.CUT_STREAM, FaultKind.FREEZE_STREAM})
ACCEPTED_KINDS = REQUEST_KINDS - {FaultKind.LOSE_REQUEST, FaultKind.REFUSE}

STATUS_MIN: Final = 200

HTML = "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
BUS_UNEXPECTED = (
    '{"code":-1006,"msg":"An unexpected response was received from the message bus. '
    'Execution status unknown."}'
)
BACKEND_TIMEOUT = (
    '{"code":-1007,"msg":"Timeout waiting for response from backend server. '
    'Send status unknown; execution status unknown."}'
)
FORBIDDEN = "<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>"
OVERLOADED = (
    '{"code":-1008,"msg":"Server is currently overloaded with other requests. '
    'Please try again in a few minutes."}'
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
    location: str = ""  # of a redirect

    @model_validator(mode="after")
    def _answers_with_a_status(self) -> Self:
        answers = self.kind in {FaultKind.SPOIL_REPLY, FaultKind.REFUSE}
        if answers != bool(self.status):
            raise ValueError(f"{self.kind} and status {self.status} do not go together")
        if 0 < self.status < STATUS_MIN:
            raise ValueError(f"no answer ends with status {self.status}")
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
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return {**headers, "Location": self.location} if self.location else headers


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


def redirect(location: str) -> Fault:
    """Accept the request and send its sender elsewhere."""
    return Fault(kind=FaultKind.SPOIL_REPLY, status=302, location=location)


def reply_first(delay_ms: int = 0) -> Fault:
    """Accept the request and answer it before its events are told, not after."""
    return Fault(kind=FaultKind.REPLY_FIRST, delay_ms=delay_ms)


def refuse_overloaded() -> Fault:
    return Fault(kind=FaultKind.REFUSE, status=503, body=OVERLOADED)


def refuse_forbidden() -> Fault:
    """Refuse as the firewall does."""
    return Fault(kind=FaultKind.REFUSE, status=403, body=FORBIDDEN)


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


def garbage_event() -> Fault:
    return Fault(kind=FaultKind.GARBAGE_EVENT)


def null_error() -> Fault:
    return Fault(kind=FaultKind.NULL_ERROR)


def cut_stream() -> Fault:
    return Fault(kind=FaultKind.CUT_STREAM)


def freeze_stream() -> Fault:
    return Fault(kind=FaultKind.FREEZE_STREAM)


def _moment(value: object) -> object:
    """Read exchange ms, or a time as ISO 8601 writes it; without a zone it is UTC."""
    if not isinstance(value, str):
        return value
    read = datetime.fromisoformat(value)
    aware = read if read.tzinfo is not None else read.replace(tzinfo=UTC)
    since = aware - EPOCH
    return since.days * DAY_MS + since.seconds * 1000 + since.microseconds // 1000


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS: Final = 86_400_000
Moment: TypeAlias = Annotated[int, BeforeValidator(_moment)]


class Rule(BaseModel):
    """Which requests or events a fault befalls.

    `one_in` is the luck: each match is hit with a chance of 1 in `one_in`; `percent` says the same
    in hundredths. `skip` matches pass first; after `times` hits the rule is spent. It holds from
    `begins` until before `ends`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: Fault
    method: str = "*"  # GET, POST, …; or a pattern
    path: str = "*"  # "/api/v3/order"; or a pattern
    event: str = "*"  # "executionReport"; or a pattern
    one_in: int = Field(default=1, ge=1)
    percent: int = Field(default=100, ge=1, le=100)
    begins: Moment | None = None
    ends: Moment | None = None
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=None, ge=1)

    def holds_at(self, now: int) -> bool:
        """Say whether this is the rule's time."""
        begun = self.begins is None or now >= self.begins
        return begun and (self.ends is None or now < self.ends)

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

    The rules are asked in their order; the first that hits wins. What struck is in the log.
    `clock` tells the exchange's time; who serves the exchange sets it.
    """

    def __init__(self, seed: int = 0, rules: Iterable[Rule] = ()) -> None:
        self.clock: Callable[[], int] = _beginning
        self.log = FaultLog()
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

    def for_request(
        self, method: str, path: str, params: Mapping[str, str] | None = None
    ) -> Fault | None:
        """Decide about one request. Asked once for each; `params` are for the log alone."""
        if not self._rules:
            return None
        struck = self._first_hit(
            (rule, count) for rule, count in self._rules if rule.meets_request(method, path)
        )
        return self._struck(struck, f"{method} {path}", params or {})

    def for_event(self, event: str, content: Mapping[str, Any] | None = None) -> Fault | None:
        """Decide about one user event of a type ("executionReport", …). Asked once for each."""
        if not self._rules:
            return None
        struck = self._first_hit(
            (rule, count) for rule, count in self._rules if rule.meets_event(event)
        )
        return self._struck(struck, event, content or {})

    def _struck(self, rule: Rule | None, what: str, content: Mapping[str, Any]) -> Fault | None:
        if rule is None:
            return None
        told = rule.model_dump(mode="json", exclude_defaults=True)
        self.log.add(self.clock(), rule.fault.kind, what, content, rule=told)
        return rule.fault

    def _first_hit(self, met: Iterable[tuple[Rule, _Count]]) -> Rule | None:
        now = self.clock()
        for rule, count in met:
            if rule.holds_at(now) and self._hits(rule, count):
                return rule
        return None

    def _hits(self, rule: Rule, count: _Count) -> bool:
        if rule.times is not None and count.hit >= rule.times:
            return False
        count.met += 1
        if count.met <= rule.skip or self._draw(rule.one_in) or self._spares(rule.percent):
            return False
        count.hit += 1
        return True

    def _spares(self, percent: int) -> bool:
        return percent < 100 and self._draw(100) >= percent

    def _draw(self, sides: int) -> int:
        """Draw a number from 0 to `sides` - 1. A one-sided die is not thrown."""
        if sides == 1:
            return 0
        self._drawn += 1
        digest = blake2b(f"{self._seed}:{self._drawn}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) % sides


def _beginning() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Passed:
    """One event on its way, and what happens to the connection before it is sent."""

    event: dict[str, Any]
    delay_ms: int = 0
    fault: FaultKind | None = None


class EventLane:
    """The way of the user events to one listener, with what goes wrong on it.

    `carry` answers what is to be sent now, after how many ms each and what befalls the connection.
    """

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._held: dict[str, Any] | None = None

    def pass_on(self, event: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
        """Decide about one event; who has no connection just loses what is lost with one."""
        return [
            (passed.delay_ms, passed.event)
            for passed in self.carry(event)
            if passed.fault not in LOST_KINDS
        ]

    def carry(self, event: dict[str, Any]) -> list[Passed]:
        """Decide about one event. A swapped one is sent after the next."""
        held, self._held = self._held, None
        fault = self._plan.for_event(event.get("e", ""), event)
        if fault is not None and fault.kind is FaultKind.SWAP_EVENT and held is None:
            self._held = event
            return []
        sent = _copies(event, fault)
        return [*sent, Passed(held)] if held is not None else sent


def _copies(event: dict[str, Any], fault: Fault | None) -> list[Passed]:
    match fault.kind if fault else None:
        case FaultKind.DROP_EVENT:
            return []
        case FaultKind.REPEAT_EVENT:
            return [Passed(event), Passed(event)]
        case FaultKind.DELAY_EVENT if fault:
            return [Passed(event, fault.delay_ms)]
        case FaultKind.SWAP_EVENT | None:
            return [Passed(event)]
        case kind:
            return [Passed(event, fault=kind)]
