"""What a client of the market streams may send: frames that subscribe, list and set.

Errors have Binance's codes: 0 an unknown property, 1 a value of the wrong type, 2 a request that
cannot be meant, 3 no JSON; 4, which it does not document, is said of too many streams.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

METHODS: Final = (
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST_SUBSCRIPTIONS",
    "SET_PROPERTY",
    "GET_PROPERTY",
)
PARAMETERS_MAX: Final = {"LIST_SUBSCRIPTIONS": 0, "GET_PROPERTY": 1, "SET_PROPERTY": 2}
COMBINED: Final = "combined"
LARGEST: Final = 2**63

_ID = re.compile(r"[A-Za-z0-9_-]{1,36}", re.ASCII)
_STREAM = re.compile(r"!?[\w.\-]+(@[\w+:.\-]+)*")


class BadFrame(ValueError):
    """A control frame that means nothing, with Binance's code for it."""

    def __init__(self, code: int, text: str, *, frame_id: object = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.frame_id = frame_id


@dataclass(frozen=True, slots=True)
class Frame:
    method: str
    id: int | str | None
    params: list[Any] = field(default_factory=list)


def read_frame(text: str) -> Frame:
    """Read a control frame. Raise BadFrame."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as wrong:
        place = f"line {wrong.lineno} column {wrong.colno}"
        raise BadFrame(3, f"Invalid JSON: expected value at {place}") from wrong
    if not isinstance(found, dict):
        raise BadFrame(2, f"Invalid request: expected an object at {_end(text)}")
    frame_id = found.get("id")
    if "id" not in found or not _is_id(frame_id):
        raise BadFrame(2, "Invalid request: request ID must be an unsigned integer")
    try:
        return Frame(_method(found, text), frame_id, _params(found))
    except BadFrame as bad:
        bad.frame_id = frame_id
        raise


def stream_names(frame: Frame) -> list[str]:
    """Read the streams a frame names. Raise BadFrame for what can be none."""
    for name in frame.params:
        if not isinstance(name, str) or not is_stream(name):
            raise BadFrame(2, "Invalid request: invalid stream", frame_id=frame.id)
    return frame.params


def is_stream(name: str) -> bool:
    """Tell whether a name has the form of a stream; it need not exist."""
    return _STREAM.fullmatch(name) is not None


def check_property(frame: Frame) -> None:
    """Refuse every property but the one there is."""
    name = frame.params[0] if frame.params else None
    if not isinstance(name, str):
        text = "Invalid request: property name must be a string"
        raise BadFrame(2, text, frame_id=frame.id)
    if name != COMBINED:
        raise BadFrame(0, "Unknown property", frame_id=frame.id)


def property_value(frame: Frame) -> bool:
    """Read what the property shall be."""
    check_property(frame)
    value = frame.params[1] if len(frame.params) > 1 else None
    if not isinstance(value, bool):
        raise BadFrame(1, "Invalid value type: expected Boolean", frame_id=frame.id)
    return value


def _method(found: dict[str, Any], text: str) -> str:
    if "method" not in found:
        raise BadFrame(2, f"Invalid request: missing field `method` at {_end(text)}")
    method = found["method"]
    if method not in METHODS:
        expected = ", ".join(f"`{each}`" for each in METHODS)
        raise BadFrame(
            2, f"Invalid request: unknown variant `{method}`, expected one of {expected}"
        )
    return str(method)


def _params(found: dict[str, Any]) -> list[Any]:
    params = found.get("params", [])
    if not isinstance(params, list):
        raise BadFrame(2, "Invalid request: params must be a list")
    most = PARAMETERS_MAX.get(found["method"])
    if most is not None and len(params) > most:
        raise BadFrame(2, "Invalid request: too many parameters")
    return params


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return _ID.fullmatch(value) is not None
    if isinstance(value, int) and not isinstance(value, bool):
        return -LARGEST <= value < LARGEST
    return value is None


def _end(text: str) -> str:
    lines = text.split("\n")
    return f"line {len(lines)} column {len(lines[-1])}"
