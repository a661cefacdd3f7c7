"""The rules of a symbol: what they round, what they refuse, what an order locks."""

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lib.amounts import EXACT, common_multiple, remainder, sensible
from lib.filters import Lot, Notional, PercentPrice, PriceRange
from lib.money import MARKET_MARGIN, SymbolRules

BTCUSDT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
    "ocoAllowed": True,
    "quoteOrderQtyMarketAllowed": True,
    "isSpotTradingAllowed": True,
    "filters": [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.01000000",
            "maxPrice": "1000000.00000000",
            "tickSize": "0.01000000",
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": "0.00001000",
            "maxQty": "9000.00000000",
            "stepSize": "0.00001000",
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00000000",
            "maxQty": "88.09927941",
            "stepSize": "0.00000000",
        },
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 20,
            "maxTrailingBelowDelta": 3000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "4",
            "askMultiplierDown": "0.5",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": "5.00000000",
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_POSITION", "maxPosition": "10.5"},
        {"filterType": "A_FILTER_OF_TOMORROW", "limit": "x"},
    ],
}

RULES = SymbolRules.parse(BTCUSDT)
REFERENCE = Decimal(60_000)


@dataclass(frozen=True)
class Order:
    side: Literal["BUY", "SELL"] = "BUY"
    type: str = "LIMIT"
    quantity: Decimal | None = Decimal("0.001")
    quote_quantity: Decimal | None = None
    price: Decimal | None = Decimal(60_000)
    stop_price: Decimal | None = None
    trailing_delta: int | None = None


MARKET = Order(type="MARKET", price=None)

amounts = st.decimals(
    min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False, places=None
).filter(sensible)
steps = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(1, 5_000),
    st.integers(-8, 1),
)
sides = st.sampled_from(("BUY", "SELL"))


# --- parsing


def test_every_part_of_exchange_info_is_read() -> None:
    assert RULES.symbol == "BTCUSDT"
    assert (RULES.base_asset, RULES.quote_asset) == ("BTC", "USDT")
    assert RULES.prices == PriceRange(Decimal("0.01"), Decimal(1_000_000), Decimal("0.01"))
    assert RULES.lot == Lot("LOT_SIZE", Decimal("0.00001"), Decimal(9000), Decimal("0.00001"))
    assert RULES.market_lot == Lot("MARKET_LOT_SIZE", Decimal(0), Decimal("88.09927941"))
    assert RULES.notional.smallest == 5
    assert RULES.notional.largest == 9_000_000
    assert RULES.notional.smallest_for_market is True
    assert RULES.notional.largest_for_market is False
    assert RULES.percent_price.sell_lowest == Decimal("0.5")
    assert RULES.percent_price.average_minutes == 5
    assert RULES.trailing_delta.below_largest == 3000
    assert (RULES.orders_max, RULES.algo_orders_max) == (200, 5)
    assert RULES.iceberg_parts_max == 100
    assert RULES.position_max == Decimal("10.5")
    assert RULES.order_lists_max is None
    assert RULES.oco_allowed is True
    assert RULES.oto_allowed is False


def test_the_older_filters_are_read_as_well() -> None:
    older = {
        **BTCUSDT,
        "filters": [
            {"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": True},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "5", "multiplierDown": "0.2"},
        ],
    }

    rules = SymbolRules.parse(older)

    assert rules.notional == Notional("MIN_NOTIONAL", Decimal(10), smallest_for_market=True)
    assert rules.percent_price == PercentPrice(
        "PERCENT_PRICE", Decimal(5), Decimal("0.2"), Decimal(5), Decimal("0.2")
    )


@pytest.mark.parametrize(
    "change",
    [
        {"baseAsset": None, "filters": None},
        {"filters": [{"filterType": "LOT_SIZE", "stepSize": 0.00001}]},
        {"filters": [{"filterType": "LOT_SIZE", "stepSize": "small"}]},
        {"filters": [{"filterType": "LOT_SIZE", "stepSize": "NaN"}]},
        {"filters": [{"filterType": "MAX_NUM_ORDERS", "maxNumOrders": "many"}]},
        {"filters": [{}]},
        {"orderTypes": None},
    ],
)
def test_unreadable_rules_are_refused_with_the_name_of_the_symbol(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the rules of 'BTCUSDT' cannot be read"):
        SymbolRules.parse({**BTCUSDT, **change})


def test_what_is_no_symbol_at_all_is_refused() -> None:
    nonsense: list[Any] = ["BTCUSDT", 7, None, [], {}]
    for found in nonsense:
        with pytest.raises(ValueError, match="cannot be read"):
            SymbolRules.parse(found)


def test_rules_survive_json() -> None:
    assert SymbolRules.parse(json.loads(json.dumps(BTCUSDT))) == RULES


# --- rounding


def test_a_buy_rounds_its_price_down_and_a_sell_up() -> None:
    assert RULES.round_price(Decimal("1.019"), "BUY") == Decimal("1.01")
    assert RULES.round_price(Decimal("1.011"), "SELL") == Decimal("1.02")
    assert RULES.round_price(Decimal("1.01"), "BUY") == Decimal("1.01")
    assert RULES.round_price(Decimal("1.01"), "SELL") == Decimal("1.01")


@settings(deadline=None)
@given(price=amounts, tick=steps, side=sides)
def test_a_rounded_price_is_on_the_tick_and_less_than_one_tick_away(
    price: Decimal, tick: Decimal, side: Literal["BUY", "SELL"]
) -> None:
    rules = replace(RULES, prices=PriceRange(tick=tick))

    rounded = rules.round_price(price, side)

    assert not list(rules.prices.complaints("price", rounded))
    assert EXACT.abs(EXACT.subtract(rounded, price)) < tick
    assert rounded <= price if side == "BUY" else rounded >= price
    assert rules.round_price(rounded, side) == rounded


@settings(deadline=None)
@given(quantity=amounts, step=steps, market_step=steps | st.just(Decimal(0)), market=st.booleans())
def test_a_rounded_quantity_is_on_the_step_and_never_more(
    quantity: Decimal, step: Decimal, market_step: Decimal, market: bool
) -> None:
    lot, market_lot = Lot(step=step), Lot("MARKET_LOT_SIZE", step=market_step)
    rules = replace(RULES, lot=lot, market_lot=market_lot)

    rounded = rules.round_quantity(quantity, "MARKET" if market else "LIMIT")

    assert 0 <= rounded <= quantity
    assert not remainder(rounded, step)
    if market:
        assert not remainder(rounded, market_step)
        assert EXACT.subtract(quantity, rounded) < common_multiple(step, market_step)
    else:
        assert EXACT.subtract(quantity, rounded) < step


def test_a_step_of_zero_rounds_nothing() -> None:
    free = replace(RULES, prices=PriceRange(), lot=Lot(), market_lot=Lot("MARKET_LOT_SIZE"))

    assert free.round_price(Decimal("1.23456789"), "SELL") == Decimal("1.23456789")
    assert free.round_quantity(Decimal("1.23456789"), "MARKET") == Decimal("1.23456789")


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-1", "1e100", "1e-100"])
def test_what_is_no_amount_is_not_rounded(amount: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        RULES.round_price(Decimal(amount), "BUY")
    with pytest.raises(ValueError, match="is not an amount"):
        RULES.round_quantity(Decimal(amount), "LIMIT")


# --- complaints


def test_an_order_within_all_rules_is_not_complained_about() -> None:
    assert RULES.complaints(Order(), reference_price=REFERENCE) == []
    assert RULES.complaints(MARKET, reference_price=REFERENCE) == []


CASES: list[tuple[str, Order, str, str]] = [
    (
        "quantity below",
        Order(quantity=Decimal("0.000001"), price=Decimal(1_000_000)),
        "LOT_SIZE",
        "quantity 0.000001 is below the smallest lot 0.00001",
    ),
    (
        "quantity above",
        Order(quantity=Decimal(9001), price=Decimal(100)),
        "LOT_SIZE",
        "quantity 9001 is above the largest lot 9000",
    ),
    (
        "quantity off step",
        Order(quantity=Decimal("0.001001")),
        "LOT_SIZE",
        "quantity 0.001001 is not a multiple of the lot step 0.00001",
    ),
    (
        "market lot",
        replace(MARKET, quantity=Decimal(89)),
        "MARKET_LOT_SIZE",
        "quantity 89 is above the largest market lot 88.09927941",
    ),
    (
        "tick",
        Order(price=Decimal("60000.001")),
        "PRICE_FILTER",
        "price 60000.001 is not a multiple of the tick 0.01",
    ),
    (
        "stop tick",
        Order("SELL", "STOP_LOSS_LIMIT", stop_price=Decimal("59000.001")),
        "PRICE_FILTER",
        "stop price 59000.001 is not a multiple of the tick 0.01",
    ),
    (
        "price above",
        Order(quantity=Decimal("0.001"), price=Decimal(1_000_001)),
        "PRICE_FILTER",
        "price 1000001 is above the highest price 1000000",
    ),
    (
        "least value",
        Order(quantity=Decimal("0.00008")),
        "NOTIONAL",
        "0.00008 at 60000 is worth 4.8, which is below the least value 5",
    ),
    (
        "greatest value",
        Order(quantity=Decimal(151)),
        "NOTIONAL",
        "151 at 60000 is worth 9060000, which is above the greatest value 9000000",
    ),
    (
        "least market value",
        replace(MARKET, quantity=Decimal("0.00008")),
        "NOTIONAL",
        "0.00008 at 60000 is worth 4.8, which is below the least value 5",
    ),
    (
        "least quote quantity",
        replace(MARKET, quantity=None, quote_quantity=Decimal("4.99")),
        "NOTIONAL",
        "quote quantity 4.99 is below the least value 5",
    ),
    (
        "quote buys too little",
        replace(MARKET, quantity=None, quote_quantity=Decimal("0.5")),
        "LOT_SIZE",
        "what 0.5 buys at 60000 is below the smallest lot 0.00001",
    ),
    (
        "buy too cheap",
        Order(price=Decimal(11_999)),
        "PERCENT_PRICE_BY_SIDE",
        "price 11999 is below 0.2 times the market's 60000, which is 12000",
    ),
    (
        "sell too cheap",
        Order("SELL", price=Decimal(29_999)),
        "PERCENT_PRICE_BY_SIDE",
        "price 29999 is below 0.5 times the market's 60000, which is 30000",
    ),
    (
        "sell too dear",
        Order("SELL", price=Decimal(240_001)),
        "PERCENT_PRICE_BY_SIDE",
        "price 240001 is above 4 times the market's 60000, which is 240000",
    ),
    (
        "type",
        Order(type="STOP_LOSS", price=None, stop_price=Decimal(1)),
        "TYPE",
        "BTCUSDT takes no STOP_LOSS orders",
    ),
    ("no price", Order(price=None), "PARAMETER", "a LIMIT order needs a price above 0"),
    ("idle price", replace(MARKET, price=Decimal(1)), "PARAMETER", "a MARKET order takes no price"),
    (
        "no stop",
        Order(type="STOP_LOSS_LIMIT"),
        "PARAMETER",
        "a STOP_LOSS_LIMIT order needs a stop price above 0",
    ),
    ("nothing", replace(MARKET, quantity=None), "PARAMETER", "an order needs a quantity above 0"),
    (
        "both quantities",
        replace(MARKET, quote_quantity=Decimal(10)),
        "PARAMETER",
        "an order takes a quantity or a quote quantity, not both",
    ),
    (
        "quote quantity of a limit",
        Order(quantity=None, quote_quantity=Decimal(10)),
        "PARAMETER",
        "a LIMIT order takes no quote quantity",
    ),
    (
        "decimals",
        Order(quantity=Decimal("0.123456789")),
        "PRECISION",
        "quantity 0.123456789 has more than the 8 decimals of BTC",
    ),
    ("NaN", Order(price=Decimal("NaN")), "PARAMETER", "price NaN is not an amount"),
    ("negative", Order(quantity=Decimal(-1)), "PARAMETER", "quantity -1 is not an amount"),
]


@pytest.mark.parametrize(
    ("order", "rule", "text"), [it[1:] for it in CASES], ids=[it[0] for it in CASES]
)
def test_each_rule_that_would_refuse_an_order_is_named_with_its_values(
    order: Order, rule: str, text: str
) -> None:
    found = RULES.refusals(order, reference_price=REFERENCE)

    assert (rule, text) in [(complaint.rule, complaint.text) for complaint in found]
    assert text in RULES.complaints(order, reference_price=REFERENCE)


def test_all_complaints_come_at_once() -> None:
    order = Order(quantity=Decimal("0.000001"), price=Decimal("1.001"))

    found = {complaint.rule for complaint in RULES.refusals(order, reference_price=REFERENCE)}

    assert found == {"LOT_SIZE", "PRICE_FILTER", "PERCENT_PRICE_BY_SIDE", "NOTIONAL"}


def test_the_step_counts_from_zero_and_not_from_the_smallest_lot() -> None:
    rules = replace(RULES, lot=Lot(smallest=Decimal("0.5"), step=Decimal("0.2")))

    assert rules.complaints(Order(quantity=Decimal("0.6"))) == []
    assert rules.complaints(Order(quantity=Decimal("0.7"))) != []


def test_a_part_of_a_filter_that_is_zero_is_off() -> None:
    free = replace(RULES, prices=PriceRange(), lot=Lot(), notional=Notional())

    assert free.complaints(Order(quantity=Decimal("0.00000001"), price=Decimal("0.00000001"))) == []


def test_a_market_order_escapes_the_least_value_where_the_filter_says_so() -> None:
    rules = replace(RULES, notional=replace(RULES.notional, smallest_for_market=False))
    small = replace(MARKET, quantity=Decimal("0.00008"))

    assert rules.complaints(small, reference_price=REFERENCE) == []


def test_what_needs_an_unknown_market_price_is_not_judged() -> None:
    assert RULES.complaints(replace(MARKET, quantity=Decimal("0.00008"))) == []
    assert RULES.complaints(Order(price=Decimal(1), quantity=Decimal(5))) == []


def test_a_symbol_that_is_not_trading_takes_no_orders() -> None:
    assert replace(RULES, status="BREAK").complaints(Order()) == ["BTCUSDT is not trading: BREAK"]
    assert replace(RULES, spot_allowed=False).complaints(Order()) == [
        "BTCUSDT is not trading: not open for spot trading"
    ]


loose = st.none() | st.decimals(allow_nan=True, allow_infinity=True)


@pytest.mark.slow
@settings(deadline=None)
@given(
    order=st.builds(
        Order,
        side=sides,
        type=st.sampled_from((*sorted(RULES.order_types), "STOP_LOSS", "NONSENSE")),
        quantity=loose,
        quote_quantity=loose,
        price=loose,
        stop_price=loose,
    ),
    reference_price=st.none() | amounts,
)
def test_no_order_is_too_odd_to_be_judged(order: Order, reference_price: Decimal | None) -> None:
    found = RULES.complaints(order, reference_price=reference_price)

    assert all(isinstance(text, str) and text for text in found)


@pytest.mark.slow
@settings(deadline=None)
@given(quantity=amounts, price=amounts, side=sides)
def test_a_rounded_order_is_never_refused_for_its_steps(
    quantity: Decimal, price: Decimal, side: Literal["BUY", "SELL"]
) -> None:
    order = Order(
        side,
        quantity=RULES.round_quantity(quantity, "LIMIT"),
        price=RULES.round_price(price, side),
    )

    found = RULES.complaints(order)

    assert not [text for text in found if "multiple" in text or "decimals" in text]


# --- what an order locks


def test_a_limit_buy_locks_price_times_quantity_of_the_quote_asset() -> None:
    order = Order(quantity=Decimal("0.12345678"), price=Decimal("65432.10"))

    assert RULES.asset_spent(order) == ("USDT", Decimal("8078.036374638"))


def test_a_sell_locks_its_quantity_of_the_base_asset() -> None:
    assert RULES.asset_spent(Order("SELL")) == ("BTC", Decimal("0.001"))
    assert RULES.asset_spent(replace(MARKET, side="SELL")) == ("BTC", Decimal("0.001"))


def test_a_market_buy_locks_more_than_the_reference_price_says() -> None:
    asset, amount = RULES.asset_spent(MARKET, reference_price=REFERENCE)

    assert (asset, amount) == ("USDT", 60 * (1 + MARKET_MARGIN))
    assert amount > 60


def test_a_quote_quantity_is_what_a_buy_spends() -> None:
    order = replace(MARKET, quantity=None, quote_quantity=Decimal("25.5"))

    assert RULES.asset_spent(order) == ("USDT", Decimal("25.5"))


def test_a_sell_for_a_quote_quantity_locks_enough_base_for_a_falling_price() -> None:
    order = replace(MARKET, side="SELL", quantity=None, quote_quantity=Decimal(100))

    asset, amount = RULES.asset_spent(order, reference_price=Decimal(30_000))

    assert asset == "BTC"
    assert amount * 30_000 >= 102


def test_a_stop_buy_without_a_price_is_reckoned_at_the_dearer_of_stop_and_market() -> None:
    order = Order(type="STOP_LOSS", price=None, stop_price=Decimal(70_000))

    assert RULES.asset_spent(order, reference_price=REFERENCE)[1] == 70 * (1 + MARKET_MARGIN)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_what_an_order_locks_is_not_guessed_without_a_price(side: Literal["BUY", "SELL"]) -> None:
    order = replace(MARKET, side=side)
    if side == "SELL":
        order = replace(order, quantity=None, quote_quantity=Decimal(100))

    with pytest.raises(ValueError, match="the price is not known"):
        RULES.asset_spent(order)


@pytest.mark.slow
@settings(deadline=None)
@given(quantity=amounts, price=amounts)
def test_what_a_limit_buy_locks_is_exact(quantity: Decimal, price: Decimal) -> None:
    assume(quantity and price)

    amount = RULES.asset_spent(Order(quantity=quantity, price=price))[1]

    assert Fraction(amount) == Fraction(quantity) * Fraction(price)
