"""The grid bot, setting by setting: what rests where, what a swing brings, how it ends."""

import re
from decimal import Decimal
from typing import Any

import pytest

from bots.grid import Ctx
from lib.life import Standing
from lib.news import readable
from tests.bots_of_lines import (
    ENDLESS,
    FOLLOWING,
    GRID,
    ROUND_TRIP,
    THERE_AND_BACK,
    executed,
    finished,
    grid_world,
    resting_prices,
    said,
)
from tests.swinging import ShapedWorld, contexts, path
from tests.world import CALM, EPOCH, live

FLAT_THEN_OUT = path((0, 1), (100, 1), (130, 0.95))
OUT_ABOVE = path((0, 1), (100, 1), (130, 1.05))

BUYS = ("BUY", "LIMIT")


def run(changes: dict[str, Any], shape: Any = ROUND_TRIP, **more: Any) -> ShapedWorld:
    world = live(grid_world({**GRID, **changes}, shape, **more))
    finished(world)
    return world


def first_price(world: ShapedWorld) -> Decimal:
    """Answer the average price of the first purchase."""
    first = world.orders()[0]
    return Decimal(first["cummulativeQuoteQty"]) / Decimal(first["executedQty"])


def test_buys_below_the_price_and_sells_above_with_the_nearest_line_empty() -> None:
    world = run({"nearest": 20}, FLAT_THEN_OUT)

    buys, sells = (resting_prices(world, side) for side in ("BUY", "SELL"))
    assert sorted(buys[:4]) == [60_000, 60_250, 60_500, 60_750]
    assert sorted(sells[:2]) == [61_250, 61_500]


def test_what_it_sells_first_was_bought_at_market_with_the_fee_on_top() -> None:
    world = run({"nearest": 20}, FLAT_THEN_OUT)

    first = world.orders()[0]
    assert (first["side"], first["type"]) == ("BUY", "MARKET")
    assert Decimal(first["executedQty"]) == Decimal("0.02003")


def test_a_swing_through_two_lines_earns_what_the_lines_promise() -> None:
    dips_once = path((0, 1), (20, 1), (40, 0.9925), (60, 1), (100, 1), (130, 1.05))
    world = run({"nearest": 20, "take_profit": {"price": 62_000, "then": "keep"}}, dips_once)

    buys = [o for o in world.orders() if o["side"] == "BUY" and o["status"] == "FILLED"]
    sells = [o for o in world.orders() if o["side"] == "SELL" and o["status"] == "FILLED"]
    assert [Decimal(o["price"]) for o in buys[1:]] == [60_750]
    assert Decimal(60_750) + 250 in [Decimal(o["price"]) for o in sells]


def test_lines_may_be_given_instead_of_intervals() -> None:
    named = run({"nearest": 20, "intervals": None, "lines": 7}, FLAT_THEN_OUT)

    assert resting_prices(named, "BUY") == resting_prices(
        run({"nearest": 20}, FLAT_THEN_OUT), "BUY"
    )


def test_a_geometric_grid_has_the_same_ratio_between_all_lines() -> None:
    world = run({"kind": "geometric", "nearest": 20, "intervals": 3}, FLAT_THEN_OUT)

    low, high = sorted(resting_prices(world, "BUY"))[:2]
    assert abs(high / low - Decimal("1.025") ** (Decimal(1) / 3)) < Decimal("1e-6")


def test_a_quantity_in_money_buys_for_the_same_sum_on_every_line() -> None:
    world = run({"quantity": "300 USDT", "nearest": 20}, FLAT_THEN_OUT)

    spent = [Decimal(o["price"]) * Decimal(o["origQty"]) for o in world.orders() if o["price"]]
    buys = [s for s, o in zip(spent, world.orders(), strict=True) if o["side"] == "BUY" and s]
    assert buys
    assert all(Decimal(299) < each <= 300 for each in buys)


def test_an_investment_is_shared_by_all_intervals_and_never_exceeded() -> None:
    world = run({"quantity": None, "investment": 1_200, "nearest": 20}, FLAT_THEN_OUT)

    spent = [
        Decimal(o["cummulativeQuoteQty"] if o["type"] == "MARKET" else o["price"])
        * (1 if o["type"] == "MARKET" else Decimal(o["origQty"]))
        for o in world.orders()
        if o["side"] == "BUY"
    ]
    assert Decimal(1_150) < sum(spent) <= 1_200


def test_only_so_many_orders_rest_at_once() -> None:
    world = run({"nearest": 3})

    assert world.most_live == 3


def test_coins_that_you_have_are_sold_without_a_purchase() -> None:
    changes = {"coins": "own", "stop_loss": None, "take_profit": {"price": 62_000, "then": "keep"}}
    world = run({**changes, "may_sell_your_coins": True}, OUT_ABOVE)

    assert {o["type"] for o in world.orders()} == {"LIMIT"}
    assert executed(world, "SELL") - executed(world, "BUY") == Decimal("0.02")


def test_profit_in_base_sells_only_what_buying_back_costs() -> None:
    changes = {"profit_in": "base", "take_profit": {"price": 62_000, "then": "keep"}}
    dips_once = path((0, 1), (20, 1), (40, 0.984), (60, 1), (100, 1), (130, 1.05))

    world = run({**changes, "intervals": 3, "nearest": 20}, dips_once)

    kept = Decimal(world._moved()["BTC"])
    assert Decimal("0.0001") < kept < Decimal("0.0005")
    assert world._moved()["USDT"] > -Decimal("0.5")


@pytest.mark.slow
def test_a_dearer_fee_leaves_more_of_the_coins_to_pay_for_buying_back() -> None:
    changes = {"profit_in": "base", "intervals": 3, "nearest": 20}

    cheap, dear = (
        max(
            Decimal(o["origQty"])
            for o in run({**changes, "fee_rate": fee}).orders()
            if (o["side"], o["type"]) == ("SELL", "LIMIT")
        )
        for fee in ("0", "0.002")
    )

    assert cheap < dear


def test_nothing_happens_before_the_trigger_and_the_grid_is_laid_around_it() -> None:
    falls = path((0, 1), (60, 0.99), (100, 0.99), (130, 0.95))
    world = run({"trigger": 60_500, "nearest": 20}, falls)

    assert 60_450 < first_price(world) <= 60_501
    assert sorted(resting_prices(world, "BUY"))[:2] == [60_000, 60_250]


def test_a_trigger_above_the_price_waits_for_a_rise() -> None:
    rises = path((0, 1), (60, 1.004), (100, 1.004), (130, 0.95))
    world = run({"trigger": 61_200, "nearest": 20}, rises)

    assert 61_200 <= first_price(world) < 61_250


def test_at_the_stop_loss_everything_is_canceled_and_sold() -> None:
    world = run({})

    assert world._moved()["BTC"] < Decimal("0.0001")
    last = world.orders()[-1]
    assert (last["side"], last["type"], last["status"]) == ("SELL", "MARKET", "FILLED")
    assert contexts(world, "bot")["grid"]["stop"].startswith("the price fell to")


def test_a_stop_loss_that_keeps_leaves_the_coins_and_says_so() -> None:
    world = run({"stop_loss": {"price": 59_000, "then": "keep"}})

    assert world._moved()["BTC"] > Decimal("0.05")
    assert "it keeps 0.05" in said(world, "result")[-2]


def test_at_the_take_profit_the_coins_are_sold() -> None:
    keeps_coins = path((0, 1), (20, 1), (40, 0.98), (41, 1.03))
    world = run({"take_profit": {"price": 62_000}}, keeps_coins)

    assert world._moved()["BTC"] < Decimal("0.0001")
    assert contexts(world, "bot")["grid"]["stop"].startswith("the price rose to")


def test_what_it_tells_at_the_end_is_what_the_account_has_more() -> None:
    world = run({})

    moved, text = world._moved()["USDT"], said(world, "result")[-2]
    assert f"fills brought {readable(moved)} USDT" in text
    assert "fees 0.000" in text


def test_a_gap_through_all_lines_fills_each_of_them_once() -> None:
    gap = path((0, 1), (40, 1), (40.5, 0.982), (80, 0.982), (80.5, 1.02), (120, 1.02), (130, 0.9))
    world = run({"nearest": 20, "stop_loss": {"price": 59_000}}, gap)

    ends = EPOCH + 75_000
    fills = [o for o in world.orders() if o["status"] == "FILLED" and o["updateTime"] < ends]
    bought = sorted(Decimal(o["price"]) for o in fills if (o["side"], o["type"]) == BUYS)
    assert bought == [60_000, 60_250, 60_500, 60_750]


def test_a_line_filled_in_parts_is_answered_by_one_order_for_all_of_it() -> None:
    world = run({"nearest": 20}, depth=Decimal("0.004"))

    sells = [o for o in world.orders() if o["side"] == "SELL" and o["type"] == "LIMIT"]
    assert any(Decimal(o["executedQty"]) for o in sells)
    assert min(Decimal(o["origQty"]) for o in sells) > Decimal("0.0099")


# --- following the price


def test_trailing_up_moves_the_lowest_buy_to_the_top_with_the_same_money() -> None:
    world = live(grid_world(FOLLOWING, THERE_AND_BACK))

    finished(world)
    buys = [o for o in world.orders() if (o["side"], o["type"]) == ("BUY", "LIMIT")]
    dearest = max(buys, key=lambda order: Decimal(order["price"]))
    assert Decimal(62_000) < Decimal(dearest["price"]) < 63_000
    assert 199 < Decimal(dearest["price"]) * Decimal(dearest["origQty"]) <= 200
    assert world.most_live <= 3


def test_trailing_up_ends_at_the_price_that_was_set() -> None:
    world = live(grid_world({**FOLLOWING, "trailing_up_until": "61950"}, THERE_AND_BACK))

    finished(world)
    buys = [price for price in resting_prices(world, "BUY") if price]
    sells = [price for price in resting_prices(world, "SELL") if price]
    assert max(buys) == Decimal("61602.97")
    assert max(sells) <= 61_950


def test_a_stop_loss_moves_up_with_the_grid() -> None:
    changes = {"stop_loss": {"price": "59800"}, "trailing_down_until": None}
    world = live(grid_world({**FOLLOWING, **changes}, path((0, 1), (50, 1.03), (130, 0.99))))

    finished(world)
    assert Decimal(contexts(world, "bot")["grid"]["stop_below"]) > 61_000


def test_trailing_down_takes_the_coins_of_the_highest_line_along() -> None:
    sinks = path((0, 0.99), (30, 0.99), (80, 0.965), (130, 0.99), (160, 0.9))
    changes = {"trailing_up_until": None, "stop_loss": {"price": 56_000, "then": "keep"}}
    world = live(grid_world({**FOLLOWING, **changes}, sinks))

    finished(world)
    sells = [price for price in resting_prices(world, "SELL") if price]
    assert max(sells[:3]) > 61_000
    assert min(sells) < 59_600
    first = world.orders()[0]
    bought = Decimal(first["cummulativeQuoteQty"])
    assert first["type"] == "MARKET"
    assert bought < 601


@pytest.mark.slow
def test_an_endless_grid_keeps_its_coins_worth_about_the_same_while_the_price_rises() -> None:
    rises = path((0, 1), (20, 1), (120, 1.045), (180, 1.045), (185, 1.06))
    keeps = {**ENDLESS, "take_profit": {"price": 64_200, "then": "keep"}}
    world = live(grid_world(keeps, rises))

    finished(world)
    first = world.orders()[0]
    begun_with = Decimal(first["cummulativeQuoteQty"])
    ends_with = world._moved()["BTC"] * 61_000 * Decimal("1.045")
    assert abs(ends_with - begun_with) < begun_with / 100
    assert world._moved()["USDT"] > -begun_with + begun_with * Decimal("0.04")


@pytest.mark.slow
def test_an_endless_grid_buys_down_to_its_lowest_line_and_no_further() -> None:
    falls = path((0, 1), (20, 1), (120, 0.945), (180, 0.945), (185, 0.93))
    world = live(grid_world(ENDLESS, falls))

    finished(world)
    assert min(price for price in resting_prices(world, "BUY") if price) == 58_000
    spent = sum(Decimal(o["cummulativeQuoteQty"]) for o in world.orders() if o["side"] == "BUY")
    assert Decimal(19_000) < spent <= 20_000


# --- what it refuses when it begins


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": "1"}, "the grid needs .* USDT, free for it are 100000"),
        ({"budget": 500}, "the grid needs .* USDT, free for it are 500"),
        ({"coins": "own", "quantity": "1.5"}, "the grid needs 3 BTC, free for it are 2"),
    ],
)
def test_a_grid_that_cannot_be_paid_for_is_not_begun(changes: Any, reason: str) -> None:
    changes = {**changes, "may_sell_your_coins": "coins" in changes}
    world = live(grid_world({**GRID, **changes}, FLAT_THEN_OUT))

    assert world.standings == {"bot": Standing.PARKED}
    assert world.orders() == []
    parked = world.generation("bot").parked
    assert parked is not None
    assert re.search(reason, parked.reason), parked.reason


def test_the_status_says_what_is_held() -> None:
    world = live(grid_world({**GRID, "stop_loss": {"price": 59_000, "then": "keep"}}, ROUND_TRIP))

    held = Ctx.model_validate(dict(contexts(world, "bot"))).holding
    assert held == f"{world._moved()['BTC'].normalize():f} BTC"


def test_after_it_sold_everything_nothing_is_held() -> None:
    world = live(grid_world(GRID, ROUND_TRIP, luck=CALM))

    assert Ctx.model_validate(dict(contexts(world, "bot"))).holding == ""
