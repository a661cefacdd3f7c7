"""Everything the venue must remember, durable before it answers.

`Books` holds the living accounts, orders, fills and counters. What changes is noted in its
`Change` and leaves through `commit`: nothing to do in memory, one transaction in SQLite (WAL,
synchronous=FULL). Reopened after a SIGKILL the books are the ones the venue had answered from.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from lib.simulator.books.account import Account, Standing
from lib.simulator.books.change import Change
from lib.simulator.books.journal import Journal
from lib.simulator.books.orders import Amendment, Fill, Order, OrderList, Prevention, Transfer
from lib.simulator.books.tape import Tape
from lib.simulator.units import units


class Books:
    """One venue's memory. Make it with `in_memory` or `open`."""

    def __init__(self, journal: Journal | None) -> None:
        self.change = Change()
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, dict[int, Order]] = {}
        self.fills: dict[str, list[Fill]] = {}
        self.lists: dict[int, OrderList] = {}
        self.preventions: dict[str, list[Prevention]] = {}  # by the taker's symbol
        self.amendments: dict[Order, list[Amendment]] = {}
        self.transfers: list[Transfer] = []
        self.counters: dict[str, int] = {}
        self.pairs: dict[str, tuple[str, str]] = {}  # base and quote; told by the markets
        self._journal = journal
        self._failed = False
        self._grants: dict[str, dict[str, int]] = {}
        self._notes: dict[str, str] = {}
        if journal is not None:
            self._read(journal)

    @classmethod
    def in_memory(cls) -> "Books":
        return cls(None)

    @classmethod
    def open(cls, path: Path | str) -> "Books":
        """Open or create the SQLite file at `path`.

        Raises sqlite3.Error for a file that holds no books, ValueError for those of a later format.
        """
        journal = Journal(Path(path))
        try:
            return cls(journal)
        except BaseException:
            journal.close()
            raise

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def open_account(
        self,
        name: str,
        uid: int,
        balances: Mapping[str, Decimal | str | int],
        *,
        trade_group: int = -1,
    ) -> None:
        """Open an account with these balances; one that exists stays as it is."""
        if name in self.accounts:
            return
        self._grants[name] = {asset: units(amount) for asset, amount in balances.items()}
        self.accounts[name] = Account(name, uid, trade_group=trade_group)
        self._grant(self.accounts[name])
        if self._journal is not None:
            self._journal.open_account(self.accounts[name], self._grants[name])

    def set_standing(self, name: str, standing: Standing) -> None:
        """Change what an account may do, durable at once. Raises KeyError for no account."""
        account = self.accounts[name]
        account.standing = standing
        if self._journal is not None:
            self._journal.set_standing(account)

    @property
    def grants(self) -> Mapping[str, Mapping[str, int]]:
        """Give what each account was opened with, in units by asset."""
        return self._grants

    def remember(self, key: str, value: str) -> None:
        """Keep a note, durable at once: where the recording stands, say.

        What the recording has counted so far (trade ids, last prices) and moved goes with it.
        """
        self._notes[key] = value
        if self._journal is not None:
            self._journal.remember(key, value, self.counters, self.change.drifted)
            self.change.drifted.clear()

    def keep_tape(self, symbol: str, tape: Tape) -> None:
        """Give a new tape what was traded in earlier lives, and keep what it gets from now on."""
        if self._journal is not None:
            self._journal.tapes.keep(symbol, tape)

    def recall(self, key: str) -> str | None:
        return self._notes.get(key)

    def count(self, name: str) -> int:
        """Draw the next number of a counter."""
        number = self.counters[name] = self.counters.get(name, 0) + 1
        return number

    def commit(self) -> None:
        """Make the change durable and begin a new one.

        A commit that failed is final: memory is ahead of the disk and nothing may be answered
        from it. Reopen the books.
        """
        change = self.change
        if self._journal is not None:
            self.check()
            self._failed = True
            self._journal.write(change, self.counters)
            self._failed = False
        change.clear()

    @property
    def failed(self) -> bool:
        """Whether memory is ahead of the disk, so that nothing can be answered any more."""
        return self._failed

    def distrust(self) -> None:
        """Write nothing of a change that was broken off half-way, nor anything after it."""
        self._failed = self._failed or bool(self.change)

    def check(self) -> None:
        """Raise if the books in memory are not those on the disk any more."""
        if self._failed:
            raise RuntimeError("the books could not be written; they must be reopened")

    def wipe(self) -> None:
        """Forget all orders and fills and grant every account its first balances again."""
        for kept in (self.orders, self.fills, self.lists, self.preventions, self.amendments):
            kept.clear()
        self.transfers.clear()
        self.counters.clear()
        self.change.clear()
        for account in self.accounts.values():
            account.balances.clear()
            account.updated_at = 0
            self._grant(account)
        if self._journal is not None:
            self._journal.wipe(self.accounts.values())

    def _grant(self, account: Account) -> None:
        for asset, amount in self._grants[account.name].items():
            account.balance(asset).free = amount

    def _read(self, journal: Journal) -> None:
        self._notes = journal.notes()
        self.counters = journal.counters()
        self.accounts, self._grants = journal.accounts()
        self.lists = journal.lists(self.accounts)
        for order in journal.orders(self.accounts, self.lists):
            self.orders.setdefault(order.symbol, {})[order.id] = order
        for fill in journal.fills(self.orders):
            self.fills.setdefault(fill.order.symbol, []).append(fill)
        by_id = {order.id: order for found in self.orders.values() for order in found.values()}
        for prevention in journal.preventions(by_id):
            self.preventions.setdefault(prevention.taker.symbol, []).append(prevention)
        for amendment in journal.amendments(by_id):
            self.amendments.setdefault(amendment.order, []).append(amendment)
        self.transfers = list(journal.transfers(self.accounts))


def last_price_counter(symbol: str) -> str:
    """Name the counter that keeps a symbol's last price."""
    return f"last:{symbol}"
