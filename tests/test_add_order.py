"""One order is placed once and followed to its end, whatever happens."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.add_order import Conf
from lib.life import Standing
from tests.swinging import ShapedWorld, path, swing
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

PAIR = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "OCO",
    "quantity": "0.05",
    "price": "61200",
    "stopPrice": "60800",
}
ENTRY = {**FAR_LIMIT, "price": "60500"}
THEN = {"price": "60900", "stopPrice": "59900"}


def conf(order: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    return {"one": {"function": "add_order", "order": order, **more}}


def executed(world: World) -> list[Decimal]:
    return [Decimal(order["executedQty"]) for order in world.orders()]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("order", [MARKET_BUY, BY_QUOTE], ids=["quantity", "quote"])
def test_a_market_order_is_bought_once_whenever_the_power_fails(
    seed: int, order: dict[str, str]
) -> None:
    for world in every_life(lambda: World(seed, conf(order, valid_for="1h"), Luck(requests=4))):
        assert len([amount for amount in executed(world) if amount]) == 1
        world.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_plan_past_its_best_before_is_bought_once_or_not_at_all(seed: int) -> None:
    for world in every_life(lambda: World(seed, conf(MARKET_BUY), Luck(requests=2))):
        assert len([amount for amount in executed(world) if amount]) <= 1
        world.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
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
@pytest.mark.parametrize("seed", range(2))
def test_of_a_pair_one_order_sells_once_whenever_the_power_fails(seed: int) -> None:
    made = conf(PAIR, wait="20m", valid_for="1h")
    for world in every_life(lambda: World(seed, made, Luck(requests=5)), stride=6):
        assert sum(executed(world)) <= Decimal("0.05")
        assert world.locked() == {}
        world.check()


@pytest.mark.slow
@pytest.mark.parametrize("depth", [0.012, 0.03], ids=["to its profit", "to its stop"])
def test_an_entry_is_closed_once_by_its_exits_whenever_the_power_fails(
    depth: float,
) -> None:
    made = conf(ENTRY, then=THEN, wait="20m", valid_for="1h")
    shape = swing(depth, 120)
    luck = Luck(requests=5)
    for world in every_life(lambda: ShapedWorld(3, made, luck, shape=shape), stride=4):
        bought, *exits = executed(world)
        assert bought == Decimal("0.01")
        assert sum(exits) == Decimal("0.00999")
        world.check()


def test_an_entry_that_is_filled_is_closed_by_its_stop() -> None:
    made = conf(ENTRY, then=THEN, valid_for="1h")
    world = live(ShapedWorld(3, made, CALM, shape=swing(0.03, 120)))

    assert executed(world) == [Decimal("0.01"), Decimal("0.00999"), Decimal(0)]
    assert "stop, -7.249297 USDT after fees" in world.news[-2].text


def test_what_an_entry_buys_below_its_stop_is_sold_at_market() -> None:
    made = conf(ENTRY, then={**THEN, "stopPrice": "60400"}, valid_for="1h")
    world = live(ShapedWorld(3, made, CALM, shape=path((0, 0.98), (1000, 1))))

    bought, *exits = executed(world)
    assert (bought, sum(exits)) == (Decimal("0.01"), Decimal("0.00999"))


def test_what_a_market_order_buys_is_sold_by_its_exits() -> None:
    then = {"price": "61500", "stopPrice": "60500"}
    made = conf(MARKET_BUY, then=then, valid_for="1h")
    world = live(ShapedWorld(3, made, CALM, shape=swing(0.03, 120)))

    bought, *exits = executed(world)
    assert (bought, sum(exits)) == (Decimal("0.01"), Decimal("0.00999"))
    assert any("stop" in each.text and "USDT after fees" in each.text for each in world.news)


@pytest.mark.slow
def test_a_pair_sells_once_after_two_cuts_and_lagging_queries() -> None:
    luck, made = Luck(requests=3, query_lag_ms=2_500), conf(PAIR, wait="20m", valid_for="1h")
    for world in pairs_of_cuts(lambda: World(1, made, luck), 1, many=25):
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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"price": None}, "needs price"),
        ({"stopPrice": None}, "needs stopPrice"),
        ({"price": "60000"}, "above the stop"),
        ({"timeInForce": "GTC"}, "takes no timeInForce"),
        ({"trailingDelta": 100}, "takes no trailingDelta"),
    ],
)
def test_a_pair_that_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Conf.model_validate({"order": {**PAIR, **change}})


@pytest.mark.parametrize(
    ("order", "then", "words"),
    [
        (STOP_SELL, THEN, "only what one order buys"),
        (PAIR, THEN, "only what one order buys"),
        (ENTRY, {"price": "60900"}, "stopPrice"),
        (ENTRY, {"price": "60000", "stopPrice": "59000"}, "must be above"),
        (ENTRY, {"price": "61200", "stopPrice": "61000"}, "must be below"),
    ],
)
def test_exits_that_cannot_be_are_refused(
    order: dict[str, str], then: dict[str, str], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        Conf.model_validate({"order": order, "then": then})


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"order": PAIR}, "0.05 at 61200 or, once 60800 is reached; then ends"),
        ({"order": ENTRY, "then": THEN}, "then sold at 60900 or once 59900 is reached; then ends"),
        (
            {"order": {**STOP_SELL, "stopPrice": None, "trailingDelta": 150}},
            "at 60800, trailing by 1.5 %",
        ),
    ],
)
def test_the_plan_is_told_in_words(section: dict[str, Any], words: str) -> None:
    assert words in Conf.model_validate(section).plan_text
