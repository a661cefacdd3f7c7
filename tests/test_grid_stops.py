"""A grid of stops leaves no more of them at the exchange than it takes, and loses none."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from lib.filters import TrailingDelta
from lib.grid import Grid, Rung, _distance, run_grid
from lib.life import Standing
from lib.machine import drive
from lib.money import SymbolRules
from tests.scripted_venue import Office, limit_buy, play
from tests.swinging import ShapedWorld, contexts, swing, with_small_bots
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

TRAILABLE = SymbolRules(
    "BTCUSDT",
    "BTC",
    "USDT",
    trailing_stop_allowed=True,
    trailing_delta=TrailingDelta(10, 2_000, 10, 2_000),
)
STOPS_MAX = 5  # of BTCUSDT, in data/exchange_info.json
GRID: dict[str, Any] = {
    "function": "stop_rungs",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "prices": ["60800", "60700", "60600", "60500", "60400", "60300", "60200"],
    "delta": 30,
}
FEW = {**GRID, "prices": GRID["prices"][:3], "nearest": 2}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def swinging(grid: dict[str, Any], seed: int = 1, luck: Luck = CALM) -> ShapedWorld:
    return ShapedWorld(seed, {"grid": grid}, luck, shape=swing(0.03, 240))


def check(world: ShapedWorld, grid: dict[str, Any]) -> None:
    """Each rung bought a rebound once and sold a fall once, and its sums say so."""
    world.check()
    assert world.standings == {"grid": Standing.FINISHED}, world.news
    many = len(grid["prices"])
    filled = [order for order in world.orders() if Decimal(order["executedQty"])]
    assert [order["side"] for order in filled].count("BUY") == many
    assert [order["side"] for order in filled].count("SELL") == many
    assert world.most_live <= min(STOPS_MAX, grid.get("nearest", STOPS_MAX))
    sums = [rung["turnover"] for rung in contexts(world, "grid")["grid"]["rungs"]]
    assert [Decimal(each["bought"]) for each in sums] == [Decimal("0.01")] * many
    assert [Decimal(each["sold"]) for each in sums] == [Decimal("0.00999")] * many


def test_no_more_stops_rest_than_the_symbol_takes_and_none_is_refused() -> None:
    world = live(swinging(GRID))

    check(world, GRID)
    assert not [each.text for each in world.news if "refused" in each.text]
    assert world.most_live == STOPS_MAX


def test_a_rung_buys_a_rebound_and_sells_a_fall_at_the_exchange_itself() -> None:
    world = live(swinging(FEW))

    check(world, FEW)
    for rung in contexts(world, "grid")["grid"]["rungs"]:
        sums = rung["turnover"]
        assert Decimal(sums["received"]) > Decimal(sums["paid"])


@pytest.mark.slow
def test_every_rung_of_stops_trades_once_whenever_the_power_fails() -> None:
    for world in every_life(lambda: swinging(FEW), stride=5):
        check(world, FEW)


@pytest.mark.slow
def test_the_room_for_stops_is_kept_to_whenever_the_power_fails() -> None:
    for world in every_life(lambda: swinging(GRID, 2), stride=31):
        check(world, GRID)


@pytest.mark.slow
def test_every_rung_of_stops_trades_once_in_bad_weather() -> None:
    for world in every_life(lambda: swinging(FEW, 3, Luck(query_lag_ms=2_000)), stride=11):
        check(world, FEW)


@pytest.mark.slow
def test_every_rung_of_stops_trades_once_after_two_cuts() -> None:
    for world in pairs_of_cuts(lambda: swinging(FEW, 4, Luck()), 4, many=8):
        check(world, FEW)


def stop_rung(name: str, delta: int | None, stop: int | None = None, **more: Any) -> Rung:
    stop_price = None if stop is None else Decimal(stop)
    order = limit_buy("0.1").model_copy(
        update={
            "type": "STOP_LOSS",
            "time_in_force": None,
            "price": None,
            "trailing_delta": delta,
            "stop_price": stop_price,
        }
    )
    return Rung(name=name, order=order, **more)


def follow(office: Office, grid: Grid) -> None:
    """Follow the orders of a grid as the roster does it."""
    for rung in grid.rungs:
        if rung.order is not None and rung.order.id:
            office.mirror.follow(rung.order.symbol, rung.order.id, rung.order.order_id)


def save_of(office: Office) -> Callable[[Grid], Awaitable[None]]:
    async def save(grid: Grid) -> None:
        await office.save(grid)
        office.dealer.wake_given_up()

    return save


def test_a_rung_needs_a_price_or_a_trail() -> None:
    async def run(office: Office, rung: Rung) -> None:
        grid = Grid(symbol="BTCUSDT", rungs=[rung], nearest=1)
        await drive(run_grid(office.desk, grid, lambda *_: None), office.save)

    with pytest.raises(ValueError, match="a price or a trail"):
        play(lambda office: run(office, stop_rung("nowhere", None)))


@pytest.mark.parametrize(("delta", "keeps"), [(None, False), (50, True)])
def test_a_stop_that_trails_is_not_withdrawn_for_a_nearer_plan(
    delta: int | None, *, keeps: bool
) -> None:
    async def story(office: Office) -> list[str]:
        office.floor.rules["BTCUSDT"] = TRAILABLE
        office.floor.quotes.open("BTCUSDT")
        far, near = stop_rung("far", delta, 65_000), Rung(name="near", order=limit_buy("0.1"))
        grid = Grid(symbol="BTCUSDT", rungs=[far], nearest=1)
        task = office.loop.create_task(
            drive(run_grid(office.desk, grid, lambda *_: None), office.save)
        )
        await asyncio.sleep(2)
        task.cancel()
        office.begin_life()
        office.floor.rules["BTCUSDT"] = TRAILABLE
        office.floor.quotes.open("BTCUSDT")
        found = Grid.model_validate_json(office.saved)
        found.rungs.append(near)
        follow(office, found)
        task = office.loop.create_task(
            drive(run_grid(office.desk, found, lambda *_: None), save_of(office))
        )
        await asyncio.sleep(20)
        task.cancel()
        return [rung.name for rung in found.rungs if rung.rests]

    assert play(story) == (["far"] if keeps else ["near"])


def test_a_trail_without_a_stop_price_is_as_near_as_its_delta() -> None:
    trailing, resting = stop_rung("trail", 100), stop_rung("stop", None, 60_599)

    assert _distance(trailing, Decimal(60_000)) == 600
    assert _distance(resting, Decimal(60_000)) == 599
