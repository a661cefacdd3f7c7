"""Everything a bot may touch."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal

from lib.dealing.list_dealer import ListDealer
from lib.errors import Unavailable
from lib.exchange import Candle, OrderRecord, PublicTrade, Quote, Side
from lib.floor import Floor
from lib.inbox import Signal, take
from lib.money import SymbolRules
from lib.news import Kind
from lib.quotes import Alarm, Base, Bounds, tick_of
from lib.sizes import Size, quantity_of


class Desk:
    """One bot's desk: its exchange, the market, the clock, a voice to the person."""

    def __init__(self, floor: Floor, dealer: ListDealer, tell: Callable[[Kind, str], None]) -> None:
        self._floor = floor
        self._silence = floor.limits.silence / 1000  # seconds
        self.exchange = dealer
        self.wallet = dealer.purse
        self.tell = tell

    def now(self) -> int:
        """Answer the exchange's time, ms."""
        return self._floor.clock.now()

    @property
    def releases(self) -> int:
        """How often a person released this bot: one more than before is a person's "go on"."""
        return self.exchange.releases

    def signal(self, name: str) -> Signal | None:
        """Answer the signal of a name that waits in the bot's inbox; None if there is none."""
        return self.exchange.inbox.waiting.get(name)

    def take_signal(self, name: str) -> Signal | None:
        """Take a signal out of the inbox, in the step that writes down what follows from it."""
        return take(self.exchange.inbox, name)

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

    async def price(self, symbol: str, *, base: Base = "last") -> Decimal:
        """Answer the last price, or the best bid or ask, quote per base.

        Raises Unavailable when it cannot be had.
        """
        if base == "last":
            return await self.exchange.reference_price(symbol)
        return await self._floor.quotes.price(symbol, base, younger_than=self._silence)

    def tick(self, symbol: str, *, base: Base = "last") -> int:
        """Answer which update brought the newest price; another number than before is news.

        No await is in it: asked right after `price`, it is the tick of that very price. Numbers of
        different lives have no order.
        """
        heard = self._floor.quotes.latest(symbol, younger_than=self._silence)
        return self.now() if heard is None else tick_of(heard, base)

    async def quote(self, symbol: str) -> Quote:
        """Answer best bid, best ask and last price. Raises Unavailable."""
        return await self._floor.venue.quote(symbol)

    async def candles(
        self, symbol: str, interval: str, limit: int, *, since: int | None = None
    ) -> Sequence[Candle]:
        """Answer the newest candles, oldest first; the last may still be open.

        With `since` (exchange ms) the first that open then or later. `interval` is Binance's (1m,
        5m, 1h, 1d ...). Raises Unavailable.
        """
        if since is None:
            return await self._floor.venue.candles(symbol, interval, limit)
        return await self._floor.venue.candles(symbol, interval, limit, since=since)

    async def trades(
        self, symbol: str, limit: int, *, since: int | None = None
    ) -> Sequence[PublicTrade]:
        """Answer what anybody traded, oldest first: the newest, or from a trade's number on.

        At most 1000 at once. Raises Unavailable.
        """
        return await self._floor.venue.public_trades(symbol, limit, since=since)

    async def news_of(self, symbol: str) -> None:
        """Wait until the market of a symbol moves; never longer than a stream may be silent."""
        quotes = self._floor.quotes
        quotes.open(symbol)
        try:
            async with asyncio.timeout(self._silence):
                await quotes.next(symbol)
        except TimeoutError:
            return
        finally:
            quotes.close(symbol)

    async def until_save(self, at: int) -> None:
        """Wait for an exchange time, ms, or until something of this bot was saved."""
        left = min(at - self.now(), self._floor.limits.timer)
        if left <= 0:
            return
        bell = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(left / 1000, bell.set)
        try:
            await self.exchange.next_save(bell)
        finally:
            timer.cancel()

    async def until(self, at: int) -> None:
        """Wait for an exchange time, ms. The deadline belongs into the context."""
        while (left := at - self.now()) > 0:
            await asyncio.sleep(min(left, self._floor.limits.timer) / 1000)

    async def crossing(
        self,
        symbol: str,
        *,
        below: Decimal | None = None,
        above: Decimal | None = None,
        base: Base = "last",
    ) -> Decimal:
        """Wait until the price of a base is at or beyond a bound; answer the price that was."""
        rang, bounds = asyncio.Event(), Bounds(below, above, base)
        quotes = self._floor.quotes
        quotes.open(symbol)
        alarm = quotes.alarm(symbol, rang.set, below=below, above=above, base=base)
        try:
            price = await self.price(symbol, base=base)
            if bounds.crossed_by(price):
                return price
            await self._ring(rang, alarm, bounds)
            return alarm.price
        finally:
            quotes.dismiss(alarm)
            quotes.close(symbol)

    async def _ring(self, rang: asyncio.Event, alarm: Alarm, bounds: Bounds) -> None:
        """Wait for an alarm; a silent stream is helped by asking now and then."""
        while alarm.live:
            glance = self._floor.limits.glance / 1000
            timer = asyncio.get_running_loop().call_later(glance, rang.set)
            await rang.wait()
            timer.cancel()
            rang.clear()
            with suppress(Unavailable):
                price = await self.price(alarm.symbol, base=bounds.base)
                if alarm.live and bounds.crossed_by(price):
                    alarm.live, alarm.price = False, price

    async def stirring(
        self,
        symbol: str,
        *also: Bounds,
        below: Decimal | None = None,
        above: Decimal | None = None,
        until: int | None = None,
    ) -> None:
        """Wait until the last price is at or beyond a bound or something of this bot was saved.

        Bounds of other bases may be given `also`. No longer than `until`, exchange ms, and never
        than ten seconds: for who looks at saved decisions again and again.
        """
        left = self._silence if until is None else max(until - self.now(), 0) / 1000
        bell, quotes = asyncio.Event(), self._floor.quotes
        quotes.open(symbol)
        alarms = [
            quotes.alarm(symbol, bell.set, below=each.below, above=each.above, base=each.base)
            for each in (Bounds(below, above), *also)
        ]
        timer = asyncio.get_running_loop().call_later(min(left, self._silence), bell.set)
        try:
            await self.exchange.next_save(bell)
        finally:
            timer.cancel()
            for alarm in alarms:
                quotes.dismiss(alarm)
            quotes.close(symbol)

    async def open_orders(self, symbol: str) -> Sequence[OrderRecord]:
        """Answer what is open on a symbol, whoever placed it. Raises Unavailable."""
        return await self._floor.venue.open_orders(symbol)
