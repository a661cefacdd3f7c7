"""The market streams: who listens to what, and what is sent when.

Trades and best prices go out as they happen; everything else is looked at on a timer. What nobody
listens to is not computed. A message is encoded once for each unit of time, however many listen.
Names that mean nothing may be listened to; nothing is ever sent there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import orjson

from lib.simulator.protocol import TimeUnit
from lib.simulator.server.time_units import event_in
from lib.simulator.server.timed_streams import (
    DiffDepth,
    FindAll,
    Payload,
    TimedStream,
    timed_stream,
)

TICK: Final = 100  # ms
IMMEDIATE: Final = frozenset({"trade", "aggTrade", "bookTicker"})
DIFF_DEPTHS: Final = ("depth", "depth@1000ms", "depth@100ms")


class Listener(Protocol):
    """A connection, or whoever else wants to hear a stream."""

    @property
    def time_unit(self) -> TimeUnit: ...

    def deliver(self, stream: str, message: bytes) -> None: ...


class Streams:
    """All market streams of one exchange. `shown` gives its markets as they are now."""

    def __init__(self, shown: FindAll) -> None:
        self._shown = shown
        self._listeners: dict[str, dict[Listener, None]] = {}
        self._timed: dict[str, TimedStream] = {}
        self._elapsed = 0
        self._now = 0

    def subscribe(self, listener: Listener, stream: str) -> None:
        if stream not in self._listeners:
            timed = timed_stream(stream, self._shown, self._now)
            if timed is not None:
                self._timed[stream] = timed
        self._listeners.setdefault(stream, {})[listener] = None

    def unsubscribe(self, listener: Listener, stream: str) -> None:
        listeners = self._listeners.get(stream, {})
        listeners.pop(listener, None)
        if not listeners:
            self._listeners.pop(stream, None)
            self._timed.pop(stream, None)

    def forget_books(self) -> None:
        """Forget changes of books that are no more, after a wipe."""
        for timed in self._timed.values():
            if isinstance(timed, DiffDepth):
                timed.forget()

    def market_event(self, symbol: str, kind: str, payload: Mapping[str, Any]) -> None:
        """Take what the exchange says of its market."""
        lower = symbol.lower()
        if kind in IMMEDIATE:
            self._publish(f"{lower}@{kind}", dict(payload))
        elif kind == "depthUpdate":
            for name in DIFF_DEPTHS:
                gathering = self._timed.get(f"{lower}@{name}")
                if isinstance(gathering, DiffDepth):
                    gathering.add(payload)

    def tick(self, now: int) -> None:
        """Send what is due. Called every 100 ms; `now` is the exchange's time."""
        self._elapsed += TICK
        self._now = now
        for stream, timed in tuple(self._timed.items()):
            for payload in timed.payloads(now, self._elapsed):
                self._publish(stream, payload)

    def _publish(self, stream: str, payload: Payload) -> None:
        listeners: Iterable[Listener] = self._listeners.get(stream, ())
        if not listeners:
            return
        messages: dict[TimeUnit, bytes] = {}
        for listener in tuple(listeners):
            unit = listener.time_unit
            if unit not in messages:
                messages[unit] = orjson.dumps(_in_unit(unit, payload))
            listener.deliver(stream, messages[unit])


def _in_unit(unit: TimeUnit, payload: Payload) -> Payload:
    if isinstance(payload, list):
        return [event_in(unit, event) for event in payload]
    return event_in(unit, payload)
