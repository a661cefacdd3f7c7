"""Everything the books hold, as JSON: what a test compares a bot's belief with."""

from typing import Any

from lib.simulator.account import Account
from lib.simulator.books import Books
from lib.simulator.orders import Fill, Order
from lib.simulator.units import write


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
