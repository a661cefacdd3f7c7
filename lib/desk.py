"""Everything a bot may touch."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal

from lib.dealer import QUOTE_AGE_MAX, TIMER_MAX
from lib.errors import Unavailable
from lib.exchange import Candle, OrderRecord, Quote, Side
from lib.floor import Floor
from lib.list_dealer import ListDealer
from lib.money import SymbolRules
from lib.news import Kind
from lib.quotes import Alarm
from lib.sizes import Size, quantity_of


class Desk:
    """One bot's desk: its exchange, the market, the clock, a voice to the person."""

    def __init__(self, floor: Floor, dealer: ListDealer, tell: Callable[[Kind, str], None]) -> None:
        self._floor = floor
        self.exchange = dealer
        self.wallet = dealer.purse
        self.tell = tell

    def now(self) -> int:
        """Answer the exchange's time, ms."""
        return self._floor.clock.now()

    def rules(self, symbol: str) -> SymbolRules:
        """Answer what the venue demands of orders in a symbol. Raises Halt if it has none."""
        return self.exchange.rules(symbol)

    def quantity(self, size: Size, symbol: str, *, side: Side, price: Decimal) -> Decimal:
        """Answer the quantity of base that a size means now, in whole lots; no await is in it.

        `price` is quote per base: the order's own, or the dearest a market order is expected to
        pay. A part of the wallet is one of what is free in it. Raises Halt for a foreign asset.
        """
        wallet = self.wallet
        free = wallet.free_to_buy(symbol) if side == "BUY" else wallet.free_to_sell(symbol)
        return quantity_of(size, self.rules(symbol), side=side, price=price, free=free)

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
            if _is_beyond(price, below=below, above=above):
                return price
            await self._ring(rang, symbol, alarm, below=below, above=above)
            return alarm.price
        finally:
            quotes.dismiss(alarm)
            quotes.close(symbol)

    async def _ring(
        self,
        rang: asyncio.Event,
        symbol: str,
        alarm: Alarm,
        *,
        below: Decimal | None,
        above: Decimal | None,
    ) -> None:
        """Wait for an alarm; a silent stream is helped by asking now and then."""
        while alarm.live:
            timer = asyncio.get_running_loop().call_later(QUOTE_AGE_MAX, rang.set)
            await rang.wait()
            timer.cancel()
            rang.clear()
            with suppress(Unavailable):
                price = await self.price(symbol)
                if alarm.live and _is_beyond(price, below=below, above=above):
                    alarm.live, alarm.price = False, price

    async def stirring(
        self, symbol: str, *, below: Decimal | None = None, above: Decimal | None = None
    ) -> None:
        """Wait until the last price is at or beyond a bound or something of this bot was saved.

        Never longer than ten seconds: for who looks at saved decisions again and again.
        """
        bell, quotes = asyncio.Event(), self._floor.quotes
        quotes.open(symbol)
        alarm = quotes.alarm(symbol, bell.set, below=below, above=above)
        timer = asyncio.get_running_loop().call_later(QUOTE_AGE_MAX, bell.set)
        try:
            await self.exchange.next_save(bell)
        finally:
            timer.cancel()
            quotes.dismiss(alarm)
            quotes.close(symbol)

    async def open_orders(self, symbol: str) -> Sequence[OrderRecord]:
        """Answer what is open on a symbol, whoever placed it. Raises Unavailable."""
        return await self._floor.venue.open_orders(symbol)


def _is_beyond(price: Decimal, *, below: Decimal | None, above: Decimal | None) -> bool:
    return (below is not None and price <= below) or (above is not None and price >= above)
