"""What the exchange demands of orders, kept current: asked for regularly and after a refusal.

Filters change while a program runs, and symbols stop trading. An order is judged by the rules as
they are when it is announced; one whose symbol does not trade waits as in bad weather, until it
trades again or the plan is too old.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from lib.errors import BadCredentials, FilterRefused, Halt, MarketClosed, Refused, Unavailable
from lib.exchange import Rulebook, Venue
from lib.money import OrderLike, SymbolRules

Answer = TypeVar("Answer")

RENEW_SECONDS: Final = 600.0
RENEW_SOON_SECONDS: Final = 30.0  # while orders wait for a symbol to trade, or after no answer
YOUNG_SECONDS: Final = 10.0  # rules that are younger are not asked for after a refusal
LOOK_SECONDS: Final = 5.0  # how often who waits looks again
TRADING: Final = "TRADING"
GONE: Final = "DELISTED"  # ours, for a symbol that the exchange names no longer

NO_ANSWER: Final = (Unavailable, Refused, BadCredentials)


class Ordered(OrderLike, Protocol):
    """What was asked for, of a symbol."""

    @property
    def symbol(self) -> str: ...


class MarketRules:
    """One for all bots; `by_symbol` is changed in place, for all who hold it."""

    def __init__(self, venue: Venue, by_symbol: dict[str, SymbolRules]) -> None:
        self._venue = venue
        self._by_symbol = by_symbol
        self._asking = asyncio.Lock()
        self._due = asyncio.Event()
        self._asked_at: float | None = None  # on the loop's clock
        self._waited_for: set[str] = set()  # symbols that do not trade, once an order waits
        self._newest = Rulebook()
        self.renew_seconds = RENEW_SECONDS
        self.on_weather: Callable[[str], None] = lambda _: None

    async def keep(self) -> None:
        """Renew the rules for ever. Without an answer those that are known stay good."""
        pause = self.renew_seconds
        while True:
            await self._sleep(pause)
            pause = RENEW_SOON_SECONDS
            with suppress(*NO_ANSWER):
                await self.renew()
                pause = RENEW_SOON_SECONDS if self._waited_for else self.renew_seconds

    async def _sleep(self, seconds: float) -> None:
        self._due.clear()
        timer = asyncio.get_running_loop().call_later(seconds, self._due.set)
        await self._due.wait()
        timer.cancel()

    async def renew(self) -> None:
        """Ask for the rules of all symbols. Raises Unavailable."""
        self._asked_at = asyncio.get_running_loop().time()
        self.take(await self._venue.rules())

    def take(self, found: Rulebook) -> None:
        """Have new rules count from now on; a symbol that the exchange does not name is gone.

        One that it may have named, unreadably, keeps the rules it had.
        """
        if not found:
            return
        gone = {
            symbol: replace(rules, status=GONE)
            for symbol, rules in self._by_symbol.items()
            if symbol not in found and not found.why_unread(symbol)
        }
        self._newest = found
        self._by_symbol.update({**found, **gone})
        for symbol in [each for each in self._waited_for if not self.closed(each)]:
            self._waited_for.discard(symbol)
            self.on_weather(f"{symbol} trades again")

    def of(self, symbol: str) -> SymbolRules:
        """Answer a symbol's rules. Raises Halt for one that the exchange does not have.

        Raises Unavailable while they could not be read, and has them asked for soon.
        """
        known = self._by_symbol.get(symbol)
        if known is not None:
            return known
        if why := self._newest.why_unread(symbol):
            self._renew_soon()
            raise Unavailable(why)
        raise Halt(f"{self._venue.name} does not trade {symbol}")

    def _renew_soon(self) -> None:
        loop, asked_at = asyncio.get_running_loop(), self._asked_at
        if asked_at is None or loop.time() - asked_at > RENEW_SOON_SECONDS:
            self._due.set()

    def closed(self, symbol: str) -> str:
        """Say why a symbol takes no orders at the moment; empty if it does, or is unknown."""
        rules = self._by_symbol.get(symbol)
        return "" if rules is None or rules.status == TRADING else rules.status

    async def open_for(self, symbol: str, is_over: Callable[[], object]) -> None:
        """Wait until a symbol trades, or until waiting for it is over. Told once."""
        while (status := self.closed(symbol)) and not is_over():
            if symbol not in self._waited_for:
                self._waited_for.add(symbol)
                self._due.set()
                self.on_weather(f"{symbol} does not trade ({status}): its orders wait")
            await asyncio.sleep(LOOK_SECONDS)

    async def heeding(self, answer: Awaitable[Answer], *orders: Ordered) -> Answer:
        """Wait for the answer to a request; one that speaks of other rules has them renewed.

        Raises what the request raises; a refusal by a filter says what the new rules say.
        """
        try:
            return await answer
        except MarketClosed:
            await self._renew_unless_young()
            raise
        except FilterRefused as refused:
            await self._renew_unless_young()
            raise self._named(refused, orders) from refused

    def _named(self, refused: FilterRefused, orders: tuple[Ordered, ...]) -> FilterRefused:
        found: list[str] = []
        for order in orders:
            rules = self._by_symbol.get(order.symbol)
            found += rules.complaints(order) if rules else []
        return FilterRefused("; ".join([str(refused), *found]))

    async def _renew_unless_young(self) -> None:
        """Renew the rules once for all who were refused at the same time."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if self._asked_at is None or now - self._asked_at > YOUNG_SECONDS:
                with suppress(*NO_ANSWER):
                    await self.renew()
