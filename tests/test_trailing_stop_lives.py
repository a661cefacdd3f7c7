"""A stop that trails at the exchange is placed once and followed to its end, at every cut."""

from decimal import Decimal
from typing import Any

import pytest

from lib.life import Standing
from lib.simulator.server.faults import FaultPlan, Rule, lose_reply, lose_request
from tests.swinging import ShapedWorld, contexts, path, swing, with_small_bots
from tests.world import CALM, PRICES, Luck, every_life, live, pairs_of_cuts

DELTA = 50
FIRST = Decimal(PRICES["BTCUSDT"])
UP_AND_DOWN = path((0, 1), (60, 1), (160, 1.01), (500, 0.9))
DOWN_AND_UP = path((0, 1), (60, 1), (160, 0.99), (500, 1.1))

KINDS: dict[str, dict[str, Any]] = {
    "sell stop": {"kind": "STOP_LOSS"},
    "sell stop with a limit": {"kind": "STOP_LOSS_LIMIT", "limit": "0.95"},
    "sell profit": {"kind": "TAKE_PROFIT", "begins": "1.004"},
    "sell profit with a limit": {"kind": "TAKE_PROFIT_LIMIT", "begins": "1.004", "limit": "0.95"},
    "sell profit at once": {"kind": "TAKE_PROFIT"},
    "sell pair": {"kind": "OCO", "limit": "1.05"},
    "buy stop": {"kind": "STOP_LOSS", "side": "BUY"},
    "buy stop with a limit": {"kind": "STOP_LOSS_LIMIT", "side": "BUY", "limit": "1.05"},
    "buy profit": {"kind": "TAKE_PROFIT", "side": "BUY", "begins": "0.996"},
    "buy profit with a limit": {
        "kind": "TAKE_PROFIT_LIMIT",
        "side": "BUY",
        "begins": "0.996",
        "limit": "1.05",
    },
    "buy pair": {"kind": "OCO", "side": "BUY", "limit": "0.95"},
}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def trailing(kind: str, seed: int = 1, luck: Luck = CALM, *rules: Rule) -> ShapedWorld:
    """Let it trail in a market that turns again and again, further on each time."""
    world = ShapedWorld(seed, {"trail": bot(kind)}, luck, shape=falling if buys(kind) else rising)
    if rules:
        world.plan = FaultPlan(seed, list(rules))
    return world


def turning(kind: str) -> ShapedWorld:
    """Let it trail in a market that turns once."""
    shape = DOWN_AND_UP if buys(kind) else UP_AND_DOWN
    return ShapedWorld(1, {"trail": bot(kind)}, CALM, shape=shape)


def bot(kind: str) -> dict[str, Any]:
    wanted = {"quantity": "0.01", "delta": DELTA, "symbol": "BTCUSDT", **KINDS[kind]}
    return {"function": "resting_trail", "may_sell_your_coins": True, **wanted}


def buys(kind: str) -> bool:
    return kind.startswith("buy")


def rising(at: float) -> float:
    return swing(-0.02, 200)(at) * (1 + at / 20_000)


def falling(at: float) -> float:
    return swing(0.02, 200)(at) / (1 + at / 20_000)


def check(world: ShapedWorld) -> dict[str, Any]:
    """Done once, of the whole, by the stop, where the price had turned by its delta."""
    world.check()
    assert world.standings == {"trail": Standing.FINISHED}, world.news
    assert world.locked() == {}
    (order,) = [order for order in world.orders() if Decimal(order["executedQty"])]
    assert Decimal(order["executedQty"]) == Decimal("0.01")
    assert int(order["trailingDelta"]) == DELTA
    return order


def check_sent_late(world: ShapedWorld, kind: str) -> None:
    """The same; but what waits for a price may be sent once that has passed, and is refused."""
    if "begins" not in KINDS[kind] or world.orders():
        check(world)
        return
    world.check()
    assert world.standings == {"trail": Standing.FINISHED}, world.news
    order = contexts(world, "trail")["order"]
    assert order["state"] == "rejected"
    assert "trigger immediately" in order["reason"]


def turned_at(order: dict[str, Any]) -> Decimal:
    """Answer what was paid for a coin, as a part of the first price."""
    return Decimal(order["cummulativeQuoteQty"]) / Decimal(order["executedQty"]) / FIRST


@pytest.mark.parametrize("kind", KINDS)
def test_a_trail_at_the_exchange_turns_by_its_delta_from_the_extreme(kind: str) -> None:
    order = check(live(turning(kind)))

    sign = 1 if order["side"] == "SELL" else -1
    expected = (1 + sign * Decimal("0.01")) * (1 - sign * Decimal("0.005"))
    assert abs(turned_at(order) - expected) < Decimal("0.0006")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_trail_at_the_exchange_is_placed_once_whenever_the_power_fails(kind: str) -> None:
    for world in every_life(lambda: trailing(kind), stride=3):
        check_sent_late(world, kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_trail_at_the_exchange_is_placed_once_in_bad_weather(kind: str) -> None:
    for world in every_life(lambda: trailing(kind, 2, Luck(query_lag_ms=2_000)), stride=11):
        check_sent_late(world, kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_trail_at_the_exchange_is_placed_once_after_two_cuts(kind: str) -> None:
    for world in pairs_of_cuts(lambda: trailing(kind, 3, Luck()), 3, many=12):
        check_sent_late(world, kind)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [lose_request(3_000), lose_reply(3_000)], ids=["request", "reply"]
)
@pytest.mark.parametrize("kind", ["sell stop", "buy stop", "sell pair", "buy pair"])
def test_a_trail_of_which_no_answer_came_is_placed_once(kind: str, fault: Any) -> None:
    rule = Rule(fault=fault, method="POST", path="*order*", times=2)

    for world in every_life(lambda: trailing(kind, 4, CALM, rule), stride=5):
        check_sent_late(world, kind)
