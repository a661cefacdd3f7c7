"""How the records of the books are written as rows of tables, and read again."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import orjson

from lib.simulator.books.account import USUAL, Account, Balance, Standing
from lib.simulator.books.orders import Amendment, Fill, Order, OrderList, Prevention, Transfer
from lib.simulator.units import parse, write

Row: TypeAlias = tuple[Any, ...]

ORDER_COLUMNS: Final = (
    *("symbol", "id", "account", "client_order_id", "is_buy", "type", "time_in_force"),
    *("quantity", "price", "stop_price", "quote_quantity", "stp_mode", "time"),
    *("strategy_id", "strategy_type", "status", "update_time", "working_time", "rank"),
    *("executed", "executed_quote", "locked", "reason", "cancel_id", "prevented", "prevented_id"),
    *("iceberg", "trailing_delta", "list_id", "shown", "extreme", "trailing_time", "amendments"),
)
ORDER_AMOUNTS: Final = frozenset({
    *("quantity", "price", "stop_price", "quote_quantity", "executed", "executed_quote"),
    *("locked", "prevented", "iceberg", "shown", "extreme"),
})


def account_row(account: Account) -> Row:
    standing = account.standing
    noted = {
        "trading": standing.trading,
        "can_withdraw": standing.can_withdraw,
        "can_deposit": standing.can_deposit,
        "requires_stp": standing.requires_stp,
        "permissions": sorted(standing.permissions),
    }
    written = orjson.dumps(noted).decode()
    return (account.name, account.uid, account.updated_at, account.trade_group, written)


def read_account(row: Row) -> Account:
    name, uid, updated_at, trade_group, written = row
    noted = orjson.loads(written)
    permissions = frozenset(noted.pop("permissions", USUAL.permissions))
    standing = Standing(**noted, permissions=permissions)
    usual = USUAL if standing == USUAL else standing
    return Account(name, uid, {}, updated_at, trade_group, usual)


def put_balances(connection: sqlite3.Connection, balances: Iterable[Balance]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO balances VALUES (?, ?, ?, ?, ?)",
        [
            (held.account, held.asset, write(held.free), write(held.locked), write(held.external))
            for held in balances
        ],
    )


def put_update_times(connection: sqlite3.Connection, accounts: Iterable[Account]) -> None:
    connection.executemany(
        "UPDATE accounts SET updated_at = ? WHERE name = ?",
        [(account.updated_at, account.name) for account in accounts],
    )


def put_orders(connection: sqlite3.Connection, orders: Iterable[Order]) -> None:
    rows = [_order_row(order) for order in orders]
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT OR REPLACE INTO orders VALUES ({marks})", rows)  # noqa: S608
        connection.executemany(
            "UPDATE accounts SET updated_at = ? WHERE name = ?",
            {(order.account.updated_at, order.account.name) for order in orders},
        )


def put_fills(connection: sqlite3.Connection, fills: Iterable[Fill]) -> None:
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


def _order_row(order: Order) -> Row:
    cells = {"account": order.account.name, "is_buy": int(order.is_buy)}
    return tuple(
        cells[name]
        if name in cells
        else write(getattr(order, name))
        if name in ORDER_AMOUNTS
        else getattr(order, name)
        for name in ORDER_COLUMNS
    )


def read_order(row: Row, accounts: Mapping[str, Account], lists: Mapping[int, OrderList]) -> Order:
    """Read an order and put it into its list, if it has one."""
    cells = dict(zip(ORDER_COLUMNS, row, strict=True))
    for name in ORDER_AMOUNTS:
        cells[name] = read(cells[name])
    account = accounts[cells.pop("account")]
    order_list = lists.get(cells.pop("list_id"))
    is_buy = bool(cells.pop("is_buy"))
    order = Order(account=account, is_buy=is_buy, order_list=order_list, **cells)
    if order_list is not None:
        order_list.orders.append(order)
    return order


def read_fill(row: Row, orders: Mapping[str, Mapping[int, Order]]) -> Fill:
    symbol, trade, order, price, quantity, quote, commission, asset, time, maker = row
    return Fill(
        id=trade,
        order=orders[symbol][order],
        price=read(price),
        quantity=read(quantity),
        quote=read(quote),
        commission=read(commission),
        commission_asset=asset,
        time=time,
        is_maker=bool(maker),
    )


def read_list(row: Row, accounts: Mapping[str, Account]) -> OrderList:
    number, symbol, account, client_list_id, kind, time, update_time, done = row
    found = OrderList(number, symbol, accounts[account], client_list_id, kind, time)
    found.update_time, found.done = update_time, bool(done)
    return found


def read_prevention(row: Row, orders: Mapping[int, Order]) -> Prevention:
    number, taker, maker, price, taker_quantity, maker_quantity, mode, group, time = row
    return Prevention(
        number,
        orders[taker],
        orders[maker],
        read(price),
        read(taker_quantity),
        read(maker_quantity),
        mode,
        group,
        time,
    )


def read_amendment(row: Row, orders: Mapping[int, Order]) -> Amendment:
    number, order, client_order_id, new_id, quantity, new_quantity, time = row
    quantities = (read(quantity), read(new_quantity))
    return Amendment(number, orders[order], client_order_id, new_id, *quantities, time)


def read_transfer(row: Row, accounts: Mapping[str, Account]) -> Transfer:
    account, asset, amount, time = row
    return Transfer(accounts[account], asset, read(amount), time)


def put_lists(connection: sqlite3.Connection, lists: Iterable[OrderList]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO lists VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                found.id,
                found.symbol,
                found.account.name,
                found.client_list_id,
                found.kind,
                found.time,
                found.update_time,
                int(found.done),
            )
            for found in lists
        ],
    )


def put_preventions(connection: sqlite3.Connection, preventions: Iterable[Prevention]) -> None:
    connection.executemany(
        "INSERT INTO preventions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                found.id,
                found.taker.id,
                found.maker.id,
                write(found.price),
                write(found.taker_quantity),
                write(found.maker_quantity),
                found.mode,
                found.trade_group,
                found.time,
            )
            for found in preventions
        ],
    )


def put_amendments(connection: sqlite3.Connection, amendments: Iterable[Amendment]) -> None:
    connection.executemany(
        "INSERT INTO amendments VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                found.id,
                found.order.id,
                found.client_order_id,
                found.new_client_order_id,
                write(found.quantity),
                write(found.new_quantity),
                found.time,
            )
            for found in amendments
        ],
    )


def put_transfers(connection: sqlite3.Connection, transfers: Iterable[Transfer]) -> None:
    connection.executemany(
        "INSERT INTO transfers VALUES (?, ?, ?, ?)",
        [(found.account.name, found.asset, write(found.amount), found.time) for found in transfers],
    )


def read(text: str | int) -> int:
    """Read an amount as `write` wrote it, below zero too."""
    written = str(text)
    if written.startswith("-"):
        return -read(written[1:])
    found = parse(written)
    assert found is not None, f"not an amount: {text}"
    return found.units
