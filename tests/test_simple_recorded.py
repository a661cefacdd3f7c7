"""On recorded prices the simplest bots trade what a plain loop over the same prices would."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from typing import Any

import pytest

from lib.market.recordings import CandleTable
from tests.market.recorder import BTC_CANDLES, FIVE_MINUTES
from tests.test_plans_recorded import CENT, FEE, LOT, Trade, executed, prices_of, world_of
from tests.test_recorded_lines import STEP, play, steps
from tests.world import EPOCH

pytestmark = pytest.mark.slow

CANDLES = 40
PLACES = (300, 33_000, 62_500)  # where in the recording it begins
UNIT = Decimal("0.01")
DIP, REBOUND, STOP = Decimal("0.0015"), Decimal("0.002"), Decimal("0.003")
DIPS: dict[str, Any] = {
    "function": "dip_buyer",
    "symbol": "BTCUSDT",
    "quantity": str(UNIT),
    "dip": str(DIP),
    "rebound": str(REBOUND),
    "stop": str(STOP),
    "patience": "1d",
}
AGAIN: dict[str, Any] = {
    "function": "infinite",
    "bot": "dip_buyer",
    "conf": {**{key: value for key, value in DIPS.items() if key != "function"}, "laps": 1},
}


@pytest.fixture(scope="module")
def candles() -> CandleTable:
    return CandleTable.load(BTC_CANDLES, interval=FIVE_MINUTES)


def dip_trades(prices: Sequence[Decimal]) -> list[Trade]:
    """Buy below where the lap began, sell above that, or with the bid once it fell too far."""
    trades: list[Trade] = []
    wanted, bought = (prices[0] * (1 - DIP)).quantize(CENT, ROUND_DOWN), Decimal(0)
    for price in prices[1:]:
        if not bought and price <= wanted:
            bought = wanted
            trades.append(("BUY", UNIT, bought))
        target = (bought * (1 + REBOUND)).quantize(CENT, ROUND_CEILING)
        is_lost = price < bought * (1 - STOP)
        if bought and (price > target or is_lost):
            coins = (UNIT * (1 - FEE)).quantize(LOT, ROUND_DOWN)
            trades.append(("SELL", coins, price - CENT if is_lost else target))
            last = price - CENT if is_lost else price  # our own sale was the last trade
            wanted, bought = (last * (1 - DIP)).quantize(CENT, ROUND_DOWN), Decimal(0)
    return trades


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("section", [DIPS, AGAIN], ids=["dip_buyer", "infinite"])
def test_dips_on_recorded_prices_are_those_of_a_loop(
    section: dict[str, Any], place: int, candles: CandleTable
) -> None:
    prices = prices_of(candles[place : place + CANDLES])

    world = world_of(section, prices)

    assert executed(world) == dip_trades(prices)


def test_the_recorded_prices_end_laps_in_both_ways(candles: CandleTable) -> None:
    ended = set()
    for place in PLACES:
        trades = dip_trades(prices_of(candles[place : place + CANDLES]))
        sides = zip(trades[::2], trades[1::2], strict=False)
        ended |= {sale[2] > purchase[2] for purchase, sale in sides}

    assert ended == {True, False}


@pytest.mark.parametrize("place", PLACES)
def test_an_order_is_filled_by_the_first_price_that_reaches_it(
    place: int, candles: CandleTable
) -> None:
    prices = prices_of(candles[place : place + CANDLES])
    limit = (prices[0] * (1 - DIP)).quantize(CENT, ROUND_DOWN)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": str(UNIT)}
    section = {"function": "add_order", "order": {**order, "price": str(limit)}}

    world = world_of({**section, "valid_for": "1h"}, prices)

    reached = any(price <= limit for price in prices[1:])
    assert executed(world) == ([("BUY", UNIT, limit)] if reached else [])


def middle(seconds: float) -> Decimal:
    """Answer the middle of the hour that a moment lies in, as far as it went."""
    last = int(seconds // STEP)
    seen = steps()[last - last % (3_600 // STEP) : last + 1]
    return (max(seen) + min(seen)) / 2


def test_the_older_strategy_buys_below_the_middle_of_each_hour_and_sells_above_the_top() -> None:
    section = {
        "function": "long_strategy",
        "symbol": "BTCUSDT",
        "quote_quantity": "10000",
        "interval": "1h",
        "top": "53500",
        "lower": "0.045",
        "upper": "0.01",
        "laps": 1,
    }
    *buys, sale = play(section).orders()

    for order in buys:
        seconds = (order["time"] - EPOCH) / 1_000
        target = min(middle(seconds) * Decimal("0.955"), steps()[int(seconds // STEP)])
        assert Decimal(order["price"]) == target.quantize(CENT, ROUND_DOWN)
    bought = Decimal(buys[-1]["executedQty"])
    assert bought == (Decimal(10_000) / Decimal(buys[-1]["price"])).quantize(LOT, ROUND_DOWN)
    assert Decimal(sale["executedQty"]) == (bought * (1 - FEE)).quantize(LOT, ROUND_DOWN)
    assert Decimal(sale["price"]) == Decimal(53_500) * Decimal("1.01")
