"""Who gets what: locks at placement, exchange of assets at a fill, commissions."""

from lib.simulator.books.account import Balance
from lib.simulator.books.books import Books
from lib.simulator.books.orders import Order
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
        self._touched.append(held)

    def release(self, order: Order, keep: int = 0) -> None:
        """Give back what the order no longer needs."""
        surplus = order.locked - keep
        if surplus:
            held = order.account.balances[self._quote if order.is_buy else self._base]
            held.locked -= surplus
            held.free += surplus
            order.locked = keep
            self._touched.append(held)

    def settle(
        self, order: Order, quantity: int, quote: int, price: int, *, is_maker: bool
    ) -> tuple[int, str]:
        """Exchange the assets of one half of a trade; answer its commission and asset."""
        account, is_buy = order.account, order.is_buy
        gained, received = self._exchange(order, quantity, quote)
        if self._costs.in_bnb:
            fee, asset = self._costs.discounted(
                account, received, price, is_buy=is_buy, is_maker=is_maker
            )
            paid = account.balance(asset)
            paid.free -= fee
            self._touched.append(paid)
            return fee, asset
        fee = self._costs.plain(received, is_buy=is_buy, is_maker=is_maker)
        gained.free -= fee
        return fee, gained.asset

    def transfer(self, order: Order, quantity: int, quote: int) -> None:
        """Exchange the assets of one half of a trade that was prevented: nothing is charged."""
        self._exchange(order, quantity, quote)

    def _exchange(self, order: Order, quantity: int, quote: int) -> tuple[Balance, int]:
        """Take what an order gives and book what it receives; answer where, and how much."""
        account = order.account
        balances = account.balances
        if order.is_buy:
            held, given, asset, received = balances[self._quote], quote, self._base, quantity
        else:
            held, given, asset, received = balances[self._base], quantity, self._quote, quote
        gained = balances.get(asset) or account.balance(asset)
        assert order.locked >= given, f"order {order.id} gives more than it locked"
        held.locked -= given
        order.locked -= given
        gained.free += received
        self._touched.extend((held, gained))
        return gained, received
