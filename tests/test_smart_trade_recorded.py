"""On recorded prices the smart trade does what a loop over the same prices says it should."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any

import pytest

from lib.exchange import Candle
from lib.exits.holding import Holding
from lib.market.recordings import CandleTable
from tests.market.recorder import BTC_CANDLES, FIVE_MINUTES
from tests.stepping import CENT, SteppedWorld
from tests.swinging import contexts
from tests.world import CALM, live

FEE = Decimal("0.001")
LOT = Decimal("0.00001")
UNIT = Decimal("0.1")
CANDLES = 40
TICKS = 2  # how often each price is traded
PLACES = (300, 9_000, 33_000, 61_111)  # where in the recording it begins


@dataclass(frozen=True)
class Ledger:
    """What was paid and got in quote, fees taken off, and what of the coins is left."""

    paid: Decimal
    got: Decimal
    left: Decimal


@dataclass(frozen=True)
class Setting:
    """One way of trading, and the same in numbers for the loop."""

    section: dict[str, Any]
    stop: Decimal
    target: Decimal | None = None
    stop_trails: bool = False
    target_trail: Decimal | None = None
    ticks: int = 1  # in a row, until its stop counts


SETTINGS = {
    "target and stop": Setting(
        {"take_profit": {"price": "0.8%"}, "stop_loss": {"price": "-0.5%"}},
        target=Decimal("0.008"),
        stop=Decimal("0.005"),
    ),
    "a stop that three ticks confirm": Setting(
        {"take_profit": {"price": "0.8%"}, "stop_loss": {"price": "-0.5%", "confirm": "3 ticks"}},
        target=Decimal("0.008"),
        stop=Decimal("0.005"),
        ticks=3,
    ),
    "a stop that trails": Setting(
        {"stop_loss": {"price": "-0.6%", "trailing": True}},
        stop=Decimal("0.006"),
        stop_trails=True,
    ),
    "a target that trails": Setting(
        {"take_profit": {"price": "0.5%", "trailing": "-0.2%"}, "stop_loss": {"price": "-1%"}},
        target=Decimal("0.005"),
        target_trail=Decimal("0.002"),
        stop=Decimal("0.01"),
    ),
}


@pytest.fixture(scope="module")
def candles() -> CandleTable:
    return CandleTable.load(BTC_CANDLES, interval=FIVE_MINUTES)


def prices_of(candles: Sequence[Candle]) -> list[Decimal]:
    """Walk through each candle: open, the extreme behind it, the other one, close."""
    prices = []
    for candle in candles:
        rises = candle.close >= candle.open
        extremes = (candle.low, candle.high) if rises else (candle.high, candle.low)
        prices += [candle.open, *extremes, candle.close]
    return prices


def expected(prices: Sequence[Decimal], setting: Setting) -> Ledger:
    """Buy at the first price, sell at the first that ends it: a cent lower, at the best bid."""
    bought, net = prices[0], UNIT * (1 - FEE)
    coins = net.quantize(LOT, ROUND_DOWN)
    best, best_since = bought, Decimal(0)  # since the entry, and since the target was reached
    beyond = 0  # ticks in a row
    for price in (price for price in prices[1:] for _ in range(TICKS)):
        best = max(best, price)
        is_target = setting.target is not None and price >= cents(bought * (1 + setting.target))
        if setting.target_trail is not None:
            best_since = max(best_since, price) if best_since or is_target else best_since
            is_target = price <= best_since * (1 - setting.target_trail)
        line = (best if setting.stop_trails else bought) * (1 - setting.stop)
        beyond = beyond + 1 if price <= (line if setting.stop_trails else cents(line)) else 0
        if is_target or beyond == setting.ticks:
            value = coins * (price - CENT)
            fee = (value * FEE).quantize(Decimal("1e-8"), ROUND_DOWN)
            return Ledger(bought * UNIT, value - fee, net - coins)
    return Ledger(bought * UNIT, Decimal(0), net)


def cents(price: Decimal) -> Decimal:
    """A price of a sale is never rounded down."""
    return price.quantize(CENT, ROUND_UP)


def world_of(setting: Setting, prices: Sequence[Decimal]) -> SteppedWorld:
    own = {"function": "smart_trade", "symbol": "BTCUSDT", "unit": str(UNIT), **setting.section}
    world = SteppedWorld(1, {"bot": own}, CALM, steps=[str(price) for price in prices], pace=1)
    world.resting_at = world.start + len(prices) + 8
    return world


def ledger_of(world: SteppedWorld) -> Ledger:
    held = Holding.model_validate(contexts(world, "bot")["held"])
    return Ledger(held.result.paid, held.moved["USDT"] + held.result.paid, held.moved["BTC"])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", SETTINGS)
def test_the_ledger_is_that_of_a_loop_over_the_same_prices(
    name: str, place: int, candles: CandleTable
) -> None:
    setting, prices = SETTINGS[name], prices_of(candles[place : place + CANDLES])

    world = live(world_of(setting, prices))

    world.check()
    assert ledger_of(world) == expected(prices, setting)


def test_the_recorded_prices_end_trades_in_every_way(candles: CandleTable) -> None:
    found = set()
    for setting in SETTINGS.values():
        for place in PLACES:
            ledger = expected(prices_of(candles[place : place + CANDLES]), setting)
            found.add((ledger.got > ledger.paid, bool(ledger.got)))

    assert {(True, True), (False, True)} <= found
