"""What is to stand at the exchange for a lot: a pair, a single order, or nothing.

The exchange watches the last price. A profit that it can watch for is taken there, a stop that it
can watch for stands there, both together as an OCO. A trail is the exchange's own as long as it
says the same; afterwards a stop of a fixed price follows the line, moved by steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lib.amounts import EXACT
from lib.exchange import ZERO, OrderType
from lib.exits.lot import Lot, Rule, Way, beyond
from lib.money import SymbolRules, plain
from lib.order_lists import GUARDS, OrderList
from lib.orders import LIVE, Order
from lib.trailing import Trail

BIPS: Final = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Floor:
    """A price at which a lot is closed should the market turn; what is better than it is kept."""

    price: Decimal
    way: Way
    trail: Trail | None = None  # it follows
    slack: Decimal = ZERO  # that it may lie behind before it is moved


@dataclass(frozen=True, slots=True)
class Legs:
    """The orders that are to stand."""

    taking: Order | None = None
    guard: Order | None = None

    @property
    def both(self) -> list[Order]:
        """Answer those there are, the one whose price lies above first."""
        found = [leg for leg in (self.taking, self.guard) if leg is not None]
        return found if not found or found[0].side == "SELL" else found[::-1]


def plan_cover(rules: SymbolRules, lot: Lot, last: Decimal) -> bool:
    """Plan what is to stand for a lot; answer whether there is anything."""
    legs = wanted_legs(rules, lot, last).both
    if len(legs) == 2:
        lot.pair = OrderList(kind="OCO", symbol=lot.symbol, legs=legs)
    elif legs:
        lot.single = legs[0]
    return bool(legs)


def plan_bracket(rules: SymbolRules, lot: Lot, working: Order, quantity: Decimal) -> bool:
    """Plan an entry that brings along what is to stand for its lot; answer whether any is.

    The prices of the lot are known, and `quantity` is what the entry is sure to leave.
    """
    assert working.price is not None
    drafted = lot.model_copy(update={"quantity": quantity})
    legs = wanted_legs(rules, drafted, working.price).both
    if not legs:
        return False
    kind = "OTOCO" if len(legs) == 2 else "OTO"
    fields = {"kind": kind, "symbol": lot.symbol, "legs": [working, *legs]}
    lot.pair = OrderList.model_validate(fields)
    return True


def wanted_legs(rules: SymbolRules, lot: Lot, last: Decimal) -> Legs:
    """Answer what is to stand for all that is left of a lot, as things are now."""
    guard, taking = _guard(rules, lot, last), _taking(rules, lot)
    if guard is not None and taking is not None and taking.type == "TAKE_PROFIT_LIMIT":
        taking = _resting(taking)
    return Legs(taking, guard)


def why_outdated(rules: SymbolRules, lot: Lot, last: Decimal) -> str:
    """Say why what stands is to be replaced; empty if it is as it should be."""
    if not _came_with_entry(lot) and _standing_for(lot) < lot.left:
        return f"it is more: {plain(lot.left)} in all"
    if any(order.filled for order in lot.exits):
        return ""  # it is at work
    wanted = wanted_legs(rules, lot, last)
    taking, guard = _found(lot)
    if not _begins_to_trail(taking) and _differs(taking, wanted.taking):
        return "its take profit moves"
    return _why_guard_moves(rules, lot, guard)


def stands(lot: Lot, *, guard: bool) -> bool:
    """Say whether a stop, or a take profit, of this lot is at work at the exchange."""
    order = _found(lot)[guard]
    return lot.begun and order is not None and order.state in LIVE


# --- the take profit


def _taking(rules: SymbolRules, lot: Lot) -> Order | None:
    rule = lot.profit
    if rule is None or not rule.fits_exchange or rule.price is None or not lot.at_exchange:
        return None
    if rule.trail is None:
        limit = rule.way.limit(lot.sign, rule.price) if rule.way.is_limit else None
        return _stop_order(rules, lot, "TAKE_PROFIT", rule.price, limit)
    delta = _delta(rules, lot, "TAKE_PROFIT", rule.trail)
    if delta is None or rule.way.is_limit or rule.trail.mark is not None:
        return None
    assert rule.trail.activation is not None
    taking = _stop_order(rules, lot, "TAKE_PROFIT", rule.trail.activation, None)
    taking.trailing_delta = delta
    return taking


def _resting(taking: Order) -> Order:
    """In a pair a limit at its own price rests in the book from the start."""
    if taking.price != taking.stop_price:
        return taking
    fields = {"type": "LIMIT_MAKER", "stop_price": None, "time_in_force": None}
    return taking.model_copy(update=fields)


# --- the stop


def _guard(rules: SymbolRules, lot: Lot, last: Decimal) -> Order | None:
    floor = best_floor(rules, lot)
    if floor is None:
        return None
    if floor.trail is not None and _trails_alike(lot, floor, floor.trail, last):
        delta = _delta(rules, lot, "STOP_LOSS", floor.trail)
        if delta is not None and not floor.way.is_limit and lot.mini is None:
            guard = _stop_order(rules, lot, "STOP_LOSS", floor.price, None)
            guard.trailing_delta, guard.stop_price = delta, None
            return guard
    price = rules.round_price(floor.price, lot.side)
    limit = floor.way.limit(lot.sign, price) if floor.way.is_limit else None
    return _stop_order(rules, lot, "STOP_LOSS", price, limit)


def best_floor(rules: SymbolRules, lot: Lot) -> Floor | None:
    """Answer the best of the prices below which a lot is not to be kept, if the exchange can."""
    floors = list(_floors(rules, lot))
    return max(floors, key=lambda floor: lot.sign * floor.price, default=None)


def _floors(rules: SymbolRules, lot: Lot) -> Iterator[Floor]:
    stop, profit, mini = lot.stop, lot.profit, lot.mini
    if stop is not None and stop.fits_exchange and stop.price is not None:
        yield _stop_floor(lot, stop, stop.price)
    if profit is None or not profit.fits_exchange:
        return
    at_exchange = _begins_to_trail(_found(lot)[0])
    if profit.trail is not None and profit.trail.line is not None and not at_exchange:
        yield Floor(profit.trail.line, profit.way, slack=_slack(profit.trail))
    if mini is not None and mini.kept is not None:  # at it nothing is lost yet
        yield Floor(mini.kept - lot.sign * rules.tick, profit.way)


def _stop_floor(lot: Lot, stop: Rule, price: Decimal) -> Floor:
    trail = stop.trail
    if trail is None:
        return Floor(price, stop.way)
    line = trail.line or price
    if lot.sign * (price - line) > _slack(trail):
        return Floor(price, stop.way)
    return Floor(line if beyond(lot.sign, line, price) else price, stop.way, trail, _slack(trail))


def _slack(trail: Trail) -> Decimal:
    return EXACT.multiply(trail.distance_now, trail.slack)


def _trails_alike(lot: Lot, floor: Floor, trail: Trail, last: Decimal) -> bool:
    """Say whether a trail that begins at the exchange now is about where this one is."""
    away = EXACT.multiply(last, trail.distance)
    behind = lot.sign * (floor.price - last) + away
    return bool(last) and behind <= EXACT.multiply(away, trail.slack)


def _why_guard_moves(rules: SymbolRules, lot: Lot, guard: Order | None) -> str:
    floor = best_floor(rules, lot)
    if floor is None:
        return "" if guard is None else "it has no stop any more"
    price = rules.round_price(floor.price, lot.side)
    words = f"its stop moves to {plain(price)}"
    if guard is None:
        return words
    if guard.trailing_delta is not None:
        return "" if floor.trail is not None else words
    at = guard.stop_price or ZERO
    if floor.slack or floor.trail is not None:
        ahead = lot.sign * (price - at)
        return words if ahead > 0 and ahead >= floor.slack else ""
    return words if price != at else ""


def _came_with_entry(lot: Lot) -> bool:
    """Say whether its orders were planned before it was known what the entry leaves."""
    return lot.pair is not None and lot.pair.working is not None


def _begins_to_trail(taking: Order | None) -> bool:
    """Say whether the exchange trails the profit, or will once it begins."""
    return taking is not None and taking.trailing_delta is not None


# --- the orders


def _stop_order(
    rules: SymbolRules, lot: Lot, kind: OrderType, price: Decimal, limit: Decimal | None
) -> Order:
    order = Order(
        symbol=lot.symbol,
        side=lot.side,
        type=kind,
        quantity=lot.left,
        stop_price=rules.round_price(price, lot.side),
    )
    if limit is not None:
        order.type = "TAKE_PROFIT_LIMIT" if kind == "TAKE_PROFIT" else "STOP_LOSS_LIMIT"
        order.price, order.time_in_force = rules.round_price(limit, lot.side), "GTC"
    return order


def _delta(rules: SymbolRules, lot: Lot, kind: OrderType, trail: Trail) -> int | None:
    """Answer a trail in the exchange's own terms; None where it does not take that."""
    bips = EXACT.multiply(trail.distance, BIPS)
    if bips != int(bips) or not rules.trailing_stop_allowed:
        return None
    refused = any(rules.trailing_delta.complaints(lot.side, kind, int(bips)))
    return None if refused else int(bips)


def _found(lot: Lot) -> tuple[Order | None, Order | None]:
    guard = next((order for order in lot.exits if order.type in GUARDS), None)
    taking = next((order for order in lot.exits if order.type not in GUARDS), None)
    return taking, guard


def _standing_for(lot: Lot) -> Decimal:
    left = [(order.whole or ZERO) - order.executed for order in lot.exits if order.state in LIVE]
    return max(left, default=ZERO)


def _differs(found: Order | None, wanted: Order | None) -> bool:
    if found is None or wanted is None:
        return found is not wanted
    fields = ("type", "price", "stop_price", "trailing_delta")
    return any(getattr(found, name) != getattr(wanted, name) for name in fields)
