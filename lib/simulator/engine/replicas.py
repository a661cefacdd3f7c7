"""What Memory and Database know: the books as they were a while ago.

The matching engine's changes arrive there some time later, each whole and in their order, as with
any replica: a young order is not known yet, an older one shows its former status. Nothing is kept
while nothing lags.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from itertools import chain
from typing import Generic, TypeVar

from lib.simulator.books.account import Account, Balance
from lib.simulator.books.books import Books
from lib.simulator.books.change import Change
from lib.simulator.books.orders import Fill, Order, OrderList
from lib.simulator.options import Options

Record = TypeVar("Record", Order, OrderList, Balance, Account)
Dated = TypeVar("Dated", Order, OrderList)


class Replica(Generic[Record]):
    """Records of one kind as they were `lag_ms` ago."""

    def __init__(self, changes_still: Callable[[Record], bool]) -> None:
        self.lag_ms = 0
        self._changes_still: Callable[[Record], bool] = changes_still
        self._newest: dict[Record, Record] = {}  # how it will be known when all has arrived
        self._known: dict[Record, Record | None] = {}  # of which something is under way
        self._coming: deque[tuple[int, Record, Record]] = deque()
        self._count: Counter[Record] = Counter()

    def follow(self, lag_ms: int, records: Iterable[Record]) -> None:
        """Lag from now on; these are known as they stand, unless they lag already."""
        if not lag_ms:
            self._forget()
        elif not self.lag_ms:
            self._newest = {record: copy(record) for record in records}
        self.lag_ms = lag_ms

    def note(self, record: Record, now: int) -> None:
        """Send off how a record stands after a change."""
        if not self.lag_ms:
            return
        if record not in self._known:
            self._known[record] = self._newest.get(record)
        self._newest[record] = copy(record)
        self._coming.append((now, record, self._newest[record]))
        self._count[record] += 1

    def miss(self, record: Record, since: int) -> None:
        """Know nothing of a record until all of it has arrived."""
        self._newest.pop(record, None)
        self.note(record, since)

    def seen(self, record: Record, now: int) -> Record | None:
        """Give a record as it is known, None if it is not."""
        if not self.lag_ms:
            return record
        self._arrive(now)
        return self._known.get(record, record)

    def moving(self, now: int) -> Iterator[Record]:
        """Walk over the records that are known otherwise than they are."""
        self._arrive(now)
        return iter(list(self._known))

    def _arrive(self, now: int) -> None:
        coming = self._coming
        while coming and now - coming[0][0] >= self.lag_ms:
            _, record, version = coming.popleft()
            self._known[record] = version
            self._count[record] -= 1
            if not self._count[record]:
                del self._known[record], self._count[record]
                if not self._changes_still(record):
                    del self._newest[record]

    def _forget(self) -> None:
        self._newest, self._known = {}, {}
        self._coming.clear()
        self._count.clear()


class Replicas:
    """All that lags, at two paces: what is asked one by one, and what is listed."""

    def __init__(self) -> None:
        self.lagging = False
        self.trades_lag_ms = 0
        self.orders: Replica[Order] = Replica(lambda order: order.open)
        self.listed: Replica[Order] = Replica(lambda order: order.open)
        self.lists: Replica[OrderList] = Replica(lambda found: not found.done)
        self.listed_lists: Replica[OrderList] = Replica(lambda found: not found.done)
        self.balances: Replica[Balance] = Replica(_always)
        self.accounts: Replica[Account] = Replica(_always)

    def follow(self, books: Books, options: Options) -> None:
        """Lag as the options say, from now on."""
        single, listed = options.query_lag_ms, max(options.query_lag_ms, options.list_lag_ms)
        trades = options.trades_lag_ms
        self.lagging = listed > 0
        self.trades_lag_ms = single if trades is None else trades
        self.orders.follow(single, _open_orders(books))
        self.listed.follow(listed, _open_orders(books))
        self.lists.follow(single, _open_lists(books))
        self.listed_lists.follow(listed, _open_lists(books))
        self.accounts.follow(single, books.accounts.values())
        self.balances.follow(single, _balances(books))

    def note_young(self, books: Books, now: int) -> None:
        """Treat what is younger than the lag in reopened books as not yet known."""
        orders = [order for found in books.orders.values() for order in found.values()]
        _miss_young(self.orders, orders, now)
        _miss_young(self.listed, orders, now)
        _miss_young(self.lists, books.lists.values(), now)
        _miss_young(self.listed_lists, books.lists.values(), now)

    def note(self, change: Change, now: int) -> None:
        """Send off all that a change touched. To be called before it is cleared."""
        orders = change.touched_orders()
        for order in orders:
            self.orders.note(order, now)
            self.listed.note(order, now)
        for found in change.lists:
            self.lists.note(found, now)
            self.listed_lists.note(found, now)
        for held in change.touched_balances():
            self.balances.note(held, now)
        for account in chain((order.account for order in orders), change.accounts):
            self.accounts.note(account, now)

    def knows(self, fill: Fill, now: int) -> bool:
        """Tell whether a fill has arrived where trades are asked for."""
        return now - fill.time >= self.trades_lag_ms


def _miss_young(replica: Replica[Dated], records: Iterable[Dated], now: int) -> None:
    young = [record for record in records if now - record.time < replica.lag_ms]
    for record in sorted(young, key=lambda record: record.time):
        replica.miss(record, record.time)


def _always(_record: object) -> bool:
    return True


def _open_orders(books: Books) -> Iterator[Order]:
    return (order for orders in books.orders.values() for order in orders.values() if order.open)


def _open_lists(books: Books) -> Iterator[OrderList]:
    return (found for found in books.lists.values() if not found.done)


def _balances(books: Books) -> Iterator[Balance]:
    return (held for account in books.accounts.values() for held in account.balances.values())
