"""What one order at market may close, and what none may."""

from dataclasses import replace
from decimal import Decimal

import pytest

from lib.closing_order import HEADROOM, is_dust, largest_at_market, plan_closing
from lib.exchange import Side
from lib.filters import Lot, Notional
from lib.money import SymbolRules
from tests.held_office import LOTS

PRICE = Decimal(60_000)
SIDES: tuple[Side, ...] = ("SELL", "BUY")


def small(largest: str) -> SymbolRules:
    """Rules by which an order at market may have so much."""
    return replace(LOTS, market_lot=Lot("MARKET_LOT_SIZE", largest=Decimal(largest)))


def valued(largest: int) -> SymbolRules:
    """Rules by which an order at market may be worth so much."""
    return replace(LOTS, notional=Notional(largest=Decimal(largest), largest_for_market=True))


def planned(rules: SymbolRules, quantity: str, price: Decimal = PRICE) -> Decimal | None:
    order = plan_closing(rules, "SELL", Decimal(quantity), price, "it is over")
    return None if order is None else order.quantity


def test_all_of_it_is_closed_in_whole_lots_and_never_more() -> None:
    assert planned(LOTS, "0.50009") == Decimal("0.5")
    assert planned(LOTS, "0.5") == Decimal("0.5")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("quantity", "price", "dust"),
    [
        ("0", 60_000, True),
        ("0.00009", 60_000, True),
        ("0.0001", 49_999, True),
        ("0.0001", 50_000, False),
        ("0.0001", 0, False),
    ],
    ids=["nothing", "below a lot", "worth too little", "worth just enough", "of unknown worth"],
)
def test_dust_is_what_no_order_takes(side: Side, quantity: str, price: int, dust: bool) -> None:
    assert is_dust(LOTS, side, Decimal(quantity), Decimal(price)) is dust


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("rules", [small("0.2"), valued(14_000)], ids=["the lot", "the value"])
def test_more_than_one_order_may_have_is_no_dust(side: Side, rules: SymbolRules) -> None:
    assert not is_dust(rules, side, Decimal(1_000), PRICE)


def test_one_order_has_as_much_as_the_tightest_rule_allows() -> None:
    assert planned(small("0.2"), "0.5") == Decimal("0.2")
    assert planned(valued(14_000), "0.5") == Decimal("0.21")
    assert Decimal("0.21") * PRICE == 14_000 * HEADROOM
    assert largest_at_market(LOTS, PRICE) == LOTS.lot.largest


def test_without_a_price_no_value_bounds_it() -> None:
    assert largest_at_market(valued(14_000), Decimal(0)) == LOTS.lot.largest


def test_a_lot_smaller_than_none_is_nothing() -> None:
    assert planned(LOTS, "-1") is None
