"""For each filter of Binance a market that has it, and an order that breaks nothing else."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from lib.simulator.exchange import Answer
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry

Breaker: TypeAlias = Callable[[], Answer]

OCO: Final[Mapping[str, Any]] = {
    "symbol": SYMBOL,
    "side": "SELL",
    "quantity": 1,
    "aboveType": "LIMIT_MAKER",
    "abovePrice": 120,
    "belowType": "STOP_LOSS",
    "belowStopPrice": 90,
}
INSTEAD_OF: Final = {"PERCENT_PRICE": "PERCENT_PRICE_BY_SIDE", "MIN_NOTIONAL": "NOTIONAL"}
ALLOWED: Final[Mapping[str, Any]] = {
    "icebergAllowed": True,
    "ocoAllowed": True,
    "otoAllowed": True,
    "allowTrailingStop": True,
    "amendAllowed": True,
}


def _venue(of_symbol: Mapping[str, Any] | None, of_exchange: Mapping[str, Any] | None) -> Venue:
    filters = [dict(of_symbol)] if of_symbol else []
    changes = {"exchangeFilters": [of_exchange]} if of_exchange else {}
    entry = symbol_entry(filters=filters, **ALLOWED)
    instead = INSTEAD_OF.get(filters[0]["filterType"]) if filters else None
    entry["filters"] = [rule for rule in entry["filters"] if rule["filterType"] != instead]
    return Venue(info=exchange_info(entry, **changes))


def _limit(venue: Venue, **changes: object) -> Answer:
    order: dict[str, Any] = {"side": "SELL", "quantity": 1, "price": 150, **changes}
    return venue.limit(**order)


def _stop(venue: Venue, **changes: object) -> Answer:
    order: dict[str, Any] = {"quantity": 1, "stopPrice": 90, **changes}
    return venue.place("STOP_LOSS", "SELL", **order)


def _oco(venue: Venue) -> Answer:
    return venue.ask("POST orderList/oco", **OCO)


def _once(act: Callable[[Venue], Answer], /, **filter_: object) -> Breaker:
    """Break the filter of a symbol with one request."""
    return lambda: act(_venue(filter_, None).with_market())


def _twice(act: Callable[[Venue], Answer], /, **filter_: object) -> Breaker:
    """Break a filter that allows the first request and not the second."""

    def break_it() -> Answer:
        of_all = str(filter_["filterType"]).startswith("EXCHANGE")
        venue = _venue(None if of_all else filter_, filter_ if of_all else None).with_market()
        first = act(venue)
        return first if first.status != 200 else act(venue)

    return break_it


def _iceberg(venue: Venue) -> Answer:
    return _limit(venue, icebergQty="0.5")


def _amend(venue: Venue) -> Answer:
    placed = venue.ask("GET openOrders", symbol=SYMBOL).body or [_limit(venue).body]
    order_id = placed[0]["orderId"]
    left = Decimal(venue.order(order_id)["origQty"])
    return venue.ask(
        "PUT order/amend/keepPriority", symbol=SYMBOL, orderId=order_id, newQty=left / 2
    )


def _named(name: str, /, **limits: object) -> Mapping[str, object]:
    return {"filterType": name, **limits}


BREAKERS: Final[Mapping[str, Breaker]] = {
    "PRICE_FILTER": lambda: _limit(Venue().with_market(), price="150.001"),
    "LOT_SIZE": lambda: _limit(Venue().with_market(), quantity="1.000001"),
    "NOTIONAL": lambda: _limit(Venue().with_market(), quantity="0.01"),
    "MARKET_LOT_SIZE": lambda: Venue().with_market().market("SELL", 89),
    "PERCENT_PRICE_BY_SIDE": lambda: _limit(Venue().with_market(), price=600),
    "PERCENT_PRICE": _once(
        _limit,
        **_named("PERCENT_PRICE", multiplierUp="1.1", multiplierDown="0.9", avgPriceMins=5),
    ),
    "MIN_NOTIONAL": _once(
        _limit,
        **_named("MIN_NOTIONAL", minNotional="1000", applyToMarket=True, avgPriceMins=5),
    ),
    "ICEBERG_PARTS": _once(
        lambda venue: _limit(venue, icebergQty="0.1"), **_named("ICEBERG_PARTS", limit=5)
    ),
    "MAX_POSITION": _once(
        lambda venue: venue.limit("BUY", 1, 90), **_named("MAX_POSITION", maxPosition="10.5")
    ),
    "TRAILING_DELTA": _once(
        lambda venue: _stop(venue, stopPrice=None, trailingDelta=5),
        **_named(
            "TRAILING_DELTA",
            minTrailingAboveDelta=10,
            maxTrailingAboveDelta=2000,
            minTrailingBelowDelta=10,
            maxTrailingBelowDelta=2000,
        ),
    ),
    "MAX_NUM_ORDERS": _twice(_limit, **_named("MAX_NUM_ORDERS", maxNumOrders=1)),
    "MAX_NUM_ALGO_ORDERS": _twice(_stop, **_named("MAX_NUM_ALGO_ORDERS", maxNumAlgoOrders=1)),
    "MAX_NUM_ICEBERG_ORDERS": _twice(
        _iceberg, **_named("MAX_NUM_ICEBERG_ORDERS", maxNumIcebergOrders=1)
    ),
    "MAX_NUM_ORDER_AMENDS": _twice(_amend, **_named("MAX_NUM_ORDER_AMENDS", maxNumOrderAmends=1)),
    "MAX_NUM_ORDER_LISTS": _twice(_oco, **_named("MAX_NUM_ORDER_LISTS", maxNumOrderLists=1)),
    "EXCHANGE_MAX_NUM_ORDERS": _twice(_limit, **_named("EXCHANGE_MAX_NUM_ORDERS", maxNumOrders=1)),
    "EXCHANGE_MAX_NUM_ALGO_ORDERS": _twice(
        _stop, **_named("EXCHANGE_MAX_NUM_ALGO_ORDERS", maxNumAlgoOrders=1)
    ),
    "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": _twice(
        _iceberg, **_named("EXCHANGE_MAX_NUM_ICEBERG_ORDERS", maxNumIcebergOrders=1)
    ),
    "EXCHANGE_MAX_NUM_ORDER_LISTS": _twice(
        _oco, **_named("EXCHANGE_MAX_NUM_ORDER_LISTS", maxNumOrderLists=1)
    ),
}
