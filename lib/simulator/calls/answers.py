"""The payloads of the REST and WebSocket API, in Binance's shapes."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from lib.simulator.books.orders import STOPS, Amendment, Fill, Order, Prevention
from lib.simulator.units import write

Body: TypeAlias = dict[str, Any]


def acknowledged(order: Order) -> Body:
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": order.time,
    }


def result(order: Order, preventions: Sequence[Prevention]) -> Body:
    body = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
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
    _add_conditional(body, order)
    if preventions:
        _add_preventions(body, order, preventions)
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
        "orderListId": order.list_id,
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
    _add_conditional(body, order)
    _add_prevented(body, order)
    return body


def queried(order: Order, client_order_id: str) -> Body:
    """An order as GET /order, openOrders and allOrders show it."""
    body = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
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
        "icebergQty": write(order.iceberg),
        "time": order.time,
        "updateTime": order.update_time,
        "isWorking": not order.waiting,
        "workingTime": order.working_time,
        "origQuoteOrderQty": write(order.quote_quantity),
        "selfTradePreventionMode": order.stp_mode,
    }
    _add_conditional(body, order)
    _add_prevented(body, order)
    return body


def amended(order: Order, before: str) -> Body:
    """An order that was amended, and the client order id it had before; the words are its own."""
    body: Body = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "origClientOrderId": before,
        "clientOrderId": order.client_order_id,
        "price": write(order.price),
        "qty": write(order.quantity),
        "executedQty": write(order.executed),
        "preventedQty": write(order.prevented),
        "quoteOrderQty": write(order.quote_quantity),
        "cumulativeQuoteQty": write(order.executed_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }
    if not order.pending:
        body["workingTime"] = order.working_time
    body["selfTradePreventionMode"] = order.stp_mode
    _add_conditional(body, order)
    return body


def amendment(found: Amendment) -> Body:
    return {
        "symbol": found.order.symbol,
        "orderId": found.order.id,
        "executionId": found.id,
        "origClientOrderId": found.client_order_id,
        "newClientOrderId": found.new_client_order_id,
        "origQty": write(found.quantity),
        "newQty": write(found.new_quantity),
        "time": found.time,
    }


def prevented_match(found: Prevention) -> Body:
    """A prevented match as GET /myPreventedMatches shows it."""
    body: Body = {
        "symbol": found.taker.symbol,
        "preventedMatchId": found.id,
        "takerOrderId": found.taker.id,
        "makerSymbol": found.maker.symbol,
        "makerOrderId": found.maker.id,
        "tradeGroupId": found.trade_group,
        "selfTradePreventionMode": found.mode,
        "price": write(found.price),
    }
    _add_losses(body, found)
    body["transactTime"] = found.time
    return body


def own_trade(fill: Fill) -> Body:
    return {
        "symbol": fill.order.symbol,
        "id": fill.id,
        "orderId": fill.order.id,
        "orderListId": fill.order.list_id,
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


def _fill(fill: Fill) -> Body:
    return {
        "price": write(fill.price),
        "qty": write(fill.quantity),
        "commission": write(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.id,
    }


def _add_preventions(body: Body, order: Order, preventions: Sequence[Prevention]) -> None:
    """Tell of the trades with oneself that this order, as the taker, was kept from."""
    mine = [found for found in preventions if found.taker is order]
    if mine:
        body["preventedMatches"] = [_prevention(found) for found in mine]
        if order.account.trade_group >= 0:
            body["tradeGroupId"] = order.account.trade_group
    if order.prevented:
        body["preventedQuantity"] = write(order.prevented)


def _prevention(found: Prevention) -> Body:
    body: Body = {
        "preventedMatchId": found.id,
        "makerSymbol": found.maker.symbol,
        "makerOrderId": found.maker.id,
        "price": write(found.price),
    }
    _add_losses(body, found)
    return body


def _add_losses(body: Body, found: Prevention) -> None:
    if found.taker_quantity:
        body["takerPreventedQuantity"] = write(found.taker_quantity)
    if found.maker_quantity:
        body["makerPreventedQuantity"] = write(found.maker_quantity)


def _add_prevented(body: Body, order: Order) -> None:
    if order.prevented_id >= 0:
        body["preventedMatchId"] = order.prevented_id
        body["preventedQuantity"] = write(order.prevented)


def _add_conditional(body: Body, order: Order) -> None:
    if order.type in STOPS:
        body["stopPrice"] = write(order.stop_price)
    if order.iceberg:
        body["icebergQty"] = write(order.iceberg)
    if order.trailing_delta:
        body["trailingDelta"] = order.trailing_delta
        body["trailingTime"] = order.trailing_time
    if order.strategy_id is not None:
        body["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        body["strategyType"] = order.strategy_type
    if order.reason:
        body["expiryReason"] = order.reason
