"""Every filter at its edge: the last order that passes, the first that does not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lib.simulator.exchange import Answer
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

Act = Callable[[Venue], Answer]


@dataclass(frozen=True)
class Edge:
    """A filter, an order that just passes and one that just does not, after some others."""

    name: str
    parts: dict[str, Any]
    passes: Act
    fails: Act
    code: int = -1013
    before: tuple[Act, ...] = field(default=())
    everywhere: bool = False  # a filter of the whole exchange

    def __str__(self) -> str:
        return self.name


def limit(quantity: object, price: object, side: str = "BUY", **params: Any) -> Act:
    return lambda venue: venue.limit(side, quantity, price, **params)


def market(quantity: object, side: str = "SELL") -> Act:
    return lambda venue: venue.market(side, quantity)


def stop(price: object, side: str = "SELL", **params: Any) -> Act:
    sent: dict[str, Any] = {"quantity": 1, "stopPrice": price, **params}
    return lambda venue: venue.place("STOP_LOSS", side, **sent)


def trailing(delta: int, side: str) -> Act:
    return stop(None, side, trailingDelta=delta)


def amend(quantity: object) -> Act:
    sent: dict[str, Any] = {"symbol": SYMBOL, "orderId": 1, "newQty": quantity}
    return lambda venue: venue.ask("PUT order/amend/keepPriority", **sent)


def pair() -> Act:
    sent: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": "SELL",
        "quantity": 1,
        "aboveType": "LIMIT_MAKER",
        "abovePrice": 110,
        "belowType": "STOP_LOSS",
        "belowStopPrice": 90,
    }
    return lambda venue: venue.ask("POST orderList/oco", **sent)


def cancel_first(act: Act) -> Act:
    """Make room for one more."""

    def run(venue: Venue) -> Answer:
        canceled = venue.cancel(orderId=1)
        assert canceled.status == 200, canceled.body
        return act(venue)

    return run


PRICES = {"minPrice": "50", "maxPrice": "200", "tickSize": "0.5"}
LOTS = {"minQty": "0.2", "maxQty": "8", "stepSize": "0.2"}
NEAR = {"multiplierUp": "1.2", "multiplierDown": "0.8", "avgPriceMins": 5}
SIDES = {
    "bidMultiplierUp": "1.1",
    "bidMultiplierDown": "0.9",
    "askMultiplierUp": "1.3",
    "askMultiplierDown": "0.7",
    "avgPriceMins": 5,
}
NOTIONAL = {
    "minNotional": "20",
    "applyMinToMarket": True,
    "maxNotional": "500",
    "applyMaxToMarket": True,
    "avgPriceMins": 5,
}
DELTAS = {
    "minTrailingAboveDelta": 10,
    "maxTrailingAboveDelta": 2000,
    "minTrailingBelowDelta": 20,
    "maxTrailingBelowDelta": 1000,
}

EDGES = [
    Edge("PRICE_FILTER", PRICES, limit(1, 50), limit(1, "49.5")),
    Edge("PRICE_FILTER", PRICES, limit(1, 200, "SELL"), limit(1, "200.5", "SELL")),
    Edge("PRICE_FILTER", PRICES, limit(1, "90.5"), limit(1, "90.25")),
    Edge("PRICE_FILTER", PRICES, stop("90.5"), stop("90.25")),
    Edge("PERCENT_PRICE", NEAR, limit(1, 80), limit(1, "79.99")),
    Edge("PERCENT_PRICE", NEAR, limit(1, 120, "SELL"), limit(1, "120.01", "SELL")),
    Edge("PERCENT_PRICE_BY_SIDE", SIDES, limit(1, 90), limit(1, "89.99")),
    Edge("PERCENT_PRICE_BY_SIDE", SIDES, limit(1, 110), limit(1, "110.01")),
    Edge("PERCENT_PRICE_BY_SIDE", SIDES, limit(1, 70, "SELL"), limit(1, "69.99", "SELL")),
    Edge("PERCENT_PRICE_BY_SIDE", SIDES, limit(1, 130, "SELL"), limit(1, "130.01", "SELL")),
    Edge("LOT_SIZE", LOTS, limit("0.2", 90), limit("0.1", 90)),
    Edge("LOT_SIZE", LOTS, limit(8, 90), limit("8.2", 90)),
    Edge("LOT_SIZE", LOTS, limit("1.2", 90), limit("1.3", 90)),
    Edge("LOT_SIZE", LOTS, limit(4, 90, icebergQty="0.2"), limit(4, 90, icebergQty="0.3")),
    Edge("MARKET_LOT_SIZE", LOTS, market("0.2"), market("0.1")),
    Edge("MARKET_LOT_SIZE", LOTS, market(8), market("8.2")),
    Edge("MARKET_LOT_SIZE", LOTS, market("1.2"), market("1.3")),
    Edge(
        "MIN_NOTIONAL",
        {"minNotional": "20", "applyToMarket": True, "avgPriceMins": 5},
        limit("0.2", 100),
        limit("0.19", 100),
    ),
    Edge(
        "MIN_NOTIONAL",
        {"minNotional": "20", "applyToMarket": True, "avgPriceMins": 5},
        market("0.2"),
        market("0.19"),
    ),
    Edge("NOTIONAL", NOTIONAL, limit("0.2", 100), limit("0.19", 100)),
    Edge("NOTIONAL", NOTIONAL, limit(5, 100), limit("5.01", 100)),
    Edge("NOTIONAL", NOTIONAL, market("0.2"), market("0.19")),
    Edge("NOTIONAL", NOTIONAL, market(5), market("5.01")),
    Edge(
        "ICEBERG_PARTS",
        {"limit": 3},
        limit(3, 90, icebergQty=1),
        limit("3.00001", 90, icebergQty=1),
    ),
    Edge("TRAILING_DELTA", DELTAS, trailing(10, "BUY"), trailing(9, "BUY")),
    Edge("TRAILING_DELTA", DELTAS, trailing(2000, "BUY"), trailing(2001, "BUY")),
    Edge("TRAILING_DELTA", DELTAS, trailing(20, "SELL"), trailing(19, "SELL")),
    Edge("TRAILING_DELTA", DELTAS, trailing(1000, "SELL"), trailing(1001, "SELL")),
    Edge(
        "MAX_POSITION",
        {"maxPosition": "12"},
        limit("0.5", 90),
        limit("0.50001", 90),
        -2010,
        before=(limit("1.5", 90),),
    ),
    Edge(
        "MAX_NUM_ORDERS",
        {"maxNumOrders": 2},
        cancel_first(limit(1, 90)),
        limit(1, 90),
        -2010,
        before=(limit(1, 90), stop(90)),
    ),
    Edge(
        "MAX_NUM_ALGO_ORDERS",
        {"maxNumAlgoOrders": 1},
        cancel_first(stop(90)),
        stop(90),
        -2010,
        before=(stop(91), limit(1, 90)),
    ),
    Edge(
        "MAX_NUM_ICEBERG_ORDERS",
        {"maxNumIcebergOrders": 1},
        cancel_first(limit(2, 90, icebergQty=1)),
        limit(2, 90, icebergQty=1),
        -2010,
        before=(limit(2, 90, icebergQty=1), limit(2, 90)),
    ),
    Edge(
        "MAX_NUM_ORDER_LISTS",
        {"maxNumOrderLists": 1},
        cancel_first(pair()),
        pair(),
        -2010,
        before=(pair(),),
    ),
    Edge(
        "MAX_NUM_ORDER_AMENDS",
        {"maxNumOrderAmends": 2},
        limit(1, 90),
        amend(2),
        -2038,
        before=(limit(5, 90), amend(4), amend(3)),
    ),
    Edge(
        "EXCHANGE_MAX_NUM_ORDERS",
        {"maxNumOrders": 2},
        cancel_first(limit(1, 90)),
        limit(1, 90),
        -2010,
        before=(limit(1, 90), stop(90)),
        everywhere=True,
    ),
    Edge(
        "EXCHANGE_MAX_NUM_ALGO_ORDERS",
        {"maxNumAlgoOrders": 1},
        cancel_first(stop(90)),
        stop(90),
        -2010,
        before=(stop(91),),
        everywhere=True,
    ),
    Edge(
        "EXCHANGE_MAX_NUM_ICEBERG_ORDERS",
        {"maxNumIcebergOrders": 1},
        cancel_first(limit(2, 90, icebergQty=1)),
        limit(2, 90, icebergQty=1),
        -2010,
        before=(limit(2, 90, icebergQty=1),),
        everywhere=True,
    ),
    Edge(
        "EXCHANGE_MAX_NUM_ORDER_LISTS",
        {"maxNumOrderLists": 1},
        cancel_first(pair()),
        pair(),
        -2010,
        before=(pair(),),
        everywhere=True,
    ),
]


def ground(edge: Edge) -> Venue:
    """A venue with no other filter and a deep book around 100."""
    found = [{"filterType": edge.name, **edge.parts}]
    entry = symbol_entry() | {"filters": [] if edge.everywhere else found}
    info = exchange_info(entry, exchangeFilters=found if edge.everywhere else [])
    venue = Venue(info=info)
    venue.last(100)
    venue.exchange.set_book(SYMBOL, [("100", "50")], [("100.5", "50")], venue.now)
    for act in edge.before:
        answer = act(venue)
        assert answer.status == 200, answer.body
    return venue


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_the_last_order_within_a_filter_passes(edge: Edge) -> None:
    answer = edge.passes(ground(edge))

    assert answer.status == 200, answer.body


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_the_first_order_beyond_a_filter_is_refused_by_its_name(edge: Edge) -> None:
    answer = edge.fails(ground(edge))

    assert refusal(answer) == (400, edge.code, f"Filter failure: {edge.name}")


@pytest.mark.parametrize("edge", [edge for edge in EDGES if edge.code == -1013], ids=str)
def test_without_the_filter_the_same_order_passes(edge: Edge) -> None:
    plain = Edge("NONE", {}, edge.passes, edge.fails)

    answer = edge.fails(ground(plain))

    assert answer.status == 200, answer.body
