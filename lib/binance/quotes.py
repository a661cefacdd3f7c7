"""The newest quote of each followed symbol, merged from its best prices and its trades.

Quotes are conflated: whatever arrives in one turn of the event loop becomes one quote, the newest,
so that a burst costs each listener one call.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from lib.binance.grain import Unreadable, amount_if_said
from lib.binance.payloads import coherent_quote
from lib.binance.transport import Frame, MarketSource
from lib.clock import Clock
from lib.errors import Unavailable
from lib.exchange import Quote

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tick:
    """The newest words on one symbol, not yet read as amounts."""

    symbol: str
    words: dict[str, object] = field(default_factory=dict)
    trades: int = 0  # the number of the newest trade
    tops: int = 0  # and of the newest best prices
    fresh: bool = False  # waits to be told
    failed: bool = False  # a listener did, which is logged once
    listeners: dict[object, Callable[[Quote], None]] = field(default_factory=dict)


class Quotes:
    """Shares one market source among all who follow a symbol. Owns the subscriptions."""

    def __init__(self, source: MarketSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._ticks: dict[str, Tick] = {}
        self._fresh: list[Tick] = []
        self._number = itertools.count(1)
        self._started = False

    def watch(self, symbol: str, on_quote: Callable[[Quote], None]) -> Callable[[], None]:
        """Call back with each new quote, until the answer is called. The first may take a while."""
        self._start()
        tick = self._ticks.get(symbol)
        if tick is None:
            self._source.follow(symbol)
            tick = self._ticks[symbol] = Tick(symbol)
        token = object()
        tick.listeners[token] = on_quote
        return lambda: self._leave(tick, token)

    async def close(self) -> None:
        self._ticks.clear()
        await self._source.close()

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._source.start(self._hear)

    def _leave(self, tick: Tick, token: object) -> None:
        if tick.listeners.pop(token, None) and not tick.listeners:
            self._source.leave(tick.symbol)
            self._ticks.pop(tick.symbol, None)

    def _hear(self, frame: Frame) -> None:
        symbol = frame.get("s")
        tick = self._ticks.get(symbol) if isinstance(symbol, str) else None
        if tick is None:
            return
        if frame.get("e") == "trade":
            tick.words["p"], tick.trades = frame.get("p"), next(self._number)
        elif "u" in frame:  # bookTicker, the one that does not say what it is
            tick.words["b"], tick.words["a"] = frame.get("b"), frame.get("a")
            tick.tops = next(self._number)
        else:
            return
        if not tick.fresh:
            tick.fresh = True
            if not self._fresh:
                asyncio.get_running_loop().call_soon(self._tell)
            self._fresh.append(tick)

    def _tell(self) -> None:
        fresh, self._fresh = self._fresh, []
        for tick in fresh:
            tick.fresh = False
            self._tell_one(tick)

    def _tell_one(self, tick: Tick) -> None:
        try:
            quote = self._read(tick)
        except Unreadable as wrong:
            log.warning("%s: a quote cannot be read: %s", tick.symbol, wrong)
            tick.words.clear()
            return
        except Unavailable:  # the exchange's time is not known: nobody could judge its age
            return
        for on_quote in tuple(tick.listeners.values()):
            try:
                on_quote(quote)
            except Exception:  # one listener's bug must not keep the others from their quotes
                if not tick.failed:
                    log.exception("%s: a listener failed; told once", tick.symbol)
                tick.failed = True

    def _read(self, tick: Tick) -> Quote:
        words = tick.words
        quote = Quote(
            symbol=tick.symbol,
            bid=amount_if_said(words, "b"),
            ask=amount_if_said(words, "a"),
            last=amount_if_said(words, "p"),
            time=self._clock.now(),
            trades=tick.trades,
            tops=tick.tops,
        )
        if "p" in words and not quote.last:
            raise Unreadable("a trade for nothing")
        return coherent_quote(quote)
