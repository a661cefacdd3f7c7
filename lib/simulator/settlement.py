"""Who gets what: locks at placement, exchange of assets at a fill, commissions."""

from typing import Final

from lib.simulator.account import Account
from lib.simulator.books import Books, last_price_counter
from lib.simulator.options import Options
from lib.simulator.orders import Order
from lib.simulator.refusals import insufficient_balance
from lib.simulator.rules import SymbolRules
from lib.simulator.tape import Print
from lib.simulator.units import UNIT, quote_of, units

BNB: Final = "BNB"


class Settlement:
    """Moves the balances of one symbol's orders."""

    def __init__(self, rules: SymbolRules, books: Books, options: Options) -> None:
        self._base = rules.base
        self._quote = rules.quote
        self._touched = books.change.balances
        self._counters = books.counters
        self._in_bnb = options.fees_in_bnb
        self._maker_rate = units(options.maker_fee)
        self._taker_rate = units(options.taker_fee)
        self._bnb_rate = units(options.bnb_multiplier)

    def lock(self, order: Order, amount: int) -> None:
        """Set aside what the order may give; raise if the account does not have it."""
        asset = self._quote if order.is_buy else self._base
        held = order.account.balances.get(asset)
        if held is None or held.free < amount:
            if amount:
                raise insufficient_balance()
            held = order.account.balance(asset)
        held.free -= amount
        held.locked += amount
        order.locked += amount
        self._touched[held] = False

    def release(self, order: Order, keep: int = 0) -> None:
        """Give back what the order no longer needs."""
        surplus = order.locked - keep
        if surplus:
            held = order.account.balances[self._quote if order.is_buy else self._base]
            held.locked -= surplus
            held.free += surplus
            order.locked = keep
            self._touched[held] = False

    def settle(self, order: Order, trade: Print, *, is_maker: bool) -> tuple[int, str]:
        """Exchange the assets of one half of a trade; answer its commission and asset."""
        if order.is_buy:
            received, asset = trade.quantity, self._base
            self._give(order, trade.quote, self._quote)
        else:
            received, asset = trade.quote, self._quote
            self._give(order, trade.quantity, self._base)
        rate = self._maker_rate if is_maker else self._taker_rate
        fee, paid_in = received * rate // UNIT, asset
        if self._in_bnb:
            fee, paid_in = self._commission(order, trade.price, received, rate)
        gained = order.account.balance(asset)
        if paid_in == asset:
            gained.free += received - fee
        else:
            gained.free += received
            paid = order.account.balance(paid_in)
            paid.free -= fee
            self._touched[paid] = False
        self._touched[gained] = False
        return fee, paid_in

    def _give(self, order: Order, amount: int, asset: str) -> None:
        held = order.account.balances[asset]
        assert order.locked >= amount, f"order {order.id} gives more than it locked"
        held.locked -= amount
        order.locked -= amount
        self._touched[held] = False

    def _commission(self, order: Order, price: int, received: int, rate: int) -> tuple[int, str]:
        """Take it in BNB at a discount, if there is enough."""
        asset = self._base if order.is_buy else self._quote
        reduced = rate * self._bnb_rate // UNIT
        fee = self._fee_in_bnb(order.account, asset, price, received * reduced // UNIT)
        return (received * rate // UNIT, asset) if fee is None else (fee, BNB)

    def _fee_in_bnb(self, account: Account, asset: str, price: int, fee: int) -> int | None:
        """Convert a commission; None if it cannot be, or if there is not enough BNB."""
        if asset == BNB:
            return fee
        in_quote = quote_of(price, fee) if asset == self._base else fee
        if self._quote == BNB:
            converted = in_quote
        else:
            bnb_price = self._counters.get(last_price_counter(BNB + self._quote))
            if not bnb_price:
                return None
            converted = in_quote * UNIT // bnb_price
        return converted if account.free(BNB) >= converted else None
