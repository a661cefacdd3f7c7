"""The way between the runner and an exchange in the same process: it costs time and loses nothing.

What `BinanceVenue` is built on over sockets, in process: the same JSON, a latency each way.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from lib.backtest.latency import Ways
from lib.backtest.stage import Departure, Stage
from lib.backtest.untold import Touch, Untold
from lib.binance.transport import Frame, Reply
from lib.quotes import ANY, Bounds, Quotes

MICROSECOND: Final = 1e-6


class Wire:
    """Carries requests. A changing one whose sender dies on the way arrives all the same."""

    def __init__(self, stage: Stage, ways: Ways) -> None:
        self._stage = stage
        self._ways = ways

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        stage, name = self._stage, f"{method} {path}"
        stage.on_instant(f"before {name}")
        await self._travel(method, path, params)
        reply = stage.answer(method, path, params, signed=signed)
        stage.on_instant(f"after {name}")
        await asyncio.sleep(self._ways.back(stage.now()) / 1000)
        return reply

    async def _travel(self, method: str, path: str, params: Mapping[str, str]) -> None:
        now = self._stage.now()
        way = self._ways.there(now)
        if method == "GET":
            await asyncio.sleep(way / 1000)
            return
        departure = Departure(now + way, method, path, params)
        self._stage.depart(departure)
        await asyncio.sleep(way / 1000)
        self._stage.arrive(departure)

    async def close(self) -> None:
        """Nothing is open."""


class Streams:
    """Both streams of one life: the account's, and the markets that bots follow."""

    def __init__(self, stage: Stage, loop: asyncio.AbstractEventLoop, ways: Ways) -> None:
        self._stage = stage
        self._loop = loop
        self._ways = ways
        self._way = ways.prices_ms / 1000
        self._heard_until = 0.0  # when the newest event of the account arrives, on the loop's clock
        self._untold = Untold()
        self.quotes: Quotes | None = None  # where the bots follow prices, once there is a runner
        self.user = UserFeed(self)
        self.market = MarketFeed(self)

    def hear_user(self, event: Mapping[str, Any]) -> None:
        due = self._loop.time() + self._ways.back(self._stage.now()) / 1000
        if due <= self._heard_until:  # none overtakes the one before it
            due = self._heard_until + MICROSECOND
        self._heard_until = due
        self._loop.call_at(due, self.user.arrive, event)

    def hear_market(self, symbol: str, touch: Touch, sent_at: int) -> None:
        now, way_left = self._loop.time(), self._way - (self._stage.now() - sent_at) / 1000
        self._untold.hold(symbol, touch, now=now, arrives_at=now + max(way_left, 0.0))
        if touch.concerns(self.waited_for(symbol)):
            self._catch_up(symbol)

    def look(self, quotes: Quotes) -> None:
        """Keep the quotes of a runner's bots current, whatever was passed over."""
        self.quotes = quotes
        quotes.before_look = self._before_look
        quotes.before_wait = self._catch_up

    def _before_look(self, symbol: str) -> None:
        self._stage.catch_up(before_ms=round(self._way * 1000))
        self._tell_arrived(symbol)

    def _tell_arrived(self, symbol: str) -> None:
        """Tell what has arrived, and was not worth a word."""
        now = self._loop.time()
        arrived = self._untold.arrived(symbol, now)
        if arrived is None or self.quotes is None or not self.follows(symbol):
            return
        at, touch = arrived
        quote = touch.as_quote(symbol, self._stage.begins + round(at * 1000))
        self.quotes.take(quote, ago=now - at)

    def _catch_up(self, symbol: str) -> None:
        """Tell what has arrived; have the rest arrive in its time."""
        self._tell_arrived(symbol)
        for at, touch in self._untold.under_way(symbol):
            self._loop.call_at(at, self.market.arrive, symbol, touch.as_frames(symbol))

    def waited_for(self, symbol: str) -> Bounds:
        """Answer the nearest prices of a symbol that a bot waits for."""
        return ANY if self.quotes is None else self.quotes.waited_for(symbol)

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
