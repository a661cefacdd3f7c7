"""Without a single event of the account, asking alone brings every bot to the same books.

The price goes by steps that each outlast a poll, so that what is noticed late is still done at the
same price.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

import bots
from lib.life import Standing
from tests.bots_of_lines import CROSS, GRID, ROUND_TRIP, STRATEGY, WINTER, SlowWorld, seasonal
from tests.edges import UserFeed
from tests.plans import DCA, RANGE, REBALANCE, RECURRING, SWING, TWAP
from tests.swinging import ShapedWorld, path, swing
from tests.world import CALM, Life, World, every_life, live

STEP: Final = 60.0  # seconds that each price lasts
BITCOIN: Final = {"symbol": "BTCUSDT"}
BOTH: Final = frozenset({"BUY", "SELL"})
Ledger = list[tuple[str, str, Decimal, Decimal]]


class AbsentFeed(UserFeed):
    """A stream that is never subscribed."""

    def _subscribe(self) -> None:
        """Never come."""

    def _arrive(self, event: dict[str, Any]) -> None:
        raise AssertionError(event)


class SilentFeed(UserFeed):
    """A stream that is subscribed, and brings nothing for ever."""

    def push(self, event: dict[str, Any]) -> None:
        """Lose it."""

    def _arrive(self, event: dict[str, Any]) -> None:
        raise AssertionError(event)


FEEDS: Final[Mapping[str, type[UserFeed]]] = {
    "the stream never comes": AbsentFeed,
    "the stream is silent": SilentFeed,
}


class DeafLife(Life):
    """A life that hears nothing of its account unless it asks."""

    def __init__(self, feed: type[UserFeed], world: World) -> None:
        super().__init__(world)
        self.user = feed(self)


@dataclass(frozen=True)
class Case:
    """A bot, and a market that fills what it places; `slower` stretches its shape."""

    section: Mapping[str, Any]
    shape: Callable[[float], float]
    slower: float = 1
    sides: frozenset[str] = BOTH  # that are executed
    world: type[ShapedWorld] = ShapedWorld

    def stairs(self, at: float) -> float:
        return self.shape(at // STEP * STEP / self.slower)


def patient(section: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**section, "patience": "1h"}


DIPS: Final = {
    "function": "dip_buyer",
    **BITCOIN,
    "quantity": "0.01",
    "dip": "0.002",
    "rebound": "0.002",
    "stop": "0.03",
    "laps": 2,
}
ONCE: Final = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
PAIR: Final = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "OCO",
    "quantity": "0.05",
    "price": "61200",
    "stopPrice": "60800",
}
TRADE: Final = {
    "function": "smart_trade",
    **BITCOIN,
    "unit": "0.01",
    "take_profit": [
        {"price": "0.4%", "share": "50%", "mode_sell": "LIMIT"},
        {"price": "0.9%", "base": "bid"},
    ],
    "stop_loss": {"price": "-0.5%", "break_even": "0.2%"},
}
CANDLES: Final = {
    "function": "sma_cross",
    **BITCOIN,
    "quantity": "0.01",
    "interval": "1m",
    "fast": 1,
    "slow": 3,
    "trades": 1,
}
TAKERS: Final = {
    "function": "taker_pressure",
    **BITCOIN,
    "quantity": "0.01",
    "memory": 10,
    "enter": "0.3",
    "stop": "0.05",
    "trades": 1,
}
RISES_ONCE: Final = path((0, 1), (300, 0.97), (600, 1.0), (900, 1.0), (1_200, 0.95))
CASES: Final[Mapping[str, Case]] = {
    "add_order": Case(
        {"function": "add_order", "order": PAIR}, swing(0.01, 400), 3, frozenset({"SELL"})
    ),
    "dca": Case({**DCA, "stop_loss": "0.03"}, SWING, 3),
    "dip_buyer": Case(patient(DIPS), swing(0.01, 400), 3),
    "ema_cross": Case(CROSS, RISES_ONCE, world=SlowWorld),
    "grid": Case(GRID, ROUND_TRIP, 12),
    "infinite": Case(
        {"function": "infinite", "bot": "add_order", "conf": {"order": ONCE}, "loop": 3},
        SWING,
        sides=frozenset({"BUY"}),
    ),
    "long_strategy": Case(STRATEGY, seasonal, 3, world=SlowWorld),
    "range": Case(patient(RANGE), SWING, 3),
    "rebalance": Case(REBALANCE, path((0, 1), (60, 1), (120, 1.2)), 3),
    "recurring": Case(RECURRING, SWING, 3, frozenset({"BUY"})),
    "sma_cross": Case(CANDLES, seasonal, world=SlowWorld),
    "smart_trade": Case(TRADE, path((0, 1), (60, 1), (200, 1.015)), 3),
    "taker_pressure": Case(TAKERS, SWING, 3),
    "twap": Case(TWAP, path((0, 1), (300, 0.99)), sides=frozenset({"BUY"})),
    "winter_summer": Case(WINTER, seasonal, world=SlowWorld),
}


def deaf(case: Case, feed: type[UserFeed] = UserFeed) -> ShapedWorld:
    world = case.world(1, {"bot": case.section}, CALM, shape=case.stairs)
    world.begin_life = partial(DeafLife, feed)
    return world


def verify(world: ShapedWorld) -> None:
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}, world.news[-3:]
    assert world.locked() == {}


def lived(case: Case, feed: type[UserFeed] = UserFeed) -> ShapedWorld:
    world = live(deaf(case, feed))
    verify(world)
    return world


def ledger(world: World) -> Ledger:
    """What was executed: side, type, quantity and worth of each order."""
    amounts = (
        (
            order["side"],
            order["type"],
            Decimal(order["executedQty"]),
            Decimal(order["cummulativeQuoteQty"]),
        )
        for order in world.orders()
    )
    return sorted(each for each in amounts if each[2])


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_bot_that_can_only_ask_comes_to_the_same_ledger(name: str) -> None:
    case = CASES[name]
    expected = ledger(lived(case))
    assert {side for side, _, _, _ in expected} == case.sides

    for how, feed in FEEDS.items():
        assert ledger(lived(case, feed)) == expected, how


@pytest.mark.slow
@pytest.mark.parametrize("how", FEEDS)
@pytest.mark.parametrize(("name", "stride"), [("add_order", 5), ("smart_trade", 13), ("dca", 97)])
def test_a_bot_that_can_only_ask_keeps_its_books_whenever_the_power_fails(
    name: str, stride: int, how: str
) -> None:
    for world in every_life(lambda: deaf(CASES[name], FEEDS[how]), stride=stride):
        verify(world)


def test_every_bot_is_among_those_that_can_only_ask() -> None:
    names = {path.stem for path in Path(bots.__path__[0]).glob("*.py") if "__" not in path.name}

    assert set(CASES) == names
