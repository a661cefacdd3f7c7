"""Commissions to the last unit: which rates add up, what a discount touches, who pays in what."""

from decimal import Decimal
from typing import Any

import pytest

from lib.simulator.exchange import Options
from lib.simulator.options import Commission, Rates
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry


def rates(maker: str, taker: str, buyer: str, seller: str) -> Rates:
    return Rates(Decimal(maker), Decimal(taker), Decimal(buyer), Decimal(seller))


# The example of Binance's own page on commissions, as its symbol has them.
STANDARD = rates("0.00000010", "0.00000020", "0.00000030", "0.00000040")
SPECIAL = rates("0.01000000", "0.02000000", "0.03000000", "0.04000000")
TAX = rates("0.00000112", "0.00000114", "0.00000118", "0.00000116")
EXAMPLE = Commission(STANDARD, SPECIAL, TAX)


def example(commission: Commission = EXAMPLE, **changes: Any) -> Venue:
    """One who buys 0.49975 BTC at 35000, in a world where 1 BNB costs 260 USDT."""
    options = Options(
        symbol_commissions={SYMBOL: commission}, bnb_multiplier=Decimal("0.25"), **changes
    )
    venue = Venue(options, exchange_info(symbol_entry(), symbol_entry("BNB")))
    venue.exchange.market_trade("BNBUSDT", "260", "1", buyer_is_maker=True, time=venue.now)
    venue.last(35_000)
    venue.exchange.set_book(SYMBOL, [("35000", "0.49975")], [("35001", "0.49975")], venue.now)
    return venue.deaf()


def paid(venue: Venue, side: str = "SELL") -> tuple[str, str]:
    (fill,) = venue.market(side, "0.49975").body["fills"]
    return fill["commission"], fill["commissionAsset"]


def test_a_taker_that_sells_pays_all_three_commissions_from_what_it_receives() -> None:
    venue = example()

    fee = paid(venue)

    # 17491.25 * (0.0000006 + 0.0000023 + 0.06) = 1049.525724625
    assert fee == ("1049.52572462", "USDT")
    assert venue.balances()["USDT"][0] == 100_000 + Decimal("17491.25") - Decimal("1049.52572462")


def test_a_commission_may_be_rounded_to_the_nearest_unit() -> None:
    # as that page adds it up: 0.01049475 + 0.04022988 + 1049.475
    assert paid(example(commission_rounding="half_up")) == ("1049.52572463", "USDT")


def test_a_taker_that_buys_pays_from_the_base_it_receives() -> None:
    venue = example()

    fee = paid(venue, "BUY")

    # 0.49975 * (0.0000005 + 0.00000232 + 0.05) = 0.024988909...
    assert fee == ("0.02498890", "BTC")
    assert venue.balances()["BTC"][0] == Decimal("10.49975") - Decimal("0.02498890")


def test_a_maker_pays_the_makers_rates() -> None:
    venue = example()
    venue.limit("SELL", 1, 40_000)

    venue.last(40_000, 1)

    (trade,) = venue.ask("GET myTrades", symbol=SYMBOL).body
    # 40000 * (0.0000005 + 0.00000228 + 0.05) = 2000.1112
    assert (trade["commission"], trade["isMaker"]) == ("2000.11120000", True)


@pytest.mark.parametrize(("rounding", "fee"), [("down", "4.03660712"), ("half_up", "4.03660713")])
def test_in_bnb_only_the_standard_commission_is_discounted(rounding: Any, fee: str) -> None:
    venue = example(fees_in_bnb=True, commission_rounding=rounding)
    venue.exchange.transfer("alice", "BNB", 5)

    # (17491.25 * 0.0000006 * 0.25 + 17491.25 * 0.0000023 + 17491.25 * 0.06) / 260 = 4.036607129
    assert paid(venue) == (fee, "BNB")
    assert venue.balances()["USDT"][0] == 100_000 + Decimal("17491.25")
    assert venue.balances()["BNB"][0] == 5 - Decimal(fee)


def test_who_has_one_unit_of_bnb_too_little_pays_in_full_from_what_was_received() -> None:
    venue = example(fees_in_bnb=True)
    venue.exchange.transfer("alice", "BNB", "4.03660711")

    assert paid(venue) == ("1049.52572462", "USDT")
    assert venue.balances()["BNB"][0] == Decimal("4.03660711")


def test_bnb_that_is_locked_pays_no_commission() -> None:
    venue = example(fees_in_bnb=True)
    venue.exchange.transfer("alice", "BNB", 5)
    venue.exchange.lock_externally("alice", "BNB", 1)

    assert paid(venue)[1] == "USDT"


def test_a_symbol_may_be_left_out_of_the_discount() -> None:
    left_out = Commission(STANDARD, SPECIAL, TAX, discounted=False)
    venue = example(left_out, fees_in_bnb=True)
    venue.exchange.transfer("alice", "BNB", 5)

    told = venue.ask("GET account/commission", symbol=SYMBOL).body["discount"]

    assert (told["enabledForAccount"], told["enabledForSymbol"]) == (True, False)
    assert paid(venue) == ("1049.52572462", "USDT")


def test_a_quote_that_bnb_is_not_traded_in_may_be_traded_in_bnb() -> None:
    info = exchange_info(symbol_entry("BTC", "ETH"), symbol_entry("ETH", "BNB"))
    venue = Venue(Options(fees_in_bnb=True), info)
    venue.exchange.transfer("alice", "BNB", 5)
    venue.exchange.market_trade("ETHBNB", "4", "1", buyer_is_maker=True, time=venue.now)
    venue.exchange.set_book("BTCETH", [("20", "1")], [], venue.now)
    order: dict[str, Any] = {
        "symbol": "BTCETH",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "IOC",
    }

    (fill,) = venue.ask("POST order", **order, quantity=1, price=20).body["fills"]

    assert (fill["commission"], fill["commissionAsset"]) == ("0.06000000", "BNB")  # 20 * 4 * .00075


def test_the_rates_of_a_symbol_are_told_as_binance_does() -> None:
    body = example().ask("GET account/commission", symbol=SYMBOL).body

    assert body == {
        "symbol": SYMBOL,
        "standardCommission": {
            "maker": "0.00000010",
            "taker": "0.00000020",
            "buyer": "0.00000030",
            "seller": "0.00000040",
        },
        "specialCommission": {
            "maker": "0.01000000",
            "taker": "0.02000000",
            "buyer": "0.03000000",
            "seller": "0.04000000",
        },
        "taxCommission": {
            "maker": "0.00000112",
            "taker": "0.00000114",
            "buyer": "0.00000118",
            "seller": "0.00000116",
        },
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": True,
            "discountAsset": "BNB",
            "discount": "0.25000000",
        },
    }


def test_a_symbol_without_rates_of_its_own_has_those_of_the_venue() -> None:
    options = Options(
        buyer_commission=Decimal("0.0002"), tax_commission=Rates(taker=Decimal("1e-5"))
    )
    venue = Venue(options).with_market()

    body = venue.ask("GET account/commission", symbol=SYMBOL).body
    (fill,) = venue.market("BUY", 1).body["fills"]

    assert body["standardCommission"]["buyer"] == "0.00020000"
    assert body["taxCommission"]["taker"] == "0.00001000"
    assert fill["commission"] == "0.00121000"


@pytest.mark.parametrize(
    ("side", "standard", "special", "tax"),
    [
        ("BUY", ("0.00000040", "0.00000050"), ("0.04000000", "0.05000000"), "0.00000232"),
        ("SELL", ("0.00000050", "0.00000060"), ("0.05000000", "0.06000000"), "0.00000230"),
    ],
)
def test_a_test_order_tells_the_rates_of_its_side(
    side: str, standard: tuple[str, str], special: tuple[str, str], tax: str
) -> None:
    venue = example()
    order: dict[str, Any] = {"symbol": SYMBOL, "side": side, "type": "MARKET", "quantity": 1}

    body = venue.ask("POST order/test", **order, computeCommissionRates="true").body

    assert body["standardCommissionForOrder"] == {"maker": standard[0], "taker": standard[1]}
    assert body["specialCommissionForOrder"] == {"maker": special[0], "taker": special[1]}
    assert body["taxCommissionForOrder"]["taker"] == tax
    assert body["discount"]["discountAsset"] == "BNB"
    assert venue.ask("POST order/test", **order).body == {}


@pytest.mark.parametrize(("asked", "weight"), [(None, 1), ("false", 1), ("true", 20)])
def test_computing_rates_weighs_more(asked: str | None, weight: int) -> None:
    venue = example()
    order: dict[str, Any] = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": 1}

    answer = venue.ask("POST order/test", **order, computeCommissionRates=asked)

    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


def test_an_account_shows_its_standard_rates_twice() -> None:
    options = Options(maker_fee=Decimal("0.0015"), seller_commission=Decimal("0.0001"))

    body = Venue(options).ask("GET account").body

    assert (body["makerCommission"], body["sellerCommission"]) == (15, 1)
    assert body["commissionRates"] == {
        "maker": "0.00150000",
        "taker": "0.00100000",
        "buyer": "0.00000000",
        "seller": "0.00010000",
    }
