"""Binance's JSON, read once into the core's values.

Whatever does not read as Binance documents it raises Unreadable: the callers decide whether that
leaves an outcome unknown or a question unanswered.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from lib.binance.grain import (
    TEXT_MAX,
    amount,
    amount_if_known,
    amount_if_said,
    exact,
    flag,
    mapping,
    moment,
    rows,
    sequence,
    shown,
    text,
    whole,
    word,
)
from lib.binance.grain import Unreadable as Unreadable
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
    PublicTrade,
    Quote,
    Rulebook,
    Side,
)
from lib.filters import Counts
from lib.money import EXACT, EXCHANGE_WIDE, SymbolRules, plain

NO_TRADE: Final = -1
MONEY_GRAIN: Final = Decimal("0.00001")  # what rounding may take from a value, and more
APART: Final = 10  # times: best prices and last trade of a market that can be traded are closer


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
        created_at=moment(row, "time"),
        updated_at=moment(row, "updateTime"),
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
    at = moment(row, "transactTime")
    fills = tuple(_placed_fill(each, at) for each in rows(row.get("fills", [])))
    _check_worth(fills, amount(row, "cummulativeQuoteQty"))
    return _record(
        row,
        client_order_id=request.client_order_id,
        created_at=at,
        updated_at=at,
        stop_price=request.stop_price or ZERO,
        fills=fills,
    )


def _check_worth(fills: Iterable[Fill], quote: Decimal) -> None:
    """Refuse an acceptance whose trades are not worth what it says in sum."""
    worth = sum((fill.quote for fill in fills), ZERO)
    if worth and abs(worth - quote) * 100 > worth + MONEY_GRAIN:
        raise Unreadable(f"trades worth {worth} in an order worth {quote}")


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
        updated_at=moment(row, "transactTime"),
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
        updated_at=moment(answer, "transactTime"),
    )


def execution(event: Frame) -> OrderRecord:
    """Read an executionReport, with the trade it tells of, if any."""
    at = moment(event, "T")
    record = OrderRecord(
        symbol=text(event, "s"),
        order_id=_order_id(event, "i"),
        client_order_id=_placed_under(event),
        side=_side(event, "S"),
        type=word(event, "o"),
        status=_status(event, "X"),
        time_in_force=word(event, "f"),
        price=amount(event, "p"),
        stop_price=amount(event, "P"),
        quantity=amount(event, "q"),
        quote_quantity=amount(event, "Q"),
        executed=amount(event, "z"),
        executed_quote=amount_if_known(event, "Z"),
        created_at=moment(event, "O"),
        updated_at=at,
        reason=_reason(event.get("eR"), event.get("r")),
        order_list_id=_order_list_id(event.get("g")),
        fills=_event_fills(event, at),
    )
    return _possible(record)


def fills(body: object) -> list[Fill]:
    """Read rows of myTrades."""
    return [_trade(row) for row in rows(body)]


# --- what we hear of the account and the market


def account(body: object) -> AccountState:
    row = mapping(body)
    return AccountState(
        balances=_balances(row.get("balances"), "asset", "free", "locked"),
        time=moment(row, "updateTime"),
        uid=str(whole(row, "uid")),
        can_trade=flag(row, "canTrade"),
        can_withdraw=flag(row, "canWithdraw"),
    )


def position(event: Frame) -> AccountState:
    """Read an outboundAccountPosition: absolute amounts of what may have changed."""
    return AccountState(balances=_balances(event.get("B"), "a", "f", "l"), time=moment(event, "u"))


def rules(body: object) -> Rulebook:
    """Read exchangeInfo. A symbol whose rules cannot be read costs no other its own.

    Raises Unreadable when that is every symbol, or what holds for all of them cannot be read.
    """
    try:
        everywhere = {str(row["filterType"]): row for row in _exchange_filters(body)}
        counts = Counts.parse(everywhere, EXCHANGE_WIDE)
        symbols = rows(mapping(body).get("symbols"))
    except (ValueError, TypeError) as wrong:
        raise Unreadable(str(wrong)[:TEXT_MAX]) from None
    found: dict[str, SymbolRules] = {}
    unread: dict[str, str] = {}
    for row in symbols:
        try:
            read = SymbolRules.parse(row, counts)
        except (ValueError, TypeError) as wrong:
            unread[_symbol_named(row)] = str(wrong)[:TEXT_MAX]
        else:
            found[read.symbol] = read
    if unread and not found:
        raise Unreadable(next(iter(unread.values())))
    return Rulebook(found, unread)


def _symbol_named(row: Frame) -> str:
    name = row.get("symbol")
    return name if isinstance(name, str) else ""


def _exchange_filters(body: object) -> list[Frame]:
    return [row for row in rows(mapping(body).get("exchangeFilters") or []) if "filterType" in row]


def rate_limits(body: object) -> list[Frame]:
    return rows(mapping(body).get("rateLimits", []))


def server_time(body: object) -> int:
    return moment(mapping(body), "serverTime")


def candles(body: object) -> list[Candle]:
    return [_candle(row) for row in sequence(body)]


def public_trades(body: object) -> list[PublicTrade]:
    """Read aggTrades: what one order took at one price is one trade."""
    return [
        PublicTrade(
            id=whole(row, "a"),
            price=amount(row, "p"),
            quantity=amount(row, "q"),
            time=moment(row, "T"),
            buyer_is_maker=flag(row, "m"),
        )
        for row in rows(body)
    ]


def ticker(body: object) -> Quote:
    """Read a row of ticker/24hr, of which only the present is of interest."""
    row = mapping(body)
    quote = Quote(
        symbol=text(row, "symbol"),
        bid=amount(row, "bidPrice"),
        ask=amount(row, "askPrice"),
        last=amount(row, "lastPrice"),
        time=moment(row, "closeTime"),
    )
    return coherent_quote(quote)


def coherent_quote(quote: Quote) -> Quote:
    """Refuse prices that deny each other: a single wrong one must not set off a stop."""
    prices = [price for price in (quote.bid, quote.ask, quote.last) if price]
    if prices and max(prices) > min(prices) * APART:
        raise Unreadable(f"bid {quote.bid}, ask {quote.ask} and last {quote.last} at once")
    return quote


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
    record = OrderRecord(
        symbol=text(row, "symbol"),
        order_id=_order_id(row, "orderId"),
        client_order_id=client_order_id,
        side=_side(row, "side"),
        type=word(row, "type"),
        status=_status(row, "status"),
        time_in_force=word(row, "timeInForce"),
        price=amount(row, "price"),
        stop_price=amount(row, "stopPrice") if "stopPrice" in row else stop_price,
        quantity=amount(row, "origQty"),
        quote_quantity=amount_if_said(row, "origQuoteOrderQty"),
        executed=amount(row, "executedQty"),
        executed_quote=amount_if_known(row, "cummulativeQuoteQty"),
        created_at=created_at,
        updated_at=updated_at,
        reason=_reason(row.get("expiryReason")),
        order_list_id=_order_list_id(row.get("orderListId")),
        fills=fills,
    )
    return _possible(record)


def _possible(record: OrderRecord) -> OrderRecord:
    """Refuse what cannot be true of any order; one by quote quantity says its size in the end."""
    executed, quantity = record.executed, record.quantity
    if not record.quote_quantity and executed > quantity:
        raise Unreadable(f"executed {executed} of {quantity}")
    if not record.quote_quantity and record.status is OrderStatus.FILLED and executed != quantity:
        raise Unreadable(f"filled with {executed} of {quantity}")
    if record.status is OrderStatus.NEW and executed:
        raise Unreadable(f"new, and executed {executed}")
    return record


def _order_id(row: Frame, key: str) -> int:
    found = whole(row, key)
    if found < 0:
        raise Unreadable(f"{key} is {found}, no order")
    return found


def _order_list_id(found: object) -> int | None:
    """Read the exchange's id of an order's list; a single order has -1."""
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool):
        raise Unreadable("an order list's id is no whole number")
    return found if found >= 0 else None


def _side(row: Frame, key: str) -> Side:
    found = text(row, key)
    if found not in {"BUY", "SELL"}:
        raise Unreadable(f"{key} is {shown(found)}, no side")
    return cast("Side", found)


def _status(row: Frame, key: str) -> OrderStatus:
    found = text(row, key)
    try:
        return OrderStatus(found)
    except ValueError:
        raise Unreadable(f"{key} is {shown(found)}, no order status we know") from None


def _reason(*candidates: object) -> str:
    for found in candidates:
        if isinstance(found, str) and found not in {"", "NONE"}:
            return found
    return ""


def _placed_under(event: Frame) -> str:
    """After a cancel `c` is the cancel's id, and `C` the one the order was placed under."""
    return text(event, "c" if event.get("C") == "" else "C")


def _leg(reports: Iterable[Frame], client_order_id: str) -> Frame:
    for report in reports:
        if report.get("origClientOrderId") == client_order_id:
            return report
    raise Unreadable("the canceled list does not hold the order asked for")


def _placed_fill(row: Frame, at: int) -> Fill:
    price, quantity = amount(row, "price"), amount(row, "qty")
    fill = Fill(
        trade_id=whole(row, "tradeId"),
        price=price,
        quantity=quantity,
        quote=EXACT.multiply(price, quantity),
        commission=amount(row, "commission"),
        commission_asset=text(row, "commissionAsset"),
        time=at,
    )
    return _coherent(fill)


def _event_fills(event: Frame, at: int) -> tuple[Fill, ...]:
    if event.get("x") != "TRADE" or whole(event, "t") == NO_TRADE:
        return ()
    commission = amount(event, "n")
    fill = Fill(
        trade_id=whole(event, "t"),
        price=amount(event, "L"),
        quantity=amount(event, "l"),
        quote=amount(event, "Y"),
        commission=commission,
        commission_asset=text(event, "N") if commission or event.get("N") is not None else "",
        time=at,
    )
    return (_coherent(fill),)


def _trade(row: Frame) -> Fill:
    fill = Fill(
        trade_id=whole(row, "id"),
        price=amount(row, "price"),
        quantity=amount(row, "qty"),
        quote=amount(row, "quoteQty"),
        commission=amount(row, "commission"),
        commission_asset=text(row, "commissionAsset"),
        time=moment(row, "time"),
    )
    return _coherent(fill)


def _coherent(fill: Fill) -> Fill:
    """Refuse a trade of nothing, and one whose value is not its price times its quantity."""
    value = EXACT.multiply(fill.price, fill.quantity)
    if not value or abs(value - fill.quote) * 100 > value + MONEY_GRAIN:
        raise Unreadable(f"a trade of {fill.quantity} at {fill.price} for {fill.quote}")
    return fill


def _balances(value: object, asset: str, free: str, locked: str) -> Mapping[str, Balance]:
    return {
        text(row, asset): Balance(free=amount(row, free), locked=amount(row, locked))
        for row in rows(value)
    }


def _candle(row: object) -> Candle:
    cells: Sequence[object] = sequence(row)
    if len(cells) < 7:
        raise Unreadable(f"a candle of {len(cells)} cells")
    opened, closed = cells[0], cells[6]
    if not isinstance(opened, int) or not isinstance(closed, int):
        raise Unreadable("a candle without times")
    first, high, low, last, volume = (exact(cell, "candle") for cell in cells[1:6])
    return Candle(opened, first, high, low, last, volume, closed)
