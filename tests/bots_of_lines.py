"""Sections of the bots that trade lines, seasons and averages, and worlds for them, for tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from lib.life import Standing
from tests.swinging import ShapedWorld, path, swing
from tests.told_world import ToldWorld
from tests.world import CALM, Luck, World

Section = Mapping[str, Any]
Shape = Callable[[float], float]

GRID: Section = {
    "function": "grid",
    "symbol": "BTCUSDT",
    "kind": "arithmetic",
    "lower": "60000",
    "upper": "61500",
    "intervals": 6,
    "quantity": "0.01",
    "nearest": 4,
    "stop_loss": {"price": "59000"},
}
FOLLOWING: Section = {
    "function": "grid",
    "symbol": "BTCUSDT",
    "lower": "60400",
    "upper": "61300",
    "lines": 4,
    "quantity": "200 USDT",
    "stop_loss": {"price": "56000"},
    "trailing_up_until": "63000",
    "trailing_down_until": "58000",
}
ENDLESS: Section = {
    "function": "grid",
    "symbol": "BTCUSDT",
    "kind": "infinity",
    "lower": "58000",
    "step": "0.005",
    "investment": "20000",
    "nearest": 6,
    "take_profit": {"price": "64000"},
    "stop_loss": {"price": "57000"},
}
WINTER: Section = {
    "function": "winter_summer",
    "symbol": "BTCUSDT",
    "quote_quantity": "1000",
    "interval": "1m",
    "interval_top": "1m",
    "top": "62000",
    "winter": "0.02",
    "summer": "0.005",
    "laps": 1,
}
STRATEGY: Section = {
    "function": "long_strategy",
    "symbol": "BTCUSDT",
    "quote_quantity": "1000",
    "interval": "1m",
    "top": "61500",
    "lower": "0.01",
    "upper": "0.004",
    "laps": 1,
}
CROSS: Section = {
    "function": "ema_cross",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "interval": "1m",
    "fast": 2,
    "slow": 4,
    "stop": "0.02",
    "trades": 1,
}

SMA: Section = {
    "function": "sma_cross",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "interval": "1m",
    "fast": 1,
    "slow": 3,
    "trades": 1,
    "entries_within": "1h",
}
PRESSURE: Section = {
    "function": "taker_pressure",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "memory": 12,
    "enter": "0.3",
    "leave": "0.3",
    "stop": "0.2",
    "trades": 1,
    "entries_within": "1h",
}

ROUND_TRIP = path((0, 1), (30, 0.99), (60, 1.003), (90, 0.985), (120, 1.005), (170, 0.95))
THERE_AND_BACK = path((0, 1), (50, 1.03), (130, 0.96), (200, 0.9))
CLIMB = path((0, 1), (40, 1.02), (80, 0.985), (160, 1.07))


def seasonal(at: float) -> float:
    """Fall by eight percent from above the beginning and come back, every five minutes."""
    return 1.03 * swing(0.08, 300)(at) if at > 60 else 1.0


@dataclass
class SlowWorld(ShapedWorld):
    """The market moves every two seconds: for bots that wait for minutes."""

    TICK: ClassVar[float] = 2.0


@dataclass
class SlowToldWorld(ToldWorld):
    """The same, with a person."""

    TICK: ClassVar[float] = 2.0


def grid_world(
    section: Section, shape: Shape, seed: int = 1, luck: Luck = CALM, **more: Any
) -> ShapedWorld:
    return ShapedWorld(seed, {"bot": section}, luck, shape=shape, **more)


def slow_world(
    section: Section, shape: Shape = seasonal, seed: int = 1, luck: Luck = CALM, **more: Any
) -> SlowWorld:
    return SlowWorld(seed, {"bot": section}, luck, shape=shape, **more)


def finished(world: World) -> None:
    """Hold the books against the exchange; the bot came to its end and left no order."""
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}, (world.deaths, world.news[-3:])
    assert world.locked() == {}


def said(world: World, kind: str) -> list[str]:
    """Answer what the bot told of one kind."""
    return [news.text for news in world.news if news.bot == "bot" and news.kind == kind]


def executed(world: World, side: str) -> Decimal:
    return sum(
        (Decimal(each["executedQty"]) for each in world.orders() if each["side"] == side),
        Decimal(0),
    )


def resting_prices(world: World, side: str) -> list[Decimal]:
    """Answer at which prices limit orders of a side were ever accepted, in their order."""
    orders = [each for each in world.orders() if each["type"] == "LIMIT"]
    return [Decimal(each["price"]) for each in orders if each["side"] == side]
