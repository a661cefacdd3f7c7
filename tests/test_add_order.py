"""One order is placed once and followed to its end, whatever happens."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.add_order import Conf
from lib.life import Standing
from tests.world import CALM, Luck, World, every_life, live, pairs_of_cuts

MARKET_BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
BY_QUOTE = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "50"}
FAR_LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.01",
    "price": "30000",
}
STOP_SELL = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "STOP_LOSS_LIMIT",
    "quantity": "0.05",
    "stopPrice": "60950",
    "price": "60800",
}


def conf(order: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    return {"one": {"function": "add_order", "order": order, **more}}


def executed(world: World) -> list[Decimal]:
    return [Decimal(order["executedQty"]) for order in world.orders()]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", [MARKET_BUY, BY_QUOTE], ids=["quantity", "quote"])
def test_a_market_order_is_bought_once_whenever_the_power_fails(
    seed: int, order: dict[str, str]
) -> None:
    for world in every_life(lambda: World(seed, conf(order, valid_for="1h"), Luck(requests=4))):
        assert len([amount for amount in executed(world) if amount]) == 1
        world.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_plan_past_its_best_before_is_bought_once_or_not_at_all(seed: int) -> None:
    for world in every_life(lambda: World(seed, conf(MARKET_BUY), Luck(requests=2))):
        assert len([amount for amount in executed(world) if amount]) <= 1
        world.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_limit_order_that_waited_is_canceled_once_and_nothing_stays_behind(seed: int) -> None:
    for world in every_life(lambda: World(seed, conf(FAR_LIMIT, wait="20s"), Luck(requests=4))):
        assert world.locked() == {}
        assert set(executed(world)) <= {Decimal(0)}
        world.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_stop_that_triggers_sells_once_whenever_the_power_fails(seed: int) -> None:
    made = conf(STOP_SELL, wait="10m")
    for world in every_life(lambda: World(seed, made, Luck(requests=6)), stride=2):
        assert sum(executed(world)) <= Decimal("0.05")
        world.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_market_order_is_bought_once_after_two_cuts_and_lagging_queries(seed: int) -> None:
    luck = Luck(requests=3, query_lag_ms=2_500)
    made = conf(MARKET_BUY, valid_for="1h")
    for world in pairs_of_cuts(lambda: World(seed, made, luck), seed, many=60):
        assert len([amount for amount in executed(world) if amount]) == 1
        world.check()


def test_an_order_the_account_cannot_pay_for_is_refused_before_it_leaves() -> None:
    world = live(World(1, conf({**MARKET_BUY, "quantity": "50"}), CALM))

    assert world.standings == {"one": Standing.PARKED}
    assert world.orders() == []


def test_an_order_below_the_smallest_notional_is_refused_with_the_values() -> None:
    world = live(World(1, conf({**MARKET_BUY, "quantity": "0.00001"}), CALM))

    parked = world.generation("one").parked
    assert parked is not None
    assert "5" in parked.reason
    assert world.orders() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"price": "1"}, "takes no price"),
        ({"quoteOrderQty": "5"}, "either quantity or quoteOrderQty"),
        ({"timeInForce": "GTC"}, "takes no timeInForce"),
        ({"stopPrice": "5"}, "takes no stopPrice"),
        ({"type": "LIMIT"}, "needs price"),
        ({"side": "BYU"}, "BUY"),
    ],
)
def test_parameters_that_do_not_belong_together_are_refused(
    change: dict[str, str], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        Conf.model_validate({"order": {**MARKET_BUY, **change}})
