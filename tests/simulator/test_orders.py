from decimal import Decimal

import pytest

from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

LOT_SIZE = {
    "filterType": "LOT_SIZE",
    "minQty": "0.10000000",
    "maxQty": "9000.00000000",
    "stepSize": "0.00001000",
}


def test_a_limit_order_rests_and_locks_what_it_may_spend() -> None:
    venue = Venue().with_market()

    answer = venue.limit("BUY", 2, 90, newClientOrderId="a1")

    assert answer.status == 200
    assert answer.body["status"] == "NEW"
    assert answer.body["fills"] == []
    assert venue.balances()["USDT"] == (Decimal(99820), Decimal(180))
    assert (Decimal(90), Decimal(2)) in venue.depth()["bids"]


def test_a_full_answer_has_exactly_binances_fields() -> None:
    venue = Venue().with_market()

    body = venue.limit("BUY", "0.5", 101, newClientOrderId="a1").body

    assert body == {
        "symbol": SYMBOL,
        "orderId": 1,
        "orderListId": -1,
        "clientOrderId": "a1",
        "transactTime": venue.now,
        "price": "101.00000000",
        "origQty": "0.50000000",
        "executedQty": "0.50000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "50.50000000",
        "status": "FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": venue.now,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "fills": [
            {
                "price": "101.00000000",
                "qty": "0.50000000",
                "commission": "0.00050000",
                "commissionAsset": "BTC",
                "tradeId": 2,
            }
        ],
    }


def test_a_limit_order_takes_the_better_prices_first_and_gets_the_difference_back() -> None:
    venue = Venue().with_market()

    body = venue.limit("BUY", 3, 110).body

    assert [(fill["price"], fill["qty"]) for fill in body["fills"]] == [
        ("101.00000000", "1.00000000"),
        ("102.00000000", "2.00000000"),
    ]
    assert venue.balances()["USDT"] == (Decimal(100_000 - 305), Decimal(0))
    assert venue.balances()["BTC"] == (Decimal("12.997"), Decimal(0))


def test_a_partly_filled_limit_order_rests_with_the_remainder_locked() -> None:
    venue = Venue().with_market()

    body = venue.limit("BUY", 3, 101).body

    assert (body["status"], body["executedQty"]) == ("PARTIALLY_FILLED", "1.00000000")
    assert venue.balances()["USDT"] == (Decimal(100_000 - 303), Decimal(202))
    assert venue.depth()["bids"][0] == (Decimal(101), Decimal(2))


def test_an_immediate_or_cancel_order_expires_with_what_it_could_not_get() -> None:
    venue = Venue().with_market()

    body = venue.limit("BUY", 3, 101, timeInForce="IOC").body

    assert (body["status"], body["executedQty"]) == ("EXPIRED", "1.00000000")
    assert body["expiryReason"] == "UNFILLED_IOC_QUANTITY_EXPIRED"
    assert venue.balances()["USDT"] == (Decimal(100_000 - 101), Decimal(0))


def test_a_fill_or_kill_order_takes_nothing_unless_it_can_take_all() -> None:
    venue = Venue().with_market()

    killed = venue.limit("BUY", 3, 101, timeInForce="FOK").body
    filled = venue.limit("BUY", 3, 102, timeInForce="FOK").body

    assert (killed["status"], killed["executedQty"]) == ("EXPIRED", "0.00000000")
    assert killed["expiryReason"] == "UNFILLED_FOK_ORDER_EXPIRED"
    assert (filled["status"], filled["executedQty"]) == ("FILLED", "3.00000000")


def test_a_limit_maker_that_would_take_is_refused_and_one_that_would_not_rests() -> None:
    venue = Venue().with_market()

    taking = venue.place("LIMIT_MAKER", "BUY", quantity=1, price=101)
    making = venue.place("LIMIT_MAKER", "BUY", quantity=1, price="100.99")

    assert refusal(taking) == (400, -2010, "Order would immediately match and take.")
    assert set(making.body) == {
        "symbol",
        "orderId",
        "orderListId",
        "clientOrderId",
        "transactTime",
    }
    assert venue.order(making.body["orderId"])["timeInForce"] == "GTC"


def test_a_market_order_walks_the_book() -> None:
    venue = Venue().with_market()

    body = venue.market("SELL", 3).body

    assert (body["status"], body["price"]) == ("FILLED", "0.00000000")
    assert body["cummulativeQuoteQty"] == "295.00000000"
    assert venue.balances()["USDT"] == (Decimal("100294.705"), Decimal(0))


def test_a_market_order_that_runs_out_of_liquidity_keeps_its_fills_and_expires() -> None:
    venue = Venue().with_market()

    body = venue.market("BUY", 8).body

    assert (body["status"], body["executedQty"]) == ("EXPIRED", "6.00000000")
    assert body["expiryReason"] == "INSUFFICIENT_LIQUIDITY"
    assert venue.balances()["USDT"][1] == 0


def test_a_market_order_on_an_empty_book_expires_unfilled() -> None:
    venue = Venue()
    venue.last(100)

    body = venue.market("SELL", 1).body

    assert (body["status"], body["executedQty"], body["fills"]) == ("EXPIRED", "0.00000000", [])


def test_a_market_buy_the_account_cannot_pay_in_full_is_refused_whole() -> None:
    venue = Venue().with_market()
    venue.exchange.set_book(SYMBOL, [], [("101", "1"), ("200000", "5")], venue.now)

    answer = venue.market("BUY", 2)

    text = "Account has insufficient balance for requested action."
    assert refusal(answer) == (400, -2010, text)
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))


def test_a_market_order_by_quote_spends_at_most_that_much() -> None:
    venue = Venue().with_market()

    body = venue.place("MARKET", "BUY", quoteOrderQty=250).body

    assert (body["status"], body["origQuoteOrderQty"]) == ("FILLED", "250.00000000")
    assert body["executedQty"] == body["origQty"] == "2.46078000"
    assert Decimal(body["cummulativeQuoteQty"]) <= 250


def test_a_market_order_by_quote_that_the_book_cannot_serve_expires_with_its_fills() -> None:
    venue = Venue().with_market()

    body = venue.place("MARKET", "BUY", quoteOrderQty=5000).body

    assert (body["status"], body["executedQty"]) == ("EXPIRED", "6.00000000")
    assert body["expiryReason"] == "INSUFFICIENT_LIQUIDITY"


@pytest.mark.parametrize(
    ("least", "there", "text"),
    [
        ("LOT_SIZE", [("101", "0.05")], "`LOT_SIZE` filter minimum quantity."),
        ("MARKET_LOT_SIZE", [("101", "0.05")], "`MARKET_LOT_SIZE` filter minimum quantity."),
        ("LOT_SIZE", [], "symbol minimum quantity."),
    ],
)
def test_a_market_order_by_quote_that_the_book_cannot_begin_to_serve_is_refused(
    least: str, there: list[tuple[str, str]], text: str
) -> None:
    venue = Venue(info=exchange_info(symbol_entry(filters=[{**LOT_SIZE, "filterType": least}])))
    venue.last(100)
    venue.exchange.set_book(SYMBOL, [], there, venue.now)

    answer = venue.place("MARKET", "BUY", quoteOrderQty=50)

    assert refusal(answer) == (400, -2010, "Order book liquidity is less than " + text)


@pytest.mark.parametrize("least", ["LOT_SIZE", "MARKET_LOT_SIZE"])
def test_a_market_order_by_quote_too_small_for_the_lots_is_refused(least: str) -> None:
    venue = Venue(
        info=exchange_info(symbol_entry(filters=[{**LOT_SIZE, "filterType": least}]))
    ).with_market()

    answer = venue.place("MARKET", "BUY", quoteOrderQty=9)

    assert refusal(answer) == (400, -1013, f"Filter failure: {least}")


def test_a_market_sale_by_quote_receives_at_most_that_much() -> None:
    venue = Venue().with_market()

    body = venue.place("MARKET", "SELL", quoteOrderQty=250).body

    assert body["status"] == "FILLED"
    assert Decimal("249.99") < Decimal(body["cummulativeQuoteQty"]) <= 250
    assert venue.balances()["BTC"] == (Decimal(10) - Decimal(body["executedQty"]), Decimal(0))


def test_a_market_buy_by_quote_the_account_cannot_pay_is_refused_whole() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1105, 90)

    answer = venue.place("MARKET", "BUY", quoteOrderQty=600)

    assert answer.body["msg"] == "Account has insufficient balance for requested action."
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))


@pytest.mark.parametrize(("side", "quantity"), [("BUY", 1500), ("SELL", 11)])
def test_an_order_the_account_cannot_cover_is_refused(side: str, quantity: int) -> None:
    venue = Venue().with_market()

    answer = venue.limit(side, quantity, 99 if side == "BUY" else 101)

    assert answer.body == {
        "code": -2010,
        "msg": "Account has insufficient balance for requested action.",
    }
    assert venue.ask("GET openOrders").body == []


def test_an_open_orders_client_id_cannot_be_used_again_but_a_closed_ones_can() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="same")

    twice = venue.limit("BUY", 1, 90, newClientOrderId="same")
    venue.cancel(origClientOrderId="same")
    again = venue.limit("BUY", 1, 90, newClientOrderId="same")

    assert refusal(twice) == (400, -2010, "Duplicate order sent.")
    assert again.status == 200


def test_a_market_order_sent_again_under_its_id_fills_again() -> None:
    venue = Venue().with_market()

    first = venue.market("BUY", 1, newClientOrderId="m")
    second = venue.market("BUY", 1, newClientOrderId="m")

    assert (first.body["status"], second.body["status"]) == ("FILLED", "FILLED")
    assert first.body["orderId"] < second.body["orderId"]


def test_two_accounts_may_use_the_same_client_id() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="same")

    assert venue.limit("BUY", 1, 90, "bob", newClientOrderId="same").status == 200


def test_orders_of_two_accounts_trade_with_each_other_in_time_order() -> None:
    venue = Venue(info=exchange_info(symbol_entry()))
    venue.books.open_account("carol", 3, {"BTC": 10})
    first = venue.limit("BUY", 1, 100).body["orderId"]
    second = venue.limit("BUY", 1, 100, "bob").body["orderId"]

    venue.limit("SELL", "1.5", 99, "carol")

    assert venue.order(first)["status"] == "FILLED"
    assert venue.order(second, "bob")["executedQty"] == "0.50000000"


def test_a_generated_client_id_is_22_characters_and_never_the_same() -> None:
    venue = Venue().with_market()

    ids = {venue.limit("BUY", 1, 90).body["clientOrderId"] for _ in range(5)}

    assert len(ids) == 5
    assert all(len(found) == 22 for found in ids)


@pytest.mark.parametrize(
    ("wanted", "has", "lacks"),
    [("ACK", "transactTime", "status"), ("RESULT", "status", "fills"), ("FULL", "fills", "x")],
)
def test_the_client_chooses_how_much_it_hears(wanted: str, has: str, lacks: str) -> None:
    venue = Venue().with_market()

    body = venue.limit("BUY", 1, 90, newOrderRespType=wanted).body

    assert has in body
    assert lacks not in body


def test_a_test_order_is_checked_and_leaves_no_trace() -> None:
    venue = Venue().with_market()
    order = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET"}

    good = venue.ask("POST order/test", **order, quantity=1)
    bad = venue.ask("POST order/test", **order, quantity="0.000001")

    assert (good.status, good.body) == (200, {})
    assert bad.body["code"] == -1013
    assert venue.ask("GET allOrders", symbol=SYMBOL).body == []


def test_strategy_numbers_come_back_wherever_the_order_is_shown() -> None:
    venue = Venue().with_market()

    body = venue.limit("BUY", 1, 90, strategyId=7, strategyType=1_000_000).body

    assert (body["strategyId"], body["strategyType"]) == (7, 1_000_000)
    assert venue.order(body["orderId"])["strategyId"] == 7
