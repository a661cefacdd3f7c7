"""A deal buys what its plan says and no more, is sold as a whole, and survives every cut."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.dca import Conf
from lib.control.office import Verb
from lib.life import Standing
from lib.news import Kind
from tests.plans import DCA, PLANS, moved, planned, told, traded
from tests.swinging import ShapedWorld, contexts, path
from tests.told_world import Said, ToldWorld
from tests.world import CALM, EPOCH, Luck, every_life, live, pairs_of_cuts

ROUGH = Luck(query_lag_ms=500)
FALL = path((0, 1), (100, 1), (200, 0.992))
DIP = path((0, 1), (60, 1), (160, 0.9935), (400, 0.9935), (500, 1.01))
RISE = path((0, 1), (60, 1), (200, 1.02))
PEAK = path((0, 1), (60, 1), (200, 1.012), (300, 1.0))
COINS = Decimal("0.01")
CENT = Decimal("0.01")


def lived(shape: Any = DIP, /, **more: Any) -> ShapedWorld:
    world = live(planned({**DCA, **more}, shape=shape))
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}, told(world, Kind.PARKED)
    return world


def first_price(world: ShapedWorld) -> Decimal:
    return traded(world)[0][2]


def resting(world: ShapedWorld, side: str) -> list[Decimal]:
    return [Decimal(order["price"]) for order in world.orders() if order["side"] == side]


# --- whenever the power fails


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["dca", "dca with a stop", "dca that trails"])
@pytest.mark.parametrize("depth", ["1", "0.006"], ids=["deep", "in parts"])
def test_the_books_agree_whenever_the_power_fails(plan: str, depth: str) -> None:
    for world in every_life(
        lambda: planned(PLANS[plan], ROUGH, 2, depth=Decimal(depth)), stride=41
    ):
        verify(world)


@pytest.mark.slow
def test_a_cut_in_fair_weather_loses_and_doubles_nothing() -> None:
    for world in every_life(lambda: planned(PLANS["dca with a stop"], shape=DIP), stride=16):
        verify(world)
        bought = sum(quantity for _, quantity, _ in traded(world, "BUY"))
        assert bought <= COINS * 8  # 1 + 1 + 2 + 4


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["dca", "dca that trails"])
def test_the_books_agree_after_two_cuts(plan: str) -> None:
    for world in pairs_of_cuts(lambda: planned(PLANS[plan], ROUGH, 3), 3, many=10):
        verify(world)


@pytest.mark.slow
def test_a_conf_changed_at_a_restart_counts_from_the_next_deal() -> None:
    changed = {"bot": {**DCA, "take_profit": "0.003", "volume_scale": 1}}

    for world in every_life(lambda: planned(DCA, ROUGH, 4, later_bots=changed), stride=41):
        verify(world)


def verify(world: ShapedWorld) -> None:
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}, told(world, Kind.PARKED)
    assert world.locked() == {}
    assert moved(world, "BTC") < Decimal("0.0001")


# --- buying


def test_each_averaging_order_rests_at_its_deviation_from_the_base_order() -> None:
    world = lived(FALL, step_scale="1.5", active=3, close_after="300s")

    base, *averaging = resting(world, "BUY")
    expected = [first_price(world) * (1 - Decimal(d)) for d in ("0.003", "0.0075", "0.01425")]
    assert base == 0  # at market
    assert sorted(averaging, reverse=True) == [
        price.quantize(CENT, "ROUND_FLOOR") for price in expected
    ]


def test_each_averaging_order_is_as_much_larger_as_the_volume_scale_says() -> None:
    world = lived(FALL, volume_scale="1.5", active=3, close_after="300s")

    sizes = [Decimal(order["origQty"]) for order in world.orders() if order["side"] == "BUY"]
    assert sizes == [COINS, COINS, Decimal("0.015"), Decimal("0.0225")]


def test_only_so_many_averaging_orders_rest_at_once_as_are_to_be_active() -> None:
    world = lived(RISE, active=1)

    assert len([order for order in world.orders() if order["side"] == "BUY"]) == 2
    assert world.most_live == 2  # with the take profit


def test_steps_of_ones_own_take_the_place_of_the_scales() -> None:
    steps = [{"deviation": "0.002", "size": "0.02"}, {"deviation": "0.006", "size": "300 USDT"}]
    own = {"safety_order": None, "safety_orders": 0, "volume_scale": 1, "step": "0.01"}

    world = lived(FALL, steps=steps, **own, close_after="300s")

    _, first, second = traded(world, "BUY")
    assert first[1:] == (
        Decimal("0.02"),
        (first_price(world) * Decimal("0.998")).quantize(CENT, "ROUND_FLOOR"),
    )
    assert abs(second[1] * second[2] - 300) < 1


def test_a_base_order_by_limit_waits_below_the_market_and_is_planned_anew() -> None:
    limit = {"base_type": "LIMIT", "base_below": "0.001", "patience": "20s", "safety_orders": 0}

    world = lived(FALL, **limit, safety_order=None, close_after="60s")

    canceled = [o for o in world.orders() if o["side"] == "BUY" and o["status"] == "CANCELED"]
    assert len(canceled) > 1
    assert traded(world, "BUY")[0][2] < Decimal(60_940)


def test_a_plan_too_small_for_the_exchange_stops_before_anything_is_bought() -> None:
    world = live(planned({**DCA, "safety_order": "3 USDT"}))

    assert world.orders() == []
    assert "too small for the exchange: averaging order 1" in told(world, Kind.PARKED)[0]


# --- selling


def test_the_profit_is_taken_over_the_average_of_all_that_was_paid() -> None:
    world = lived()

    *buys, (_, sold, at) = traded(world)
    assert len(buys) == 3
    paid = sum(quantity * price for _, quantity, price in buys)
    held = sum(quantity for _, quantity, _ in buys) * Decimal("0.999")
    assert at == (paid * Decimal("1.004") / held).quantize(CENT, "ROUND_CEILING")
    assert sold == held


def test_a_profit_measured_from_the_base_order_is_one_of_the_base_order_alone() -> None:
    world = lived(take_profit="0.02", take_profit_from="base")

    *buys, (_, _, at) = traded(world)
    paid = sum(quantity * price for _, quantity, price in buys)
    held = sum(quantity for _, quantity, _ in buys) * Decimal("0.999")
    profit = Decimal("0.02") * buys[0][1] * buys[0][2]
    assert at == ((paid + profit) / held).quantize(CENT, "ROUND_CEILING")


def test_a_trailing_profit_is_sold_below_the_highest_price_and_not_at_the_target() -> None:
    world = lived(PEAK, trailing="0.002", safety_orders=0, safety_order=None)

    (_, _, bought), (_, _, sold) = traded(world)
    highest = Decimal(61_000) * Decimal("1.012")
    assert sold > bought * Decimal("1.008")
    assert abs(sold - highest * Decimal("0.998")) < 60


def test_once_it_trails_a_stop_at_the_exchange_follows_the_price() -> None:
    world = lived(PEAK, trailing="0.002", safety_orders=0, safety_order=None)

    stops = [Decimal(o["stopPrice"]) for o in world.orders() if o["type"] == "STOP_LOSS"]
    assert len(stops) > 2
    assert stops == sorted(stops)


def test_the_stop_sells_all_below_the_base_order() -> None:
    falls = path((0, 1), (60, 1), (200, 0.98))

    world = lived(falls, stop_loss="0.0125")

    *buys, (_, sold, at) = traded(world)
    assert sum(quantity for _, quantity, _ in buys) == COINS * 8
    assert sold == COINS * 8 * Decimal("0.999") // Decimal("0.00001") * Decimal("0.00001")
    assert abs(at - buys[0][2] * Decimal("0.9875")) < 60
    assert "deal 1 (stop) brought -" in told(world, Kind.RESULT)[0]


def test_the_profit_and_the_stop_rest_at_the_exchange_as_a_pair() -> None:
    world = lived(RISE, stop_loss="0.02", safety_orders=0, safety_order=None)

    pair = {(o["type"], o["status"]) for o in world.orders() if o["side"] == "SELL"}
    assert pair == {("LIMIT_MAKER", "FILLED"), ("STOP_LOSS", "EXPIRED")}


def test_after_a_stop_no_deal_follows_if_that_is_to_be_the_end() -> None:
    falls = path((0, 1), (60, 1), (200, 0.98))

    world = lived(falls, stop_loss="0.0125", after_stop="end", deals=0)

    assert contexts(world, "bot")["number"] == 1


def test_what_is_not_sold_in_time_is_sold_at_market() -> None:
    world = lived(FALL, close_after="120s")

    assert "its time is over" in told(world, Kind.RESULT)[0]
    assert traded(world)[-1][0] == "SELL"


# --- beginning


def test_deals_follow_each_other_as_many_as_there_are_to_be() -> None:
    up_and_down = path((0, 1), (60, 1), (200, 1.005), (300, 1.01), (400, 1.02))

    world = lived(up_and_down, deals=3)

    assert [side for side, _, _ in traded(world)] == ["BUY", "SELL"] * 3


def test_between_two_deals_lies_the_cooldown() -> None:
    world = lived(path((0, 1), (60, 1), (200, 1.005), (500, 1.02)), deals=2, cooldown="100s")

    orders = sorted(world.orders(), key=lambda order: int(order["time"]))
    first_sale = next(o for o in orders if o["side"] == "SELL" and o["status"] == "FILLED")
    second_base = [o for o in orders if o["type"] == "MARKET"][1]
    assert second_base["time"] - first_sale["updateTime"] >= 100_000


def test_a_deal_waits_for_its_time() -> None:
    world = lived(RISE, start={"at": "2024-08-01 00:02"})

    assert 120_000 <= world.orders()[0]["time"] - EPOCH < 121_000


@pytest.mark.parametrize(
    ("start", "lowest", "highest"), [({"below": 60_700}, 0, 60_710), ({"above": 61_500}, 61_490, 0)]
)
def test_a_deal_waits_for_its_price(start: dict[str, int], lowest: int, highest: int) -> None:
    there_and_back = path((0, 1), (60, 1), (160, 0.99), (300, 1.02), (500, 1.04))

    at = first_price(lived(there_and_back, start=start))

    assert at >= lowest
    assert not highest or at <= highest


def test_a_deal_waits_for_its_signal_and_takes_it_once() -> None:
    said = [Said(50, Verb.SIGNAL, ("bot",), signal="buy")]
    section = {**DCA, "start": {"signal": "buy"}, "deals": 2}
    world = ToldWorld(1, {"bot": section}, CALM, said=said, shape=RISE)
    world.__class__.PATIENCE, before = 900.0, world.PATIENCE
    try:
        with pytest.raises(AssertionError, match="never come to rest"):
            live(world)
    finally:
        world.__class__.PATIENCE = before

    assert [order["side"] for order in world.orders() if order["status"] == "FILLED"] == [
        "BUY",
        "SELL",
    ]
    assert world.accepted[1].at > world.answered_at(0) - 1_000


def test_a_signal_closes_a_deal_at_market() -> None:
    said = [Said(70, Verb.SIGNAL, ("bot",), signal="sell=now")]
    world = live(
        ToldWorld(1, {"bot": {**DCA, "close_signal": "sell"}}, CALM, said=said, shape=lambda _: 1.0)
    )

    world.check()
    assert [side for side, _, _ in traded(world)] == ["BUY", "SELL"]
    assert "the signal sell came" in told(world, Kind.RESULT)[0]


# --- a person at the exchange


def test_a_take_profit_that_a_person_cancels_is_placed_again() -> None:
    deeds = [(40.0, ToldWorld.cancel_sells)]
    world = live(ToldWorld(1, {"bot": DCA}, CALM, deeds=deeds, shape=RISE))

    world.check()
    sells = [order["status"] for order in world.orders() if order["side"] == "SELL"]
    assert sells == ["CANCELED", "FILLED"]
    assert "the LIMIT sell was canceled by somebody else" in told(world, Kind.WARNING)


def test_coins_that_a_person_sold_stop_the_bot_and_nothing_else_is_bought() -> None:
    def sells_all(world: ToldWorld) -> None:
        world.cancel_sells()
        world.ask("POST", "order", side="SELL", type="MARKET", quantity="2.005")

    deeds = [(40.0, sells_all)]
    world = live(ToldWorld(1, {"bot": DCA}, CALM, deeds=deeds, shape=FALL, depth=COINS * 900))

    assert world.standings == {"bot": Standing.PARKED}
    assert "not free in the account" in told(world, Kind.PARKED)[-1]
    assert [side for side, _, _ in traded(world)].count("BUY") == 1
    assert world.locked() == {}


# --- what a section may not say


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"step": "0.3", "step_scale": 2}, "the steps reach beyond 100 %"),
        ({"take_profit": "0.0005"}, "does not cover the fee"),
        ({"take_profit_from": "base", "safety_orders": 9}, "once all averaging orders are bought"),
        ({"trailing": "0.01"}, "may sell below what the coins cost"),
        ({"stop_loss": "0.009"}, "would sell before the last averaging order buys"),
        ({"safety_order": "10%"}, "for coins or money"),
        ({"safety_orders": 0}, "belong together"),
        ({"after_stop": "end"}, "needs a `stop_loss`"),
        ({"base_below": "0.01"}, '`base_below` is for "base_type": "LIMIT"'),
        ({"steps": [{"deviation": "0.1", "size": "1"}]}, "give either `steps` or"),
        ({"start": {"below": 1, "above": 2}}, "at once"),
        ({"take_profit": "-0.01"}, "greater than 0"),
    ],
)
def test_nonsense_is_refused_with_the_reason(wrong: dict[str, Any], words: str) -> None:
    section = {key: value for key, value in DCA.items() if key != "function"}

    with pytest.raises(ValidationError, match=words):
        Conf.model_validate({**section, **wrong})


def test_the_plan_says_how_much_is_spent_at_most_and_the_worst_case() -> None:
    section = {key: value for key, value in DCA.items() if key != "function"}
    money = {"base_order": "15 USDT", "safety_order": "30 USDT", "volume_scale": 2, "step": "0.01"}
    scaled = {**section, **money, "step_scale": 4, "safety_orders": 4, "stop_loss": "0.9"}

    text = Conf.model_validate(scaled).plan_text

    assert "to 240 USDT 85 % below" in text
    assert "At most it spends 465 USDT" in text
    assert "Worst case: the stop sells with a loss of" in text
