"""The payloads of the REST and WebSocket API, in Binance's shapes."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from lib.simulator.account import Account
from lib.simulator.orders import Fill, Order, Prevention
from lib.simulator.units import ZERO_TEXT, write

Body: TypeAlias = dict[str, Any]

BASIS_POINTS: Final = 10_000


def acknowledged(order: Order) -> Body:
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": order.time,
    }


def result(order: Order, preventions: Sequence[Prevention]) -> Body:
    body = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": order.time,
        "price": write(order.price),
        "origQty": write(order.quantity),
        "executedQty": write(order.executed),
        "origQuoteOrderQty": write(order.quote_quantity),
        "cummulativeQuoteQty": write(order.executed_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": "BUY" if order.is_buy else "SELL",
        "workingTime": order.working_time,
        "selfTradePreventionMode": order.stp_mode,
    }
    if order.stop_price:
        body["stopPrice"] = write(order.stop_price)
    _add_conditional(body, order)
    if preventions:
        body["preventedMatches"] = [_prevention(found) for found in preventions]
        body["preventedQuantity"] = write(order.prevented)
    return body


def full(order: Order, fills: Iterable[Fill], preventions: Sequence[Prevention]) -> Body:
    body = result(order, preventions)
    body["fills"] = []
    if order.executed:
        body["fills"] = [_fill(fill) for fill in fills if fill.order is order]
    return body


def canceled(order: Order, now: int) -> Body:
    body = {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.cancel_id,
        "transactTime": now,
        "price": write(order.price),
        "origQty": write(order.quantity),
        "executedQty": write(order.executed),
        "origQuoteOrderQty": write(order.quote_quantity),
        "cummulativeQuoteQty": write(order.executed_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": "BUY" if order.is_buy else "SELL",
        "selfTradePreventionMode": order.stp_mode,
    }
    if order.stop_price:
        body["stopPrice"] = write(order.stop_price)
    _add_conditional(body, order)
    return body


def queried(order: Order, client_order_id: str) -> Body:
    """An order as GET /order, openOrders and allOrders show it."""
    body = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": client_order_id,
        "price": write(order.price),
        "origQty": write(order.quantity),
        "executedQty": write(order.executed),
        "cummulativeQuoteQty": write(order.executed_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": "BUY" if order.is_buy else "SELL",
        "stopPrice": write(order.stop_price),
        "icebergQty": ZERO_TEXT,
        "time": order.time,
        "updateTime": order.update_time,
        "isWorking": not order.waiting,
        "workingTime": order.working_time,
        "origQuoteOrderQty": write(order.quote_quantity),
        "selfTradePreventionMode": order.stp_mode,
    }
    _add_conditional(body, order)
    if order.prevented_id >= 0:
        body["preventedMatchId"] = order.prevented_id
        body["preventedQuantity"] = write(order.prevented)
    return body


def own_trade(fill: Fill) -> Body:
    return {
        "symbol": fill.order.symbol,
        "id": fill.id,
        "orderId": fill.order.id,
        "orderListId": -1,
        "price": write(fill.price),
        "qty": write(fill.quantity),
        "quoteQty": write(fill.quote),
        "commission": write(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time,
        "isBuyer": fill.order.is_buy,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def account(owner: Account, maker: int, taker: int, *, without_zeros: bool) -> Body:
    """The account, rates in units."""
    return {
        "makerCommission": maker * BASIS_POINTS // 10**8,
        "takerCommission": taker * BASIS_POINTS // 10**8,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": write(maker),
            "taker": write(taker),
            "buyer": ZERO_TEXT,
            "seller": ZERO_TEXT,
        },
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": owner.updated_at,
        "accountType": "SPOT",
        "balances": [
            {"asset": held.asset, "free": write(held.free), "locked": write(held.locked)}
            for held in sorted(owner.balances.values(), key=lambda held: held.asset)
            if held.free or held.locked or not without_zeros
        ],
        "permissions": ["SPOT"],
        "uid": owner.uid,
    }


def _fill(fill: Fill) -> Body:
    return {
        "price": write(fill.price),
        "qty": write(fill.quantity),
        "commission": write(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.id,
    }


def _prevention(found: Prevention) -> Body:
    body: Body = {
        "preventedMatchId": found.id,
        "makerOrderId": found.maker.id,
        "price": write(found.price),
    }
    if found.taker_quantity:
        body["takerPreventedQuantity"] = write(found.taker_quantity)
    if found.maker_quantity:
        body["makerPreventedQuantity"] = write(found.maker_quantity)
    return body


def _add_conditional(body: Body, order: Order) -> None:
    if order.strategy_id is not None:
        body["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        body["strategyType"] = order.strategy_type
    if order.reason:
        body["expiryReason"] = order.reason
