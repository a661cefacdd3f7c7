"""The books on disk: SQLite, one transaction per answer, amounts as text."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from lib.simulator.books import rows
from lib.simulator.books.account import Account
from lib.simulator.books.change import Change
from lib.simulator.books.orders import Amendment, Fill, Order, OrderList, Prevention, Transfer
from lib.simulator.books.rows import read
from lib.simulator.books.tape_rows import TapeRows
from lib.simulator.units import write

FORMAT: Final = 2

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, uid INTEGER NOT NULL,
    updated_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS grants (account TEXT NOT NULL, asset TEXT NOT NULL,
    amount TEXT NOT NULL, PRIMARY KEY (account, asset)) STRICT;
CREATE TABLE IF NOT EXISTS balances (account TEXT NOT NULL, asset TEXT NOT NULL,
    free TEXT NOT NULL, locked TEXT NOT NULL, PRIMARY KEY (account, asset)) STRICT;
CREATE TABLE IF NOT EXISTS orders (symbol TEXT NOT NULL, id INTEGER NOT NULL,
    account TEXT NOT NULL, client_order_id TEXT NOT NULL, is_buy INTEGER NOT NULL,
    type TEXT NOT NULL, time_in_force TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL,
    stop_price TEXT NOT NULL, quote_quantity TEXT NOT NULL, stp_mode TEXT NOT NULL,
    time INTEGER NOT NULL, strategy_id INTEGER, strategy_type INTEGER, status TEXT NOT NULL,
    update_time INTEGER NOT NULL, working_time INTEGER NOT NULL, rank INTEGER NOT NULL,
    executed TEXT NOT NULL, executed_quote TEXT NOT NULL, locked TEXT NOT NULL,
    reason TEXT NOT NULL, cancel_id TEXT NOT NULL, prevented TEXT NOT NULL,
    prevented_id INTEGER NOT NULL, PRIMARY KEY (symbol, id)) STRICT;
CREATE TABLE IF NOT EXISTS fills (symbol TEXT NOT NULL, id INTEGER NOT NULL,
    order_id INTEGER NOT NULL, price TEXT NOT NULL, quantity TEXT NOT NULL, quote TEXT NOT NULL,
    commission TEXT NOT NULL, commission_asset TEXT NOT NULL, time INTEGER NOT NULL,
    is_maker INTEGER NOT NULL, PRIMARY KEY (symbol, id, order_id)) STRICT;
"""

# What format 2 has more than format 1: columns and tables, each added if it is not there.
ADDED_COLUMNS: Final = (
    "iceberg TEXT NOT NULL DEFAULT '0'",
    "trailing_delta INTEGER NOT NULL DEFAULT 0",
    "list_id INTEGER NOT NULL DEFAULT -1",
    "shown TEXT NOT NULL DEFAULT '0'",
    "extreme TEXT NOT NULL DEFAULT '0'",
    "trailing_time INTEGER NOT NULL DEFAULT -1",
    "amendments INTEGER NOT NULL DEFAULT 0",
)
ADDED_TO_ACCOUNTS: Final = (
    "trade_group INTEGER NOT NULL DEFAULT -1",
    "standing TEXT NOT NULL DEFAULT '{}'",
)
ADDED_TO_BALANCES: Final = ("external TEXT NOT NULL DEFAULT '0'",)
ADDED_TABLES: Final = """
CREATE TABLE IF NOT EXISTS lists (id INTEGER PRIMARY KEY, symbol TEXT NOT NULL,
    account TEXT NOT NULL, client_list_id TEXT NOT NULL, kind TEXT NOT NULL, time INTEGER NOT NULL,
    update_time INTEGER NOT NULL, done INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS preventions (id INTEGER PRIMARY KEY, taker INTEGER NOT NULL,
    maker INTEGER NOT NULL, price TEXT NOT NULL, taker_quantity TEXT NOT NULL,
    maker_quantity TEXT NOT NULL, mode TEXT NOT NULL, trade_group INTEGER NOT NULL,
    time INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS amendments (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL,
    client_order_id TEXT NOT NULL, new_client_order_id TEXT NOT NULL, quantity TEXT NOT NULL,
    new_quantity TEXT NOT NULL, time INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS transfers (account TEXT NOT NULL, asset TEXT NOT NULL,
    amount TEXT NOT NULL, time INTEGER NOT NULL) STRICT;
"""
WIPED: Final = (
    "orders",
    "fills",
    "lists",
    "preventions",
    "amendments",
    "transfers",
    "balances",
    "counters",
)

PRAGMAS: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 5000;
"""


class Journal:
    """One SQLite file, one writer."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(path)
            self._saved_counters = self.counters()
            self.tapes = TapeRows(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, path: Path) -> None:
        self._check_format(path)
        self._connection.executescript(PRAGMAS)
        self._connection.executescript(SCHEMA)
        self._connection.executescript(ADDED_TABLES)
        self._add_columns("orders", ADDED_COLUMNS)
        self._add_columns("accounts", ADDED_TO_ACCOUNTS)
        self._add_columns("balances", ADDED_TO_BALANCES)
        self._connection.execute(f"PRAGMA user_version = {FORMAT}")

    def close(self) -> None:
        self._connection.close()

    def remember(
        self, key: str, value: str, counters: Mapping[str, int], drifted: Iterable[Order] = ()
    ) -> None:
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, value))
            rows.put_orders(connection, drifted)
            drawn = self._put_counters(connection, counters)
            self.tapes.put()
        self._saved_counters |= drawn
        self.tapes.mark()

    def open_account(self, account: Account, grants: Mapping[str, int]) -> None:
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, ?, ?)",
                rows.account_row(account),
            )
            connection.executemany(
                "INSERT INTO grants VALUES (?, ?, ?)",
                ((account.name, asset, write(amount)) for asset, amount in grants.items()),
            )
            rows.put_balances(connection, account.balances.values())

    def set_standing(self, account: Account) -> None:
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?)",
                rows.account_row(account),
            )

    def write(self, change: Change, counters: Mapping[str, int]) -> None:
        """Make one change durable, whole or not at all."""
        with self._transaction() as connection:
            if change.lists:
                rows.put_lists(connection, change.lists)
            rows.put_orders(connection, change.drifted | change.touched_orders())
            rows.put_fills(connection, change.fills)
            rows.put_balances(connection, change.touched_balances())
            rows.put_preventions(connection, change.preventions)
            rows.put_amendments(connection, change.amendments)
            rows.put_transfers(connection, change.transfers)
            rows.put_update_times(connection, change.accounts)
            drawn = self._put_counters(connection, counters)
            self.tapes.put()
        self._saved_counters |= drawn
        self.tapes.mark()

    def wipe(self, accounts: Iterable[Account]) -> None:
        with self._transaction() as connection:
            for table in WIPED:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            connection.execute("UPDATE accounts SET updated_at = 0")
            self.tapes.wipe()
            for account in accounts:
                rows.put_balances(connection, account.balances.values())
        self._saved_counters.clear()

    def notes(self) -> dict[str, str]:
        return dict(self._connection.execute("SELECT key, value FROM notes"))

    def counters(self) -> dict[str, int]:
        return dict(self._connection.execute("SELECT name, value FROM counters"))

    def accounts(self) -> tuple[dict[str, Account], dict[str, dict[str, int]]]:
        """Read the accounts with their balances, and what each was granted at first."""
        found = self._connection.execute("SELECT * FROM accounts")
        accounts = {row[0]: rows.read_account(row) for row in found}
        for name, asset, *amounts in self._connection.execute("SELECT * FROM balances"):
            balance = accounts[name].balance(asset)
            balance.free, balance.locked, balance.external = map(read, amounts)
        grants: dict[str, dict[str, int]] = {name: {} for name in accounts}
        for name, asset, amount in self._connection.execute("SELECT * FROM grants"):
            grants[name][asset] = read(amount)
        return accounts, grants

    def lists(self, accounts: Mapping[str, Account]) -> dict[int, OrderList]:
        """Read the order lists, yet without their orders."""
        found = self._connection.execute("SELECT * FROM lists ORDER BY id")
        return {row[0]: rows.read_list(row, accounts) for row in found}

    def orders(
        self, accounts: Mapping[str, Account], lists: Mapping[int, OrderList]
    ) -> Iterator[Order]:
        """Read the orders, oldest first, each into its list."""
        for row in self._connection.execute("SELECT * FROM orders ORDER BY id"):
            yield rows.read_order(row, accounts, lists)

    def fills(self, orders: Mapping[str, Mapping[int, Order]]) -> Iterator[Fill]:
        for row in self._connection.execute("SELECT * FROM fills ORDER BY id, rowid"):
            yield rows.read_fill(row, orders)

    def preventions(self, orders: Mapping[int, Order]) -> Iterator[Prevention]:
        for row in self._connection.execute("SELECT * FROM preventions ORDER BY id"):
            yield rows.read_prevention(row, orders)

    def amendments(self, orders: Mapping[int, Order]) -> Iterator[Amendment]:
        for row in self._connection.execute("SELECT * FROM amendments ORDER BY id"):
            yield rows.read_amendment(row, orders)

    def transfers(self, accounts: Mapping[str, Account]) -> Iterator[Transfer]:
        for row in self._connection.execute("SELECT * FROM transfers ORDER BY rowid"):
            yield rows.read_transfer(row, accounts)

    def _add_columns(self, table: str, columns: Iterable[str]) -> None:
        """Give a table of format 1 what format 2 has more."""
        there = {row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")}
        for column in columns:
            if column.split()[0] not in there:
                self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")

    def _put_counters(
        self, connection: sqlite3.Connection, counters: Mapping[str, int]
    ) -> dict[str, int]:
        """Write the counters that have moved and answer them."""
        saved = self._saved_counters
        drawn = {name: value for name, value in counters.items() if saved.get(name) != value}
        connection.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", drawn.items())
        return drawn

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._connection)

    def _check_format(self, path: Path) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > FORMAT:
            raise ValueError(f"{path}: books of format {version}, this program knows {FORMAT}")


class _Transaction:
    """All or nothing: committed at the end, rolled back if anything was raised."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
