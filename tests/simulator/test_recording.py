"""The market as others make it: recorded books and trades, and our orders among them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.venue import START, SYMBOL, Venue, exchange_info, symbol_entry

Row = tuple[Decimal, Decimal]


def rows(*pairs: tuple[str, str]) -> list[Row]:
    return [(Decimal(price), Decimal(quantity)) for price, quantity in pairs]


def test_a_new_book_replaces_what_others_had_and_leaves_our_orders() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 2, "98.5")

    venue.exchange.set_book(SYMBOL, [("97", "1")], [("103", "1")], venue.now)

    assert venue.depth() == {"bids": rows(("98.5", "2"), ("97", "1")), "asks": rows(("103", "1"))}


def test_depth_updates_are_absolute_and_zero_removes() -> None:
    venue = Venue().with_market()

    venue.exchange.apply_depth(SYMBOL, [("99", "4"), ("98", "0")], [("101.5", "2")], venue.now)

    assert venue.depth() == {
        "bids": rows(("99", "4")),
        "asks": rows(("101", "1"), ("101.5", "2"), ("102", "5")),
    }


def test_our_quantity_adds_to_that_of_others_at_the_same_price() -> None:
    venue = Venue().with_market()

    venue.limit("BUY", 2, 99)

    assert venue.depth()["bids"][0] == (Decimal(99), Decimal(3))


def test_an_order_that_a_new_book_crosses_fills_as_maker_at_its_own_price() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 2, 99)

    venue.exchange.set_book(SYMBOL, [("97", "1")], [("98", "1.5"), ("103", "1")], venue.now)

    (trade,) = venue.ask("GET myTrades", symbol=SYMBOL).body
    assert (trade["price"], trade["qty"], trade["isMaker"]) == ("99.00000000", "1.50000000", True)
    assert venue.depth()["asks"][0] == (Decimal(103), Decimal(1))


def test_a_crossing_update_fills_the_best_of_our_orders_first() -> None:
    venue = Venue().with_market()
    low = venue.limit("SELL", 1, 103).body["orderId"]
    lower = venue.limit("SELL", 1, "102.5").body["orderId"]

    venue.exchange.set_book(SYMBOL, [("104", "1.5")], [], venue.now)

    assert venue.order(lower)["executedQty"] == "1.00000000"
    assert venue.order(low)["executedQty"] == "0.50000000"


def test_of_recorded_levels_that_cross_each_other_the_newer_stay() -> None:
    venue = Venue().with_market()

    venue.exchange.apply_depth(SYMBOL, [("101.5", "2")], [], venue.now)
    assert venue.depth()["asks"] == rows(("102", "5"))
    venue.exchange.apply_depth(SYMBOL, [], [("98.5", "2")], venue.now)

    assert venue.depth() == {"bids": rows(("98", "5")), "asks": rows(("98.5", "2"), ("102", "5"))}


def test_what_a_taker_took_is_gone_until_the_recording_says_otherwise() -> None:
    venue = Venue().with_market()

    venue.market("BUY", "0.4")
    assert venue.depth()["asks"][0] == (Decimal(101), Decimal("0.6"))
    venue.exchange.apply_depth(SYMBOL, [], [("101", "1")], venue.now)

    assert venue.depth()["asks"][0] == (Decimal(101), Decimal(1))


@pytest.mark.parametrize(
    ("side", "price", "traded", "seller", "filled"),
    [
        ("BUY", 99, "99", True, "0.50000000"),
        ("BUY", 99, "98.99", True, "0.50000000"),
        ("BUY", 99, "99.01", True, "0.00000000"),
        ("BUY", 99, "99", False, "0.00000000"),
        ("SELL", 101, "101", False, "0.50000000"),
        ("SELL", 101, "101.01", False, "0.50000000"),
        ("SELL", 101, "100.99", False, "0.00000000"),
        ("SELL", 101, "101", True, "0.00000000"),
    ],
)
def test_a_recorded_trade_fills_our_orders_that_it_reaches(
    side: str, price: int, traded: str, seller: bool, filled: str
) -> None:
    venue = Venue()
    order_id = venue.limit(side, 2, price).body["orderId"]

    venue.last(traded, "0.5", seller=seller)

    order = venue.order(order_id)
    assert order["executedQty"] == filled
    assert Decimal(order["cummulativeQuoteQty"]) == Decimal(filled) * price


def test_a_recorded_trade_is_shared_by_price_and_then_by_time() -> None:
    venue = Venue()
    older = venue.limit("BUY", 1, 99).body["orderId"]
    newer = venue.limit("BUY", 1, 99, "bob").body["orderId"]
    best = venue.limit("BUY", 1, "99.5").body["orderId"]

    venue.last(98, "2.5", seller=True)

    assert venue.order(best)["executedQty"] == "1.00000000"
    assert venue.order(older)["executedQty"] == "1.00000000"
    assert venue.order(newer, "bob")["executedQty"] == "0.50000000"


def test_a_recorded_trade_keeps_its_volume_however_much_of_it_is_ours() -> None:
    venue = Venue().deaf()
    venue.limit("BUY", 1, 99)

    venue.last(98, "2.5", seller=True)

    trades = [event for _, kind, event in venue.market_events if kind == "trade"]
    assert [(trade["p"], trade["q"]) for trade in trades] == [
        ("99.00000000", "1.00000000"),
        ("98.00000000", "1.50000000"),
    ]
    assert [trade["t"] for trade in trades] == [1, 2]


def test_the_last_price_is_that_of_the_recorded_trade_even_if_all_of_it_was_ours() -> None:
    venue = Venue()
    venue.limit("BUY", 1, 99)

    venue.last(98, "0.5", seller=True)

    assert venue.ask("GET ticker/price", None, symbol=SYMBOL).body["price"] == "98.00000000"


def test_market_streams_carry_binances_fields() -> None:
    venue = Venue().with_market()
    venue.now += 1

    venue.limit("BUY", "0.4", 101)

    told: dict[str, dict[str, Any]] = {kind: event for _, kind, event in venue.market_events}
    trade = {"E": START + 1, "s": SYMBOL, "T": START + 1, "m": False, "M": True}
    amounts = {"p": "101.00000000", "q": "0.40000000"}
    assert told["trade"] == {"e": "trade", "t": 2, **amounts, **trade}
    assert told["aggTrade"] == {"e": "aggTrade", "a": 2, "f": 2, "l": 2, **amounts, **trade}
    assert told["depthUpdate"] == {
        "e": "depthUpdate",
        "E": START + 1,
        "s": SYMBOL,
        "U": 5,
        "u": 5,
        "b": [],
        "a": [["101.00000000", "0.60000000"]],
    }
    assert told["bookTicker"] == {
        "u": 5,
        "s": SYMBOL,
        "b": "99.00000000",
        "B": "1.00000000",
        "a": "101.00000000",
        "A": "0.60000000",
    }


def test_a_change_behind_the_best_prices_leaves_the_book_ticker_silent() -> None:
    venue = Venue().with_market()

    venue.limit("BUY", 1, 90)

    assert [kind for _, kind, _ in venue.market_events] == ["depthUpdate"]


def test_the_rolling_day_adds_up_its_trades_and_forgets_older_ones() -> None:
    venue = Venue()
    venue.last(500, 9)
    venue.now += 24 * 3_600_000
    for price, quantity in ((100, 1), (110, 2), (90, 1), (105, 4)):
        venue.last(price, quantity)
        venue.now += 60_000

    day = venue.ask("GET ticker/24hr", None, symbol=SYMBOL).body
    mini = venue.ask("GET ticker/24hr", None, symbol=SYMBOL, type="MINI").body

    assert (day["openPrice"], day["highPrice"]) == ("100.00000000", "110.00000000")
    assert (day["lowPrice"], day["lastPrice"]) == ("90.00000000", "105.00000000")
    assert (day["volume"], day["quoteVolume"]) == ("8.00000000", "830.00000000")
    assert (day["priceChange"], day["priceChangePercent"]) == ("5.00000000", "5.000")
    assert (day["count"], day["firstId"], day["lastId"]) == (4, 2, 5)
    assert mini.items() <= day.items()
    assert "bidPrice" not in mini


def test_a_fall_is_a_negative_change() -> None:
    venue = Venue()
    venue.last(100)
    venue.last("99.5")

    day = venue.ask("GET ticker/24hr", None, symbol=SYMBOL).body

    assert (day["priceChange"], day["priceChangePercent"]) == ("-0.50000000", "-0.500")


def test_recent_trades_are_shown_newest_last() -> None:
    venue = Venue()
    for price in (100, 101, 102):
        venue.last(price, 2, seller=True)

    shown = venue.ask("GET trades", None, symbol=SYMBOL, limit=2).body

    assert [row["price"] for row in shown] == ["101.00000000", "102.00000000"]
    assert shown[-1] == {
        "id": 3,
        "price": "102.00000000",
        "qty": "2.00000000",
        "quoteQty": "204.00000000",
        "time": START,
        "isBuyerMaker": True,
        "isBestMatch": True,
    }


def test_tickers_answer_for_one_symbol_some_or_all() -> None:
    venue = Venue(info=exchange_info(symbol_entry(), symbol_entry("ETH")))
    venue.last(100)

    one = venue.ask("GET ticker/price", None, symbol=SYMBOL).body
    some = venue.ask("GET ticker/price", None, symbols='["ETHUSDT","BTCUSDT"]').body
    every = venue.ask("GET ticker/bookTicker", None).body

    assert one == {"symbol": SYMBOL, "price": "100.00000000"}
    assert [row["symbol"] for row in some] == ["ETHUSDT", "BTCUSDT"]
    assert every[0]["bidPrice"] == "0.00000000"
    assert len(every) == 2


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"symbols": '["BTCUSDT","NOPE"]'}, -1121),
        ({"symbols": '["BTCUSDT","BTCUSDT"]'}, -1151),
        ({"symbols": "BTCUSDT"}, -1100),
        ({"symbols": "[1]"}, -1100),
        ({"symbol": SYMBOL, "symbols": '["BTCUSDT"]'}, -1128),
        ({"symbol": "NOPE"}, -1121),
    ],
)
def test_symbols_that_cannot_be_meant_are_refused(params: dict[str, str], code: int) -> None:
    assert Venue().ask("GET exchangeInfo", None, **params).body["code"] == code


def test_exchange_info_promises_only_what_this_venue_keeps() -> None:
    venue = Venue(info=exchange_info(symbol_entry(pegInstructionsAllowed=True)))
    venue.now += 77

    body = venue.ask("GET exchangeInfo", None, symbol=SYMBOL).body

    (entry,) = body["symbols"]
    assert body["serverTime"] == START + 77
    assert entry["filters"] == symbol_entry()["filters"]
    assert (entry["icebergAllowed"], entry["ocoAllowed"]) == (True, True)
    assert entry["pegInstructionsAllowed"] is False
    assert "DECREMENT" in entry["allowedSelfTradePreventionModes"]


def test_an_interval_that_does_not_exist_is_refused() -> None:
    answer = Venue().ask("GET klines", None, symbol=SYMBOL, interval="7m")

    assert answer.body == {"code": -1120, "msg": "Invalid interval."}
