"""Commissions, discounts and self-trades: who pays what, in which asset."""

from decimal import Decimal

import pytest

from lib.simulator.exchange import Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

TENTH = Decimal("0.001")


def test_a_buyer_pays_in_base_and_a_seller_in_quote_each_at_its_own_rate() -> None:
    venue = Venue(Options(maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.0005")))
    venue.limit("BUY", 2, 100)

    venue.limit("SELL", 2, 100, "bob")

    assert venue.balances()["BTC"][0] == 12 - 2 * Decimal("0.0002")
    assert venue.balances("bob")["USDT"][0] == 100_200 - 200 * Decimal("0.0005")


def test_a_commission_is_rounded_down_to_what_can_be_booked() -> None:
    venue = Venue().with_market()

    body = venue.limit("BUY", "0.12345", 101).body

    assert body["fills"][0]["commission"] == "0.00012345"
    assert venue.balances()["BTC"][0] == Decimal("10.12345") - Decimal("0.00012345")


def bnb_venue(bnb: str, price: str = "200") -> Venue:
    info = exchange_info(symbol_entry(), symbol_entry("BNB"))
    venue = Venue(Options(fees_in_bnb=True), info)
    venue.books.open_account("carol", 3, {"BTC": "10", "USDT": "100000", "BNB": bnb})
    venue.exchange.market_trade("BNBUSDT", price, 1, buyer_is_maker=True, time=venue.now)
    return venue.with_market()


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_commission_in_bnb_is_discounted_and_converted_at_the_last_price(side: str) -> None:
    venue = bnb_venue("1")

    (fill,) = venue.limit(side, 1, 101 if side == "BUY" else 99, "carol").body["fills"]

    value = (101 if side == "BUY" else 99) * TENTH * Decimal("0.75")
    assert fill["commissionAsset"] == "BNB"
    assert Decimal(fill["commission"]) == (value / 200).quantize(Decimal("1e-8"), "ROUND_DOWN")
    assert venue.balances("carol")["BNB"][0] == 1 - Decimal(fill["commission"])
    assert venue.balances("carol")["BTC"][0] == (11 if side == "BUY" else 9)


def test_without_enough_bnb_the_full_commission_comes_from_what_was_received() -> None:
    venue = bnb_venue("0.00000001")

    (fill,) = venue.limit("BUY", 1, 101, "carol").body["fills"]

    assert (fill["commission"], fill["commissionAsset"]) == ("0.00100000", "BTC")


def test_without_a_price_of_bnb_the_commission_comes_from_what_was_received() -> None:
    venue = Venue(Options(fees_in_bnb=True)).with_market()

    (fill,) = venue.limit("BUY", 1, 101).body["fills"]

    assert fill["commissionAsset"] == "BTC"


def test_a_commission_in_what_was_received_anyway_is_discounted_when_that_is_bnb() -> None:
    info = exchange_info(symbol_entry("BNB"))
    venue = Venue(Options(fees_in_bnb=True), info)
    venue.exchange.set_book("BNBUSDT", [], [("200", "1")], venue.now)
    order = {"symbol": "BNBUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}

    body = venue.ask("POST order", **order, quantity=1, price=200).body

    assert body["fills"][0]["commission"] == "0.00075000"
    assert venue.balances()["BNB"][0] == 1 - Decimal("0.00075")


def crossing_oneself(mode: str) -> Venue:
    """Rest a buy of 1 at 100 and let the same account sell 2 at 99 into it."""
    venue = Venue()
    venue.limit("BUY", 1, 100)
    venue.deaf()
    venue.limit("SELL", 2, 99, selfTradePreventionMode=mode)
    return venue


@pytest.mark.parametrize(
    ("mode", "maker", "taker"),
    [
        ("EXPIRE_MAKER", "EXPIRED_IN_MATCH", "NEW"),
        ("EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
        ("NONE", "FILLED", "PARTIALLY_FILLED"),
    ],
)
def test_nobody_trades_with_oneself_unless_asked_to(mode: str, maker: str, taker: str) -> None:
    venue = crossing_oneself(mode)

    assert venue.order(1)["status"] == maker
    assert venue.order(2)["status"] == taker
    kinds = [kind for kind, _ in venue.reports()]
    expired = [maker, taker].count("EXPIRED_IN_MATCH")
    assert kinds.count("TRADE_PREVENTION") == expired


def test_an_expired_maker_gets_its_funds_back_and_says_what_was_prevented() -> None:
    venue = crossing_oneself("EXPIRE_MAKER")

    maker = venue.order(1)
    event = next(e for _, e in venue.user_events if e.get("x") == "TRADE_PREVENTION")

    assert venue.balances()["USDT"] == (Decimal(100_000), Decimal(0))
    assert (maker["preventedQuantity"], maker["executedQty"]) == ("1.00000000", "0.00000000")
    assert (event["l"], event["pl"], event["U"], event["v"]) == ("0.00000000", "1.00000000", 2, 1)


def test_a_taker_hears_which_of_its_matches_were_prevented() -> None:
    venue = Venue()
    venue.limit("BUY", 1, 100)

    body = venue.limit("SELL", 1, 100).body

    assert body["preventedMatches"] == [
        {
            "preventedMatchId": 1,
            "makerSymbol": SYMBOL,
            "makerOrderId": 1,
            "price": "100.00000000",
            "makerPreventedQuantity": "1.00000000",
        }
    ]


def test_the_default_prevention_is_the_symbols() -> None:
    entry = symbol_entry(defaultSelfTradePreventionMode="EXPIRE_TAKER")
    venue = Venue(info=exchange_info(entry))
    venue.limit("BUY", 1, 100)

    assert venue.limit("SELL", 1, 100).body["status"] == "EXPIRED_IN_MATCH"


def test_a_market_order_that_meets_only_its_own_account_expires() -> None:
    venue = Venue()
    venue.last(100)
    venue.limit("BUY", 1, 99)

    body = venue.market("SELL", 1).body

    assert (body["status"], body["executedQty"]) == ("EXPIRED", "0.00000000")
    assert venue.order(1)["status"] == "EXPIRED_IN_MATCH"


def test_a_fill_or_kill_order_does_not_count_on_its_own_account() -> None:
    venue = Venue()
    venue.limit("BUY", 1, 100)

    body = venue.limit("SELL", 1, 100, timeInForce="FOK").body

    assert body["status"] == "EXPIRED"
    assert venue.order(1)["status"] == "NEW"


def test_a_prevention_mode_the_symbol_lacks_is_refused() -> None:
    entry = symbol_entry(allowedSelfTradePreventionModes=["EXPIRE_MAKER"])
    venue = Venue(info=exchange_info(entry))

    answer = venue.limit("BUY", 1, 100, selfTradePreventionMode="NONE")

    assert refusal(answer)[1] == -1013


def test_a_maker_pays_nothing_for_a_better_price_of_the_taker() -> None:
    venue = Venue()
    venue.limit("SELL", 1, 100, "bob")

    body = venue.limit("BUY", 1, 105).body

    assert body["fills"][0]["price"] == "100.00000000"
    assert venue.balances()["USDT"] == (Decimal(99_900), Decimal(0))
    assert venue.ask("GET ticker/price", None, symbol=SYMBOL).body["price"] == "100.00000000"
