"""Binance's JSON, read once into the core's values.

Whatever does not read as Binance documents it raises Unreadable: the callers decide whether that
leaves an outcome unknown or a question unanswered.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from lib.binance.transport import Frame
from lib.exchange import (
    ZERO,
    AccountState,
    AmendRequest,
    Balance,
    CancelRequest,
    Candle,
    Fill,
    OrderRecord,
    OrderStatus,
    PlaceRequest,
    Quote,
    Side,
)
from lib.money import EXACT, SymbolRules, plain

NO_TRADE: Final = -1
AMOUNT: Final = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")


class Unreadable(ValueError):
    """An answer or event does not have the shape that Binance documents."""


# --- what we say


def placing(request: PlaceRequest) -> dict[str, str]:
    """Write an order's parameters. The id is always ours; amounts carry no exponent."""
    params = {
        "symbol": request.symbol,
        "side": request.side,
        "type": request.type,
        "newClientOrderId": request.client_order_id,
        "newOrderRespType": "FULL",
    }
    optional = {
        "timeInForce": request.time_in_force,
        "quantity": _written(request.quantity),
        "quoteOrderQty": _written(request.quote_quantity),
        "price": _written(request.price),
        "stopPrice": _written(request.stop_price),
        "trailingDelta": None if request.trailing_delta is None else str(request.trailing_delta),
    }
    return params | {name: value for name, value in optional.items() if value is not None}


def canceling(request: CancelRequest) -> dict[str, str]:
    """Write a cancel's parameters. With both ids Binance checks that they are of one order."""
    params = {
        "symbol": request.symbol,
        "origClientOrderId": request.target_client_order_id,
        "newClientOrderId": request.client_order_id,
    }
    if request.target_order_id is not None:
        params["orderId"] = str(request.target_order_id)
    return params


def amending(request: AmendRequest) -> dict[str, str]:
    """Write an amend's parameters. Without its own id as the new one Binance would rename it."""
    params = {
        "symbol": request.symbol,
        "origClientOrderId": request.client_order_id,
        "newClientOrderId": request.client_order_id,
        "newQty": plain(request.quantity),
    }
    if request.order_id is not None:
        params["orderId"] = str(request.order_id)
    return params


def _written(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


# --- what we hear of orders


def order(body: object) -> OrderRecord:
    """Read a row of order, openOrders or allOrders."""
    row = mapping(body)
    return _record(
        row,
        client_order_id=text(row, "clientOrderId"),
        created_at=whole(row, "time"),
        updated_at=whole(row, "updateTime"),
    )


def orders(body: object) -> list[OrderRecord]:
    return [order(row) for row in rows(body)]


def placed(body: object, request: PlaceRequest) -> OrderRecord:
    """Read the answer to a placement. Raises Unreadable unless it is the acceptance of ours."""
    row = mapping(body)
    if text(row, "clientOrderId") != request.client_order_id:
        raise Unreadable("the answer is about another client order id")
    if text(row, "symbol") != request.symbol:
        raise Unreadable("the answer is about another symbol")
    at = whole(row, "transactTime")
    fills = tuple(_placed_fill(each, at) for each in rows(row.get("fills", [])))
    return _record(
        row,
        client_order_id=request.client_order_id,
        created_at=at,
        updated_at=at,
        stop_price=request.stop_price or ZERO,
        fills=fills,
    )


def canceled(body: object, request: CancelRequest) -> OrderRecord:
    """Read the answer to a cancel; of a list, the report of the leg that was asked for."""
    row = mapping(body)
    if "orderReports" in row:
        row = _leg(rows(row["orderReports"]), request.target_client_order_id)
    if text(row, "origClientOrderId") != request.target_client_order_id:
        raise Unreadable("the answer is about another order")
    return _record(
        row,
        client_order_id=request.target_client_order_id,
        created_at=0,
        updated_at=whole(row, "transactTime"),
    )


def amended(body: object, request: AmendRequest) -> OrderRecord:
    """Read the answer to an amend, whose order spells its amounts in words of its own."""
    answer = mapping(body)
    row = mapping(answer.get("amendedOrder"))
    for key in ("origClientOrderId", "clientOrderId"):
        if text(row, key) != request.client_order_id:
            raise Unreadable("the answer is about another order")
    words = {"origQty": "qty", "cummulativeQuoteQty": "cumulativeQuoteQty"}
    usual = {ours: text(row, theirs) for ours, theirs in words.items()}
    return _record(
        {**row, **usual},
        client_order_id=request.client_order_id,
        created_at=0,
        updated_at=whole(answer, "transactTime"),
    )


def execution(event: Frame) -> OrderRecord:
    """Read an executionReport, with the trade it tells of, if any."""
    cumulative = amount(event, "z")
    at = whole(event, "T")
    return OrderRecord(
        symbol=text(event, "s"),
        order_id=_order_id(event, "i"),
        client_order_id=_placed_under(event),
        side=_side(event, "S"),
        type=text(event, "o"),
        status=_status(event, "X"),
        time_in_force=text(event, "f"),
        price=amount(event, "p"),
        stop_price=amount(event, "P"),
        quantity=amount(event, "q"),
        quote_quantity=amount(event, "Q"),
        executed=cumulative,
        executed_quote=max(ZERO, amount(event, "Z")),
        created_at=whole(event, "O"),
        updated_at=at,
        reason=_reason(event.get("eR"), event.get("r")),
        fills=_event_fills(event, at),
    )


def fills(body: object) -> list[Fill]:
    """Read rows of myTrades."""
    return [_trade(row) for row in rows(body)]


# --- what we hear of the account and the market


def account(body: object) -> AccountState:
    row = mapping(body)
    return AccountState(
        balances=_balances(row.get("balances"), "asset", "free", "locked"),
        time=whole(row, "updateTime"),
        uid=str(row.get("uid", "")),
        can_trade=row.get("canTrade", True) is True,
        can_withdraw=row.get("canWithdraw", False) is True,
    )


def position(event: Frame) -> AccountState:
    """Read an outboundAccountPosition: absolute amounts of what may have changed."""
    return AccountState(balances=_balances(event.get("B"), "a", "f", "l"), time=whole(event, "u"))


def rules(body: object) -> dict[str, SymbolRules]:
    """Read exchangeInfo. Raises Unreadable, naming the symbol whose rules cannot be read."""
    try:
        found = [SymbolRules.parse(row) for row in rows(mapping(body).get("symbols"))]
    except ValueError as wrong:
        raise Unreadable(str(wrong)) from None
    return {each.symbol: each for each in found}


def rate_limits(body: object) -> list[Frame]:
    return rows(mapping(body).get("rateLimits", []))


def server_time(body: object) -> int:
    return whole(mapping(body), "serverTime")


def candles(body: object) -> list[Candle]:
    return [_candle(row) for row in _sequence(body)]


def ticker(body: object) -> Quote:
    """Read a row of ticker/24hr, of which only the present is of interest."""
    row = mapping(body)
    return Quote(
        symbol=text(row, "symbol"),
        bid=amount(row, "bidPrice"),
        ask=amount(row, "askPrice"),
        last=amount(row, "lastPrice"),
        time=whole(row, "closeTime"),
    )


# --- the grain of JSON


def mapping(value: object) -> Frame:
    if not isinstance(value, dict):
        raise Unreadable(f"{type(value).__name__} where an object belongs")
    return value


def rows(value: object) -> list[Frame]:
    return [mapping(each) for each in _sequence(value)]


def text(row: Frame, key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{key} is {value!r}, no text")
    return value


def whole(row: Frame, key: str) -> int:
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(f"{key} is {value!r}, no whole number")
    return value


def amount(row: Frame, key: str) -> Decimal:
    """Read an exact amount; absent it is zero. A JSON number would be a float, and is refused."""
    value = row.get(key, "0")
    return ZERO if value == "0.00000000" else _exact(value, key)  # by far the most frequent one


def _exact(value: object, key: object) -> Decimal:
    if not isinstance(value, str) or not AMOUNT.fullmatch(value):
        raise Unreadable(f"{key} is {value!r}, no amount")
    return Decimal(value)


def _sequence(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Unreadable(f"{type(value).__name__} where a list belongs")
    return value


# --- parts of the above


def _record(
    row: Frame,
    *,
    client_order_id: str,
    created_at: int,
    updated_at: int,
    stop_price: Decimal = ZERO,
    fills: tuple[Fill, ...] = (),
) -> OrderRecord:
    return OrderRecord(
        symbol=text(row, "symbol"),
        order_id=_order_id(row, "orderId"),
        client_order_id=client_order_id,
        side=_side(row, "side"),
        type=text(row, "type"),
        status=_status(row, "status"),
        time_in_force=text(row, "timeInForce"),
        price=amount(row, "price"),
        stop_price=amount(row, "stopPrice") if "stopPrice" in row else stop_price,
        quantity=amount(row, "origQty"),
        quote_quantity=amount(row, "origQuoteOrderQty"),
        executed=amount(row, "executedQty"),
        executed_quote=max(ZERO, amount(row, "cummulativeQuoteQty")),  # negative: not available
        created_at=created_at,
        updated_at=updated_at,
        reason=_reason(row.get("expiryReason")),
        fills=fills,
    )


def _order_id(row: Frame, key: str) -> int:
    found = whole(row, key)
    if found < 0:
        raise Unreadable(f"{key} is {found}, no order")
    return found


def _side(row: Frame, key: str) -> Side:
    found = text(row, key)
    if found not in {"BUY", "SELL"}:
        raise Unreadable(f"{key} is {found!r}, no side")
    return cast("Side", found)


def _status(row: Frame, key: str) -> OrderStatus:
    found = text(row, key)
    try:
        return OrderStatus(found)
    except ValueError:
        raise Unreadable(f"{key} is {found!r}, no order status we know") from None


def _reason(*candidates: object) -> str:
    for found in candidates:
        if isinstance(found, str) and found not in {"", "NONE"}:
            return found
    return ""


def _placed_under(event: Frame) -> str:
    """After a cancel `c` is the cancel's id, and `C` the one the order was placed under."""
    original = event.get("C")
    return original if isinstance(original, str) and original else text(event, "c")


def _leg(reports: Iterable[Frame], client_order_id: str) -> Frame:
    for report in reports:
        if report.get("origClientOrderId") == client_order_id:
            return report
    raise Unreadable("the canceled list does not hold the order asked for")


def _placed_fill(row: Frame, at: int) -> Fill:
    price, quantity = amount(row, "price"), amount(row, "qty")
    return Fill(
        trade_id=whole(row, "tradeId"),
        price=price,
        quantity=quantity,
        quote=EXACT.multiply(price, quantity),
        commission=amount(row, "commission"),
        commission_asset=text(row, "commissionAsset"),
        time=at,
    )


def _event_fills(event: Frame, at: int) -> tuple[Fill, ...]:
    if event.get("x") != "TRADE" or whole(event, "t") == NO_TRADE:
        return ()
    commission_asset = event.get("N")
    return (
        Fill(
            trade_id=whole(event, "t"),
            price=amount(event, "L"),
            quantity=amount(event, "l"),
            quote=amount(event, "Y"),
            commission=amount(event, "n"),
            commission_asset=commission_asset if isinstance(commission_asset, str) else "",
            time=at,
        ),
    )


def _trade(row: Frame) -> Fill:
    return Fill(
        trade_id=whole(row, "id"),
        price=amount(row, "price"),
        quantity=amount(row, "qty"),
        quote=amount(row, "quoteQty"),
        commission=amount(row, "commission"),
        commission_asset=text(row, "commissionAsset"),
        time=whole(row, "time"),
    )


def _balances(value: object, asset: str, free: str, locked: str) -> Mapping[str, Balance]:
    return {
        text(row, asset): Balance(free=amount(row, free), locked=amount(row, locked))
        for row in rows(value)
    }


def _candle(row: object) -> Candle:
    cells: Sequence[object] = _sequence(row)
    if len(cells) < 7:
        raise Unreadable(f"a candle of {len(cells)} cells")
    opened, closed = cells[0], cells[6]
    if not isinstance(opened, int) or not isinstance(closed, int):
        raise Unreadable("a candle without times")
    first, high, low, last, volume = (_exact(cell, "candle") for cell in cells[1:6])
    return Candle(opened, first, high, low, last, volume, closed)
