"""A buy that trails at the exchange may cost its delta more than where it began, and no less."""

from decimal import Decimal
from typing import Any

import pytest

from lib.exchange import OrderRecord, PlaceRequest
from lib.filters import TrailingDelta
from lib.money import MARKET_MARGIN, SymbolRules
from lib.orders import Order, OrderState
from tests.scripted_venue import Office, play

RULES = SymbolRules(
    "BTCUSDT",
    "BTC",
    "USDT",
    trailing_stop_allowed=True,
    trailing_delta=TrailingDelta(10, 2_000, 10, 2_000),
)
LAST = Decimal(60_000)


def trailing(type_: str, delta: int, side: str = "BUY", **more: Any) -> Order:
    fields = {"symbol": "BTCUSDT", "quantity": Decimal(2), "trailing_delta": delta}
    return Order.model_validate({"side": side, "type": type_, **fields, **more})


@pytest.mark.parametrize(
    ("order", "dearest"),
    [
        (trailing("STOP_LOSS", 500), LAST * Decimal("1.05")),
        (trailing("TAKE_PROFIT", 500), LAST * Decimal("1.05")),
        (trailing("STOP_LOSS", 500, stop_price=Decimal(61_000)), Decimal(61_000 * 105) / 100),
        (trailing("TAKE_PROFIT", 500, stop_price=Decimal(50_000)), Decimal(50_000 * 105) / 100),
    ],
)
def test_what_a_trailing_buy_may_cost_is_its_delta_above_where_it_begins(
    order: Order, dearest: Decimal
) -> None:
    asset, amount = RULES.asset_spent(order, reference_price=LAST)

    assert (asset, amount) == ("USDT", 2 * dearest * (1 + MARKET_MARGIN))


def test_no_path_of_the_price_triggers_a_trailing_buy_above_what_was_reserved() -> None:
    delta, (_, reserved) = 500, RULES.asset_spent(trailing("STOP_LOSS", 500), reference_price=LAST)

    for fall in range(50):
        lowest = LAST * (100 - fall) / 100
        triggered = lowest * (10_000 + delta) / 10_000
        assert 2 * triggered <= reserved / (1 + MARKET_MARGIN)


def test_a_trailing_buy_with_a_limit_costs_its_limit_and_a_sale_its_coins() -> None:
    limited = trailing("STOP_LOSS_LIMIT", 500, price=Decimal(59_000), time_in_force="GTC")
    sale = trailing("STOP_LOSS", 500, side="SELL")

    assert RULES.asset_spent(limited, reference_price=LAST) == ("USDT", Decimal(118_000))
    assert RULES.asset_spent(sale, reference_price=LAST) == ("BTC", Decimal(2))


def ordered(quantity: str, delta: int) -> tuple[Order, list[PlaceRequest]]:
    """Let a bot with 100000 USDT place it at 60000."""

    async def story(office: Office) -> tuple[Order, list[PlaceRequest]]:
        office.floor.rules["BTCUSDT"] = RULES
        order = trailing("STOP_LOSS", delta).model_copy(update={"quantity": Decimal(quantity)})
        task = await office.begin(order, 20)
        task.cancel()
        return order, [request for _, request in office.venue.placed]

    return play(story)


def test_a_trailing_buy_that_its_delta_may_make_too_dear_is_refused_before_it_leaves() -> None:
    near, sent = ordered("1.5", 100)
    far, kept = ordered("1.5", 1_500)

    assert (near.state, len(sent)) == (OrderState.OPEN, 1)
    assert (far.state, kept) == (OrderState.REJECTED, [])
    assert "USDT" in far.reason


def test_what_it_may_cost_is_written_down_with_its_intent() -> None:
    order, _ = ordered("1", 1_000)

    assert order.spends_at_most == LAST * Decimal("1.1") * Decimal("1.02")


def test_the_reserve_of_an_intent_counts_against_the_next_order() -> None:
    async def story(office: Office) -> tuple[Decimal, Decimal]:
        office.floor.rules["BTCUSDT"] = RULES

        def accept_later(request: PlaceRequest) -> OrderRecord:
            seen.append(office.floor.funds.free("USDT"))
            return office.venue.accept(request)

        seen: list[Decimal] = []
        office.venue.placings.append(accept_later)
        before = office.floor.funds.free("USDT")
        order = trailing("STOP_LOSS", 1_000).model_copy(update={"quantity": Decimal(1)})
        (await office.begin(order, 2)).cancel()
        return before, seen[0]

    before, during = play(story)
    assert before - during == LAST * Decimal("1.1") * Decimal("1.02")
