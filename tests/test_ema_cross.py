"""The averages are traded once per cross, each candle counts once, and a stop rests meanwhile."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.ema_cross import Conf, Ctx
from lib.simulator.protocol import Request
from tests.bots_of_lines import (
    CROSS,
    SlowWorld,
    executed,
    finished,
    said,
    seasonal,
    slow_world,
)
from tests.swinging import contexts, path, swing
from tests.world import EPOCH, Luck, every_life, live, pairs_of_cuts

RISES_ONCE = path((0, 1), (300, 0.97), (600, 1.0), (900, 1.0), (1_200, 0.95))
CRASHES = path((0, 1), (300, 0.97), (600, 1.0), (660, 1.0), (700, 0.9), (1_200, 0.9))


def crossing(
    changes: Any = None, shape: Callable[[float], float] = RISES_ONCE, seed: int = 1, **more: Any
) -> SlowWorld:
    return slow_world({**CROSS, **(changes or {})}, shape, seed, **more)


def test_buys_once_the_fast_average_rises_and_sells_once_it_falls() -> None:
    world = live(crossing({"stop": "0.2"}))

    finished(world)
    buy, *_, sell = [o for o in world.orders() if Decimal(o["executedQty"])]
    assert (buy["side"], buy["type"], sell["side"], sell["type"]) == (
        "BUY",
        "MARKET",
        "SELL",
        "MARKET",
    )
    begun = world.orders()[0]["time"] - buy["time"]
    assert begun == 0
    assert "the fast average fell below the slow one" in said(world, "plan")[-1]


def test_the_stop_rests_at_the_exchange_below_the_best_close() -> None:
    world = live(crossing({"stop": "0.02"}, CRASHES))

    finished(world)
    (stopped,) = [o for o in world.orders() if o["type"] == "STOP_LOSS" and o["status"] == "FILLED"]
    stops = [Decimal(o["stopPrice"]) for o in world.orders() if o["type"] == "STOP_LOSS"]
    assert stops == sorted(stops)
    assert len(stops) > 1
    assert Decimal(stopped["stopPrice"]) > 61_000 * Decimal("0.975")


def test_a_stop_is_executed_while_the_program_is_away() -> None:
    world = crossing({"stop": "0.02"}, CRASHES)
    sleep_from(world, 630, 300)

    finished(world)
    assert [o["status"] for o in world.orders() if o["type"] == "STOP_LOSS"][-1] == "FILLED"
    assert executed(world, "SELL") == Decimal("0.00999")


def sleep_from(world: SlowWorld, at: float, seconds: float) -> None:
    """Lose the power at a time, and have it back so many seconds later; then live to the end."""
    clock = world.clock

    def instant(where: str = "") -> None:
        if world.lives == 1 and clock() / 1000 - world.begun >= at:
            world.cut_at = world.instants + 1
        type(world).instant(world, where)

    world.instant = instant  # type: ignore[method-assign]
    assert not world.live()
    del world.instant
    world.cut()
    world.pass_time(seconds)
    assert world.live()


@pytest.mark.slow
@pytest.mark.parametrize("away", [5, 150, 400])
def test_candles_slept_through_are_evaluated_each_once_and_in_order(away: float) -> None:
    world = crossing({"trades": 2, "stop": "0.3"}, swing(0.04, 420))
    sleep_from(world, 500, away)
    signal = Ctx.model_validate(dict(contexts(world, "bot"))).signal
    assert signal is not None

    closes = [Decimal(row[4]) for row in klines(world) if row[0] <= signal.evaluated]
    average = sum(closes[:4], Decimal(0)) / 4
    for close in closes[4:]:
        average += (close - average) * 2 / 5

    assert signal.slow.seen == len(closes)
    assert signal.slow.value is not None
    assert abs(signal.slow.value - average) < Decimal("1e-15")


def klines(world: SlowWorld) -> list[list[Any]]:
    """Answer every candle there was."""
    params = {"symbol": "BTCUSDT", "interval": "1m", "limit": "1000"}
    rows: list[list[Any]] = world.exchange.answer(
        Request("GET", "/api/v3/klines", params, None)
    ).body
    return rows


@pytest.mark.slow
def test_a_cross_is_traded_once_even_if_the_stop_took_the_position_at_once() -> None:
    waves = swing(0.04, 840)
    first = live(crossing({"stop": "0.3"}, waves)).orders()[0]["time"] / 1000 - EPOCH / 1000

    def dipping(at: float) -> float:
        return waves(at) - (0.01 if first + 5 < at < first + 9 else 0.0)

    world = live(crossing({"stop": "0.005", "trades": 2}, dipping))

    finished(world)
    buys = [o["time"] for o in world.orders() if o["side"] == "BUY"]
    assert len(buys) == 2
    assert buys[1] - buys[0] > 600_000


@pytest.mark.slow
def test_other_periods_see_other_crosses() -> None:
    quick, slow = (
        live(crossing({"fast": fast, "slow": fast * 2, "stop": "0.3"}, swing(0.04, 1_500)))
        for fast in (2, 4)
    )

    assert quick.orders()[0]["time"] < slow.orders()[0]["time"]


@pytest.mark.parametrize("source", ["close", "oc2", "hloc4"])
def test_any_source_is_traded_to_the_end(source: str) -> None:
    world = live(crossing({"source": source}))

    finished(world)
    assert executed(world, "BUY") == Decimal("0.01")


def test_a_size_in_money_buys_for_that_much() -> None:
    world = live(crossing({"quantity": "500 USDT"}))

    first = Decimal(world.orders()[0]["cummulativeQuoteQty"])
    assert 480 < first <= 500


@pytest.mark.slow
def test_so_many_trades_and_no_more_are_made() -> None:
    world = live(crossing({"trades": 2, "stop": "0.3"}, swing(0.04, 420)))

    finished(world)
    assert len([o for o in world.orders() if o["side"] == "BUY"]) == 2


def test_the_result_is_what_the_account_has_more() -> None:
    world = live(crossing())

    finished(world)
    (text,) = [each for each in said(world, "result") if each.startswith("trade")]
    told = Decimal(text.split(" brought ")[1].split()[0])
    dust = world._moved().get("BTC", Decimal(0))
    assert abs(told - world._moved()["USDT"] - dust * 60_000) < Decimal("0.05")


def test_a_fast_average_that_is_slower_is_refused() -> None:
    with pytest.raises(ValidationError, match="must be fewer candles than slow"):
        Conf.model_validate({"symbol": "BTCUSDT", "quantity": 1, "fast": 50, "slow": 21})


def test_the_plan_says_what_it_risks() -> None:
    conf = Conf.model_validate({"symbol": "BTCUSDT", "quantity": "50 USDT"})

    assert "10.6 % below the best close" in conf.plan_text
    assert "Worst case" in conf.plan_text


@pytest.mark.slow
def test_a_cross_is_traded_once_whenever_the_power_fails() -> None:
    for world in every_life(lambda: crossing(luck=Luck()), stride=23):
        finished(world)
        assert executed(world, "BUY") == Decimal("0.01")


@pytest.mark.slow
def test_a_cross_is_traded_once_after_two_cuts() -> None:
    made = lambda: crossing(shape=seasonal, seed=2, luck=Luck(query_lag_ms=1_500))  # noqa: E731
    for world in pairs_of_cuts(made, 2, many=10):
        finished(world)
        assert executed(world, "BUY") == Decimal("0.01")
