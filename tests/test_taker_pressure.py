"""An algorithm by trade, as a bot: it follows those who take, whatever fails."""

from decimal import Decimal
from typing import Any

import pytest

from bots.taker_pressure import Conf
from tests.bots_of_lines import PRESSURE, executed, finished, seasonal, slow_world
from tests.swinging import ShapedWorld
from tests.world import Luck, every_life, live, pairs_of_cuts


def pressing(changes: Any = None, seed: int = 1, **more: Any) -> ShapedWorld:
    return slow_world({**PRESSURE, **(changes or {})}, seasonal, seed, **more)


def test_buys_under_pressure_and_sells_once_it_turned() -> None:
    world = live(pressing())

    finished(world)
    assert executed(world, "BUY") == Decimal("0.01")
    assert executed(world, "SELL") == Decimal("0.00999")


def test_rests_between_a_sale_and_the_next_purchase() -> None:
    world = live(pressing({"trades": 2, "rest": "200s"}))

    finished(world)
    times = {
        side: [o["time"] for o in world.orders() if o["side"] == side] for side in ("BUY", "SELL")
    }
    sold = min(at for at in times["SELL"] if at > times["BUY"][0])
    assert times["BUY"][1] - sold >= 200_000


def test_the_plan_says_what_it_risks() -> None:
    conf = Conf.model_validate({"symbol": "BTCUSDT", "quantity": "50 USDT"})

    assert "1 % below" in conf.plan_text
    assert "Worst case" in conf.plan_text


@pytest.mark.slow
def test_it_trades_once_whenever_the_power_fails() -> None:
    for world in every_life(lambda: pressing(luck=Luck()), stride=211):
        finished(world)
        assert executed(world, "BUY") == Decimal("0.01")
        assert executed(world, "SELL") == Decimal("0.00999")


@pytest.mark.slow
def test_it_trades_once_after_two_cuts() -> None:
    made = lambda: pressing(seed=2, luck=Luck(query_lag_ms=1_500))  # noqa: E731
    for world in pairs_of_cuts(made, 2, many=5):
        finished(world)
        assert executed(world, "BUY") == Decimal("0.01")
