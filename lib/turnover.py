"""What a series of orders brought, in a few numbers, however many orders they were.

Fees taken in the base asset make what was bought less, fees in the quote asset make what was
received less: `realised` is after both. Fees in a third asset are in `fees` alone.
"""

from collections.abc import Iterable
from decimal import Decimal

from lib import results
from lib.exchange import ZERO
from lib.machine import Context
from lib.money import SymbolRules
from lib.orders import Order


class Turnover(Context):
    """Sums over ended orders. Quantities are base, values are quote."""

    turns: int = 0
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    paid: Decimal = ZERO
    received: Decimal = ZERO
    fees: dict[str, Decimal] = {}
    position: Decimal = ZERO  # bought and not sold; below zero: sold and not bought back
    cost: Decimal = ZERO  # what the position cost; below zero: what it brought
    realised: Decimal = ZERO  # of what was bought and sold again, or the other way round


def book(turnover: Turnover, order: Order, rules: SymbolRules) -> None:
    """Add an ended order."""
    base_fee = order.commission(rules.base_asset)
    quote_fee = order.commission(rules.quote_asset)
    turnover.turns += 1
    if order.side == "BUY":
        turnover.bought += order.executed
        turnover.paid += order.executed_quote
        _shift(turnover, order.executed - base_fee, order.executed_quote + quote_fee)
    else:
        turnover.sold += order.executed
        turnover.received += order.executed_quote
        _shift(turnover, -order.executed - base_fee, quote_fee - order.executed_quote)
    for fill in order.fills:
        if fill.commission:
            known = turnover.fees.get(fill.commission_asset, ZERO)
            turnover.fees[fill.commission_asset] = known + fill.commission


def turnover_of(orders: Iterable[Order], rules: SymbolRules) -> Turnover:
    """Answer what orders moved in all, and their result to the last digit, under way or ended."""
    assets = (rules.base_asset, rules.quote_asset)
    exact, sums = results.Position(), Turnover()
    for order in orders:
        if order.filled:
            book(sums, order, rules)
            exact = results.booked(exact, order.fills, order.side, assets)
    sums.position, sums.cost, sums.realised = exact.quantity, exact.cost, exact.realised
    return sums


def add_up(turnovers: list[Turnover]) -> Turnover:
    """Answer the sums of several."""
    total = Turnover()
    for each in turnovers:
        for name in ("turns", "bought", "sold", "paid", "received", "position", "cost", "realised"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
        for asset, fee in each.fees.items():
            total.fees[asset] = total.fees.get(asset, ZERO) + fee
    return total


def _shift(turnover: Turnover, quantity: Decimal, value: Decimal) -> None:
    """Move the position; both are above zero for a purchase. What closes a part is realised."""
    if not quantity:
        turnover.realised -= value
        return
    opposed = turnover.position and (turnover.position > 0) != (quantity > 0)
    closing = min(abs(quantity), abs(turnover.position)) if opposed else ZERO
    if closing:
        cost = _part(turnover.cost, closing, abs(turnover.position))
        brought = _part(value, closing, abs(quantity))
        turnover.realised -= cost + brought
        turnover.cost -= cost
        value -= brought
    turnover.position += quantity
    turnover.cost += value


def _part(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    return amount if part == whole else amount * part / whole
