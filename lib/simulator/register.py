"""All orders of one symbol, and how they are found: by id, by client order id, while open, by time.

Each account has a shelf of its own, so that no search passes the orders of others.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, TypeAlias

from lib.simulator.account import Account
from lib.simulator.books import Books
from lib.simulator.options import Options
from lib.simulator.orders import OPEN, Order

OpenIds: TypeAlias = dict[str, Order]  # one account's open orders by client order id
SharedIds: TypeAlias = dict[str, OpenIds]  # by account

BY_ID: Final = attrgetter("id")
BY_UPDATE: Final = attrgetter("update_time")


@dataclass(slots=True, eq=False)
class Shelf:
    """One account's orders of one symbol."""

    shared_ids: OpenIds | None  # if they must differ from those of all other symbols too
    orders: list[Order] = field(default_factory=list)  # oldest first, as their ids
    open: dict[int, Order] = field(default_factory=dict)
    final: list[Order] = field(default_factory=list)  # by update time, which never moves again
    newest: dict[str, Order] = field(default_factory=dict)  # by client order id
    canceled: dict[str, Order] = field(default_factory=dict)  # by the cancel's id


class Register:
    """One symbol's orders. `shared_ids` is the same for all symbols of the exchange."""

    def __init__(self, symbol: str, books: Books, options: Options, shared_ids: SharedIds) -> None:
        self.orders = books.orders.setdefault(symbol, {})
        self._shelves: dict[Account, Shelf] = {}
        self._shared_ids = shared_ids if options.id_scope == "account" else None
        self._reused = options.reused_id
        self._stops_hold_ids = options.waiting_stop_holds_id
        self._finds_cancels = options.canceled_id == "cancel"
        for order in self.orders.values():
            self._index(order)

    def add(self, order: Order) -> None:
        self.orders[order.id] = order
        self._index(order)

    def close(self, order: Order) -> None:
        """Take an order that is final, and updated for the last time, out of the open ones."""
        shelf = self._shelves[order.account]
        del shelf.open[order.id]
        shared = shelf.shared_ids
        if shared is not None and shared.get(order.client_order_id) is order:
            del shared[order.client_order_id]
        self._index_final(shelf, order)

    def open_of(self, account: Account) -> dict[int, Order]:
        """Give an account's open orders by id, oldest first."""
        shelf = self._shelves.get(account)
        return shelf.open if shelf is not None else {}

    def holds(self, account: Account, client_order_id: str) -> bool:
        """Tell whether an open order has this client order id."""
        shelf = self._shelf(account)
        named = shelf.newest if shelf.shared_ids is None else shelf.shared_ids
        holder = named.get(client_order_id)
        if holder is None or holder.status not in OPEN:
            return False
        return self._stops_hold_ids or not holder.waiting

    def find_open(self, account: Account, client_order_id: str) -> Order | None:
        """Find what a cancel by client order id means."""
        order = self._shelf(account).newest.get(client_order_id)
        while order is not None and order.status not in OPEN:
            order = order.namesake
        return order

    def find(self, account: Account, client_order_id: str) -> Order | None:
        """Find what a query by client order id means."""
        same = self._same(account, client_order_id)
        found = [order for order in same if not (order.cancel_id and self._finds_cancels)]
        if not found:
            return self._shelf(account).canceled.get(client_order_id)
        if self._reused == "oldest":
            return found[-1]
        if self._reused == "newest":
            return found[0]
        return next((order for order in found if order.open), found[0])

    def from_id(self, account: Account, first: int) -> Iterator[Order]:
        """Walk over an account's orders from an id on, oldest first."""
        orders = self._shelf(account).orders
        for place in range(bisect_left(orders, first, key=BY_ID), len(orders)):
            yield orders[place]

    def newest_first(self, account: Account) -> Iterator[Order]:
        return reversed(self._shelf(account).orders)

    def updated_between(self, account: Account, begins: int, ends: int) -> list[Order]:
        """Give an account's orders whose last update lies between two times, by id."""
        shelf = self._shelf(account)
        first = bisect_left(shelf.final, begins, key=BY_UPDATE)
        found = shelf.final[first : bisect_right(shelf.final, ends, lo=first, key=BY_UPDATE)]
        found += [order for order in shelf.open.values() if begins <= order.update_time <= ends]
        return sorted(found, key=BY_ID)

    def _same(self, account: Account, client_order_id: str) -> Iterable[Order]:
        """Walk over all orders of that name, newest first."""
        order = self._shelf(account).newest.get(client_order_id)
        while order is not None:
            yield order
            order = order.namesake

    def _shelf(self, account: Account) -> Shelf:
        shelf = self._shelves.get(account)
        if shelf is None:
            every = self._shared_ids
            shared = every.setdefault(account.name, {}) if every is not None else None
            shelf = self._shelves[account] = Shelf(shared)
        return shelf

    def _index(self, order: Order) -> None:
        shelf = self._shelf(order.account)
        name = order.client_order_id
        shelf.orders.append(order)
        order.namesake = shelf.newest.get(name)
        shelf.newest[name] = order
        if order.status not in OPEN:
            self._index_final(shelf, order)
            return
        shelf.open[order.id] = order
        if shelf.shared_ids is not None:
            shelf.shared_ids[name] = order

    def _index_final(self, shelf: Shelf, order: Order) -> None:
        """Shelve by update time; only a clock that went back makes it more than an append."""
        final = shelf.final
        if not final or final[-1].update_time <= order.update_time:
            final.append(order)
        else:
            insort(final, order, key=BY_UPDATE)
        if order.cancel_id and self._finds_cancels:
            shelf.canceled[order.cancel_id] = order


def shown_id(order: Order, canceled_id: str) -> str:
    """Give the client order id that queries show."""
    if canceled_id == "cancel" and order.cancel_id:
        return order.cancel_id
    return order.client_order_id
