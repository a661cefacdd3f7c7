"""The books on disk: SQLite, one transaction per answer, amounts as text."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lib.simulator.account import Account, Balance
from lib.simulator.orders import Fill, Order
from lib.simulator.units import parse, write

FORMAT: Final = 1

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

PRAGMAS: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 5000;
"""


class Journal:
    """One SQLite file, one writer."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._check_format(path)
        self._connection.executescript(PRAGMAS)
        self._connection.executescript(SCHEMA)
        self._connection.execute(f"PRAGMA user_version = {FORMAT}")
        self._saved_counters = self.counters()

    def close(self) -> None:
        self._connection.close()

    def remember(self, key: str, value: str, counters: Mapping[str, int]) -> None:
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, value))
            drawn = self._put_counters(connection, counters)
        self._saved_counters |= drawn

    def open_account(self, account: Account, grants: Mapping[str, int]) -> None:
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO accounts VALUES (?, ?, ?)",
                (account.name, account.uid, account.updated_at),
            )
            connection.executemany(
                "INSERT INTO grants VALUES (?, ?, ?)",
                ((account.name, asset, write(amount)) for asset, amount in grants.items()),
            )
            _put_balances(connection, account.balances.values())

    def write(
        self,
        orders: Iterable[Order],
        fills: Iterable[Fill],
        balances: Iterable[Balance],
        counters: Mapping[str, int],
    ) -> None:
        """Make one change durable, whole or not at all."""
        with self._transaction() as connection:
            _put_orders(connection, orders)
            _put_fills(connection, fills)
            _put_balances(connection, balances)
            drawn = self._put_counters(connection, counters)
        self._saved_counters |= drawn

    def wipe(self, accounts: Iterable[Account]) -> None:
        with self._transaction() as connection:
            for table in ("orders", "fills", "balances", "counters"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            for account in accounts:
                _put_balances(connection, account.balances.values())
        self._saved_counters.clear()

    def notes(self) -> dict[str, str]:
        return dict(self._connection.execute("SELECT key, value FROM notes"))

    def counters(self) -> dict[str, int]:
        return dict(self._connection.execute("SELECT name, value FROM counters"))

    def accounts(self) -> tuple[dict[str, Account], dict[str, dict[str, int]]]:
        """Read the accounts with their balances, and what each was granted at first."""
        rows = self._connection.execute("SELECT name, uid, updated_at FROM accounts")
        accounts = {name: Account(name, uid, {}, updated) for name, uid, updated in rows}
        for name, asset, free, locked in self._connection.execute("SELECT * FROM balances"):
            balance = accounts[name].balance(asset)
            balance.free, balance.locked = _read(free), _read(locked)
        grants: dict[str, dict[str, int]] = {name: {} for name in accounts}
        for name, asset, amount in self._connection.execute("SELECT * FROM grants"):
            grants[name][asset] = _read(amount)
        return accounts, grants

    def orders(self, accounts: Mapping[str, Account]) -> Iterator[Order]:
        for row in self._connection.execute("SELECT * FROM orders ORDER BY id"):
            yield _order(row, accounts)

    def fills(self, orders: Mapping[str, Mapping[int, Order]]) -> Iterator[Fill]:
        for row in self._connection.execute("SELECT * FROM fills ORDER BY id, rowid"):
            symbol, trade, order, price, quantity, quote, commission, asset, time, maker = row
            yield Fill(
                id=trade,
                order=orders[symbol][order],
                price=_read(price),
                quantity=_read(quantity),
                quote=_read(quote),
                commission=_read(commission),
                commission_asset=asset,
                time=time,
                is_maker=bool(maker),
            )

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
        if version not in {0, FORMAT}:
            self._connection.close()
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


def _put_balances(connection: sqlite3.Connection, balances: Iterable[Balance]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO balances VALUES (?, ?, ?, ?)",
        [(held.account, held.asset, write(held.free), write(held.locked)) for held in balances],
    )


def _put_orders(connection: sqlite3.Connection, orders: Iterable[Order]) -> None:
    rows = [_order_row(order) for order in orders]
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT OR REPLACE INTO orders VALUES ({marks})", rows)  # noqa: S608
        connection.executemany(
            "UPDATE accounts SET updated_at = ? WHERE name = ?",
            {(order.account.updated_at, order.account.name) for order in orders},
        )


def _put_fills(connection: sqlite3.Connection, fills: Iterable[Fill]) -> None:
    connection.executemany(
        "INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                fill.order.symbol,
                fill.id,
                fill.order.id,
                write(fill.price),
                write(fill.quantity),
                write(fill.quote),
                write(fill.commission),
                fill.commission_asset,
                fill.time,
                int(fill.is_maker),
            )
            for fill in fills
        ],
    )


def _order_row(order: Order) -> tuple[str | int | None, ...]:
    return (
        order.symbol,
        order.id,
        order.account.name,
        order.client_order_id,
        int(order.is_buy),
        order.type,
        order.time_in_force,
        write(order.quantity),
        write(order.price),
        write(order.stop_price),
        write(order.quote_quantity),
        order.stp_mode,
        order.time,
        order.strategy_id,
        order.strategy_type,
        order.status,
        order.update_time,
        order.working_time,
        order.rank,
        write(order.executed),
        write(order.executed_quote),
        write(order.locked),
        order.reason,
        order.cancel_id,
        write(order.prevented),
        order.prevented_id,
    )


def _order(row: tuple[Any, ...], accounts: Mapping[str, Account]) -> Order:
    cells = iter(row)
    return Order(
        symbol=str(next(cells)),
        id=int(next(cells)),
        account=accounts[str(next(cells))],
        client_order_id=str(next(cells)),
        is_buy=bool(next(cells)),
        type=str(next(cells)),
        time_in_force=str(next(cells)),
        quantity=_read(next(cells)),
        price=_read(next(cells)),
        stop_price=_read(next(cells)),
        quote_quantity=_read(next(cells)),
        stp_mode=str(next(cells)),
        time=int(next(cells)),
        strategy_id=next(cells),
        strategy_type=next(cells),
        status=str(next(cells)),
        update_time=int(next(cells)),
        working_time=int(next(cells)),
        rank=int(next(cells)),
        executed=_read(next(cells)),
        executed_quote=_read(next(cells)),
        locked=_read(next(cells)),
        reason=str(next(cells)),
        cancel_id=str(next(cells)),
        prevented=_read(next(cells)),
        prevented_id=int(next(cells)),
    )


def _read(text: str | int) -> int:
    found = parse(str(text))
    assert found is not None, f"not an amount: {text}"
    return found.units
