"""Inside its range it buys and sells by OCOs, a step away each; outside of it nothing is bought."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.range import Conf
from lib.life import Standing
from lib.news import Kind
from tests.plans import RANGE, moved, planned, told, traded
from tests.swinging import ShapedWorld, contexts, path, swing
from tests.world import Luck, every_life, live, pairs_of_cuts

ROUGH = Luck(query_lag_ms=500)
STEP = Decimal("0.004")
START = Decimal(61_000)
DOWN_UP = path((0, 1), (30, 1), (100, 0.994), (200, 1.01))
UP_DOWN = path((0, 1), (30, 1), (100, 1.006), (200, 0.99))
UP_UP = path((0, 1), (30, 1), (100, 1.006), (200, 1.012))


def lived(shape: Any = DOWN_UP, /, **more: Any) -> ShapedWorld:
    world = live(planned({**RANGE, "laps": 1, **more}, shape=shape))
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}, told(world, Kind.PARKED)
    return world


@pytest.mark.slow
@pytest.mark.parametrize("depth", ["1", "0.006"], ids=["deep", "in parts"])
def test_the_books_agree_whenever_the_power_fails(depth: str) -> None:
    for world in every_life(lambda: planned(RANGE, ROUGH, 2, depth=Decimal(depth)), stride=40):
        verify(world)


@pytest.mark.slow
def test_the_books_agree_after_two_cuts() -> None:
    for world in pairs_of_cuts(lambda: planned(RANGE, ROUGH, 3), 3, many=12):
        verify(world)


def verify(world: ShapedWorld) -> None:
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}, told(world, Kind.PARKED)
    assert world.locked() == {}
    assert moved(world, "BTC") < Decimal("0.0003")


def test_buys_a_step_below_the_price_and_sells_a_step_above_the_buy() -> None:
    (_, bought, low), (_, sold, high) = traded(lived())

    assert low == (START * (1 - STEP)).quantize(Decimal("0.01"))
    assert abs(high - low * (1 + STEP)) <= Decimal("0.01")
    assert (bought, sold) == (Decimal("0.01"), Decimal("0.00999"))


def test_buys_a_breakout_a_step_above_the_price_if_that_comes_first() -> None:
    (_, _, low), (_, _, high) = traded(lived(UP_UP))

    assert abs(low - START * (1 + STEP)) < 30
    assert high > low


def test_both_pairs_are_order_lists_at_the_exchange() -> None:
    world = lived()

    kinds = [(order["side"], order["type"], order["status"]) for order in world.orders()]
    assert sorted(kinds) == [
        ("BUY", "LIMIT_MAKER", "FILLED"),
        ("BUY", "STOP_LOSS", "EXPIRED"),
        ("SELL", "LIMIT_MAKER", "FILLED"),
        ("SELL", "STOP_LOSS", "EXPIRED"),
    ]


@pytest.mark.parametrize(("stop", "below"), [(None, STEP), ("0.01", Decimal("0.01"))])
def test_a_fall_after_the_buy_is_stopped_at_its_distance(stop: str | None, below: Decimal) -> None:
    (_, _, bought), (_, _, sold) = traded(lived(UP_DOWN, stop=stop))

    assert abs(sold - bought * (1 - below)) < 60


def test_after_a_stop_it_rests_for_the_pause() -> None:
    falls = path((0, 1), (30, 1), (100, 0.994), (200, 0.985), (300, 1.0))

    world = lived(falls, laps=2, pause="60s", bottom=58_000)

    first_stop = next(n.at for n in world.news if "lap 1 (stop)" in n.text)
    second_plan = next(n.at for n in world.news if n.text.startswith("lap 2: buy"))
    assert second_plan - first_stop >= 60_000


def test_a_buy_that_waited_too_long_is_planned_anew_around_the_price_of_then() -> None:
    creeps = path((0, 1), (90, 1.003), (200, 1.003), (260, 0.997), (400, 1.01))

    world = lived(creeps, patience="60s")

    plans = [text for text in told(world, Kind.PLAN) if "buy 0.01 at" in text]
    assert len(plans) > 1
    assert len(set(plans)) == len(plans)


def test_outside_its_range_nothing_is_bought() -> None:
    falls_into_it = path((0, 1), (100, 1), (300, 0.95), (400, 0.96), (420, 0.955), (600, 0.97))

    world = lived(falls_into_it, bottom=57_000, top=59_500)

    assert all(Decimal(57_000) < price < Decimal(59_500) for _, _, price in traded(world, "BUY"))


def test_laps_follow_each_other_and_their_results_add_up() -> None:
    world = live(planned({**RANGE, "laps": 3}, shape=swing(0.012, 300)))

    world.check()
    context = contexts(world, "bot")
    assert context["lap"] == 4
    spent = sum(q * p if side == "SELL" else -q * p for side, q, p in traded(world))
    fees = world.generation("bot").memory.fees.get("USDT", Decimal(0))
    cost_of_dust = Decimal("0.00002") * 61_000
    assert abs(Decimal(context["earned"]) - (spent - fees)) < cost_of_dust


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"bottom": 62_500}, "must be below the top"),
        ({"away": "0.03"}, "two steps of 3 %, one down and one up, do not fit"),
        ({"away": "0.001"}, "a step of 0.1 % does not cover the fees of 0.2 %"),
        ({"stop": "1.5"}, "less than 1"),
    ],
)
def test_nonsense_is_refused_with_the_reason(wrong: dict[str, Any], words: str) -> None:
    section = {key: value for key, value in RANGE.items() if key != "function"}

    with pytest.raises(ValidationError, match=words):
        Conf.model_validate({**section, **wrong})


def test_the_plan_names_the_range_the_step_and_the_worst_case() -> None:
    section = {key: value for key, value in RANGE.items() if key != "function"}

    text = Conf.model_validate({**section, "away": "0.01", "stop": "0.02"}).plan_text

    assert "Between 59000 and 62500, buys 0.01 of BTCUSDT 1 % below the price or 1 % above" in text
    assert "worst case, each lap stops with a loss of 2.2 %" in text
