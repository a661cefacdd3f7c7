"""Filters that look at the account: how many orders it has open, how much it may hold."""

from collections.abc import Iterable

from lib.simulator.floor import Floor
from lib.simulator.orders import STOPS, Order
from lib.simulator.refusals import count_exceeded
from lib.simulator.register import Register
from lib.simulator.rules import SymbolRules


class Counts:
    """One symbol's count filters, and those of the whole exchange."""

    def __init__(self, rules: SymbolRules, register: Register, floor: Floor) -> None:
        self._base = rules.base
        self._max_orders = rules.counts.get("MAX_NUM_ORDERS")
        self._max_stops = rules.counts.get("MAX_NUM_ALGO_ORDERS")
        self._max_position = rules.max_position
        self._exchange = floor.exchange_counts
        self._register = register
        self._registers = floor.registers

    def refuse(self, order: Order) -> None:
        """Raise the first count that one more order would exceed."""
        mine = self._register.open_of(order.account)
        if self._max_orders is not None and len(mine) >= self._max_orders:
            raise count_exceeded("MAX_NUM_ORDERS")
        limit = self._max_stops
        if limit is not None and order.type in STOPS and _stops(mine.values()) >= limit:
            raise count_exceeded("MAX_NUM_ALGO_ORDERS")
        if self._exchange:
            self._refuse_exchange_wide(order)
        if self._max_position is not None and order.is_buy:
            self._refuse_position(order, self._max_position)

    def _refuse_exchange_wide(self, order: Order) -> None:
        every = [
            other
            for register in self._registers
            for other in register.open_of(order.account).values()
        ]
        limit = self._exchange.get("EXCHANGE_MAX_NUM_ORDERS")
        if limit is not None and len(every) >= limit:
            raise count_exceeded("EXCHANGE_MAX_NUM_ORDERS")
        limit = self._exchange.get("EXCHANGE_MAX_NUM_ALGO_ORDERS")
        if limit is not None and order.type in STOPS and _stops(every) >= limit:
            raise count_exceeded("EXCHANGE_MAX_NUM_ALGO_ORDERS")

    def _refuse_position(self, order: Order, limit: int) -> None:
        held = order.account.balances.get(self._base)
        owned = held.free + held.locked if held is not None else 0
        mine = self._register.open_of(order.account).values()
        coming = sum(other.remaining for other in mine if other.is_buy)
        if owned + coming + order.quantity > limit:
            raise count_exceeded("MAX_POSITION")


def _stops(orders: Iterable[Order]) -> int:
    return sum(order.type in STOPS for order in orders)
