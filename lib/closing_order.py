"""The order at market that closes what is held, or as much of it as one order may have.

What no order at market may have at all is dust: its lot is too small, or its value. An amount too
large for one order is none; it takes several.
"""

from decimal import ROUND_FLOOR, Decimal
from decimal import Context as Arithmetic
from typing import Final

from lib.exchange import ZERO, Side
from lib.money import SymbolRules
from lib.orders import Order

PAUSE: Final = 5_000  # ms after an order that nobody took
VALID_FOR: Final = 900_000  # ms: what is to be closed is closed, also after an outage
HEADROOM: Final = Decimal("0.9")  # of the greatest value: the price moves
ENDLESS: Final = Decimal(10) ** 30
TOO_SMALL: Final = frozenset({"LOT_SIZE", "MARKET_LOT_SIZE", "NOTIONAL", "MIN_NOTIONAL"})
FLOOR: Final = Arithmetic(prec=60, rounding=ROUND_FLOOR)


def plan_closing(
    rules: SymbolRules, side: Side, quantity: Decimal, price: Decimal, why: str
) -> Order | None:
    """Plan to close so much base, or as much of it as one order may have; None where it is dust.

    `price` is the last one, quote per base. Zero: it is not known, and no value is judged.
    """
    order = Order(
        symbol=rules.symbol,
        side=side,
        type="MARKET",
        quantity=in_one_order(rules, quantity, price),
        valid_for=VALID_FOR,
        comment=why,
    )
    return None if is_refused_as_small(rules, order, price) else order


def is_dust(rules: SymbolRules, side: Side, quantity: Decimal, price: Decimal) -> bool:
    """Say whether no order at market closes so much: too small a lot, or too small a value."""
    return plan_closing(rules, side, quantity, price, "") is None


def is_refused_as_small(rules: SymbolRules, order: Order, price: Decimal) -> bool:
    """Say whether the exchange would find an order at market too small."""
    if not order.quantity and not order.quote_quantity:
        return True
    refusals = rules.refusals(order, reference_price=price or None)
    return any(complaint.rule in TOO_SMALL for complaint in refusals)


def in_one_order(rules: SymbolRules, quantity: Decimal, price: Decimal) -> Decimal:
    """Answer as much of it, in whole lots, as one order at market may have."""
    return rules.round_quantity(min(max(quantity, ZERO), largest_at_market(rules, price)), "MARKET")


def largest_at_market(rules: SymbolRules, price: Decimal) -> Decimal:
    """Answer the most base that one order at market may have, by every rule that says so."""
    bounds = [lot.largest for lot in (rules.lot, rules.market_lot) if lot.largest]
    if price and rules.notional.largest and rules.notional.largest_for_market:
        bounds.append(FLOOR.divide(rules.notional.largest * HEADROOM, price))
    return min(bounds, default=ENDLESS)
