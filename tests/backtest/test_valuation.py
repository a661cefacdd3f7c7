"""What assets are worth in one of them, straight or by way of another."""

from decimal import Decimal

import pytest

from lib.backtest.valuation import Valuation

ASSETS = {
    "ETHBTC": ("ETH", "BTC"),
    "BTCUSDT": ("BTC", "USDT"),
    "ADAEUR": ("ADA", "EUR"),
    "ETHUSDT": ("ETH", "USDT"),
}


def valued(**prices: str) -> Valuation:
    return Valuation("USDT", ASSETS, {name: Decimal(price) for name, price in prices.items()})


def test_a_base_is_priced_by_its_symbol() -> None:
    assert valued(BTCUSDT="60000").worth({"BTC": Decimal("0.5"), "USDT": Decimal(7)}) == 30_007


@pytest.mark.parametrize("order", [("ETHBTC", "BTCUSDT"), ("BTCUSDT", "ETHBTC")])
def test_a_base_is_priced_by_way_of_its_quote_in_any_order(order: tuple[str, str]) -> None:
    prices = {"ETHBTC": "0.05", "BTCUSDT": "60000"}

    assert valued(**{name: prices[name] for name in order}).prices["ETH"] == 3_000


def test_what_no_symbol_leads_to_counts_nothing_and_is_named() -> None:
    values = valued(ADAEUR="0.3", BTCUSDT="60000")

    assert values.worth({"ADA": Decimal(100), "EUR": Decimal(5), "USDT": Decimal(1)}) == 1
    assert values.unpriced(["ADA", "BTC", "EUR", "USDT"]) == ("ADA", "EUR")


def test_a_new_price_counts_once_all_are_priced_anew() -> None:
    values = valued(ETHBTC="0.05", BTCUSDT="60000")

    values.move("BTCUSDT", Decimal(70_000))
    before = values.prices["ETH"]
    values.renew()

    assert (before, values.prices["ETH"]) == tuple(map(Decimal, ("3000", "3500")))
