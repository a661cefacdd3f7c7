"""What an amount of any asset is worth in the one that limits are counted in.

By the last prices of the venue, heard or asked for within a minute: directly, or over one asset
between. What has no such price has no worth, and whoever needs it gets `Unvalued`.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

from lib.amounts import EXACT, ZERO
from lib.errors import Refused, Unavailable
from lib.floor import Floor

YOUNG: Final = 10.0  # seconds; an older price is asked for again before an entry is judged
OLD: Final = 60.0  # seconds; by an older price nothing is judged
BRIDGES: Final = ("USDT", "BTC", "BNB", "USDC", "FDUSD", "ETH", "EUR")  # before all others
_INVERSE: Final = Context(prec=40, rounding=ROUND_CEILING)


class Unvalued(Exception):
    """An amount has no worth at this moment."""


@dataclass(frozen=True, slots=True)
class Step:
    """One symbol's price on the way from an asset to another; upside down, one over the price."""

    symbol: str
    inverse: bool


class Worth:
    """Knows prices. Amounts in, amounts of `unit` out."""

    def __init__(self, floor: Floor, unit: str) -> None:
        self.unit = unit
        self._floor = floor
        self._asked: dict[str, tuple[int, Decimal]] = {}  # exchange ms, quote per base
        self._ways: dict[str, tuple[Step, ...]] = {}
        self._pairs: dict[tuple[str, str], str] = {}

    def of(self, asset: str, amount: Decimal) -> Decimal:
        """Answer what an amount is worth now. Raises Unvalued."""
        if not amount or asset == self.unit:
            return amount
        for step in self._way(asset):
            price = self.last(step.symbol)
            amount = EXACT.multiply(amount, _INVERSE.divide(1, price) if step.inverse else price)
        return amount

    def last(self, symbol: str) -> Decimal:
        """Answer a symbol's last price, quote per base. Raises Unvalued for one too old."""
        quote = self._floor.quotes.latest(symbol, younger_than=OLD)
        if quote is not None and quote.last:
            return quote.last
        at, price = self._asked.get(symbol, (0, ZERO))
        if not price or self._floor.clock.now() - at > OLD * 1000:
            raise Unvalued(f"the price of {symbol} is not known")
        return price

    async def ask(self, symbol: str) -> None:
        """Have a young price of a symbol. Raises Unavailable."""
        if not self._has_young(symbol):
            price = await self._floor.quotes.price(symbol, "last", younger_than=YOUNG)
            self._asked[symbol] = (self._floor.clock.now(), price)

    async def learn(self, assets: Iterable[str]) -> None:
        """Have prices of all that values these assets, as far as there are any."""
        for symbol in self.symbols(assets):
            with suppress(Unavailable, Refused):  # who needs it will say so
                await self.ask(symbol)

    def symbols(self, assets: Iterable[str]) -> list[str]:
        """Name the symbols whose prices value these assets, as far as there are any."""
        return sorted({symbol for asset in assets for symbol in self._symbols(asset)})

    def _has_young(self, symbol: str) -> bool:
        at, price = self._asked.get(symbol, (0, ZERO))
        return bool(price) and self._floor.clock.now() - at < YOUNG * 1000

    # --- the way from an asset to the unit

    def _symbols(self, asset: str) -> list[str]:
        try:
            return [] if asset == self.unit else [step.symbol for step in self._way(asset)]
        except Unvalued:
            return []

    def _way(self, asset: str) -> tuple[Step, ...]:
        way = self._ways.get(asset)
        if way is None:
            way = next(self._found(asset), None)
            if way is None:
                raise Unvalued(f"no symbol values {asset} in {self.unit}")
            self._ways[asset] = way
        return way

    def _found(self, asset: str) -> Iterator[tuple[Step, ...]]:
        """Go through the ways there are, those over symbols that trade at this moment first."""
        for statuses in ({"TRADING"}, {rules.status for rules in self._floor.rules.values()}):
            self._pairs = {
                (rules.base_asset, rules.quote_asset): symbol
                for symbol, rules in self._floor.rules.items()
                if rules.status in statuses
            }
            direct = self._step(asset, self.unit)
            if direct is not None:
                yield (direct,)
            for bridge in [*BRIDGES, *sorted({name for pair in self._pairs for name in pair})]:
                first, second = self._step(asset, bridge), self._step(bridge, self.unit)
                if first is not None and second is not None:
                    yield (first, second)

    def _step(self, asset: str, other: str) -> Step | None:
        if (asset, other) in self._pairs:
            return Step(self._pairs[asset, other], inverse=False)
        if (other, asset) in self._pairs:
            return Step(self._pairs[other, asset], inverse=True)
        return None
