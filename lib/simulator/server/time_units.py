"""Times in answers and events, in the unit their reader asked for.

The exchange counts milliseconds. Who asks for microseconds gets every time, and nothing that only
looks like one, a thousand times larger; the end of a candle is its last microsecond.
"""

from collections.abc import Mapping
from typing import Any, Final

from lib.simulator.protocol import TimeUnit
from lib.simulator.refusals import Refusal

MICROSECONDS: Final = 1_000
LAST_MICROSECOND: Final = 999

# Names of the REST and WebSocket API that are always times.
ANSWER_TIMES: Final = frozenset({
    "authorizedSince",
    "closeTime",
    "connectedSince",
    "openTime",
    "retryAfter",
    "serverTime",
    "time",
    "timestamp",
    "transactTime",
    "transactionTime",
    "trailingTime",
    "updateTime",
    "workingTime",
    "T",  # of an aggregate trade
})
CANDLE_PATHS: Final = ("/klines", "/uiKlines")
CANDLE_OPENS: Final = 0
CANDLE_CLOSES: Final = 6

# Events have names of one letter, which mean different things in different events.
EVENT_TIMES: Final[Mapping[str, frozenset[str]]] = {
    "executionReport": frozenset("ETWOD"),
    "outboundAccountPosition": frozenset("Eu"),
    "referencePrice": frozenset("t"),
    "24hrTicker": frozenset("EOC"),
    "1hTicker": frozenset("EOC"),
    "4hTicker": frozenset("EOC"),
    "1dTicker": frozenset("EOC"),
}
USUAL_EVENT_TIMES: Final = frozenset("ET")


def read_time_unit(text: str | None) -> TimeUnit:
    """Read what a client wants. Raise Refusal -1194."""
    if text is None:
        return TimeUnit.MILLISECOND
    if text not in {"MICROSECOND", "microsecond", "MILLISECOND", "millisecond"}:
        raise Refusal(
            -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."
        )
    return TimeUnit(text.upper())


def answer_in(unit: TimeUnit, path: str, body: Any) -> Any:
    """Tell the times of an answer to a REST path in a unit."""
    if unit is TimeUnit.MILLISECOND:
        return body
    if path.endswith(CANDLE_PATHS) and isinstance(body, list):
        return [_candle(row) for row in body]
    return _converted(body)


def event_in(unit: TimeUnit, event: dict[str, Any]) -> dict[str, Any]:
    """Tell the times of a user or market event in a unit."""
    if unit is TimeUnit.MILLISECOND:
        return event
    names = EVENT_TIMES.get(event.get("e", ""), USUAL_EVENT_TIMES)
    told = {name: _time(value) if name in names else value for name, value in event.items()}
    if event.get("e") == "kline":
        bar = event["k"]
        told["k"] = {**bar, "t": _time(bar["t"]), "T": _end(bar["T"])}
    return told


def _converted(body: Any) -> Any:
    if isinstance(body, list):
        return [_converted(part) for part in body]
    if not isinstance(body, dict):
        return body
    return {
        name: _time(value) if name in ANSWER_TIMES else _converted(value)
        for name, value in body.items()
    }


def _candle(row: list[Any]) -> list[Any]:
    told = list(row)
    told[CANDLE_OPENS] = _time(row[CANDLE_OPENS])
    told[CANDLE_CLOSES] = _end(row[CANDLE_CLOSES])
    return told


def _time(value: Any) -> Any:
    """Leave alone what is no time: null, and the -1 of what has not happened."""
    return value * MICROSECONDS if isinstance(value, int) and value > 0 else value


def _end(value: int) -> int:
    return value * MICROSECONDS + LAST_MICROSECOND
