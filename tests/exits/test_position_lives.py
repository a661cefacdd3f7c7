"""A position is protected once, closed once, and never sold beyond what it bought, at any cut."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

import lib.exits.position
import lib.exits.position_watch
import lib.exits.protection
import lib.order_lists
from lib.exits.position import Ending, Position
from lib.order_lists import ListExchange, OrderList
from lib.orders import OrderState
from lib.simulator.server.faults import FaultPlan, Rule, lose_reply, lose_request
from tests.held_world import HeldWorld, check
from tests.swinging import path, with_small_bots
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

Patch = pytest.MonkeyPatch
LAGGING = Luck(query_lag_ms=2_000)
AT_ONCE = 1_000  # ms without protection that a calm day may take

FLAT = (40, 1.0)
FALLING_BIDS = path((0, 0), (40, 0), (300, 0.03))
FALLEN = (300, 0.97)
RISEN = (300, 1.03)
TOUCHED = 0.9964999  # of the first price: a buy 0.35 % below it is touched
BEYOND = 1.0040082  # a sale 0.4 % above it is touched by the first bid alone

PART_BOUGHT = path((0, 1), FLAT, (50, TOUCHED), (50.6, TOUCHED), (51, 0.998), (200, 0.998), RISEN)
BOUGHT_TWICE = path(
    *((0, 1), FLAT, (50, TOUCHED), (50.6, TOUCHED), (51, 0.998), (70, 0.998)),
    *((75, TOUCHED), (75.6, TOUCHED), (76, 0.998), (200, 0.998), RISEN),
)
PART_TAKEN = path((0, 1), FLAT, (60, BEYOND), (60.4, BEYOND), (60.5, 1.0035), (200, 1.0035), RISEN)
SAGGING = path((0, 1), FLAT, (300, 1))  # the bids lie ever deeper below it
LIMIT = {"by": "LIMIT", "away": "0.0035", "quantity": "0.1", "buy_for": "3m", "patience": "5s"}

Scene = tuple[dict[str, Any], Callable[[float], float], str, Ending]
SCENES: dict[str, Scene] = {
    "take profit": ({}, path((0, 1), FLAT, RISEN), "1", Ending.TAKE_PROFIT),
    "stop": ({}, path((0, 1), FLAT, FALLEN), "1", Ending.STOP),
    "stop with a limit": ({"gap": "0.002"}, path((0, 1), FLAT, FALLEN), "1", Ending.STOP),
    "gapped stop": (
        {"gap": "0.0001"},
        path((0, 1), FLAT, (40.4, 0.98), FALLEN),
        "1",
        Ending.STOP,
    ),
    "deadline": ({"close_after": "30s"}, path((0, 1), RISEN), "1", Ending.DEADLINE),
    "entry in part": (
        {**LIMIT, "patience": "60s", "buy_for": "80s"},
        PART_BOUGHT,
        "0.011",
        Ending.TAKE_PROFIT,
    ),
    "entry in two parts": (LIMIT, BOUGHT_TWICE, "0.011", Ending.TAKE_PROFIT),
    "profit in part": (
        {"quantity": "0.008", "loss": "0.01"},
        PART_TAKEN,
        "0.004",
        Ending.TAKE_PROFIT,
    ),
    "bracket": (
        {"by": "OTOCO", "away": "0.0035", "buy_for": "3m"},
        path((0, 1), FLAT, (60, 0.996), RISEN),
        "1",
        Ending.TAKE_PROFIT,
    ),
    "bracket in part": (
        {**LIMIT, "by": "OTOCO"},
        PART_BOUGHT,
        "0.011",
        Ending.TAKE_PROFIT,
    ),
    "trail": (
        {"trail": "0.005", "profit": "0.05"},
        path((0, 1), FLAT, (70, 1.01), (110, 1.0), FALLEN),
        "1",
        Ending.TRAIL,
    ),
    "trailed at the exchange": (
        {"trailing_delta": 50, "profit": "0.05", "loss": "0.02"},
        path((0, 1), FLAT, (70, 1.01), (110, 1.0), FALLEN),
        "1",
        Ending.STOP,
    ),
    "trailed at the exchange with a limit": (
        {"trailing_delta": 50, "profit": "0.05", "loss": "0.02", "gap": "0.01"},
        path((0, 1), FLAT, (70, 1.01), (110, 1.0), FALLEN),
        "1",
        Ending.STOP,
    ),
    "bracket trailed at the exchange": (
        {
            "by": "OTOCO",
            "away": "0.0035",
            "buy_for": "3m",
            "trailing_delta": 50,
            "profit": "0.05",
            "loss": "0.02",
        },
        path((0, 1), FLAT, (60, 0.996), (90, 1.01), (130, 1.0), FALLEN),
        "1",
        Ending.STOP,
    ),
    "triggered by the bid": (
        {"trigger": "0.002", "profit": "0.05", "loss": "0.02"},
        SAGGING,
        "1",
        Ending.TRIGGER,
    ),
    "trail of the bid": (
        {"trail": "0.002", "trail_base": "bid", "profit": "0.05", "loss": "0.02"},
        SAGGING,
        "1",
        Ending.TRAIL,
    ),
    "moved stop": (
        {"trail": "0.005", "profit": "0.05", "on_trail": "move"},
        path((0, 1), FLAT, (50, 1.004), (80, 1.004), (110, 0.99), FALLEN),
        "1",
        Ending.STOP,
    ),
}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: Patch) -> None:
    with_small_bots(monkeypatch)


def holding(scene: str, seed: int = 1, luck: Luck = CALM, *rules: Rule, **conf: Any) -> HeldWorld:
    own, shape, depth, _ = SCENES[scene]
    section = {"function": "holder", "symbol": "BTCUSDT", **own, **conf}
    sag = FALLING_BIDS if shape is SAGGING else path((0, 0))
    world = HeldWorld(seed, {"holder": section}, luck, shape=shape, depth=Decimal(depth), sag=sag)
    if rules:
        world.plan = FaultPlan(seed, list(rules))
    return world


# --- every instant


@pytest.mark.parametrize("scene", SCENES)
def test_ends_as_the_market_has_it_when_nothing_fails(scene: str) -> None:
    world = live(holding(scene))

    position = check(world)
    assert position.ending is SCENES[scene][3], position.because
    assert position.result.sold > 0


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_the_books_agree_whenever_the_power_fails(scene: str) -> None:
    for world in every_life(lambda: holding(scene)):
        check(world)


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_the_books_agree_in_bad_weather_with_lagging_queries(scene: str) -> None:
    for world in every_life(lambda: holding(scene, 2, LAGGING), stride=11):
        check(world)


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_the_books_agree_after_two_cuts(scene: str) -> None:
    for world in pairs_of_cuts(lambda: holding(scene, 3, Luck()), 3, many=12):
        check(world)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [lose_request(3_000), lose_reply(3_000)], ids=["request", "reply"]
)
@pytest.mark.parametrize("scene", ["take profit", "entry in two parts", "bracket"])
def test_a_pair_of_which_no_answer_came_is_placed_once(scene: str, fault: Any) -> None:
    rule = Rule(fault=fault, method="POST", path="*orderList*", times=2)

    for world in every_life(lambda: holding(scene, 4, CALM, rule), stride=9):
        check(world)


# --- how long it is bare


@pytest.mark.parametrize(
    ("scene", "bare"),
    [
        ("take profit", AT_ONCE),
        ("stop", AT_ONCE),
        ("deadline", AT_ONCE),
        ("profit in part", AT_ONCE),
        ("moved stop", AT_ONCE),
        ("entry in two parts", 5_000 + 2 * AT_ONCE),
        ("bracket", 0),
        ("bracket in part", 5_000 + 2 * AT_ONCE),
    ],
)
def test_no_coin_is_without_a_stop_for_longer_than_was_said(scene: str, bare: int) -> None:
    world = live(holding(scene))

    check(world)
    assert world.naked_longest <= bare


def test_a_part_of_the_entry_is_protected_while_the_rest_still_waits() -> None:
    world = live(holding("entry in two parts"))

    check(world)
    stops = [order for order in world.orders() if order["type"] == "STOP_LOSS"]
    quantities = [Decimal(order["origQty"]) for order in stops]
    assert len(stops) == 2
    assert quantities[0] < quantities[1] == world.sold
    assert [order["status"] for order in stops] == ["CANCELED", "EXPIRED"]


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        ("take profit", "its pair is being placed"),
        ("entry in part", "the entry is filled in part; protected once that lasted 60 s"),
        ("entry in two parts", "a larger one is about to replace it"),
        ("profit in part", "its take profit was executed in part, which ended its stop"),
        ("gapped stop", "the stop was triggered and waits at its limit"),
        ("deadline", "it is being sold at market: its time is over"),
        ("bracket in part", "the working order is filled in part"),
    ],
)
def test_every_save_with_something_unprotected_says_why(
    scene: str, expected: str, monkeypatch: Patch
) -> None:
    saved: list[tuple[Decimal, str]] = []
    real = lib.exits.position.hold_position

    async def hold_position(desk: Any, position: Position) -> AsyncIterator[Position]:
        async for position in real(desk, position):
            saved.append((position.unprotected, position.unprotected_because))
            yield position

    monkeypatch.setattr("bots.holder.hold_position", hold_position)

    check(live(holding(scene)))

    assert all(bool(bare) == bool(why) for bare, why in saved)
    assert any(expected in why for _, why in saved), {why for _, why in saved}


def test_the_result_is_what_the_exchange_moved() -> None:
    world = live(holding("profit in part"))

    position = check(world)
    result, orders = position.result, world.orders()
    sales = [order for order in orders if order["side"] == "SELL"]
    assert result.bought == sum(Decimal(o["executedQty"]) for o in orders) - result.sold
    assert result.received == sum(Decimal(o["cummulativeQuoteQty"]) for o in sales)
    assert len([order for order in sales if Decimal(order["executedQty"])]) == 2
    assert set(result.fees) == {"BTC", "USDT"}


# --- mutants


def the_rest_of_a_profit_in_part_is_left_alone(patch: Patch) -> None:
    patch.setattr(lib.exits.position_watch, "lost_its_stop", lambda _: False)


def a_pair_being_canceled_is_taken_for_ended(patch: Patch) -> None:
    real = lib.order_lists.add_list

    async def add_list(exchange: ListExchange, pair: OrderList) -> AsyncIterator[OrderList]:
        async for pair in real(exchange, pair):
            if any(leg.state is OrderState.CANCELING for leg in pair.legs):
                pair.state = OrderState.CANCELED
                for leg in pair.legs:
                    leg.state = OrderState.CANCELED
                return
            yield pair

    patch.setattr(lib.exits.position, "add_list", add_list)


def a_restart_forgets_the_pair(patch: Patch) -> None:
    real = lib.exits.position.hold_position

    async def hold_position(desk: Any, position: Position) -> AsyncIterator[Position]:
        position.pair = None if position.entry is not None else position.pair
        async for position in real(desk, position):
            yield position

    patch.setattr("bots.holder.hold_position", hold_position)


def fees_in_coins_are_forgotten(patch: Patch) -> None:
    patch.setattr(lib.exits.protection, "_net", lambda order, _: _signed(order))


def _signed(order: Any) -> Decimal:
    return Decimal(order.executed if order.side == "BUY" else -order.executed)


def breach() -> str:
    try:
        world = live(holding("profit in part"))
        check(world)
        assert world.naked_longest <= AT_ONCE, f"bare for {world.naked_longest} ms"
        for scene in ("entry in two parts", "take profit"):
            for each in every_life(lambda scene=scene: holding(scene), stride=9):  # type: ignore[misc]
                check(each)
    except AssertionError as wrong:
        return f"AssertionError: {wrong}"
    return ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant",
    [
        the_rest_of_a_profit_in_part_is_left_alone,
        a_pair_being_canceled_is_taken_for_ended,
        a_restart_forgets_the_pair,
        fees_in_coins_are_forgotten,
    ],
    ids=lambda mutant: mutant.__name__,
)
def test_the_lives_catch(mutant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutant(monkeypatch)

    assert breach()


@pytest.mark.slow
def test_the_lives_find_nothing_against_the_real_position() -> None:
    assert breach() == ""
