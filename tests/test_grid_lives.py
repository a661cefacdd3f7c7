"""A grid goes on after every power cut: no rung doubled, none forgotten, no fill lost."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

import lib.grid
import lib.orders
from lib.dealing.dealer import Dealer
from lib.life import Standing
from lib.orders import Exchange, Order, OrderState
from tests.swinging import ShapedWorld, contexts, swing, with_small_bots
from tests.world import CALM, Luck, World, every_life, live, pairs_of_cuts

Patch = pytest.MonkeyPatch
GRID: dict[str, Any] = {
    "function": "three_rungs",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "prices": ["60600", "60400", "60200"],
    "step": "0.002",
    "fills": 2,
}
NEAREST = {**GRID, "nearest": 1}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: Patch) -> None:
    with_small_bots(monkeypatch)


def swinging(seed: int, grid: dict[str, Any] = GRID, luck: Luck = CALM) -> ShapedWorld:
    return ShapedWorld(seed, {"grid": grid}, luck, shape=swing(0.02, 60))


def executed(world: World, side: str) -> list[Decimal]:
    found = [Decimal(o["executedQty"]) for o in world.orders() if o["side"] == side]
    return sorted(amount for amount in found if amount)


def check(world: ShapedWorld) -> None:
    """Each rung bought once and sold once, and its sums say what the exchange's books say."""
    world.check()
    assert world.standings == {"grid": Standing.FINISHED}
    assert sum(executed(world, "BUY")) == Decimal("0.03")
    assert sum(executed(world, "SELL")) == Decimal("0.02997")
    sums = [rung["turnover"] for rung in contexts(world, "grid")["grid"]["rungs"]]
    assert [Decimal(each["bought"]) for each in sums] == [Decimal("0.01")] * 3
    assert [Decimal(each["sold"]) for each in sums] == [Decimal("0.00999")] * 3
    assert all(Decimal(each["position"]) == 0 for each in sums)


@pytest.mark.slow
def test_each_rung_trades_once_each_way_whenever_the_power_fails() -> None:
    for world in every_life(lambda: swinging(1)):
        check(world)
        assert world.most_live <= 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 13))
def test_each_rung_trades_once_each_way_in_bad_weather(seed: int) -> None:
    for world in every_life(lambda: swinging(seed, luck=Luck()), stride=5):
        check(world)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 22))
def test_each_rung_trades_once_each_way_when_queries_lag(seed: int) -> None:
    for world in every_life(lambda: swinging(seed, luck=Luck(query_lag_ms=2_500)), stride=9):
        check(world)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 33))
def test_each_rung_trades_once_each_way_after_two_cuts(seed: int) -> None:
    for world in pairs_of_cuts(lambda: swinging(seed, luck=Luck()), seed, many=25):
        check(world)


@pytest.mark.slow
def test_one_order_rests_at_a_time_whenever_the_power_fails() -> None:
    for world in every_life(lambda: swinging(3, NEAREST), stride=2):
        check(world)
        assert world.most_live <= 1


# --- mutants


def nothing_is_saved_between_the_fold_and_the_next_order(patch: Patch) -> None:
    real = lib.orders.add_order

    async def add_order(exchange: Exchange, order: Order) -> AsyncIterator[Order]:
        async for order in real(exchange, order):
            if order.state is not OrderState.SUBMITTING:
                yield order

    patch.setattr(lib.grid, "add_order", add_order)
    patch.setattr(Dealer, "_tripwire", lambda *_: None)


def a_rung_rests_before_the_one_it_replaces_is_gone(patch: Patch) -> None:
    real = lib.grid._make_way

    def make_way(nearest: lib.grid.Rung, resting: list[lib.grid.Rung], price: Decimal) -> bool:
        made = real(nearest, resting, price)
        if made:
            nearest.rests = True  # before the other one is known to be gone
        return made

    patch.setattr(lib.grid, "_make_way", make_way)


def breach(grid: dict[str, Any]) -> str:
    try:
        for seed in range(3):
            for world in every_life(partial(swinging, seed, grid, Luck()), stride=7):
                check(world)
                assert world.most_live <= int(grid.get("nearest", 3))
    except AssertionError as wrong:
        return f"AssertionError: {wrong}"
    return ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mutant", "grid"),
    [
        (nothing_is_saved_between_the_fold_and_the_next_order, GRID),
        (a_rung_rests_before_the_one_it_replaces_is_gone, NEAREST),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_lives_catch(
    mutant: Callable[[Patch], None], grid: dict[str, Any], monkeypatch: Patch
) -> None:
    mutant(monkeypatch)

    assert breach(grid)


@pytest.mark.slow
@pytest.mark.parametrize("grid", [GRID, NEAREST])
def test_the_lives_find_nothing_against_the_real_grid(grid: dict[str, Any]) -> None:
    assert breach(grid) == ""


def test_a_grid_in_fair_weather_ends_with_every_rung_sold() -> None:
    check(live(swinging(1)))
