from decimal import Decimal

import pytest

from lib.backtest.bar_path import (
    PathModel,
    Resting,
    low_comes_first,
    step_time,
    way_through,
)
from lib.market.candle_path import Grid
from tests.backtest.scenes import bar

GRID = Grid(tick=Decimal("0.01"), lot=Decimal("0.00001"))
ONE = Decimal(1)
RISE = bar(0, 100, 110, 95, 105)
PESSIMISTIC = PathModel.PESSIMISTIC


def resting(price: int, *, is_buy: bool, is_stop: bool = False) -> Resting:
    return Resting(is_buy, is_stop, Decimal(price))


@pytest.mark.parametrize("low_first", [True, False])
def test_a_way_begins_at_the_open_visits_both_extremes_and_ends_at_the_close(
    *, low_first: bool
) -> None:
    steps = way_through(RISE, GRID, ONE, low_first=low_first)

    extremes = [95, 110] if low_first else [110, 95]
    assert [step.price for step in steps] == [100, *extremes, 105]
    assert [step.rising for step in steps[1:3]] == ([False, True] if low_first else [True, False])


@pytest.mark.parametrize("share", ["1", "0.1", "0.013"])
def test_the_steps_trade_the_share_of_the_volume_down_to_the_lot(share: str) -> None:
    steps = way_through(RISE, GRID, Decimal(share), low_first=True)

    wanted = RISE.volume * Decimal(share)
    assert wanted - GRID.lot < sum(step.quantity for step in steps) <= wanted


def test_the_last_step_is_taken_while_the_bar_is_still_open() -> None:
    times = [step_time(1_000_000, 300_000, number) for number in range(4)]

    assert times[0] == 1_000_000
    assert times[-1] == 1_299_999
    assert times == sorted(set(times))


def test_a_stop_and_a_profit_inside_one_bar_count_as_the_loss() -> None:
    pair = [resting(96, is_buy=False, is_stop=True), resting(108, is_buy=False)]

    assert low_comes_first(PESSIMISTIC, RISE, pair, holds_coins=False)


def test_a_stop_that_buys_back_is_reached_before_the_profit_below() -> None:
    pair = [resting(108, is_buy=True, is_stop=True), resting(96, is_buy=True)]

    assert not low_comes_first(PESSIMISTIC, RISE, pair, holds_coins=True)


def test_what_a_limit_order_profits_from_comes_last() -> None:
    assert not low_comes_first(PESSIMISTIC, RISE, [resting(96, is_buy=True)], holds_coins=True)
    assert low_comes_first(PESSIMISTIC, RISE, [resting(108, is_buy=False)], holds_coins=False)


def test_orders_that_the_bar_does_not_reach_decide_nothing() -> None:
    far = [resting(90, is_buy=True), resting(120, is_buy=False)]

    assert low_comes_first(PESSIMISTIC, RISE, far, holds_coins=True)
    assert not low_comes_first(PESSIMISTIC, RISE, far, holds_coins=False)


def test_between_orders_on_both_sides_the_nearer_extreme_comes_first() -> None:
    both = [resting(96, is_buy=True), resting(108, is_buy=False)]

    assert low_comes_first(PESSIMISTIC, RISE, both, holds_coins=False)
    assert not low_comes_first(PESSIMISTIC, bar(0, 108, 110, 95, 105), both, holds_coins=True)


def test_a_chosen_extreme_comes_first_whatever_rests() -> None:
    pair = [resting(96, is_buy=False, is_stop=True)]

    assert not low_comes_first(PathModel.HIGH_FIRST, RISE, pair, holds_coins=True)
    assert low_comes_first(PathModel.LOW_FIRST, RISE, [], holds_coins=False)
