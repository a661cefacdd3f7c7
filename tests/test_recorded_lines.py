"""On the recorded crash of 2024-08-05 the bots do what a plain loop over the candles says.

The loops here know nothing of the bots: they walk through the recorded prices, four to a candle,
and keep a ledger of their own.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.bots_of_lines import finished
from tests.swinging import ShapedWorld
from tests.world import CALM, EPOCH, PRICES, live

RECORDING = Path("data/candles/BTCUSDT-5m-20240101-20240906.csv.gz")
BEGIN = 1_722_816_000_000  # 2024-08-05 00:00 UTC
COUNT = 144  # candles: twelve hours
STEP = 75  # seconds: four prices in each candle
FEE = Decimal("0.001")
LOT, CENT = Decimal("0.00001"), Decimal("0.01")

Prices = tuple[Decimal, Decimal, Decimal, Decimal]


@cache
def recorded() -> list[Prices]:
    """Read open, high, low and close of each candle."""
    with gzip.open(RECORDING, "rt") as rows:
        found = [row for row in csv.DictReader(rows) if int(row["open_time_ms"]) >= BEGIN]
    return [prices_of(row) for row in found[:COUNT]]


def prices_of(row: Mapping[str, str]) -> Prices:
    return Decimal(row["open"]), Decimal(row["high"]), Decimal(row["low"]), Decimal(row["close"])


def walked(candle: Prices) -> Prices:
    """Put a candle's prices in the order in which they are played: it falls before it rises."""
    first, high, low, last = candle
    return (first, low, high, last) if last >= first else (first, high, low, last)


@cache
def steps() -> list[Decimal]:
    return [price for candle in recorded() for price in walked(candle)]


def recorded_shape(ends_at: Decimal) -> Any:
    """Play the recording, then one last price."""

    def shape(at: float) -> float:
        number = int(at // STEP)
        price = steps()[number] if number < len(steps()) else ends_at
        return float(price) / PRICES["BTCUSDT"]

    return shape


@dataclass
class RecordedWorld(ShapedWorld):
    """The market moves a second after each step's time, so that no step falls between candles."""

    depth: Decimal = Decimal(50)
    TICK: ClassVar[float] = float(STEP)
    PATIENCE: ClassVar[float] = 14 * 3_600.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.now += 1.0


def play(section: Mapping[str, Any], ends_at: Decimal = Decimal(40_000)) -> RecordedWorld:
    world = live(RecordedWorld(1, {"bot": section}, CALM, shape=recorded_shape(ends_at)))
    finished(world)
    return world


@dataclass
class Ledger:
    """What an account has more or less."""

    base: Decimal = Decimal(0)
    quote: Decimal = Decimal(0)
    trades: int = 0
    prices: list[Decimal] = field(default_factory=list)

    def buy(self, quantity: Decimal, price: Decimal) -> None:
        self.base += quantity * (1 - FEE)
        self.quote -= quantity * price
        self._count(price)

    def sell(self, quantity: Decimal, price: Decimal) -> None:
        self.base -= quantity
        self.quote += quantity * price * (1 - FEE)
        self._count(price)

    def _count(self, price: Decimal) -> None:
        self.trades += 1
        self.prices.append(price)


def agree(world: RecordedWorld, ledger: Ledger) -> None:
    """The account moved as the ledger says; commissions are rounded to eight places each."""
    moved = world._moved()
    rounding = Decimal("1e-8") * ledger.trades
    assert abs(moved["USDT"] - ledger.quote) <= rounding
    assert abs(moved.get("BTC", Decimal(0)) - ledger.base) <= rounding


# --- the grid

LOWER, UPPER, COUNTED = Decimal("49003.37"), Decimal("58003.37"), 30
QUANTITY = Decimal("0.01")
GRID = {
    "function": "grid",
    "symbol": "BTCUSDT",
    "kind": "arithmetic",
    "lower": str(LOWER),
    "upper": str(UPPER),
    "intervals": COUNTED,
    "quantity": str(QUANTITY),
    "nearest": 100,
    "stop_loss": {"price": 45_000, "then": "keep"},
}


def looped_grid() -> Ledger:
    """Keep a grid by hand: every line buys when the price is below it, and sells one above."""
    ledger, gap = Ledger(), (UPPER - LOWER) / COUNTED
    begins = steps()[0]
    holds = [LOWER + gap * number + gap / 2 >= begins for number in range(COUNTED)]
    has = [QUANTITY if held else Decimal(0) for held in holds]
    stock = (sum(has) / (1 - FEE) / LOT).to_integral_value("ROUND_CEILING") * LOT
    ledger.buy(stock, begins + CENT)
    for price in [*steps()[1:], Decimal(40_000)]:
        for number in range(COUNTED):
            low = LOWER + gap * number
            if not holds[number] and price < low:
                ledger.buy(QUANTITY, low)
                holds[number], has[number] = True, has[number] + QUANTITY * (1 - FEE)
            elif holds[number] and price > low + gap:
                sold = (has[number] / LOT).to_integral_value(ROUND_FLOOR) * LOT
                ledger.sell(sold, low + gap)
                holds[number], has[number] = False, has[number] - sold
    return ledger


@pytest.mark.slow
def test_a_grid_trades_the_crash_as_a_loop_over_its_lines_does() -> None:
    world = play(GRID)

    ledger = looped_grid()
    assert ledger.trades > 100
    agree(world, ledger)
    filled = [o for o in world.orders() if o["status"] == "FILLED" and o["type"] == "LIMIT"]
    assert sorted(Decimal(o["price"]) for o in filled) == sorted(ledger.prices[1:])


# --- the averages

CROSS = {
    "function": "ema_cross",
    "symbol": "BTCUSDT",
    "quantity": "0.1",
    "interval": "5m",
    "fast": 3,
    "slow": 8,
    "stop": "0.012",
    "trades": 8,
}


def averages(period: int) -> Iterator[Decimal | None]:
    closes = [candle[3] for candle in recorded()]
    value = None
    for number, close in enumerate(closes):
        if number == period - 1:
            value = sum(closes[:period], Decimal(0)) / period
        elif value is not None:
            value += (close - value) * 2 / (period + 1)
        yield value


def looped_cross() -> Ledger:
    """Trade the averages by hand, the stop at each price and the cross at each close."""
    ledger, pairs = Ledger(), list(zip(averages(3), averages(8), strict=True))
    held, stop, best = Decimal(0), Decimal(0), Decimal(0)
    for number, candle in enumerate(recorded()):
        for place, price in enumerate(walked(candle)):
            if place == 1 and number >= 9:  # after the first price what the last close says is done
                (fast, slow), (fast_before, slow_before) = pairs[number - 1], pairs[number - 2]
                assert fast is not None
                assert slow is not None
                assert fast_before is not None
                assert slow_before is not None
                close = recorded()[number - 1][3]
                if held and fast < slow and fast_before >= slow_before:
                    ledger.sell(held, candle[0] - CENT)
                    held = Decimal(0)
                if not held and fast > slow and fast_before <= slow_before and ledger.trades < 16:
                    ledger.buy(Decimal("0.1"), candle[0] + CENT)
                    held, best = Decimal("0.0999"), Decimal(0)
                if held and close > best:
                    best, stop = close, close * (1 - Decimal("0.012"))
            if held and price <= (stop / CENT).to_integral_value("ROUND_CEILING") * CENT:
                ledger.sell(held, price - CENT)
                held = Decimal(0)
    return ledger


@pytest.mark.slow
def test_the_averages_trade_the_crash_as_a_loop_over_its_candles_does() -> None:
    ledger = looped_cross()
    assert ledger.trades == 16

    agree(play(CROSS), ledger)


# --- winter

WINTER = {
    "function": "winter_summer",
    "symbol": "BTCUSDT",
    "quote_quantity": "10000",
    "interval": "1h",
    "top": "53500",
    "winter": "0.045",
    "summer": "0.01",
    "laps": 1,
}


def looped_mean(seconds: float) -> Decimal:
    """Average open, high, low and close of the hour that a moment lies in, as far as it went."""
    last = int(seconds // STEP)
    seen = steps()[last - last % (3_600 // STEP) : last + 1]
    return (seen[0] + max(seen) + min(seen) + seen[-1]) / 4


@pytest.mark.slow
def test_winter_buys_below_the_average_of_each_hour_and_summer_sells_above_the_top() -> None:
    world = play(WINTER)

    *buys, sell = world.orders()
    assert len(buys) == 5
    for order in buys:
        seconds = (order["time"] - EPOCH) / 1_000
        market = steps()[int(seconds // STEP)]
        target = min(looped_mean(seconds) * Decimal("0.955"), market)
        assert Decimal(order["price"]) == (target / CENT).to_integral_value(ROUND_FLOOR) * CENT
    ledger = Ledger()
    for order in buys:
        if Decimal(order["executedQty"]):
            ledger.buy(Decimal(order["executedQty"]), Decimal(order["price"]))
    sold = (ledger.base / LOT).to_integral_value(ROUND_FLOOR) * LOT
    ledger.sell(sold, Decimal(53_500) * Decimal("1.01"))
    assert Decimal(sell["price"]) == Decimal(53_500) * Decimal("1.01")
    agree(world, ledger)
