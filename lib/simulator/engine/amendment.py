"""How an order becomes smaller where it stands, keeping its place among those at its price.

The two legs of a pair have one quantity: who amends the one amends the other. An order amended to
no more than has happened of it has nothing left, and expires.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from lib.simulator.books.orders import Amendment, Order
from lib.simulator.engine import events
from lib.simulator.engine.filters import Filters
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.lists import PAID, PAIRED, Lists, working_order
from lib.simulator.engine.matching import Matching
from lib.simulator.engine.register import Register
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.refusals import unamendable

EXCHANGE_CANCELED: Final = "EXCHANGE_CANCELED"  # the nearest of the reasons Binance has


class Door(Protocol):
    """What a market asks of amendments."""

    rules: SymbolRules
    filters: Filters
    register: Register
    lists: Lists


class Amender:
    """Amends the orders of one symbol."""

    def __init__(self, door: Door, matching: Matching, floor: Floor) -> None:
        self._door = door
        self._matching = matching
        self._floor = floor

    def refuse(self, order: Order, quantity: int, name: str, now: int) -> None:
        """Raise what the matching engine says against a new quantity or client order id."""
        if not self._door.rules.amendable:
            raise unamendable("Order amend is not supported for this symbol.")
        if order.pending and order.order_list is not None and order.order_list.kind in PAID:
            raise unamendable("Order amend (pending OPO order) is not supported.")
        if quantity > order.quantity:
            raise unamendable("Order amend (quantity increase) is not supported.")
        if quantity == order.quantity:
            raise unamendable("The requested action would change no state; rejecting")
        if name != order.client_order_id and self._door.register.holds(order.account, name):
            raise unamendable("Duplicate order sent.")
        most = self._door.rules.counts.get("MAX_NUM_ORDER_AMENDS")
        if most is not None and order.amendments >= most:
            raise unamendable("Filter failure: MAX_NUM_ORDER_AMENDS")
        self._door.filters.refuse_amended(order, quantity, now)

    def amend(self, order: Order, quantity: int, name: str, now: int) -> Amendment:
        """Give an order, and the other leg of its pair, a smaller quantity; it, a new name too."""
        renamed = name != order.client_order_id
        amendment = self._change(order, quantity, name, now)
        pair = [order, *self._others(order)]
        for other in pair[1:]:
            self._change(other, quantity, other.client_order_id, now)
        for each in pair:
            if not each.pending:
                self._matching.loosen(each)
        if order.order_list is not None and renamed:
            self._door.lists.tell(order.order_list, now, "UPDATED")
        if not order.remaining:
            self._matching.expire(order, EXCHANGE_CANCELED, now)
        return amendment

    def _change(self, order: Order, wanted: int, name: str, now: int) -> Amendment:
        floor, before = self._floor, (order.client_order_id, order.quantity)
        quantity = max(wanted, order.executed + order.prevented)
        self._matching.reduce(order, quantity)
        order.amendments += 1
        if name != order.client_order_id:
            self._door.register.rename(order, name)
        self._matching.touch(order, now)
        execution = floor.books.count("execution")
        amendment = Amendment(execution, order, before[0], name, before[1], quantity, now)
        floor.books.amendments.setdefault(order, []).append(amendment)
        floor.books.change.note_amendment(amendment)
        if floor.announcer.on_user is not None:
            floor.announcer.tell_user(order.account.name, events.replaced(amendment))
        return amendment

    def _others(self, order: Order) -> Sequence[Order]:
        """Give the other leg of a pair, pending or not."""
        order_list = order.order_list
        if order_list is None or order_list.kind not in PAIRED:
            return ()
        if order is working_order(order_list):
            return ()
        return [other for other in order_list.orders[-2:] if other is not order and other.open]
