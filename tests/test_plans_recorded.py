"""On recorded prices the bots that follow a plan trade what a loop over the same prices would."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from typing import Any, ClassVar

import pytest

from lib.exchange import Candle
from lib.market.recordings import CandleTable
from tests.market.recorder import BTC_CANDLES, FIVE_MINUTES
from tests.plans import DCA, RANGE, RECURRING, TWAP, traded
from tests.stepping import SteppedWorld
from tests.swinging import contexts
from tests.world import CALM, live

pytestmark = pytest.mark.slow

FEE = Decimal("0.001")
LOT = Decimal("0.00001")
CENT = Decimal("0.01")
PLACES = (300, 33_000, 62_220)  # where in the recording it begins
CRASH = 62_500  # August 5, 2024
CANDLES = 30
Trade = tuple[str, Decimal, Decimal]


@dataclass
class CoarseWorld(SteppedWorld):
    """Each price lasts a minute and a quarter, as long as a quarter of its candle."""

    TICK: ClassVar[float] = 15.0
    PATIENCE: ClassVar[float] = 12 * 3_600.0
    pace: float = 75
    start: float = 75


@dataclass
class Book:
    """What the loop believes: trades, and the money that they moved."""

    trades: list[Trade] = field(default_factory=list)
    coins: Decimal = Decimal(0)
    money: Decimal = Decimal(0)

    def buy(self, quantity: Decimal, price: Decimal) -> None:
        self.trades.append(("BUY", quantity, price))
        self.coins += quantity * (1 - FEE)
        self.money -= quantity * price

    def sell(self, quantity: Decimal, price: Decimal) -> None:
        self.trades.append(("SELL", quantity, price))
        self.coins -= quantity
        fee = (quantity * price * FEE).quantize(Decimal("1e-8"), ROUND_DOWN)
        self.money += quantity * price - fee


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


def world_of(
    section: Mapping[str, Any], prices: Sequence[Decimal], kind: type[SteppedWorld] = SteppedWorld
) -> SteppedWorld:
    more = {} if kind is CoarseWorld else {"pace": 2}
    world = kind(1, {"bot": section}, CALM, steps=[str(price) for price in prices], **more)  # type: ignore[arg-type]
    world.settings = {"poll": "10m"}
    world.resting_at = world.start + len(prices) * world.pace
    live(world)
    world.check()
    return world


def executed(world: SteppedWorld) -> list[Trade]:
    return traded(world)


def summed(trades: Sequence[Trade]) -> dict[tuple[str, Decimal], Decimal]:
    """Add up what was traded at each price: what one movement of the price fills has no order."""
    sums: dict[tuple[str, Decimal], Decimal] = {}
    for side, quantity, price in trades:
        sums[side, price] = sums.get((side, price), Decimal(0)) + quantity
    return sums


def lots(quantity: Decimal) -> Decimal:
    return quantity.quantize(LOT, ROUND_DOWN)


# --- dca


def dca_trades(
    prices: Sequence[Decimal], profit: Decimal, steps: Sequence[Decimal], stop: Decimal
) -> Book:
    """Buy, buy more at each step below, sell at the profit over what it cost, or at the stop."""
    book, base, held, paid = Book(), Decimal(0), Decimal(0), Decimal(0)
    open_steps: list[Decimal] = []
    unit = Decimal("0.01")
    for price in prices:
        if base:
            for step in [each for each in open_steps if price <= each]:
                open_steps.remove(step)
                book.buy(unit, step)
                held, paid = held + unit * (1 - FEE), paid + unit * step
            target = (paid * (1 + profit) / held).quantize(CENT, ROUND_CEILING)
            line = (base * (1 - stop)).quantize(CENT, ROUND_CEILING)
            assert price != target
            if price > target or price <= line:
                book.sell(lots(held), target if price > target else price - CENT)
                base = Decimal(0)
        if not base:
            base, held, paid = price, unit * (1 - FEE), unit * price
            book.buy(unit, price)
            open_steps = [(base * (1 - each)).quantize(CENT, ROUND_DOWN) for each in steps]
    return book


@pytest.mark.parametrize("place", [*PLACES[:2], CRASH])
def test_deals_on_recorded_prices_are_those_of_a_loop(place: int, candles: CandleTable) -> None:
    prices = prices_of(candles[place : place + CANDLES])
    steps = {"step": "0.002", "step_scale": 1, "volume_scale": 1, "active": 3}
    section = {**DCA, **steps, "take_profit": "0.0025", "stop_loss": "0.012", "deals": 0}

    world = world_of(section, prices)

    book = dca_trades(
        prices,
        Decimal("0.0025"),
        [Decimal(each) for each in ("0.002", "0.004", "0.006")],
        Decimal("0.012"),
    )
    assert summed(executed(world)) == summed(book.trades)
    assert len(book.trades) > 6
    memory = world.generation("bot").memory
    missed = memory.net["USDT"] - memory.fees["USDT"] - book.money
    assert abs(missed) <= Decimal("1e-7")  # a sale in two parts has its fee rounded twice


# --- range


def range_trades(prices: Sequence[Decimal], step: Decimal, unit: Decimal) -> Book:
    """Buy a step below or above the last trade, which may be our own, sell a step from the buy."""
    book, begun, bought = Book(), Decimal(0), Decimal(0)
    for price in prices:
        begun = begun or price
        low = (begun * (1 - step)).quantize(CENT, ROUND_DOWN)
        high = (begun * (1 + step)).quantize(CENT, ROUND_DOWN)
        if not bought and (price <= low or price >= high):
            bought = max(low, price)
            book.buy(unit, bought)
        target = (bought * (1 + step)).quantize(CENT, ROUND_CEILING)
        stop = (bought * (1 - step)).quantize(CENT, ROUND_CEILING)
        if bought and (price > target or price <= stop):  # also what the buy was gapped through
            begun = price if price > target else price - CENT  # a stop trades with the bid
            book.sell(lots(unit * (1 - FEE)), min(begun, target))
            bought = Decimal(0)
    return book


@pytest.mark.parametrize("place", PLACES)
def test_laps_on_recorded_prices_are_those_of_a_loop(place: int, candles: CandleTable) -> None:
    prices = prices_of(candles[place : place + CANDLES])
    borders = {"bottom": prices[0] / 2, "top": prices[0] * 2}
    section = {**RANGE, **borders, "away": "0.0025", "patience": "1d", "pause": 0, "laps": 0}

    world = world_of(section, prices)

    assert executed(world) == range_trades(prices, Decimal("0.0025"), Decimal("0.01")).trades
    assert len(executed(world)) > 2


# --- what goes by the clock


def shown_at(world: SteppedWorld, seconds: float) -> Decimal:
    return world.shown[world.number(seconds)].ask


def slices_of(world: SteppedWorld, began: float) -> Iterator[Trade]:
    for turn in range(6):
        yield "BUY", Decimal("0.05"), shown_at(world, began + turn * 600)


def test_slices_on_recorded_prices_are_bought_at_the_price_of_their_time(
    candles: CandleTable,
) -> None:
    prices = prices_of(candles[300:330])
    section = {**TWAP, "by": "MARKET", "quantity": "0.3", "duration": "1h", "slices": 6}

    world = world_of(section, prices, CoarseWorld)

    began = contexts(world, "bot")["began_at"] / 1_000 - world.begun
    assert executed(world) == list(slices_of(world, began))


def test_a_purchase_on_recorded_prices_is_made_at_the_price_of_its_time(
    candles: CandleTable,
) -> None:
    prices = prices_of(candles[33_000:33_030])
    section = {**RECURRING, "times": 1, "schedule": {"every": "day", "at": "02:01"}}

    world = world_of(section, prices, CoarseWorld)

    price = shown_at(world, 2 * 3_600 + 60)
    assert executed(world) == [("BUY", lots(100 / price), price)]


def balanced(world: SteppedWorld, looks: Sequence[float], band: Decimal) -> list[Trade]:
    """Hold half in coins: trade the difference once it is more than the band of the whole."""
    book = Book(coins=Decimal("0.05"), money=Decimal(2_000))
    for at in looks:
        price = shown_at(world, at)
        whole = book.money + book.coins * price
        excess = book.coins * price - whole / 2
        if excess > band * whole:
            book.sell(lots(excess / price), price - CENT)
        elif -excess > band * whole:
            book.buy(lots(-excess / price), price)
    return book.trades


def test_a_portfolio_on_recorded_prices_is_kept_as_a_loop_would(candles: CandleTable) -> None:
    prices = prices_of(candles[62_480:62_560])  # the crash of August 2024
    section = {
        "function": "rebalance",
        "weights": {"BTC": "0.5", "USDT": "0.5"},
        "band": "0.01",
        "period": "10m",
        "budget": {"USDT": "2000", "BTC": "0.05"},
        "comment": "BTCUSDT",
    }

    world = world_of(section, prices, CoarseWorld)

    rounds, last = contexts(world, "bot")["round"], contexts(world, "bot")["next_at"] / 1_000
    first = last - rounds * 600 - world.begun
    looks = [first + number * 600 for number in range(rounds)]
    assert executed(world) == balanced(world, looks, Decimal("0.01"))
    assert len(executed(world)) > 1
