"""The market streams: who listens to what, and what is sent when.

Trades and best prices go out as they happen; book changes are gathered and sent every 100 ms or
every second; candles and tickers are looked at on a timer. What nobody listens to is not computed.
A stream's message is encoded once, however many listen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Any, Protocol

import orjson

from lib.market.candles import INTERVALS, Bar, Chart, Traded
from lib.simulator.klines import kline_event, mini_ticker, ticker

IMMEDIATE = {"trade": "trade", "aggTrade": "aggTrade", "bookTicker": "bookTicker"}
DEPTH_STREAMS = {"depth": 1_000, "depth@1000ms": 1_000, "depth@100ms": 100}
PARTIAL_STREAMS = {
    f"depth{levels}{suffix}": (levels, every)
    for levels in (5, 10, 20)
    for suffix, every in (("", 1_000), ("@1000ms", 1_000), ("@100ms", 100))
}
TICK = 100  # ms
GONE = "0.00000000"
TICKERS_EVERY = 1_000
KLINES_EVERY = 2_000


class Listener(Protocol):
    """A connection, or whoever else wants to hear a stream."""

    def deliver(self, stream: str, message: bytes) -> None: ...


@dataclass(slots=True)
class _Gathered:
    """Book changes not yet sent."""

    first: int = 0
    last: int = 0
    bids: dict[str, str] = field(default_factory=dict)
    asks: dict[str, str] = field(default_factory=dict)

    def add(self, payload: Mapping[str, Any]) -> None:
        self.first = self.first or payload["U"]
        self.last = payload["u"]
        self.bids.update((price, quantity) for price, quantity in payload["b"])
        self.asks.update((price, quantity) for price, quantity in payload["a"])

    def event(self, symbol: str, now: int) -> dict[str, Any]:
        return {
            "e": "depthUpdate",
            "E": now,
            "s": symbol,
            "U": self.first,
            "u": self.last,
            "b": list(self.bids.items()),
            "a": list(self.asks.items()),
        }


class _PublicBook:
    """A symbol's book as the exchange has told it."""

    def __init__(self) -> None:
        self._last_update_id = 0
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}

    def update(self, payload: Mapping[str, Any]) -> None:
        self._last_update_id = payload["u"]
        for side, changes in ((self._bids, payload["b"]), (self._asks, payload["a"])):
            for price, quantity in changes:
                if quantity == GONE:
                    side.pop(price, None)
                else:
                    side[price] = quantity

    def top(self, levels: int) -> dict[str, Any]:
        bids = nlargest(levels, self._bids, key=Decimal)
        asks = nsmallest(levels, self._asks, key=Decimal)
        return {
            "lastUpdateId": self._last_update_id,
            "bids": [[price, self._bids[price]] for price in bids],
            "asks": [[price, self._asks[price]] for price in asks],
        }


class Streams:
    """All market streams of one exchange."""

    def __init__(self, charts: Mapping[str, Chart]) -> None:
        self._charts = charts
        self._books = {symbol: _PublicBook() for symbol in charts}
        self._listeners: dict[str, dict[Listener, None]] = {}
        self._gathered: dict[str, _Gathered] = {}
        self._ticks = 0
        for symbol, chart in charts.items():
            chart.on_closed = self._closing(symbol)

    def subscribe(self, listener: Listener, stream: str) -> None:
        self._listeners.setdefault(stream, {})[listener] = None

    def unsubscribe(self, listener: Listener, stream: str) -> None:
        listeners = self._listeners.get(stream, {})
        listeners.pop(listener, None)
        if not listeners:
            self._listeners.pop(stream, None)
            self._gathered.pop(stream, None)

    def forget_books(self) -> None:
        """Begin with empty books, as the exchange does after a wipe."""
        self._books = {symbol: _PublicBook() for symbol in self._charts}
        self._gathered.clear()

    def market_event(self, symbol: str, kind: str, payload: Mapping[str, Any]) -> None:
        """Take what the exchange says of its market."""
        lower = symbol.lower()
        if kind in IMMEDIATE:
            self._publish(f"{lower}@{IMMEDIATE[kind]}", lambda: payload)
            if kind == "trade" and symbol in self._charts:
                self._charts[symbol].trade(_traded(payload))
        elif kind == "depthUpdate":
            self._books[symbol].update(payload)
            for name in DEPTH_STREAMS:
                stream = f"{lower}@{name}"
                if stream in self._listeners:
                    self._gathered.setdefault(stream, _Gathered()).add(payload)

    def tick(self, now: int) -> None:
        """Send what is due. Called every 100 ms; `now` is the exchange's time."""
        self._ticks += 1
        elapsed = self._ticks * TICK
        for stream in tuple(self._listeners):
            symbol, _, name = stream.partition("@")
            if name in DEPTH_STREAMS and elapsed % DEPTH_STREAMS[name] == 0:
                self._send_gathered(stream, symbol.upper(), now)
            elif name in PARTIAL_STREAMS and elapsed % PARTIAL_STREAMS[name][1] == 0:
                self._send_partial(stream, symbol.upper(), PARTIAL_STREAMS[name][0])
            elif elapsed % TICKERS_EVERY == 0:
                self._send_timed(stream, symbol, name, now, klines=elapsed % KLINES_EVERY == 0)

    def _send_timed(self, stream: str, symbol: str, name: str, now: int, *, klines: bool) -> None:
        chart = self._charts.get(symbol.upper())
        if symbol == "!miniTicker":
            self._publish(stream, lambda: self._all_tickers(now))
        elif chart is None:
            return
        elif name == "miniTicker":
            self._publish(stream, lambda: mini_ticker(symbol.upper(), chart, now))
        elif name == "ticker":
            best = self._books[symbol.upper()].top(1)
            self._publish(stream, lambda: ticker(symbol.upper(), chart, now, best))
        elif name.startswith("kline_") and klines:
            self._send_kline(stream, symbol.upper(), chart, now)

    def _send_kline(self, stream: str, symbol: str, chart: Chart, now: int) -> None:
        interval = stream.rpartition("_")[2]
        if interval not in INTERVALS:
            return
        chart.pass_time(now)
        bar = chart.current(interval)
        if bar is not None:
            self._publish(stream, lambda: kline_event(symbol, interval, bar, now, closed=False))

    def _closing(self, symbol: str) -> Callable[[str, Bar], None]:
        def send(interval: str, bar: Bar) -> None:
            stream = f"{symbol.lower()}@kline_{interval}"
            self._publish(
                stream, lambda: kline_event(symbol, interval, bar, bar.open_time, closed=True)
            )

        return send

    def _send_gathered(self, stream: str, symbol: str, now: int) -> None:
        gathered = self._gathered.pop(stream, None)
        if gathered is not None:
            self._publish(stream, lambda: gathered.event(symbol, now))

    def _send_partial(self, stream: str, symbol: str, levels: int) -> None:
        if symbol in self._charts:
            self._publish(stream, lambda: self._books[symbol].top(levels))

    def _all_tickers(self, now: int) -> Sequence[Mapping[str, Any]]:
        return [mini_ticker(symbol, chart, now) for symbol, chart in self._charts.items()]

    def _publish(self, stream: str, payload: Callable[[], object]) -> None:
        listeners: Iterable[Listener] = self._listeners.get(stream, ())
        if not listeners:
            return
        message = orjson.dumps(payload())
        for listener in tuple(listeners):
            listener.deliver(stream, message)


def _traded(payload: Mapping[str, Any]) -> Traded:
    return Traded(
        price=Decimal(payload["p"]),
        quantity=Decimal(payload["q"]),
        time=payload["T"],
        trade_id=payload["t"],
        buyer_is_maker=payload["m"],
    )
