"""A large order is worked in slices: never more than it, never beyond its bound."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.twap import Conf
from lib.life import Standing
from lib.news import Kind
from tests.plans import TWAP, planned, told, traded
from tests.swinging import ShapedWorld, path
from tests.world import EPOCH, Luck, every_life, live, pairs_of_cuts

ROUGH = Luck(query_lag_ms=500)
WHOLE = Decimal("0.05")
FLAT = path((0, 1))
FALL = path((0, 1), (300, 0.99))
RISE = path((0, 1), (60, 1), (260, 1.01))
SALE = {"side": "SELL"}


def lived(shape: Any = FLAT, /, **more: Any) -> ShapedWorld:
    world = live(planned({**TWAP, **more}, shape=shape))
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}, told(world, Kind.PARKED)
    return world


@pytest.mark.slow
@pytest.mark.parametrize("section", [{}, {"by": "MARKET"}, SALE], ids=["limit", "market", "sale"])
def test_never_more_than_the_whole_is_traded_whenever_the_power_fails(
    section: dict[str, Any],
) -> None:
    for world in every_life(lambda: planned({**TWAP, **section}, ROUGH, 2), stride=30):
        verify(world)


@pytest.mark.slow
def test_never_more_than_the_whole_is_traded_after_two_cuts() -> None:
    for world in pairs_of_cuts(lambda: planned(TWAP, ROUGH, 3), 3, many=12):
        verify(world)


def verify(world: ShapedWorld) -> None:
    world.check()
    assert world.standings == {"bot": Standing.FINISHED}
    assert world.locked() == {}
    done = sum(quantity for _, quantity, _ in traded(world))
    assert WHOLE * Decimal("0.9") < done <= WHOLE


@pytest.mark.parametrize("by", ["LIMIT", "MARKET"])
def test_slices_are_alike_and_as_far_apart_as_the_duration_says(by: str) -> None:
    world = lived(FALL, by=by)

    assert [quantity for _, quantity, _ in traded(world)] == [WHOLE / 5] * 5
    times = [(order["time"] - EPOCH) // 1_000 for order in world.orders()]
    assert times == [20, 60, 100, 140, 180]


def test_a_limit_slice_rests_at_the_best_price_of_its_own_side() -> None:
    buys, sales = (lived(side=side, at_end="leave").orders() for side in ("BUY", "SELL"))

    assert {Decimal(order["price"]) for order in buys} == {Decimal("60999.99")}
    assert {Decimal(order["price"]) for order in sales} == {Decimal("61000.01")}


def test_what_a_slice_did_not_trade_is_shared_among_those_left() -> None:
    runs_away = path((0, 1), (21, 1), (25, 1.002), (61, 1.002), (300, 0.99))

    world = lived(runs_away)

    first, *others = world.orders()
    assert first["status"] == "CANCELED"
    assert {Decimal(order["origQty"]) for order in others} == {WHOLE / 4}


def test_a_whole_larger_than_the_book_is_traded_in_parts() -> None:
    world = live(planned({**TWAP, "quantity": "0.5"}, shape=FLAT, depth=Decimal("0.03")))

    world.check()
    assert sum(quantity for _, quantity, _ in traded(world)) <= Decimal("0.5")


def test_nothing_is_bought_dearer_than_the_bound() -> None:
    world = lived(RISE, by="MARKET", bound=61_200)

    assert 1 <= len(traded(world)) < 5
    assert all(price <= 61_200 for _, _, price in traded(world))
    assert "are left" in told(world, Kind.RESULT)[0]


def test_nothing_is_sold_cheaper_than_the_bound() -> None:
    falls = path((0, 1), (60, 1), (260, 0.99))

    world = lived(falls, **SALE, bound=60_800, by="MARKET", at_end="market")

    assert 1 <= len(traded(world)) < 5
    assert all(price >= 60_800 for _, _, price in traded(world))


@pytest.mark.parametrize(("at_end", "done"), [("market", WHOLE), ("leave", Decimal(0))])
def test_what_is_left_in_the_end_goes_at_market_or_is_left(at_end: str, done: Decimal) -> None:
    away = path((0, 1), (10, 1), (400, 1.2))  # a limit of its own side is never reached

    world = lived(away, at_end=at_end)

    assert sum(quantity for _, quantity, _ in traded(world)) == done


def test_slices_missed_in_an_outage_leave_theirs_to_the_rest() -> None:
    world = planned(TWAP, shape=FLAT)
    world.cut_at = 85
    assert not world.live()
    world.cut()
    world.pass_time(90)
    live(world)

    world.check()
    sizes = [quantity for _, quantity, _ in traded(world)]
    assert sum(sizes) == WHOLE
    assert max(sizes) > WHOLE / 5


def test_slices_too_small_for_the_exchange_stop_before_anything_is_traded() -> None:
    world = live(planned({**TWAP, "quantity": "10 USDT"}))

    assert world.orders() == []
    assert "5 slices are too small for the exchange" in told(world, Kind.PARKED)[0]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"slices": 300}, "300 slices in 200 s are more than one a second"),
        ({"slices": 1}, "greater than or equal to 2"),
        ({"side": "HOLD"}, "'BUY' or 'SELL'"),
        ({"quantity": "120%"}, "at most 100%"),
    ],
)
def test_nonsense_is_refused_with_the_reason(wrong: dict[str, Any], words: str) -> None:
    section = {key: value for key, value in TWAP.items() if key != "function"}

    with pytest.raises(ValidationError, match=words):
        Conf.model_validate({**section, **wrong})


def test_the_plan_says_how_much_how_often_and_what_becomes_of_the_rest() -> None:
    section = {key: value for key, value in TWAP.items() if key != "function"}

    text = Conf.model_validate({**section, "duration": "2h", "slices": 24, "bound": 7}).plan_text

    assert text.startswith("Buys 0.05 of BTCUSDT in 24 slices by limits")
    assert "one every 5 minutes, never dearer than 7; what is left then goes at market" in text
