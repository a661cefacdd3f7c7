"""An amount at market is dealt whole, in lots, and never twice."""

from decimal import Decimal
from typing import Any

import pytest

from lib.bulk_order import BulkOrder, received
from lib.life import Standing
from tests.bots_of_lines import executed, finished
from tests.swinging import ShapedWorld, contexts, with_small_bots
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

LOT = Decimal("0.02")


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


@pytest.fixture
def _small_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the exchange take no more than so much at once."""
    monkeypatch.setattr("lib.closing_order.largest_at_market", lambda *_: LOT)
    monkeypatch.setattr("lib.bulk_order.largest_at_market", lambda *_: LOT)


def dealing(seed: int = 1, luck: Luck = CALM, depth: str = "1", **section: Any) -> ShapedWorld:
    bot = {"function": "bulk_dealer", "symbol": "BTCUSDT", **section}
    return ShapedWorld(seed, {"bot": bot}, luck, shape=lambda _: 1.0, depth=Decimal(depth))


def bulk_of(world: ShapedWorld) -> BulkOrder:
    return BulkOrder.model_validate(contexts(world, "bot")["bulk"])


@pytest.mark.usefixtures("_small_lots")
def test_more_than_one_order_may_have_is_dealt_in_lots() -> None:
    world = live(dealing(amount="0.05"))

    finished(world)
    lots = [Decimal(order["executedQty"]) for order in world.orders()]
    assert lots == [LOT, LOT, Decimal("0.01")]


def test_what_nobody_took_at_once_follows_until_all_is_dealt() -> None:
    world = live(dealing(amount="0.05", depth="0.004"))

    finished(world)
    assert len(world.orders()) > 1
    assert executed(world, "BUY") == Decimal("0.05")


def test_money_is_spent_to_the_last_lot() -> None:
    world = live(dealing(money="1000"))

    finished(world)
    assert 999 < bulk_of(world).executed_quote <= 1_000


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_what_it_brought_is_what_the_account_has_more(side: str) -> None:
    world = live(dealing(amount="0.05", side=side, may_sell_your_coins=True))

    finished(world)
    moved = {asset: received(bulk_of(world), asset, base_asset="BTC") for asset in ("BTC", "USDT")}
    assert moved == world._moved()


def test_an_amount_too_small_for_the_exchange_is_left_alone() -> None:
    world = live(dealing(amount="0.00001"))

    finished(world)
    assert world.orders() == []


def test_a_refusal_stops_the_bot_with_the_reason() -> None:
    world = live(dealing(amount="10"))

    assert world.standings == {"bot": Standing.PARKED}
    parked = world.generation("bot").parked
    assert parked is not None
    assert "the BUY of BTCUSDT at market was rejected: needs" in parked.reason
    world.check()


@pytest.mark.slow
def test_it_is_dealt_once_whenever_the_power_fails() -> None:
    for world in every_life(lambda: dealing(amount="0.05", depth="0.004", luck=Luck()), stride=11):
        finished(world)
        assert executed(world, "BUY") == Decimal("0.05")


@pytest.mark.slow
def test_it_is_dealt_once_after_two_cuts() -> None:
    def made() -> ShapedWorld:
        return dealing(2, Luck(query_lag_ms=2_000), amount="0.05", depth="0.01")

    for world in pairs_of_cuts(made, 2, many=8):
        finished(world)
        assert executed(world, "BUY") == Decimal("0.05")
