"""A portfolio is brought back to its weights: sold first, then bought, out of its own wallet."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.rebalance import Conf
from lib.life import Standing
from lib.news import Kind
from tests.plans import REBALANCE, planned, told, traded
from tests.swinging import ShapedWorld, path
from tests.world import EPOCH, Luck, every_life, live, pairs_of_cuts

ROUGH = Luck(query_lag_ms=500)
FLAT = path((0, 1))
UP = path((0, 1), (40, 1), (70, 1.5))
BUDGET = {"USDT": Decimal(6_000), "BTC": Decimal("0.1"), "ETH": Decimal(0)}
PRICES = {"BTC": Decimal(61_000), "ETH": Decimal(3_100), "USDT": Decimal(1)}


def lived(shape: Any = FLAT, /, **more: Any) -> ShapedWorld:
    world = live(planned({**REBALANCE, **more}, shape=shape))
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}, told(world, Kind.PARKED)
    return world


def weights(world: ShapedWorld) -> dict[str, Decimal]:
    """Answer the parts of the bot's wallet at the first prices."""
    memory = world.generation("bot").memory
    has = {
        asset: had + memory.net.get(asset, Decimal(0)) - memory.fees.get(asset, Decimal(0))
        for asset, had in BUDGET.items()
    }
    values = {asset: amount * PRICES[asset] for asset, amount in has.items()}
    return {asset: value / sum(values.values()) for asset, value in values.items()}


def verify(world: ShapedWorld) -> None:
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}
    found = weights(world)
    for asset, wanted in REBALANCE["weights"].items():
        assert abs(found[asset] - Decimal(wanted)) < Decimal("0.06"), found


@pytest.mark.slow
def test_the_weights_are_reached_whenever_the_power_fails() -> None:
    for world in every_life(lambda: planned({**REBALANCE, "rounds": 3}, ROUGH, 2), stride=19):
        verify(world)


@pytest.mark.slow
def test_the_weights_are_reached_after_two_cuts() -> None:
    for world in pairs_of_cuts(lambda: planned({**REBALANCE, "rounds": 4}, ROUGH, 3), 3, many=12):
        verify(world)


def test_what_is_too_much_is_sold_before_anything_is_bought() -> None:
    world = lived()

    assert [side for side, _, _ in traded(world)] == ["SELL", "BUY"]
    sale, buy = traded(world)
    whole = Decimal(6_000) + Decimal("0.1") * 61_000
    assert abs(sale[1] * sale[2] - (Decimal(6_100) - whole / 2)) < 2
    assert abs(buy[1] * buy[2] - whole * Decimal("0.3")) < 8
    verify(world)


def test_within_the_band_nothing_is_traded() -> None:
    world = lived(weights={"BTC": "0.5", "ETH": "0.04", "USDT": "0.46"})

    assert world.orders() == []


def test_once_a_part_leaves_its_band_all_are_brought_back() -> None:
    half = {"weights": {"BTC": "0.5", "USDT": "0.5"}, "rounds": 3}

    world = lived(UP, **half)

    (side, quantity, price) = traded(world)[0]
    assert (side, len(traded(world))) == ("SELL", 1)
    excess = (Decimal("0.1") * price - Decimal(6_000)) / 2
    assert abs(quantity * price - excess) < 5


def test_trades_of_less_than_the_least_are_left_out() -> None:
    world = lived(weights={"BTC": "0.4", "ETH": "0.002", "USDT": "0.598"}, least=50)

    assert {order["symbol"] for order in world.orders()} == {"BTCUSDT"}


def test_it_looks_again_after_each_period() -> None:
    half = {"weights": {"BTC": "0.5", "USDT": "0.5"}, "rounds": 3, "period": "200s"}

    world = lived(UP, **half)

    assert 220_000 <= world.orders()[0]["time"] - EPOCH < 240_000


def test_without_a_budget_it_asks_for_one_and_trades_nothing() -> None:
    world = live(planned({**REBALANCE, "budget": None}))

    assert world.orders() == []
    assert 'say what it may use: "budget": {"USDT": 500}' in told(world, Kind.PARKED)[0]


def test_coins_beyond_its_budget_are_not_touched() -> None:
    world = lived(budget={"USDT": "6000"}, weights={"BTC": "0.1", "USDT": "0.9"})

    assert [side for side, _, _ in traded(world)] == ["BUY"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"weights": {"BTC": "0.9", "USDT": "0.2"}}, "add up to 110 %"),
        ({"weights": {"BTC": "0.5", "USDT": "0.2"}}, "add up to 70 %, not to 100 %"),
        ({"weights": {"BTC": "0.5"}}, 'name the rest, "USDT": 0.5'),
        ({"weights": {"USDT": 1}}, "nothing to hold beside USDT"),
        ({"weights": {}}, "at least 1"),
        ({"band": 0}, "greater than 0"),
        ({"period": "1s"}, "greater than or equal to 10000"),
    ],
)
def test_nonsense_is_refused_with_the_reason(wrong: dict[str, Any], words: str) -> None:
    kept = {key: REBALANCE[key] for key in ("weights", "period", "rounds")}

    with pytest.raises(ValidationError, match=words):
        Conf.model_validate({**kept, **wrong})


def test_the_plan_names_the_parts_and_what_is_traded() -> None:
    text = Conf.model_validate({"weights": REBALANCE["weights"]}).plan_text

    assert "Keeps its wallet at 50 % BTC, 30 % ETH, 20 % USDT" in text
    assert "looks every 24 hours" in text
