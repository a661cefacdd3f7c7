"""How an order list comes in, and how what is pending in it begins.

Both ask of every order what is asked of a single one, and of a pair that its prices straddle the
last price. What comes in is refused as a whole before anything was changed; what was pending and
is refused when it should begin expires.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from lib.simulator.books.orders import Order, OrderList
from lib.simulator.engine.counts import Counts
from lib.simulator.engine.filters import Filters
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.lists import PAID, PAIRED, Hands, Lists, hand_over
from lib.simulator.engine.register import Register
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.refusals import Refusal, duplicate, rejected


class Door(Protocol):
    """What a market asks of single orders, and does with them."""

    rules: SymbolRules
    filters: Filters
    counts: Counts
    register: Register

    @property
    def last(self) -> int | None:
        """Give the last price, None before the first trade."""

    def refuse_price(self, order: Order) -> None:
        """Raise for a stop that would trigger and a maker that would take."""

    def needed(self, order: Order) -> int:
        """Work out what a new order may give."""

    def enter(self, order: Order, now: int) -> None:
        """Make known an order that was taken: it waits, or it is about to work."""


class Worker(Hands, Protocol):
    """What can be done to single orders."""

    def work(self, order: Order, now: int) -> None:
        """Let an order take what it may."""

    def announce(self, order: Order, now: int) -> None:
        """Tell its owner of a new order."""


class ListEntry:
    """The way of one symbol's order lists into the book."""

    def __init__(self, door: Door, lists: Lists, worker: Worker, floor: Floor) -> None:
        self._door = door
        self._lists = lists
        self._worker = worker
        self._floor = floor

    def place(self, order_list: OrderList, now: int) -> list[Order]:
        """Take a new list; answer its orders as they are before anything pending begins."""
        self._refuse(order_list)
        orders = order_list.orders
        first = orders if order_list.kind == "OCO" else orders[:1]
        self._lock(first)
        self._register(order_list)
        with_orders = self._floor.options.list_status == "last"
        if not with_orders:
            self._lists.tell(order_list, now)
        for order in first:
            self._door.enter(order, now)
        for order in orders[len(first) :]:
            self._worker.touch(order, now)
            self._worker.announce(order, now)
        if with_orders:
            self._lists.tell(order_list, now)
        self._work(first, now)
        return [replace(order) if order.pending else order for order in orders]

    def begin(self, order_list: OrderList, now: int) -> None:
        """Let the pending orders begin, or expire if they are refused now."""
        orders = [order for order in order_list.orders if order.pending]
        if order_list.kind in PAID:
            self._size(orders)
        try:
            self._refuse_beginning(orders, now)
            self._lock(orders)
        except Refusal:
            self._lists.refuse(order_list, now)
            return
        for order in orders:
            order.status = "NEW"
            self._door.enter(order, now)
        self._lists.tell(order_list, now)
        self._work(orders, now)

    def _work(self, orders: Sequence[Order], now: int) -> None:
        for order in orders:
            if not order.waiting:
                self._worker.work(order, now)

    def _register(self, order_list: OrderList) -> None:
        books = self._floor.books
        order_list.id = books.count("list") - 1
        register = self._door.register
        shelf = register.shelf(order_list.account)
        for order in order_list.orders:
            order.id = books.count("order")
            register.add(order, shelf)
        self._floor.list_register.add(order_list)

    # --- what is refused

    def _refuse(self, order_list: OrderList) -> None:
        orders = order_list.orders
        self._refuse_names(order_list)
        self._door.counts.refuse_list(order_list)
        if order_list.kind == "OCO":
            _refuse_relation(orders, self._door.last)
        elif order_list.kind in PAIRED:
            _refuse_relation(orders[1:], None)
        for order in orders if order_list.kind == "OCO" else orders[:1]:
            self._door.refuse_price(order)

    def _refuse_names(self, order_list: OrderList) -> None:
        """Raise for a client id that is another's, or used twice."""
        account, name = order_list.account, order_list.client_list_id
        names = {name, *(order.client_order_id for order in order_list.orders)}
        if len(names) <= len(order_list.orders):
            raise duplicate()
        if self._floor.list_register.holds(account, order_list.symbol, name):
            raise duplicate()
        for order in order_list.orders:
            if self._door.register.holds(account, order.client_order_id):
                raise duplicate()

    def _refuse_beginning(self, orders: Sequence[Order], now: int) -> None:
        for order in orders:
            self._door.filters.refuse(order, now)
        if len(orders) > 1:
            _refuse_relation(orders, self._door.last)
        for order in orders:
            self._door.refuse_price(order)

    # --- quantities and funds

    def _size(self, orders: Sequence[Order]) -> None:
        """Sell what was received, as far as the lots allow."""
        rules = self._door.rules
        received = sum(order.locked for order in orders)
        lots = [rules.lots]
        if any(order.type == "MARKET" for order in orders):
            lots.append(rules.market_lots)
        quantity = min([received, *(steps.high for steps in lots if steps.high)])
        quantity -= quantity % max(1, *(steps.step for steps in lots))
        for order in orders:
            order.quantity = quantity

    def _lock(self, orders: Sequence[Order]) -> None:
        """Set aside once what one or the other of these orders may give."""
        holder = next((order for order in orders if order.type == "LIMIT_MAKER"), orders[0])
        for order in orders:
            if order is not holder:
                hand_over(order, holder)
        needed = max(self._door.needed(order) for order in orders)
        settlement = self._worker.settlement
        if holder.locked > needed:
            settlement.release(holder, keep=needed)
        else:
            settlement.lock(holder, needed - holder.locked)


def _refuse_relation(pair: Sequence[Order], last: int | None) -> None:
    """Raise unless one leg's price lies above, and the other's below, the last price."""
    stop, other = sorted(pair, key=lambda order: not order.type.startswith("STOP_LOSS"))
    upper, lower = (stop, other) if stop.is_buy else (other, stop)
    above, below = _trigger(upper), _trigger(lower)
    crossed = above and below and above <= below
    if crossed or (last is not None and ((above and above <= last) or below >= last)):
        raise rejected("The relationship of the prices for the orders is not correct.")


def _trigger(order: Order) -> int:
    """Give the price that decides when a leg works; 0 if it only trails."""
    priced = order.type in {"LIMIT_MAKER", "TAKE_PROFIT_LIMIT"}
    return order.price if priced else order.stop_price
