from typing import Any

import pytest

from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"price": "90.001"}, "PRICE_FILTER"),
        ({"price": "0.001"}, "PRICE_FILTER"),
        ({"price": "1000000.01"}, "PRICE_FILTER"),
        ({"price": "501"}, "PERCENT_PRICE_BY_SIDE"),
        ({"price": "19.99"}, "PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "0.000005"}, "LOT_SIZE"),
        ({"quantity": "9000.00001"}, "LOT_SIZE"),
        ({"quantity": "1.000001"}, "LOT_SIZE"),
        ({"quantity": "0.05", "price": "99"}, "NOTIONAL"),
        ({"quantity": "9000", "price": "1001"}, "PERCENT_PRICE_BY_SIDE"),
    ],
)
def test_a_limit_order_outside_a_filter_is_refused_by_its_name(
    changes: dict[str, str], name: str
) -> None:
    venue = Venue().with_market()

    answer = venue.place(
        "LIMIT", "BUY", **{"timeInForce": "GTC", "quantity": "1", "price": "90", **changes}
    )

    assert refusal(answer) == (400, -1013, f"Filter failure: {name}")


@pytest.mark.parametrize(
    ("kind", "sent", "text"),
    [
        ("LIMIT", {"quantity": "0", "price": "90", "timeInForce": "GTC"}, "Invalid quantity."),
        ("LIMIT", {"quantity": "1", "price": "0", "timeInForce": "GTC"}, "Invalid price."),
        ("MARKET", {"quantity": "0"}, "Invalid quantity."),
        ("MARKET", {"quoteOrderQty": "0"}, "Invalid quantity."),
    ],
)
def test_an_order_of_nothing_is_refused_before_any_filter(
    kind: str, sent: dict[str, str], text: str
) -> None:
    venue = Venue().with_market()

    assert refusal(venue.place(kind, "BUY", **sent)) == (400, -1013, text)


@pytest.mark.parametrize(
    ("quantity", "price"), [("0.05", "100"), ("0.00025", "20000"), ("9000", "20")]
)
def test_an_order_at_the_very_edge_of_the_filters_passes_them(quantity: str, price: str) -> None:
    venue = Venue(info=exchange_info(symbol_entry(filters=[_wide_percent()])))
    venue.books.open_account("rich", 9, {"USDT": 10**9})
    venue.last(100)

    assert venue.limit("BUY", quantity, price, "rich").status == 200


def test_a_stop_price_must_fit_the_ticks_as_well() -> None:
    venue = Venue().with_market()

    answer = venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice="95.005")

    assert refusal(answer) == (400, -1013, "Filter failure: PRICE_FILTER")


@pytest.mark.parametrize(
    ("amounts", "name"),
    [
        ({"quantity": "88.1"}, "MARKET_LOT_SIZE"),
        ({"quantity": "0.04"}, "NOTIONAL"),
        ({"quoteOrderQty": "4.99"}, "NOTIONAL"),
    ],
)
def test_a_market_order_has_filters_of_its_own(amounts: dict[str, str], name: str) -> None:
    venue = Venue().with_market()

    answer = venue.place("MARKET", "SELL", **amounts)

    assert refusal(answer) == (400, -1013, f"Filter failure: {name}")


def test_the_old_filters_are_kept_where_exchange_info_still_lists_them() -> None:
    entry = symbol_entry()
    entry["filters"] = [
        {
            "filterType": "MIN_NOTIONAL",
            "minNotional": "10",
            "applyToMarket": True,
            "avgPriceMins": 5,
        },
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": "2",
            "multiplierDown": "0.5",
            "avgPriceMins": 5,
        },
    ]
    venue = Venue(info=exchange_info(entry)).with_market()

    small = venue.limit("BUY", "0.1", 99)
    far = venue.limit("BUY", 1, 49)

    assert small.body["msg"] == "Filter failure: MIN_NOTIONAL"
    assert far.body["msg"] == "Filter failure: PERCENT_PRICE"


def test_no_more_orders_are_open_than_the_symbol_allows() -> None:
    venue = Venue(info=exchange_info(symbol_entry(filters=[_count("MAX_NUM_ORDERS", 2)])))

    answers = [venue.limit("BUY", 1, 90) for _ in range(3)]
    venue.cancel(orderId=1)

    assert refusal(answers[2]) == (400, -2010, "Filter failure: MAX_NUM_ORDERS")
    assert venue.limit("BUY", 1, 90).status == 200


def test_stops_are_counted_apart() -> None:
    venue = Venue().with_market()
    stop: dict[str, Any] = {"quantity": 1, "stopPrice": 90}

    answers = [venue.place("STOP_LOSS", "SELL", **stop) for _ in range(6)]

    assert [answer.status for answer in answers] == [200] * 5 + [400]
    assert answers[5].body["msg"] == "Filter failure: MAX_NUM_ALGO_ORDERS"
    assert venue.limit("BUY", 1, 90).status == 200


@pytest.mark.parametrize(
    ("name", "kind"), [("EXCHANGE_MAX_NUM_ORDERS", "LIMIT"), ("EXCHANGE_MAX_NUM_ALGO_ORDERS", "")]
)
def test_counts_of_the_exchange_hold_over_all_symbols(name: str, kind: str) -> None:
    info = exchange_info(symbol_entry(), symbol_entry("ETH"), exchangeFilters=[_count(name, 1)])
    venue = Venue(info=info).with_market()
    orders: dict[str, Any] = (
        {"type": "LIMIT", "side": "BUY", "timeInForce": "GTC", "quantity": 1, "price": 90}
        if kind
        else {"type": "STOP_LOSS", "side": "BUY", "quantity": 1, "stopPrice": 110}
    )

    first = venue.ask("POST order", symbol=SYMBOL, **orders)
    second = venue.ask("POST order", symbol="ETHUSDT", **orders)

    assert first.status == 200
    assert refusal(second) == (400, -2010, f"Filter failure: {name}")


def test_nobody_may_come_to_own_more_than_the_position_limit() -> None:
    limit = {"filterType": "MAX_POSITION", "maxPosition": "12"}
    venue = Venue(info=exchange_info(symbol_entry(filters=[limit]))).with_market()
    venue.limit("BUY", "1.5", 90)

    over = venue.limit("BUY", "0.6", 90)
    exact = venue.limit("BUY", "0.5", 90)

    assert refusal(over) == (400, -2010, "Filter failure: MAX_POSITION")
    assert exact.status == 200


def test_a_quote_quantity_buys_no_more_than_the_position_limit() -> None:
    limit = {"filterType": "MAX_POSITION", "maxPosition": "10.5"}
    venue = Venue(info=exchange_info(symbol_entry(filters=[limit]))).with_market()

    over = venue.place("MARKET", "BUY", quoteOrderQty=51)
    within = venue.place("MARKET", "BUY", quoteOrderQty=50)

    assert refusal(over) == (400, -2010, "Filter failure: MAX_POSITION")
    assert (within.status, within.body["status"]) == (200, "FILLED")


def test_the_average_price_forgets_trades_older_than_its_minutes() -> None:
    venue = Venue()
    venue.last(1000, 5)
    venue.now += 6 * 60_000
    venue.last(100, 1)

    average = venue.ask("GET avgPrice", None, symbol=SYMBOL).body

    assert (average["mins"], average["price"]) == (5, "100.00000000")
    assert venue.limit("BUY", 1, 501).body["msg"] == "Filter failure: PERCENT_PRICE_BY_SIDE"


def test_without_a_trade_in_its_minutes_the_average_is_the_last_price() -> None:
    venue = Venue()
    venue.last(100, 1)
    venue.now += 3_600_000

    average = venue.ask("GET avgPrice", None, symbol=SYMBOL).body

    assert average["price"] == "100.00000000"


def _count(name: str, most: int) -> dict[str, Any]:
    field = "maxNumAlgoOrders" if "ALGO" in name else "maxNumOrders"
    return {"filterType": name, field: most}


def _wide_percent() -> dict[str, Any]:
    return {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": "1000",
        "bidMultiplierDown": "0.001",
        "askMultiplierUp": "1000",
        "askMultiplierDown": "0.001",
        "avgPriceMins": 5,
    }
