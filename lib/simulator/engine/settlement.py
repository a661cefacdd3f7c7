"""Who gets what: locks at placement, exchange of assets at a fill, commissions."""

from lib.simulator.books.books import Books
from lib.simulator.books.orders import Order
from lib.simulator.books.spans import Print
from lib.simulator.engine.commissions import Commissions
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.options import Options
from lib.simulator.refusals import insufficient_balance


class Settlement:
    """Moves the balances of one symbol's orders."""

    def __init__(self, rules: SymbolRules, books: Books, options: Options) -> None:
        self._base = rules.base
        self._quote = rules.quote
        self._touched = books.change.balances
        books.pairs[rules.symbol] = (rules.base, rules.quote)
        self._costs = Commissions(rules, books.counters, options)

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
        costs, is_buy = self._costs, order.is_buy
        if costs.in_bnb:
            fee, paid_in = costs.discounted(
                order.account, received, trade.price, is_buy=is_buy, is_maker=is_maker
            )
        else:
            fee, paid_in = costs.plain(received, is_buy=is_buy, is_maker=is_maker), asset
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

    def transfer(self, order: Order, quantity: int, quote: int) -> None:
        """Exchange the assets of one half of a trade that was prevented: nothing is charged."""
        if order.is_buy:
            received, asset = quantity, self._base
            self._give(order, quote, self._quote)
        else:
            received, asset = quote, self._quote
            self._give(order, quantity, self._base)
        gained = order.account.balance(asset)
        gained.free += received
        self._touched[gained] = False

    def _give(self, order: Order, amount: int, asset: str) -> None:
        held = order.account.balances[asset]
        assert order.locked >= amount, f"order {order.id} gives more than it locked"
        held.locked -= amount
        order.locked -= amount
        self._touched[held] = False
