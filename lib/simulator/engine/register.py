"""All orders of one symbol, and how they are found: by id, by client order id, while open, by time.

Each account has a shelf of its own, so that no search passes the orders of others.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Final, TypeAlias

from lib.simulator.books.account import Account
from lib.simulator.books.books import Books
from lib.simulator.books.orders import OPEN, Amendment, Order
from lib.simulator.options import Options

Named: TypeAlias = dict[str, Order]  # by client order id
SharedIds: TypeAlias = dict[str, list["Shelf"]]  # the shelves that share them, by account

BY_ID: Final = attrgetter("id")
BY_UPDATE: Final = attrgetter("update_time")


@dataclass(slots=True, eq=False)
class Shelf:
    """One account's orders of one symbol."""

    sharing: list["Shelf"] | None  # all whose open ids must differ from these, itself among them
    orders: list[Order] = field(default_factory=list)  # oldest first, as their ids
    open: dict[int, Order] = field(default_factory=dict)
    final: list[Order] = field(default_factory=list)  # by update time, which never moves again
    newest: Named = field(default_factory=dict)
    canceled: Named = field(default_factory=dict)  # by the cancel's id
    renamed: Named = field(default_factory=dict)  # by ids that amendments took away


class Register:
    """One symbol's orders. `shared_ids` is the same for all symbols of the exchange."""

    def __init__(self, symbol: str, books: Books, options: Options, shared_ids: SharedIds) -> None:
        self.orders = books.orders.setdefault(symbol, {})
        self._shelves: dict[Account, Shelf] = {}
        self._shared_ids = shared_ids if options.id_scope == "account" else None
        self._reused = options.reused_id
        self._stops_hold_ids = options.waiting_stop_holds_id
        self._finds_cancels = options.canceled_id == "cancel"
        self._finds_renamed = options.amended_id == "any"
        for order in self.orders.values():
            self.add(order, self.shelf(order.account))
            if not order.open:
                self.close(order)
        self._recall_names(books)

    def shelf(self, account: Account) -> Shelf:
        """Give an account's shelf, an empty one if need be."""
        return self._shelves.get(account) or self._new_shelf(account)

    def add(self, order: Order, shelf: Shelf) -> None:
        """Take a new order, which is open, onto the shelf of its account."""
        name = order.client_order_id
        self.orders[order.id] = shelf.open[order.id] = order
        shelf.orders.append(order)
        if name in shelf.newest:
            order.namesake = shelf.newest[name]
        shelf.newest[name] = order

    def close(self, order: Order) -> None:
        """Take an order that is final, and updated for the last time, out of the open ones."""
        shelf = self._shelves[order.account]
        del shelf.open[order.id]
        final = shelf.final
        if not final or final[-1].update_time <= order.update_time:
            final.append(order)
        else:  # by a clock that went back
            insort(final, order, key=BY_UPDATE)
        if order.cancel_id and self._finds_cancels:
            self._index_cancel(shelf, order)

    def rename(self, order: Order, client_order_id: str) -> None:
        """Give an open order another client order id; the old one is free again."""
        shelf, before = self._shelves[order.account], order.client_order_id
        _unlink(shelf.newest, order)
        order.client_order_id = client_order_id
        order.namesake = shelf.newest.get(client_order_id)
        shelf.newest[client_order_id] = order
        shelf.renamed[before] = order

    def open_of(self, account: Account) -> dict[int, Order]:
        """Give an account's open orders by id, oldest first."""
        return self.shelf(account).open

    def holds(self, account: Account, client_order_id: str) -> bool:
        """Tell whether an open order has this client order id."""
        shelf = self.shelf(account)
        return any(self._holds(each, client_order_id) for each in shelf.sharing or (shelf,))

    def find_open(self, account: Account, client_order_id: str) -> Order | None:
        """Find what a cancel by client order id means."""
        order = self.shelf(account).newest.get(client_order_id)
        while order is not None and order.status not in OPEN:
            order = order.namesake
        return order

    def find(self, account: Account, client_order_id: str) -> Order | None:
        """Find what a query by client order id means."""
        same = self._same(account, client_order_id)
        found = [order for order in same if not (order.cancel_id and self._finds_cancels)]
        if not found:
            shelf = self.shelf(account)
            renamed = shelf.renamed if self._finds_renamed else {}
            return shelf.canceled.get(client_order_id) or renamed.get(client_order_id)
        return self.preferred(found)

    def preferred(self, found: Sequence[Order]) -> Order:
        """Choose which of several orders of one name, newest first, a query means."""
        if self._reused == "oldest":
            return found[-1]
        if self._reused == "newest":
            return found[0]
        return next((order for order in found if order.open), found[0])

    def named(self, account: Account, client_order_id: str) -> Iterable[Order]:
        """Walk over all orders that have this client order id, newest first."""
        return self._same(account, client_order_id)

    def from_id(self, account: Account, first: int) -> Iterator[Order]:
        """Walk over an account's orders from an id on, oldest first."""
        orders = self.shelf(account).orders
        for place in range(bisect_left(orders, first, key=BY_ID), len(orders)):
            yield orders[place]

    def newest_first(self, account: Account) -> Iterator[Order]:
        return reversed(self.shelf(account).orders)

    def updated_between(self, account: Account, begins: int, ends: int) -> list[Order]:
        """Give an account's orders whose last update lies between two times, by id."""
        shelf = self.shelf(account)
        first = bisect_left(shelf.final, begins, key=BY_UPDATE)
        found = shelf.final[first : bisect_right(shelf.final, ends, lo=first, key=BY_UPDATE)]
        found += [order for order in shelf.open.values() if begins <= order.update_time <= ends]
        return sorted(found, key=BY_ID)

    def _same(self, account: Account, client_order_id: str) -> Iterable[Order]:
        """Walk over all orders of that name, newest first."""
        order = self.shelf(account).newest.get(client_order_id)
        while order is not None:
            yield order
            order = order.namesake

    def _holds(self, shelf: Shelf, client_order_id: str) -> bool:
        """Tell whether an order of one shelf blocks this id; only past a stop may another."""
        order = shelf.newest.get(client_order_id)
        if self._stops_hold_ids:
            return order is not None and order.status in OPEN
        while order is not None:
            if order.status in OPEN and (not order.waiting or order.pending):
                return True
            order = order.namesake
        return False

    def _new_shelf(self, account: Account) -> Shelf:
        every = self._shared_ids
        sharing = every.setdefault(account.name, []) if every is not None else None
        shelf = self._shelves[account] = Shelf(sharing)
        if sharing is not None:
            sharing.append(shelf)
        return shelf

    def _recall_names(self, books: Books) -> None:
        """Let orders of reopened books have their ids from when an amendment gave them."""
        mine = (found for order, found in books.amendments.items() if self._has(order))
        renamings = sorted(filter(_renames, chain.from_iterable(mine)), key=BY_ID)
        if not renamings:
            return
        for one in renamings:
            self.shelf(one.order.account).renamed[one.client_order_id] = one.order
        named = {one.order: one.time for one in renamings}
        for shelf in self._shelves.values():
            shelf.newest.clear()
        for order in sorted(
            self.orders.values(), key=lambda one: (named.get(one, one.time), one.id)
        ):
            newest = self.shelf(order.account).newest
            order.namesake = newest.get(order.client_order_id)
            newest[order.client_order_id] = order

    def _has(self, order: Order) -> bool:
        return self.orders.get(order.id) is order

    def _index_cancel(self, shelf: Shelf, order: Order) -> None:
        later = shelf.canceled.get(order.cancel_id)
        if later is None or later.update_time <= order.update_time:
            shelf.canceled[order.cancel_id] = order


def _renames(amendment: Amendment) -> bool:
    return amendment.new_client_order_id != amendment.client_order_id


def _unlink(newest: Named, order: Order) -> None:
    """Take an order out of the chain of those with its client order id."""
    name = order.client_order_id
    later = newest[name]
    if later is order:
        if order.namesake is None:
            del newest[name]
        else:
            newest[name] = order.namesake
        return
    while later.namesake is not order:
        assert later.namesake is not None, f"order {order.id} is not among its namesakes"
        later = later.namesake
    later.namesake = order.namesake


def shown_id(order: Order, canceled_id: str) -> str:
    """Give the client order id that queries show."""
    if canceled_id == "cancel" and order.cancel_id:
        return order.cancel_id
    return order.client_order_id
