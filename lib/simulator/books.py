"""Everything the venue must remember, durable before it answers.

`Books` holds the living accounts, orders, fills and counters. What changes is noted in its
`Change` and leaves through `commit`: nothing to do in memory, one transaction in SQLite (WAL,
synchronous=FULL). Reopened after a SIGKILL the books are the ones the venue had answered from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from lib.simulator.account import Account, Balance
from lib.simulator.journal import Journal
from lib.simulator.orders import Fill, Order, Prevention
from lib.simulator.units import units


@dataclass(slots=True)
class Change:
    """What one request or market event has changed so far."""

    orders: dict[Order, None] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    balances: dict[Balance, bool] = field(default_factory=dict)  # whether told to the user
    preventions: list[Prevention] = field(default_factory=list)  # told at once, kept in the orders
    counted: bool = False  # a number was told that no order carries

    def __bool__(self) -> bool:
        return bool(self.orders or self.fills or self.balances or self.counted)

    def clear(self) -> None:
        self.orders.clear()
        self.balances.clear()
        if self.fills:
            self.fills.clear()
        if self.preventions:
            self.preventions.clear()
        self.counted = False


class Books:
    """One venue's memory. Make it with `in_memory` or `open`."""

    def __init__(self, journal: Journal | None) -> None:
        self.change = Change()
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, dict[int, Order]] = {}
        self.fills: dict[str, list[Fill]] = {}
        self.counters: dict[str, int] = {}
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
        """Open or create the SQLite file at `path`."""
        return cls(Journal(Path(path)))

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def open_account(
        self, name: str, uid: int, balances: Mapping[str, Decimal | str | int]
    ) -> None:
        """Open an account with these balances; one that exists stays as it is."""
        if name in self.accounts:
            return
        self._grants[name] = {asset: units(amount) for asset, amount in balances.items()}
        self.accounts[name] = Account(name, uid)
        self._grant(self.accounts[name])
        if self._journal is not None:
            self._journal.open_account(self.accounts[name], self._grants[name])

    def remember(self, key: str, value: str) -> None:
        """Keep a note, durable at once: where the recording stands, say.

        What the recording has counted so far (trade ids, last prices) goes with it.
        """
        self._notes[key] = value
        if self._journal is not None:
            self._journal.remember(key, value, self.counters)

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
            self._journal.write(change.orders, change.fills, change.balances, self.counters)
            self._failed = False
        change.clear()

    def check(self) -> None:
        """Raise if a commit has failed."""
        if self._failed:
            raise RuntimeError("the books could not be written; they must be reopened")

    def wipe(self) -> None:
        """Forget all orders and fills and grant every account its first balances again."""
        self.orders.clear()
        self.fills.clear()
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
        for order in journal.orders(self.accounts):
            self.orders.setdefault(order.symbol, {})[order.id] = order
        for fill in journal.fills(self.orders):
            self.fills.setdefault(fill.order.symbol, []).append(fill)


def last_price_counter(symbol: str) -> str:
    """Name the counter that keeps a symbol's last price."""
    return f"last:{symbol}"
