"""The frames of the WebSocket API: what a client asks, how it is answered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from lib.simulator.engine.limits import Limits
from lib.simulator.protocol import TimeUnit
from lib.simulator.refusals import Refusal, invalid
from lib.simulator.server.gate import Reply
from lib.simulator.server.time_units import MICROSECONDS

TRUTHS: Final = {"true": True, "false": False}
ID_BITS: Final = 63
VERSION: Final = "v3/"
LIMITS_SHOWN: Final = "returnRateLimits"

Name: TypeAlias = int | str | None
"""What a client calls its request; the answer bears the same."""


class _Number(str):
    """A number that is no integer, as it was written: so it was signed."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as a client sent it."""

    name: Name
    method: str
    params: Mapping[str, str]

    def shows_limits(self, usual: bool) -> bool:  # noqa: FBT001 - what the connection does
        """Say whether the answer tells the limits. Raise Refusal if it is said in no known way."""
        text = self.params.get(LIMITS_SHOWN)
        if text is None:
            return usual
        if text not in TRUTHS:
            raise invalid(LIMITS_SHOWN)
        return TRUTHS[text]


def read_frame(text: str) -> Asked:
    """Read a request. Raise Refusal -1135."""
    try:
        frame = json.loads(text, parse_float=_Number, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _no_request() from None
    if not isinstance(frame, dict) or not isinstance(frame.get("method"), str):
        raise _no_request()
    params = frame.get("params", {})
    if not isinstance(params, dict | None):
        raise _not_valid("params")
    written = {_clean(name): _text(value) for name, value in (params or {}).items()}
    return Asked(_name(frame), frame["method"].removeprefix(VERSION), written)


def write_reply(
    name: Name, reply: Reply, limits: Limits | None, *, now: int, time_unit: TimeUnit
) -> bytes:
    """Write an answer, with the limits it touched if they are wanted."""
    frame: dict[str, Any] = {"id": name, "status": reply.status}
    if reply.fails:
        frame["error"] = _error(reply, now, time_unit)
    else:
        frame["result"] = reply.body
    told = limits.told(reply.headers) if limits is not None else []
    if told:
        frame["rateLimits"] = told
    return orjson.dumps(frame)


def _error(reply: Reply, now: int, time_unit: TimeUnit) -> dict[str, Any]:
    body = reply.body if isinstance(reply.body, dict) else {}
    if "Retry-After" not in reply.headers or "data" in body:
        return body
    factor = MICROSECONDS if time_unit is TimeUnit.MICROSECOND else 1
    until = now + 1000 * int(reply.headers["Retry-After"])
    return {**body, "data": {"serverTime": now * factor, "retryAfter": until * factor}}


def _name(frame: Mapping[str, Any]) -> Name:
    name = frame.get("id")
    if isinstance(name, bool | _Number) or not isinstance(name, Name):
        raise _not_valid("id")
    if isinstance(name, int) and name.bit_length() > ID_BITS:
        raise _not_valid("id")
    return _clean(name) if isinstance(name, str) else name


def _clean(text: str) -> str:
    """Refuse what no UTF-8 can be: half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _no_request() from None
    return text


def _text(value: object) -> str:
    """Write a parameter as its sender signed it."""
    if isinstance(value, str):
        return _clean(value)
    return _clean(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _no_request() -> Refusal:
    return Refusal(-1135, "Invalid JSON Request")


def _not_valid(name: str) -> Refusal:
    return Refusal(-1135, f"JSON sent for parameter '{name}' is not valid")
