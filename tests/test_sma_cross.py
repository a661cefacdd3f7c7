"""An algorithm by candle, as a bot: each cross is traded once, whatever fails."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.sma_cross import Conf
from tests.bots_of_lines import SMA, SlowWorld, executed, finished, said, seasonal, slow_world
from tests.world import Luck, every_life, live, pairs_of_cuts


def crossing(changes: Any = None, shape: Any = seasonal, seed: int = 1, **more: Any) -> SlowWorld:
    return slow_world({**SMA, **(changes or {})}, shape, seed, **more)


def test_buys_once_the_fast_average_rose_and_sells_once_it_fell() -> None:
    world = live(crossing())

    finished(world)
    sides = [order["side"] for order in world.orders() if order["status"] == "FILLED"]
    assert sides == ["BUY", "SELL"]
    assert executed(world, "BUY") == Decimal("0.01")
    assert executed(world, "SELL") == Decimal("0.00999")


def test_a_stop_rests_below_what_was_bought() -> None:
    world = live(crossing({"stop": "0.1"}))

    finished(world)
    (stop,) = [order for order in world.orders() if order["type"] == "STOP_LOSS"]
    bought = Decimal(world.orders()[0]["cummulativeQuoteQty"]) / Decimal("0.01")
    assert bought * Decimal("0.88") < Decimal(stop["stopPrice"]) < bought * Decimal("0.92")
    assert stop["status"] == "CANCELED"


def test_money_is_spent_to_the_last_digit() -> None:
    world = live(crossing({"quantity": "500 USDT"}))

    assert 499 < Decimal(world.orders()[0]["cummulativeQuoteQty"]) <= 500


def test_so_many_trades_and_no_more_are_made() -> None:
    world = live(crossing({"trades": 2}))

    finished(world)
    assert len([order for order in world.orders() if order["side"] == "BUY"]) == 2


def test_dust_is_not_taken_for_a_position() -> None:
    world = live(crossing({"trades": 4, "stop": "0.2", "quantity": "97 USDT"}))

    finished(world)
    assert len([order for order in world.orders() if order["side"] == "BUY"]) == 4
    assert world._moved()["BTC"] > Decimal("0.00001")


def test_the_result_is_told() -> None:
    world = live(crossing())

    assert any("brought" in text for text in said(world, "result"))


def test_a_fast_average_that_is_slower_is_refused() -> None:
    with pytest.raises(ValidationError, match="must be fewer candles than slow"):
        Conf.model_validate({"symbol": "BTCUSDT", "quantity": 1, "fast": 30, "slow": 10})


def test_the_plan_says_what_it_risks() -> None:
    conf = Conf.model_validate({"symbol": "BTCUSDT", "quantity": "50 USDT", "stop": "0.05"})

    assert "5 % below" in conf.plan_text
    assert "Worst case" in conf.plan_text


@pytest.mark.slow
def test_a_cross_is_traded_once_whenever_the_power_fails() -> None:
    for world in every_life(lambda: crossing({"stop": "0.1"}, luck=Luck()), stride=37):
        finished(world)
        assert executed(world, "BUY") == Decimal("0.01")
        assert executed(world, "SELL") == Decimal("0.00999")


@pytest.mark.slow
def test_a_cross_is_traded_once_after_two_cuts() -> None:
    made = lambda: crossing(seed=2, luck=Luck(query_lag_ms=1_500))  # noqa: E731
    for world in pairs_of_cuts(made, 2, many=6):
        finished(world)
        assert executed(world, "BUY") == Decimal("0.01")
