"""All order lists, and how they are found: by id, by client id, while open, by time.

Lists are asked for without a symbol, so one register holds those of all symbols.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from lib.simulator.books.account import Account
from lib.simulator.books.books import Books
from lib.simulator.books.orders import OrderList
from lib.simulator.options import Options

BY_ID: Final = attrgetter("id")


@dataclass(slots=True, eq=False)
class ListShelf:
    """One account's order lists."""

    lists: list[OrderList] = field(default_factory=list)  # oldest first, as their ids
    open: dict[int, OrderList] = field(default_factory=dict)
    named: dict[str, list[OrderList]] = field(default_factory=dict)  # oldest first


class ListRegister:
    """The order lists of the whole exchange."""

    def __init__(self, books: Books, options: Options) -> None:
        self._books = books
        self._shelves: dict[Account, ListShelf] = {}
        self._reused = options.reused_id
        self._one_for_all = options.id_scope == "account"
        for order_list in books.lists.values():
            self._index(order_list)

    def add(self, order_list: OrderList) -> None:
        self._books.lists[order_list.id] = order_list
        self._index(order_list)

    def close(self, order_list: OrderList) -> None:
        """Take a list that is done out of the open ones."""
        del self._shelves[order_list.account].open[order_list.id]

    def open_of(self, account: Account) -> dict[int, OrderList]:
        """Give an account's open lists by id, oldest first."""
        return self._shelf(account).open

    def holds(self, account: Account, symbol: str, client_list_id: str) -> bool:
        """Tell whether an open list has this client id."""
        return any(
            not found.done and (self._one_for_all or found.symbol == symbol)
            for found in self._shelf(account).named.get(client_list_id, ())
        )

    def find(self, account: Account, list_id: int) -> OrderList | None:
        found = self._books.lists.get(list_id)
        return found if found is not None and found.account is account else None

    def find_open(self, account: Account, symbol: str, client_list_id: str) -> OrderList | None:
        """Find what a cancel by client id means."""
        same = self._shelf(account).named.get(client_list_id, ())
        return next((one for one in same if not one.done and one.symbol == symbol), None)

    def named(self, account: Account, client_list_id: str) -> Sequence[OrderList]:
        """Give all lists that have this client id, oldest first."""
        return self._shelf(account).named.get(client_list_id, ())

    def preferred(self, found: Sequence[OrderList]) -> OrderList:
        """Choose which of several lists of one name, oldest first, a query means."""
        if self._reused == "oldest":
            return found[0]
        if self._reused == "newest":
            return found[-1]
        return next((one for one in found if not one.done), found[-1])

    def from_id(self, account: Account, first: int) -> Sequence[OrderList]:
        """Give an account's lists from an id on, oldest first."""
        lists = self._shelf(account).lists
        return lists[bisect_left(lists, first, key=BY_ID) :]

    def newest_first(self, account: Account) -> Iterator[OrderList]:
        return reversed(self._shelf(account).lists)

    def updated_between(self, account: Account, begins: int, ends: int) -> list[OrderList]:
        """Give an account's lists whose last update lies between two times, by id."""
        lists = self._shelf(account).lists
        return [found for found in lists if begins <= found.update_time <= ends]

    def _shelf(self, account: Account) -> ListShelf:
        shelf = self._shelves.get(account)
        if shelf is None:
            shelf = self._shelves[account] = ListShelf()
        return shelf

    def _index(self, order_list: OrderList) -> None:
        shelf = self._shelf(order_list.account)
        shelf.lists.append(order_list)
        shelf.named.setdefault(order_list.client_list_id, []).append(order_list)
        if not order_list.done:
            shelf.open[order_list.id] = order_list
