"""The market as bots see it: the newest quote per symbol, and alarms on its price.

Feeds are shared by reference count. An alarm costs nothing while its price is not crossed: a
thousand bots waiting on fifty symbols are not woken by ticks that do not concern them.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from lib.exchange import ZERO, Quote, Venue

Ring: TypeAlias = Callable[[], None]


@dataclass(slots=True)
class Alarm:
    """Rings once, when the last price is at or beyond a bound."""

    symbol: str
    ring: Ring
    live: bool = True
    price: Decimal = ZERO  # the last price that made it ring


@dataclass(slots=True)
class _Feed:
    end: Callable[[], None]
    users: int = 0
    quote: Quote | None = None
    heard_at: float = 0.0  # on the loop's clock
    lows: list[tuple[Decimal, int, Alarm]] = field(default_factory=list)  # highest bound first
    highs: list[tuple[Decimal, int, Alarm]] = field(default_factory=list)
    waiting: list[asyncio.Future[Quote]] = field(default_factory=list)


class Quotes:
    """One feed per symbol, whoever asks."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._feeds: dict[str, _Feed] = {}
        self._serial = itertools.count()

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

    def take(self, quote: Quote) -> None:
        """Take the newest quote of a symbol in: conflated, a slow bot sees the newest."""
        feed = self._feeds.get(quote.symbol)
        if feed is None:
            return
        feed.quote = quote
        feed.heard_at = asyncio.get_running_loop().time()
        waiting, feed.waiting = feed.waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(quote)
        if quote.last:
            _ring(feed.lows, quote.last, lambda bound: quote.last <= -bound)
            _ring(feed.highs, quote.last, lambda bound: quote.last >= bound)

    def latest(self, symbol: str, *, younger_than: float) -> Quote | None:
        """Answer the newest quote if it was heard within so many seconds."""
        feed = self._feeds.get(symbol)
        if feed is None or feed.quote is None:
            return None
        age = asyncio.get_running_loop().time() - feed.heard_at
        return feed.quote if age <= younger_than else None

    async def next(self, symbol: str) -> Quote:
        """Wait for news of an open symbol; answer the newest quote, however many came."""
        feed = self._feeds[symbol]
        future: asyncio.Future[Quote] = asyncio.get_running_loop().create_future()
        feed.waiting.append(future)
        heard = await future
        return feed.quote or heard

    def alarm(
        self, symbol: str, ring: Ring, *, below: Decimal | None = None, above: Decimal | None = None
    ) -> Alarm:
        """Ring once, when the last price is at or beyond a bound. `dismiss` ends it."""
        feed = self._feeds[symbol]
        alarm = Alarm(symbol, ring)
        if below is not None:
            heapq.heappush(feed.lows, (-below, next(self._serial), alarm))
        if above is not None:
            heapq.heappush(feed.highs, (above, next(self._serial), alarm))
        return alarm

    def dismiss(self, alarm: Alarm) -> None:
        """End an alarm that did not ring."""
        alarm.live = False
        feed = self._feeds.get(alarm.symbol)
        if feed is not None:
            _compact(feed.lows)
            _compact(feed.highs)


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
