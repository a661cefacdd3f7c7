"""What a trade costs: standard, special and tax rates, the discount of who pays in BNB.

What was received is multiplied with the sum of all rates that hold for the order's part in the
trade and for its side, and rounded once. The discount touches the standard rates alone.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from lib.simulator.books.account import Account
from lib.simulator.books.books import last_price_counter
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.options import Commission, Options, Rates
from lib.simulator.units import UNIT, units, write

BNB: Final = "BNB"
BASIS_POINTS: Final = 10_000

# As indexes: [whether it buys][whether it is the maker].
ByPart = tuple[tuple[int, int], tuple[int, int]]


def commission_of(symbol: str, options: Options) -> Commission:
    """Give what a symbol takes: its own rates, or those of the venue."""
    own = options.symbol_commissions.get(symbol)
    if own is not None:
        return own
    standard = Rates(
        options.maker_fee, options.taker_fee, options.buyer_commission, options.seller_commission
    )
    return Commission(standard, options.special_commission, options.tax_commission)


class Commissions:
    """One symbol's rates, and where its commissions are taken."""

    def __init__(self, rules: SymbolRules, counters: Mapping[str, int], options: Options) -> None:
        found = commission_of(rules.symbol, options)
        self._base = rules.base
        self._quote = rules.quote
        self._counters = counters
        self.in_bnb = options.fees_in_bnb and found.discounted
        self._half = UNIT // 2 if options.commission_rounding == "half_up" else 0
        self._full = _sums(found, Decimal(1), UNIT)
        self._reduced = _sums(found, options.bnb_multiplier, UNIT * UNIT)

    def plain(self, received: int, *, is_buy: bool, is_maker: bool) -> int:
        """Work out the full commission, in the asset that was received."""
        return (received * self._full[is_buy][is_maker] + self._half) // UNIT

    def discounted(
        self, account: Account, received: int, price: int, *, is_buy: bool, is_maker: bool
    ) -> tuple[int, str]:
        """Work out a commission, in BNB if the account has enough; answer it and its asset."""
        asset = self._base if is_buy else self._quote
        due = received * self._reduced[is_buy][is_maker]  # in units, times UNIT twice
        if asset == BNB:
            return (due + self._half * UNIT) // (UNIT * UNIT), BNB
        worth = self._worth(price, is_buy=is_buy)
        if worth is not None:
            above, below = worth
            below *= UNIT * UNIT
            fee = (due * above + (below // 2 if self._half else 0)) // below
            if account.free(BNB) >= fee:
                return fee, BNB
        return self.plain(received, is_buy=is_buy, is_maker=is_maker), asset

    def _worth(self, price: int, *, is_buy: bool) -> tuple[int, int] | None:
        """Give what one unit of the received asset is worth in BNB, as a fraction."""
        above, below = (price, UNIT) if is_buy else (1, 1)
        if self._quote == BNB:
            return above, below
        in_quote = self._counters.get(last_price_counter(BNB + self._quote))
        if in_quote:
            return above * UNIT, below * in_quote
        inverse = self._counters.get(last_price_counter(self._quote + BNB))
        return (above * inverse, below * UNIT) if inverse else None


def shown(symbol: str, options: Options) -> dict[str, Any]:
    """Write a symbol's rates as GET /account/commission does."""
    found = commission_of(symbol, options)
    return {
        "symbol": symbol,
        "standardCommission": _four(found.standard),
        "specialCommission": _four(found.special),
        "taxCommission": _four(found.tax),
        "discount": _discount(found, options),
    }


def shown_for_order(symbol: str, options: Options, *, is_buy: bool) -> dict[str, Any]:
    """Write the rates of one order, those of its side already in them."""
    found = commission_of(symbol, options)
    return {
        "standardCommissionForOrder": _two(found.standard, is_buy=is_buy),
        "specialCommissionForOrder": _two(found.special, is_buy=is_buy),
        "taxCommissionForOrder": _two(found.tax, is_buy=is_buy),
        "discount": _discount(found, options),
    }


def account_rates(options: Options) -> dict[str, Any]:
    """Write the standard rates as GET /account does, once in basis points."""
    standard = Rates(
        options.maker_fee, options.taker_fee, options.buyer_commission, options.seller_commission
    )
    rates = {"maker": standard.maker, "taker": standard.taker}
    rates |= {"buyer": standard.buyer, "seller": standard.seller}
    points = {f"{name}Commission": int(rate * BASIS_POINTS) for name, rate in rates.items()}
    return {**points, "commissionRates": _four(standard)}


def _sums(found: Commission, multiplier: Decimal, scale: int) -> ByPart:
    """Add up the rates by side and part; the standard ones count `multiplier` times."""
    kinds = ((found.standard, multiplier), (found.special, Decimal(1)), (found.tax, Decimal(1)))

    def total(side: str, part: str) -> int:
        summed = sum(
            (getattr(rates, side) + getattr(rates, part)) * share for rates, share in kinds
        )
        return int(Decimal(summed) * scale)

    return (
        (total("seller", "taker"), total("seller", "maker")),
        (total("buyer", "taker"), total("buyer", "maker")),
    )


def _four(rates: Rates) -> dict[str, str]:
    return {
        "maker": write(units(rates.maker)),
        "taker": write(units(rates.taker)),
        "buyer": write(units(rates.buyer)),
        "seller": write(units(rates.seller)),
    }


def _two(rates: Rates, *, is_buy: bool) -> dict[str, str]:
    side = rates.buyer if is_buy else rates.seller
    return {"maker": write(units(rates.maker + side)), "taker": write(units(rates.taker + side))}


def _discount(found: Commission, options: Options) -> dict[str, Any]:
    return {
        "enabledForAccount": options.fees_in_bnb,
        "enabledForSymbol": found.discounted,
        "discountAsset": BNB,
        "discount": write(units(options.bnb_multiplier)),
    }
