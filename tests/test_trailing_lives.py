"""A trail turns where it should, and what it rests on is on disk, whenever the power fails."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

import lib.trailing
from lib.desk import Desk
from lib.life import Standing
from lib.trailing import Trail, turns
from tests.swinging import ShapedWorld, contexts, path, with_small_bots
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

Patch = pytest.MonkeyPatch
SELL: dict[str, Any] = {
    "function": "trailing_sell",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "distance": "0.002",
    "may_sell_your_coins": True,
}
BUY = {**SELL, "side": "BUY", "may_sell_your_coins": False}
UP_AND_DOWN = path((0, 1), (30, 1.01), (400, 0.9))
DOWN_AND_UP = path((0, 1), (30, 0.99), (400, 1.1))


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: Patch) -> None:
    with_small_bots(monkeypatch)


@dataclass
class WatchedWorld(ShapedWorld):
    """Looks at the disk at the very moment the exchange accepts an order."""

    on_disk: list[Mapping[str, Any]] = field(default_factory=list)

    def heard(self, event: Mapping[str, Any]) -> None:
        if event["x"] == "NEW":
            listener, self.disk.on_call = self.disk.on_call, None
            self.on_disk.append(contexts(self, "trail"))
            self.disk.on_call = listener


def trailing(seed: int, trail: dict[str, Any] = SELL, luck: Luck = CALM) -> WatchedWorld:
    shape = DOWN_AND_UP if trail.get("side") == "BUY" else UP_AND_DOWN
    return WatchedWorld(seed, {"trail": trail}, luck, shape=shape)


def check(world: WatchedWorld) -> None:
    """One order, of the whole, and the mark that explains it was on disk before it left."""
    world.check()
    assert world.standings == {"trail": Standing.FINISHED}
    (order,) = world.orders()
    assert Decimal(order["executedQty"]) == Decimal("0.01")
    for context in world.on_disk:
        trail = Trail.model_validate(context["trail"])
        assert trail.turned_at is not None
        assert turns(trail, trail.turned_at)


@pytest.mark.slow
@pytest.mark.parametrize("trail", [SELL, BUY], ids=["sell", "buy"])
def test_sells_once_by_a_mark_that_was_saved_whenever_the_power_fails(
    trail: dict[str, Any],
) -> None:
    for world in every_life(lambda: trailing(1, trail)):
        check(world)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 13))
def test_sells_once_by_a_mark_that_was_saved_in_bad_weather(seed: int) -> None:
    for world in every_life(lambda: trailing(seed, luck=Luck(query_lag_ms=2_500)), stride=2):
        check(world)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 22))
def test_sells_once_by_a_mark_that_was_saved_after_two_cuts(seed: int) -> None:
    for world in pairs_of_cuts(lambda: trailing(seed, luck=Luck()), seed, many=30):
        check(world)


def the_mark_is_saved_after_acting(patch: Patch) -> None:
    real = lib.trailing.follow_trail

    async def follow_trail(desk: Desk, trail: Trail) -> AsyncIterator[Trail]:
        ahead = trail.model_copy()
        async for _ in real(desk, ahead):
            pass
        for late in list[Trail]():
            yield late

    patch.setattr("bots.trailing_sell.follow_trail", follow_trail)


def any_price_turns_the_trail(patch: Patch) -> None:
    patch.setattr(lib.trailing, "turns", lambda *_: True)


def breach() -> str:
    try:
        for world in every_life(lambda: trailing(1), stride=3):
            check(world)
    except AssertionError as wrong:
        return f"AssertionError: {wrong}"
    return ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant", [the_mark_is_saved_after_acting, any_price_turns_the_trail], ids=lambda m: m.__name__
)
def test_the_lives_catch(mutant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    live(trailing(1))
    mutant(monkeypatch)

    assert breach()
