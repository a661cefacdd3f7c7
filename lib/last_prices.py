"""The last price of each symbol, as one bot heard it and as old as it may be."""

from decimal import Decimal
from typing import Final

from lib.exchange import ZERO
from lib.floor import Floor

ASKED_AGE_MAX: Final = 10_000  # ms; a price that was asked for is not judged by for longer


class LastPrices:
    """Prices from the stream while they are young, else asked for. Quote per base."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._silence = floor.limits.silence / 1000  # seconds
        self._heard: dict[str, tuple[int, Decimal]] = {}  # exchange ms, price

    async def ask(self, symbol: str) -> Decimal:
        """Answer the last price, asked for if no stream brought it lately. Raises Unavailable."""
        price = await self._floor.quotes.price(symbol, "last", younger_than=self._silence)
        self._heard[symbol] = (self._floor.clock.now(), price)
        return price

    def known(self, symbol: str) -> Decimal | None:
        """Answer the price that was heard last, however old; None without any."""
        heard = self._heard.get(symbol)
        return None if heard is None else heard[1]

    def young(self, symbol: str) -> Decimal | None:
        """Answer a price that may still be judged by; None without one."""
        price = self._streamed(symbol)
        if price:
            return price
        at, price = self._heard.get(symbol, (0, ZERO))
        old = self._floor.clock.now() - at > ASKED_AGE_MAX
        return None if old or not price else price

    def _streamed(self, symbol: str) -> Decimal:
        quote = self._floor.quotes.latest(symbol, younger_than=self._silence)
        return quote.last if quote is not None else ZERO
