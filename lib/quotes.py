"""The market as bots see it: the newest quote per symbol, and alarms on its prices.

Feeds are shared by reference count. An alarm costs nothing while its price is not crossed: a
thousand bots waiting on fifty symbols are not woken by ticks that do not concern them.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from lib.errors import Unavailable
from lib.exchange import ZERO, Quote, Venue

Ring: TypeAlias = Callable[[], None]
Base: TypeAlias = Literal["last", "bid", "ask"]
"""The price that is looked at: of the last trade, or what a sale or a buy at market gets now."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Prices at or beyond which there is something to do."""

    below: Decimal | None = None
    above: Decimal | None = None
    base: Base = "last"

    def crossed_by(self, price: Decimal) -> bool:
        """Say whether a price is at or beyond one of them."""
        fell = self.below is not None and price <= self.below
        return fell or (self.above is not None and price >= self.above)


ANY: Final = Bounds(below=Decimal("Infinity"))
"""At or beyond them lies every price."""


@dataclass(slots=True)
class Alarm:
    """Rings once, when the price of its base is at or beyond a bound."""

    symbol: str
    ring: Ring
    base: Base = "last"
    live: bool = True
    price: Decimal = ZERO  # the price that made it ring


@dataclass(slots=True)
class _Alarms:
    """Those on one base."""

    lows: list[tuple[Decimal, int, Alarm]] = field(default_factory=list)  # highest bound first
    highs: list[tuple[Decimal, int, Alarm]] = field(default_factory=list)


@dataclass(slots=True)
class _Feed:
    end: Callable[[], None]
    users: int = 0
    quote: Quote | None = None
    heard_at: float = 0.0  # on the loop's clock
    alarms: dict[Base, _Alarms] = field(default_factory=dict)  # of the bases that are in use
    waiting: list[asyncio.Future[Quote]] = field(default_factory=list)


class Quotes:
    """One feed per symbol, whoever asks."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._feeds: dict[str, _Feed] = {}
        self._serial = itertools.count()
        self.before_look: Callable[[str], None] = lambda _: None
        """Called before the newest quote of a followed symbol is looked at,"""
        self.before_wait: Callable[[str], None] = lambda _: None
        """and before somebody begins to wait for one."""

    def open(self, symbol: str) -> None:
        """Follow a symbol; each `open` needs a `close`."""
        feed = self._feeds.get(symbol)
        if feed is None:
            feed = self._feeds[symbol] = _Feed(end=lambda: None)
            feed.end = self._venue.watch_quotes(symbol, self.take)
        feed.users += 1

    def close(self, symbol: str) -> None:
        """Stop following a symbol once nobody does."""
        feed = self._feeds[symbol]
        feed.users -= 1
        if feed.users == 0:
            del self._feeds[symbol]
            feed.end()

    def take(self, quote: Quote, *, ago: float = 0.0) -> None:
        """Take the newest quote of a symbol in: conflated, a slow bot sees the newest.

        It was heard so many seconds `ago`.
        """
        feed = self._feeds.get(quote.symbol)
        if feed is None:
            return
        feed.quote = quote
        feed.heard_at = asyncio.get_running_loop().time() - ago
        waiting, feed.waiting = feed.waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(quote)
        for base, alarms in feed.alarms.items():
            price = price_of(quote, base)
            if price:
                _ring_all(alarms, price)

    def waited_for(self, symbol: str) -> Bounds:
        """Answer the nearest prices of any base that somebody waits for; the first one is news."""
        feed = self._feeds.get(symbol)
        if feed is None:
            return Bounds()
        if feed.waiting or feed.quote is None:
            return ANY
        falls, rises = [], []
        for alarms in feed.alarms.values():
            _compact(alarms.lows)
            _compact(alarms.highs)
            falls += [-bound for bound, _, _ in alarms.lows[:1]]
            rises += [bound for bound, _, _ in alarms.highs[:1]]
        return Bounds(max(falls, default=None), min(rises, default=None))

    def latest(self, symbol: str, *, younger_than: float) -> Quote | None:
        """Answer the newest quote if it was heard within so many seconds."""
        if symbol in self._feeds:
            self.before_look(symbol)
        feed = self._feeds.get(symbol)
        if feed is None or feed.quote is None:
            return None
        age = asyncio.get_running_loop().time() - feed.heard_at
        return feed.quote if age <= younger_than else None

    async def price(self, symbol: str, base: Base, *, younger_than: float) -> Decimal:
        """Answer a price heard within so many seconds, else asked for. Raises Unavailable."""
        quote = self.latest(symbol, younger_than=younger_than)
        if quote is None or not price_of(quote, base):
            quote = await self._venue.quote(symbol)
        price = price_of(quote, base)
        if not price:
            raise Unavailable(f"{symbol} has no {base} price yet")
        return price

    async def next(self, symbol: str) -> Quote:
        """Wait for news of an open symbol; answer the newest quote, however many came."""
        self.before_wait(symbol)
        feed = self._feeds[symbol]
        future: asyncio.Future[Quote] = asyncio.get_running_loop().create_future()
        feed.waiting.append(future)
        heard = await future
        return feed.quote or heard

    def alarm(
        self,
        symbol: str,
        ring: Ring,
        *,
        below: Decimal | None = None,
        above: Decimal | None = None,
        base: Base = "last",
    ) -> Alarm:
        """Ring once, when the price of that base is at or beyond a bound. `dismiss` ends it."""
        self.before_wait(symbol)
        alarms = self._feeds[symbol].alarms.setdefault(base, _Alarms())
        alarm = Alarm(symbol, ring, base)
        if below is not None:
            heapq.heappush(alarms.lows, (-below, next(self._serial), alarm))
        if above is not None:
            heapq.heappush(alarms.highs, (above, next(self._serial), alarm))
        return alarm

    def dismiss(self, alarm: Alarm) -> None:
        """End an alarm that did not ring."""
        alarm.live = False
        feed = self._feeds.get(alarm.symbol)
        if feed is not None and alarm.base in feed.alarms:
            alarms = feed.alarms[alarm.base]
            _compact(alarms.lows)
            _compact(alarms.highs)


def price_of(quote: Quote, base: Base) -> Decimal:
    """Answer the price of a base; zero where it is not known."""
    if base == "last":
        return quote.last
    return quote.bid if base == "bid" else quote.ask


def tick_of(quote: Quote, base: Base) -> int:
    """Answer which update brought the price of a base; where they are not counted, its time."""
    return (quote.trades if base == "last" else quote.tops) or quote.time


def _ring_all(alarms: _Alarms, price: Decimal) -> None:
    _ring(alarms.lows, price, lambda bound: price <= -bound)
    _ring(alarms.highs, price, lambda bound: price >= bound)


def _ring(
    alarms: list[tuple[Decimal, int, Alarm]], price: Decimal, crossed: Callable[[Decimal], bool]
) -> None:
    while alarms and crossed(alarms[0][0]):
        alarm = heapq.heappop(alarms)[2]
        if alarm.live:
            alarm.live, alarm.price = False, price
            alarm.ring()


def _compact(alarms: list[tuple[Decimal, int, Alarm]]) -> None:
    """Drop dismissed alarms from the top, and all of them when they are the most."""
    while alarms and not alarms[0][2].live:
        heapq.heappop(alarms)
    if len(alarms) > 64 and sum(alarm.live for _, _, alarm in alarms) * 2 < len(alarms):
        alarms[:] = [entry for entry in alarms if entry[2].live]
        heapq.heapify(alarms)
