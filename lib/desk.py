"""Everything a bot may touch."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

from lib.dealer import TIMER_MAX, Dealer
from lib.exchange import Candle, Quote
from lib.floor import Floor
from lib.money import SymbolRules
from lib.news import Kind


class Desk:
    """One bot's desk: its exchange, the market, the clock, a voice to the person."""

    def __init__(self, floor: Floor, dealer: Dealer, tell: Callable[[Kind, str], None]) -> None:
        self._floor = floor
        self.exchange = dealer
        self.tell = tell

    def now(self) -> int:
        """Answer the exchange's time, ms."""
        return self._floor.clock.now()

    def rules(self, symbol: str) -> SymbolRules:
        """Answer what the venue demands of orders in a symbol. Raises Halt if it has none."""
        return self.exchange.rules(symbol)

    async def price(self, symbol: str) -> Decimal:
        """Answer the last price, quote per base. Raises Unavailable when it cannot be had."""
        return await self.exchange.reference_price(symbol)

    async def quote(self, symbol: str) -> Quote:
        """Answer best bid, best ask and last price. Raises Unavailable."""
        return await self._floor.venue.quote(symbol)

    async def candles(self, symbol: str, interval: str, limit: int) -> Sequence[Candle]:
        """Answer the newest candles, oldest first; the last may still be open.

        `interval` is Binance's (1m, 5m, 1h, 1d ...). Raises Unavailable.
        """
        return await self._floor.venue.candles(symbol, interval, limit)

    async def until(self, at: int) -> None:
        """Wait for an exchange time, ms. The deadline belongs into the context."""
        while (left := at - self.now()) > 0:
            await asyncio.sleep(min(left / 1000, TIMER_MAX))

    async def crossing(
        self, symbol: str, *, below: Decimal | None = None, above: Decimal | None = None
    ) -> Decimal:
        """Wait until the last price is at or beyond a bound; answer the price that was."""
        rang = asyncio.Event()
        quotes = self._floor.quotes
        quotes.open(symbol)
        alarm = quotes.alarm(symbol, rang.set, below=below, above=above)
        try:
            price = await self.price(symbol)
            if (below is not None and price <= below) or (above is not None and price >= above):
                return price
            await rang.wait()
            return alarm.price
        finally:
            quotes.dismiss(alarm)
            quotes.close(symbol)
