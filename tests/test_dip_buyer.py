"""The dip buyer trades once per lap, whatever happens and whenever the power fails."""

import pytest

from lib.closing_order import PAUSE
from lib.life import Standing
from tests.crossing import crossed
from tests.world import CALM, Luck, World, every_life, live, pairs_of_cuts

CONF = {
    "dip": {
        "function": "dip_buyer",
        "symbol": "BTCUSDT",
        "quantity": "0.01",
        "dip": "0.002",
        "rebound": "0.002",
        "stop": "0.01",
        "patience": "60s",
        "laps": 2,
    }
}
CHANGED = {"dip": {**CONF["dip"], "rebound": "0.004", "dip": "0.001", "quantity": "0.02"}}


def sides(world: World) -> list[str]:
    return [order["side"] for order in world.orders() if float(order["executedQty"])]


def test_buys_and_sells_once_per_lap_in_fair_weather() -> None:
    world = live(World(1, CONF, CALM))

    assert sides(world)[:2] == ["BUY", "SELL"]
    assert sides(world).count("BUY") == 2
    world.check()


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 6))]
)
def test_the_books_agree_whenever_the_power_fails(seed: int) -> None:
    for world in every_life(lambda: World(seed, CONF)):
        world.check()
        assert world.standings == {"dip": Standing.FINISHED}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 103))
def test_the_books_agree_when_queries_lag_behind_the_engine(seed: int) -> None:
    for world in every_life(lambda: World(seed, CONF, Luck(query_lag_ms=2_500)), stride=2):
        world.check()
        assert world.standings == {"dip": Standing.FINISHED}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 204))
def test_the_books_agree_after_two_cuts(seed: int) -> None:
    for world in pairs_of_cuts(lambda: World(seed, CONF), seed, many=40):
        world.check()
        assert world.standings == {"dip": Standing.FINISHED}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 302))
def test_a_conf_changed_at_a_restart_counts_from_the_next_lap(seed: int) -> None:
    for world in every_life(lambda: World(seed, CONF, later_bots=CHANGED), stride=3):
        world.check()
        assert world.standings == {"dip": Standing.FINISHED}


def test_stops_out_at_market_when_the_price_falls_and_owns_nothing_afterwards() -> None:
    stopped = {"dip": {**CONF["dip"], "rebound": "0.2", "stop": "0.003", "laps": 1}}

    world = live(World(5, stopped, CALM))

    ended = [
        (order["type"], order["status"]) for order in world.orders() if order["side"] == "SELL"
    ]
    assert ended == [("LIMIT", "CANCELED"), ("MARKET", "FILLED")]
    assert world._moved().get("BTC", 0) == 0


def test_a_sale_that_another_order_of_the_account_ended_is_placed_again() -> None:
    world = live(crossed({**CONF["dip"], "rebound": "0.004", "laps": 1}, 70, "61500"))

    sells = [order for order in world.orders() if order["side"] == "SELL"]
    assert [(o["type"], o["status"]) for o in sells] == [
        ("LIMIT", "EXPIRED_IN_MATCH"),
        ("LIMIT", "FILLED"),
    ]
    assert sells[1]["price"] == sells[0]["price"]
    assert sells[1]["time"] >= sells[0]["updateTime"] + PAUSE
    assert world.standings == {"bot": Standing.FINISHED}


def test_plans_a_buy_anew_when_it_waited_too_long() -> None:
    patient = {"dip": {**CONF["dip"], "dip": "0.006", "patience": "3s", "laps": 1}}

    world = live(World(7, patient, CALM))

    buys = [order["status"] for order in world.orders() if order["side"] == "BUY"]
    assert len(buys) > 1
    assert buys[-1] == "FILLED"
    assert set(buys[:-1]) <= {"CANCELED"}
    world.check()
