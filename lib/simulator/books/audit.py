"""Everything the books hold, as JSON, and whether it can be true.

The first is what a test compares a bot's belief with; the second finds what the venue got wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, TypeAlias

from lib.simulator.books.account import Account
from lib.simulator.books.books import Books
from lib.simulator.books.orders import STOPS, Fill, Order, OrderList
from lib.simulator.units import quote_of, write

Amounts: TypeAlias = Counter[tuple[Account, str]]  # by account and asset, in units


def audit(books: Books) -> tuple[str, ...]:
    """Say what is wrong in the books: nothing, if the venue is right.

    The symbols' assets are known once an exchange has opened on the books.
    """
    orders = [order for found in books.orders.values() for order in found.values()]
    return (
        *_wrong_balances(books),
        *_wrong_locks(books, orders),
        *chain.from_iterable(_wrong_order(order) for order in orders),
        *_wrong_sums(books, orders),
        *_taken_twice(orders),
        *_wrong_trades(books),
        *chain.from_iterable(_wrong_list(found) for found in books.lists.values()),
    )


def state_of(books: Books) -> dict[str, Any]:
    """Return all orders, trades and balances of all accounts, oldest first."""
    return {
        "orders": [_order(order) for orders in books.orders.values() for order in orders.values()],
        "trades": [_fill(fill) for fills in books.fills.values() for fill in fills],
        "balances": {name: _balances(account) for name, account in books.accounts.items()},
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "account": order.account.name,
        "symbol": order.symbol,
        "orderId": order.id,
        "clientOrderId": order.client_order_id,
        "cancelId": order.cancel_id,
        "side": order.side,
        "type": order.type,
        "timeInForce": order.time_in_force,
        "status": order.status,
        "price": write(order.price),
        "stopPrice": write(order.stop_price),
        "origQty": write(order.quantity),
        "origQuoteOrderQty": write(order.quote_quantity),
        "executedQty": write(order.executed),
        "cummulativeQuoteQty": write(order.executed_quote),
        "time": order.time,
        "updateTime": order.update_time,
    }


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "account": fill.order.account.name,
        "symbol": fill.order.symbol,
        "id": fill.id,
        "orderId": fill.order.id,
        "clientOrderId": fill.order.client_order_id,
        "side": fill.order.side,
        "price": write(fill.price),
        "qty": write(fill.quantity),
        "quoteQty": write(fill.quote),
        "commission": write(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time,
        "isMaker": fill.is_maker,
    }


def _balances(account: Account) -> dict[str, dict[str, str]]:
    return {
        asset: {"free": write(held.free), "locked": write(held.locked)}
        for asset, held in account.balances.items()
    }


# --- what is owned


def _wrong_balances(books: Books) -> Iterator[str]:
    """Compare what is owned with all that ever came and went."""
    due = _due(books)
    for account in books.accounts.values():
        for asset, held in account.balances.items():
            where, owned = f"{account.name}'s {asset}", held.free + held.locked
            came = due.pop((account, asset), 0)
            if owned != came:
                yield f"{where}: {write(owned)} are owned, {write(came)} came to it"
            if held.free < 0 or held.locked < held.external or held.external < 0:
                yield f"{where}: {write(held.free)} free and {write(held.locked)} locked"
    for (account, asset), came in due.items():
        if came:
            yield f"{account.name}'s {asset}: nothing is owned, {write(came)} came to it"


def _due(books: Books) -> Amounts:
    """Add up grants, transfers, fills, fees and what prevented trades have moved."""
    due: Amounts = Counter()
    for name, grants in books.grants.items():
        for asset, amount in grants.items():
            due[books.accounts[name], asset] += amount
    for transfer in books.transfers:
        due[transfer.account, transfer.asset] += transfer.amount
    for fill in chain.from_iterable(books.fills.values()):
        _exchange(due, books, fill.order, fill.quantity, fill.quote)
        due[fill.order.account, fill.commission_asset] -= fill.commission
    for found in chain.from_iterable(books.preventions.values()):
        if found.mode == "TRANSFER" and found.taker.account is not found.maker.account:
            quote = quote_of(found.price, found.maker_quantity)
            for order in (found.taker, found.maker):
                _exchange(due, books, order, found.maker_quantity, quote)
    return due


def _exchange(due: Amounts, books: Books, order: Order, quantity: int, quote: int) -> None:
    base_asset, quote_asset = books.pairs[order.symbol]
    sign = 1 if order.is_buy else -1
    due[order.account, base_asset] += sign * quantity
    due[order.account, quote_asset] -= sign * quote


# --- what is set aside


def _wrong_locks(books: Books, orders: Iterable[Order]) -> Iterator[str]:
    """Compare what is locked with what open orders and other systems need."""
    needed: Amounts = Counter()
    for order in orders:
        if order.locked:
            base, quote = books.pairs[order.symbol]
            needed[order.account, quote if order.is_buy else base] += order.locked
        if (not order.open and order.locked) or order.locked < 0:
            yield f"{_name(order)}: {order.status} with {write(order.locked)} locked"
        if order.order_list is None and order.open and order.locked != _need(order):
            yield f"{_name(order)}: {write(order.locked)} locked, {write(_need(order))} needed"
    for account in books.accounts.values():
        for asset, held in account.balances.items():
            expected = needed[account, asset] + held.external
            if held.locked != expected:
                told = f"{write(held.locked)} locked, {write(expected)} needed"
                yield f"{account.name}'s {asset}: {told}"


def _need(order: Order) -> int:
    """Work out what a resting or waiting order may still give."""
    if not order.is_buy:
        return order.remaining
    price = order.price or order.stop_price
    return quote_of(price, order.remaining) if price else order.locked


# --- what orders say of themselves


def _wrong_order(order: Order) -> Iterator[str]:
    """Find what does not fit its status."""
    executed, remaining = order.executed, order.remaining
    fits = {
        "PENDING_NEW": order.order_list is not None and not executed,
        "NEW": not executed and remaining > 0,
        "PARTIALLY_FILLED": executed > 0 and remaining > 0,
        "FILLED": executed > 0 and not remaining,
        "CANCELED": bool(order.cancel_id) and remaining >= 0,
        "EXPIRED": bool(order.reason),
        "EXPIRED_IN_MATCH": order.prevented > 0,
    }
    if not fits.get(order.status, False):
        amounts = f"{write(executed)} of {write(order.quantity)}"
        yield f"{_name(order)}: {order.status} with {amounts} executed"
    if remaining < 0 or min(executed, order.executed_quote, order.prevented) < 0:
        yield f"{_name(order)}: {write(remaining)} remain"


def _wrong_sums(books: Books, orders: Iterable[Order]) -> Iterator[str]:
    """Compare what orders have executed with their fills."""
    filled: Counter[Order] = Counter()
    paid: Counter[Order] = Counter()
    for fill in chain.from_iterable(books.fills.values()):
        filled[fill.order] += fill.quantity
        paid[fill.order] += fill.quote
    for order in orders:
        if (order.executed, order.executed_quote) != (filled[order], paid[order]):
            fills = f"{write(filled[order])} for {write(paid[order])}"
            executed = f"{write(order.executed)} for {write(order.executed_quote)}"
            yield f"{_name(order)}: executed {executed}, its fills say {fills}"


def _taken_twice(orders: Iterable[Order]) -> Iterator[str]:
    """Find client order ids that two open orders have. A waiting stop may share its own."""
    seen: dict[tuple[Account, str, str], Order] = {}
    for order in orders:
        if order.open and order.type not in STOPS:
            other = seen.setdefault((order.account, order.symbol, order.client_order_id), order)
            if other is not order:
                yield f"{_name(order)}: has the client order id of {_name(other)}"


def _wrong_trades(books: Books) -> Iterator[str]:
    """Find trades whose halves do not fit together."""
    for symbol, fills in books.fills.items():
        trades: defaultdict[int, list[Fill]] = defaultdict(list)
        for fill in fills:
            trades[fill.id].append(fill)
        for number, halves in trades.items():
            amounts = {(fill.price, fill.quantity, fill.quote) for fill in halves}
            sides = {(fill.order.is_buy, fill.is_maker) for fill in halves}
            opposed = len(sides) == len(halves) and (len(halves) == 1 or len(dict(sides)) == 2)
            if len(amounts) != 1 or not opposed:
                yield f"trade {number} of {symbol}: {len(halves)} halves that do not fit"


def _wrong_list(order_list: OrderList) -> Iterator[str]:
    """Find a list that goes on although nothing in it does, or locks other than it needs."""
    still = [order for order in order_list.orders if order.open]
    if not still and not order_list.done:
        yield f"list {order_list.id}: none of its orders is open, but it is not done"
    working = [order for order in still if not order.pending]
    locked = sum(order.locked for order in working)
    priced = all(order.price or order.stop_price or not order.is_buy for order in working)
    if working and priced and locked != max(map(_need, working)):
        yield f"list {order_list.id}: {write(locked)} locked"


def _name(order: Order) -> str:
    return f"order {order.id} of {order.account.name}"
