"""What assets are worth in one of them, by the newest prices of the symbols that were played."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from lib.amounts import ZERO
from lib.exchange import Side

ONE: Final = Decimal(1)
Assets = Mapping[str, tuple[str, str]]  # base and quote of each symbol


class Valuation:
    """Prices in one asset. Owns what each asset costs now; what no symbol leads to has no price."""

    def __init__(self, asset: str, assets: Assets, prices: Mapping[str, Decimal]) -> None:
        self.asset = asset
        self.prices: dict[str, Decimal] = {asset: ONE}
        self._ways = tuple(_ways(asset, assets, prices))
        self._symbols = dict(prices)
        self.renew()

    def move(self, symbol: str, price: Decimal) -> None:
        """Take in a symbol's newest price; it counts from the next `renew`."""
        self._symbols[symbol] = price

    def renew(self) -> None:
        """Price every asset anew."""
        prices = self.prices
        for base, symbol, quote in self._ways:
            prices[base] = self._symbols[symbol] * prices[quote]

    def worth(self, amounts: Mapping[str, Decimal]) -> Decimal:
        """Add up amounts; what has no price counts nothing."""
        total = ZERO
        for name, amount in amounts.items():
            if name in self.prices:
                total += amount * self.prices[name]
        return total

    def unpriced(self, names: Iterable[str]) -> tuple[str, ...]:
        """Name those of these assets that have no price."""
        return tuple(sorted(set(names) - self.prices.keys()))


def moved(side: Side, quantity: Decimal, quote: Decimal) -> tuple[Decimal, Decimal]:
    """Answer what a fill moves of base and of quote, before its fee."""
    return (quantity, -quote) if side == "BUY" else (-quantity, quote)


def _ways(
    asset: str, assets: Assets, prices: Mapping[str, Decimal]
) -> Iterable[tuple[str, str, str]]:
    """Find how each base is priced: at once, or by way of a quote that is priced itself."""
    known = {asset}
    waiting = dict.fromkeys(prices)
    while found := next((each for each in waiting if assets[each][1] in known), None):
        del waiting[found]
        base, quote = assets[found]
        if base not in known:
            known.add(base)
            yield base, found, quote
