"""The way between the runner and an exchange in the same process: it costs time and loses nothing.

What `BinanceVenue` is built on over sockets, in process: the same JSON, a latency each way.
"""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lib.backtest.stage import Departure, Stage
from lib.binance.transport import Frame, Reply
from lib.exchange import Quote
from lib.quotes import Quotes


class Wire:
    """Carries requests. A changing one whose sender dies on the way arrives all the same."""

    def __init__(self, stage: Stage, latency_ms: int) -> None:
        self._stage = stage
        self._way = latency_ms / 2000  # seconds in one direction

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        stage, name = self._stage, f"{method} {path}"
        stage.on_instant(f"before {name}")
        await self._travel(method, path, params)
        reply = stage.answer(method, path, params, signed=signed)
        stage.on_instant(f"after {name}")
        await asyncio.sleep(self._way)
        return reply

    async def _travel(self, method: str, path: str, params: Mapping[str, str]) -> None:
        if method == "GET":
            await asyncio.sleep(self._way)
            return
        arrives_at = self._stage.now() + round(self._way * 1000)
        departure = Departure(arrives_at, method, path, params)
        self._stage.depart(departure)
        await asyncio.sleep(self._way)
        self._stage.arrive(departure)

    async def close(self) -> None:
        """Nothing is open."""


class Streams:
    """Both streams of one life: the account's, and the markets that bots follow."""

    def __init__(self, stage: Stage, loop: asyncio.AbstractEventLoop, latency_ms: int) -> None:
        self._stage = stage
        self._loop = loop
        self._way = latency_ms / 2000
        self.quotes: Quotes | None = None  # where the bots follow prices, once there is a runner
        self.user = UserFeed(self)
        self.market = MarketFeed(self)

    def hear_user(self, event: Mapping[str, Any]) -> None:
        self.later(self.user.arrive, event)

    def hear_market(self, symbol: str, frames: tuple[dict[str, str], ...], sent_at: int) -> None:
        under_way = (self._stage.now() - sent_at) / 1000
        delay = self._way - under_way
        if delay <= 0:
            self._tell_late(symbol, frames)
        else:
            self._loop.call_later(delay, self.market.arrive, symbol, frames)

    def look(self, quotes: Quotes) -> None:
        """Keep the quotes of a runner's bots current, whatever was passed over."""
        self.quotes = quotes
        quotes.before_look = lambda _: self._stage.catch_up(before_ms=round(self._way * 1000))

    def _tell_late(self, symbol: str, frames: tuple[dict[str, str], ...]) -> None:
        """Tell at once what had arrived already, had it been played in its time."""
        if self.quotes is None or not self.follows(symbol):
            return
        words = {key: value for frame in frames for key, value in frame.items()}
        self.quotes.take(
            Quote(
                symbol=symbol,
                bid=Decimal(words["b"]),
                ask=Decimal(words["a"]),
                last=Decimal(words.get("p", "0")),
                time=self._stage.now(),
            )
        )

    def would_notice(self, symbol: str, low: Decimal, high: Decimal) -> bool:
        """Say whether a bot would, if prices went as low and as high as this."""
        return self.quotes is None or self.quotes.would_notice(symbol, low=low, high=high)

    def follows(self, symbol: str) -> bool:
        return symbol in self.market.followed

    @property
    def follows_any(self) -> bool:
        return bool(self.market.followed)

    def later(self, arrive: Callable[..., None], *words: Any) -> None:
        """Let something arrive after its way."""
        self._loop.call_later(self._way, arrive, *words)

    def told(self, kind: str) -> None:
        """Note that an event is about to be told."""
        self._stage.on_instant(f"event {kind}")

    def shown(self, symbol: str) -> None:
        """Have a symbol shown that is followed from now on."""
        self.later(self._stage.show, symbol)


class UserFeed:
    """The account's stream: never lost while the runner lives."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._on_event: Callable[[Frame], None] | None = None

    def start(
        self,
        *,
        on_event: Callable[[Frame], None],
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        def subscribed() -> None:
            self._on_event = on_event
            on_ready()

        self._streams.later(subscribed)

    def arrive(self, event: Frame) -> None:
        """Tell an event to who subscribed before it was sent."""
        if self._on_event is not None:
            self._streams.told(str(event["e"]))
            self._on_event(event)

    async def close(self) -> None:
        self._on_event = None


class MarketFeed:
    """The markets' streams. What arrives in one moment is one word, the newest."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._on_frame: Callable[[Frame], None] | None = None
        self.followed: set[str] = set()

    def start(self, on_frame: Callable[[Frame], None]) -> None:
        self._on_frame = on_frame

    def follow(self, symbol: str) -> None:
        self.followed.add(symbol)
        self._streams.shown(symbol)

    def leave(self, symbol: str) -> None:
        self.followed.discard(symbol)

    def arrive(self, symbol: str, frames: tuple[dict[str, str], ...]) -> None:
        """Hand frames to who still follows."""
        if self._on_frame is not None and symbol in self.followed:
            for frame in frames:
                self._on_frame(frame)

    async def close(self) -> None:
        self.followed.clear()
