"""The streams that are looked at on a timer: book changes, candles, tickers, averages.

Each is made when somebody begins to listen and asked every 100 ms what is to be sent. It looks at
the market as it is then: after a wipe that is another one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from lib.market.intervals import INTERVALS, Frame
from lib.simulator.books.spans import DAY, HOUR
from lib.simulator.calls.klines import kline_event
from lib.simulator.calls.market_data import Shown
from lib.simulator.calls.public import top
from lib.simulator.server.ticker_events import (
    average_event,
    day_event,
    mini_event,
    reference_event,
    window_event,
)

SECOND: Final = 1_000
KLINES_EVERY: Final = 2_000
LATE_MAX: Final = 10  # closed candles told of after a pause
BEIJING: Final = 8 * HOUR
WINDOWS: Final = {"1h": HOUR, "4h": 4 * HOUR, "1d": DAY}

Payload: TypeAlias = dict[str, Any] | list[dict[str, Any]]
FindShown: TypeAlias = Callable[[], Shown]
FindAll: TypeAlias = Callable[[], Mapping[str, Shown]]
Describe: TypeAlias = Callable[[Shown, int], dict[str, Any] | None]

_DEPTH = re.compile(r"depth(5|10|20)?(?:@(100|1000)ms)?")
_KLINE = re.compile(r"kline_(\w+?)(@\+08:00)?")
_TICKER = re.compile(r"ticker_(1h|4h|1d)")
_ALL_WINDOWS = re.compile(r"!ticker_(1h|4h|1d)@arr")
_ALL_MINI = re.compile(r"!miniTicker@arr(?:@(1000|3000)ms)?")


class TimedStream(Protocol):
    """What one stream has to say."""

    def payloads(self, now: int, elapsed: int) -> Iterator[Payload]:
        """Yield what is due. `elapsed` counts the ms since the streams began, in ticks."""
        ...


def timed_stream(name: str, shown: FindAll, now: int) -> TimedStream | None:
    """Make the stream of a name; None if it is none, or is not looked at on a timer."""
    if found := _ALL_MINI.fullmatch(name):
        return _Changed(shown, mini_event, int(found[1] or SECOND), now)
    if found := _ALL_WINDOWS.fullmatch(name):
        return _Changed(shown, _window(found[1]), SECOND, now)
    symbol, _, kind = name.partition("@")
    upper = symbol.upper()
    if symbol != symbol.lower() or upper not in shown():
        return None

    def one() -> Shown:
        return shown()[upper]

    return _depth_stream(kind, upper, one) or _kline_stream(kind, upper, one) or _ticker(kind, one)


def _depth_stream(kind: str, symbol: str, one: FindShown) -> TimedStream | None:
    found = _DEPTH.fullmatch(kind)
    if found is None:
        return None
    every = int(found[2] or SECOND)
    return _PartialBook(one, int(found[1]), every) if found[1] else DiffDepth(symbol, every)


def _kline_stream(kind: str, symbol: str, one: FindShown) -> TimedStream | None:
    found = _KLINE.fullmatch(kind)
    if found is None or found[1] not in INTERVALS:
        return None
    return _Klines(symbol, one, Frame(found[1], BEIJING if found[2] else 0))


def _ticker(kind: str, one: FindShown) -> TimedStream | None:
    if kind == "miniTicker":
        return _EverySecond(one, mini_event)
    if kind == "ticker":
        return _EverySecond(one, day_event)
    if kind == "avgPrice":
        return _Average(one)
    if kind == "referencePrice":
        return _EverySecond(one, reference_event)
    found = _TICKER.fullmatch(kind)
    return _EverySecond(one, _window(found[1])) if found else None


def _window(size: str) -> Describe:
    return lambda shown, now: window_event(shown, now, size, WINDOWS[size])


@dataclass(slots=True)
class DiffDepth:
    """Book changes, gathered until they are sent."""

    symbol: str
    every: int
    first: int = 0
    last: int = 0
    bids: dict[str, str] = field(default_factory=dict)
    asks: dict[str, str] = field(default_factory=dict)

    def add(self, update: Mapping[str, Any]) -> None:
        self.first = self.first or update["U"]
        self.last = update["u"]
        self.bids.update((price, quantity) for price, quantity in update["b"])
        self.asks.update((price, quantity) for price, quantity in update["a"])

    def forget(self) -> None:
        self.first = 0
        self.bids, self.asks = {}, {}

    def payloads(self, now: int, elapsed: int) -> Iterator[Payload]:
        if not self.first or elapsed % self.every:
            return
        yield {
            "e": "depthUpdate",
            "E": now,
            "s": self.symbol,
            "U": self.first,
            "u": self.last,
            "b": list(self.bids.items()),
            "a": list(self.asks.items()),
        }
        self.forget()


@dataclass(slots=True)
class _PartialBook:
    """The best levels, whether they have changed or not."""

    one: FindShown
    levels: int
    every: int

    def payloads(self, now: int, elapsed: int) -> Iterator[Payload]:
        if elapsed % self.every == 0:
            yield top(self.one().market, self.levels)


@dataclass(slots=True)
class _Klines:
    """A candle while it grows, and once more when it is closed. One of a second is told closed."""

    symbol: str
    one: FindShown
    frame: Frame
    opening: int | None = None

    def payloads(self, now: int, elapsed: int) -> Iterator[Payload]:
        opening = self.frame.opening(now)
        if self.opening is None or opening < self.opening:
            self.opening = opening
        self.opening = max(self.opening, self.frame.moved(opening, -LATE_MAX))
        while self.opening < opening:
            yield from self._told(self.opening, now, closed=True)
            self.opening = self.frame.moved(self.opening, 1)
        if self.frame.interval != "1s" and elapsed % KLINES_EVERY == 0:
            yield from self._told(opening, now, closed=False)

    def _told(self, opening: int, now: int, *, closed: bool) -> Iterator[Payload]:
        candle = self.one().chart.candle(self.frame, opening)
        if candle is not None:
            yield kline_event(self.symbol, self.frame, candle, now, closed=closed)


@dataclass(slots=True)
class _EverySecond:
    """A ticker of one symbol."""

    one: FindShown
    describe: Describe

    def payloads(self, now: int, elapsed: int) -> Iterator[Payload]:
        if elapsed % SECOND == 0:
            event = self.describe(self.one(), now)
            if event is not None:
                yield event


@dataclass(slots=True)
class _Average:
    """The average price, when it or the last trade's time has changed."""

    one: FindShown
    told: tuple[str, int] | None = None

    def payloads(self, now: int, elapsed: int) -> Iterator[Payload]:
        if elapsed % SECOND:
            return
        event = average_event(self.one(), now)
        if event is not None and (event["w"], event["T"]) != self.told:
            self.told = event["w"], event["T"]
            yield event


class _Changed:
    """Tickers of all symbols in one list: those that changed since it was last sent."""

    def __init__(self, shown: FindAll, describe: Describe, every: int, now: int) -> None:
        self._shown = shown
        self._describe = describe
        self._every = every
        self._told = {event["s"]: _state(event) for event in self._events(now)}

    def payloads(self, now: int, elapsed: int) -> Iterator[Payload]:
        if elapsed % self._every:
            return
        changed = []
        for event in self._events(now):
            symbol, state = event["s"], _state(event)
            if self._told.get(symbol) != state:
                self._told[symbol] = state
                changed.append(event)
        if changed:
            yield changed

    def _events(self, now: int) -> list[dict[str, Any]]:
        events = (self._describe(shown, now) for shown in self._shown().values())
        return [event for event in events if event is not None]


def _state(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """Give what a ticker says besides its times."""
    return tuple(value for name, value in event.items() if name not in {"E", "O", "C"})
