"""Filters that look at the account: how many orders it has open, how much it may hold."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from lib.simulator.books.account import Account
from lib.simulator.books.orders import STOPS, Order, OrderList
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.register import Register
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.refusals import count_exceeded


def _is_stop(order: Order) -> bool:
    return order.type in STOPS


def _is_iceberg(order: Order) -> bool:
    return order.iceberg > 0


KINDS: Final[Mapping[str, Callable[[Order], bool]]] = {
    "ALGO": _is_stop,
    "ICEBERG": _is_iceberg,
}
LISTS: Final = "MAX_NUM_ORDER_LISTS"


class Counts:
    """One symbol's count filters, and those of the whole exchange."""

    def __init__(self, rules: SymbolRules, register: Register, floor: Floor) -> None:
        self._symbol = rules.symbol
        self._base = rules.base
        self._most = rules.counts
        self._max_orders = rules.counts.get("MAX_NUM_ORDERS", sys.maxsize)
        self._max_position = rules.max_position
        self._exchange = floor.exchange_counts
        self._looks_further = bool(self._exchange) or self._max_position is not None
        self._register = register
        self._floor = floor

    def refuse(self, order: Order, mine: Mapping[int, Order]) -> None:
        """Raise the first count that one more order would exceed; `mine` are open already."""
        if len(mine) >= self._max_orders:
            raise count_exceeded("MAX_NUM_ORDERS")
        if order.type in STOPS or order.iceberg:
            _refuse_kinds("MAX_NUM", self._most, mine.values(), (order,))
        if self._looks_further:
            self._refuse_further(order)

    def _refuse_further(self, order: Order) -> None:
        """Raise the first count that looks beyond the open orders of one symbol."""
        if self._exchange:
            self._refuse_exchange_wide(order.account, (order,))
        if self._max_position is not None and order.is_buy:
            self._refuse_position(order.account, order.quantity, self._max_position)

    def refuse_sized(self, order: Order) -> None:
        """Raise if what a quote quantity buys would be more than may be held."""
        if self._max_position is not None and order.is_buy:
            self._refuse_position(order.account, order.quantity, self._max_position)

    def refuse_list(self, order_list: OrderList) -> None:
        """Raise the first count that one more list, or its orders, would exceed."""
        account, orders = order_list.account, order_list.orders
        mine = self._register.open_of(account).values()
        _refuse_orders("MAX_NUM", self._most, mine, orders)
        lists = self._floor.list_register.open_of(account).values()
        here = sum(found.symbol == self._symbol for found in lists)
        _refuse_more(LISTS, self._most, here)
        if self._exchange:
            self._refuse_exchange_wide(account, orders)
            _refuse_more("EXCHANGE_" + LISTS, self._exchange, len(lists))
        buying = sum(order.quantity for order in orders if order.is_buy)
        if self._max_position is not None and buying:
            self._refuse_position(account, buying, self._max_position)

    def _refuse_exchange_wide(self, account: Account, orders: Sequence[Order]) -> None:
        every = [
            other
            for register in self._floor.registers
            for other in register.open_of(account).values()
        ]
        _refuse_orders("EXCHANGE_MAX_NUM", self._exchange, every, orders)

    def _refuse_position(self, account: Account, buying: int, limit: int) -> None:
        held = account.balances.get(self._base)
        owned = held.free + held.locked if held is not None else 0
        mine = self._register.open_of(account).values()
        coming = sum(other.remaining for other in mine if other.is_buy)
        if owned + coming + buying > limit:
            raise count_exceeded("MAX_POSITION")


def _refuse_orders(
    prefix: str, most: Mapping[str, int], there: Iterable[Order], orders: Sequence[Order]
) -> None:
    """Raise if more orders, or more of a kind, would be open than may be."""
    there = list(there)
    limit = most.get(prefix + "_ORDERS")
    if limit is not None and len(there) + len(orders) > limit:
        raise count_exceeded(prefix + "_ORDERS")
    _refuse_kinds(prefix, most, there, orders)


def _refuse_kinds(
    prefix: str, most: Mapping[str, int], there: Iterable[Order], orders: Sequence[Order]
) -> None:
    for kind, belongs in KINDS.items():
        name = f"{prefix}_{kind}_ORDERS"
        limit, more = most.get(name), sum(map(belongs, orders))
        if limit is not None and more and sum(map(belongs, there)) + more > limit:
            raise count_exceeded(name)


def _refuse_more(name: str, most: Mapping[str, int], there: int) -> None:
    limit = most.get(name)
    if limit is not None and there >= limit:
        raise count_exceeded(name)
