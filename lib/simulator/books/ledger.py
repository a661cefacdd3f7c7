"""The fills of one symbol by account: in their order, and by their time.

Filling costs nothing here: `books.fills` only grows at its end, and what is new there is sorted
in when somebody asks.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from lib.simulator.books.account import Account
from lib.simulator.books.orders import Fill

BY_ID: Final = attrgetter("id")
BY_TIME: Final = attrgetter("time")


@dataclass(slots=True, eq=False)
class Page:
    """One account's fills."""

    fills: list[Fill] = field(default_factory=list)  # by trade, the maker's half first
    by_time: list[Fill] = field(default_factory=list)
    by_order: dict[int, list[Fill]] = field(default_factory=dict)


class Ledger:
    """Finds fills; nothing here walks over those of others or of other times."""

    def __init__(self, fills: Sequence[Fill]) -> None:
        self._fills = fills
        self._read = 0  # how many fills the pages have
        self._pages: dict[Account, Page] = {}

    def from_id(self, account: Account, first: int) -> Iterator[Fill]:
        """Walk over an account's fills from a trade on, oldest first."""
        fills = self._page(account).fills
        for place in range(bisect_left(fills, first, key=BY_ID), len(fills)):
            yield fills[place]

    def newest_first(self, account: Account) -> Iterator[Fill]:
        return reversed(self._page(account).fills)

    def of_order(self, account: Account, order_id: int) -> list[Fill]:
        """Give the fills of one order, oldest first."""
        return self._page(account).by_order.get(order_id) or []

    def between(self, account: Account, begins: int, ends: int) -> list[Fill]:
        """Give an account's fills between two times, by trade."""
        fills = self._page(account).by_time
        first = bisect_left(fills, begins, key=BY_TIME)
        found = fills[first : bisect_right(fills, ends, lo=first, key=BY_TIME)]
        return sorted(found, key=BY_ID)

    def _page(self, account: Account) -> Page:
        """Give an account's page, up to date."""
        for place in range(self._read, len(self._fills)):
            self._enter(self._fills[place])
        self._read = len(self._fills)
        return self._pages.setdefault(account, Page())

    def _enter(self, fill: Fill) -> None:
        order = fill.order
        page = self._pages.setdefault(order.account, Page())
        page.fills.append(fill)
        page.by_order.setdefault(order.id, []).append(fill)
        if not page.by_time or page.by_time[-1].time <= fill.time:
            page.by_time.append(fill)
        else:
            insort(page.by_time, fill, key=BY_TIME)
