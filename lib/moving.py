"""A resting order that may be moved: to another price, to another size.

A move is one decision, on disk before anything of it happens. Where the order only shrinks it is
amended, and keeps its place in the queue. Otherwise it is canceled, its end is awaited, and what
it did not execute follows as an order of its own: announced in the save that holds that end, so
that one save and one request lie between the two. If it filled meanwhile the move is over.

Binance's cancelReplace is not used: its halves succeed and fail apart under one request, and the
new order's quantity would have to be named before it is known what the old one executed.
"""

from collections.abc import Mapping
from decimal import Decimal

from lib.desk import Desk
from lib.exchange import ZERO
from lib.machine import Context, Machine
from lib.money import SymbolRules, plain
from lib.orders import PROBED, Order, OrderState, add_order, planned_anew


class Target(Context):
    """Where the order is to be next."""

    price: Decimal | None
    stop_price: Decimal | None


class Moving(Context):
    """What is wanted, over however many orders it takes, and the one that lives now."""

    order: Order
    quantity: Decimal  # the whole of it, what was executed included
    target: Target | None = None  # decided, and not there yet

    # what the former orders did
    moves: int = 0
    executed_before: Decimal = ZERO
    quote_before: Decimal = ZERO
    fees_before: dict[str, Decimal] = {}

    @property
    def executed(self) -> Decimal:
        """Answer what was executed by all its orders."""
        return self.executed_before + self.order.executed

    @property
    def executed_quote(self) -> Decimal:
        """Answer what that was worth."""
        return self.quote_before + self.order.executed_quote

    @property
    def left(self) -> Decimal:
        """Answer what is wanted and not executed; once it rests nowhere, that is unprotected."""
        return max(ZERO, self.quantity - self.executed)

    @property
    def fees(self) -> Mapping[str, Decimal]:
        """Answer what was taken, by asset."""
        return _add_fees(self.fees_before, self.order)


def rest(order: Order) -> Moving:
    """Begin with an order that may be moved while it rests."""
    assert order.quantity is not None, "what is moved has a quantity"
    return Moving(order=order, quantity=order.quantity)


def move(
    rules: SymbolRules,
    moving: Moving,
    *,
    price: Decimal | None = None,
    stop_price: Decimal | None = None,
    quantity: Decimal | None = None,
) -> bool:
    """Decide where the order is to be; what is not named stays as it is.

    `quantity` is the whole, what was executed included. Takes effect with the next save. Answers
    whether it will: an order that ended, or is being canceled for another reason, is not moved.
    """
    order = moving.order
    if order.final or (moving.target is None and _is_ending(order)):
        return False
    before = moving.target or Target(price=order.price, stop_price=order.stop_price)
    target = Target(
        price=before.price if price is None else rules.round_price(price, order.side),
        stop_price=(
            before.stop_price if stop_price is None else rules.round_price(stop_price, order.side)
        ),
    )
    wanted = moving.quantity if quantity is None else rules.round_quantity(quantity, order.type)
    if not order.give_up:
        if _stays(order, target) and wanted == moving.quantity:
            return True
        _have_it_move(rules, moving, target, wanted)
    moving.target, moving.quantity = target, wanted
    return True


async def follow_moving(desk: Desk, moving: Moving) -> Machine[Moving]:
    """Follow the order, and each that takes its place, until it ended and no move is left.

    It ends filled, or as the last order did, with `left` to tell what that leaves.
    """
    while True:
        async for moving.order in add_order(desk.exchange, moving.order):
            _review(moving)
            if not moving.order.final:
                yield moving
        successor = _successor(desk.rules(moving.order.symbol), moving)
        if successor is None:
            break
        _follow_up(moving, successor)
    moving.target = None
    yield moving


def _is_ending(order: Order) -> bool:
    return bool(order.give_up) or order.state is OrderState.CANCELING


def _have_it_move(rules: SymbolRules, moving: Moving, target: Target, wanted: Decimal) -> None:
    order = moving.order
    shrinks = moving.executed < wanted < moving.quantity and _stays(order, target)
    if shrinks and rules.amend_allowed and order.state is OrderState.OPEN:
        order.amend_to, order.amend_refused = wanted - moving.executed_before, ""
    else:
        order.give_up = "it moves"


def _stays(order: Order, target: Target) -> bool:
    return (target.price, target.stop_price) == (order.price, order.stop_price)


def _review(moving: Moving) -> None:
    """See how an amend went: it is there, or the order is to be canceled and placed anew."""
    order = moving.order
    if moving.target is None or order.final or order.give_up or order.amend_to is not None:
        return
    if order.amend_refused:
        order.give_up = f"it moves, as it was not amended: {order.amend_refused}"
    else:
        moving.target, moving.moves = None, moving.moves + 1


def _successor(rules: SymbolRules, moving: Moving) -> Order | None:
    """Plan the order for what is left, if a move or an accident asks for one."""
    order = moving.order
    ended_by_us = order.state is OrderState.ABANDONED or bool(order.cancel_id)
    moved = moving.target is not None and bool(order.give_up) and ended_by_us
    left = rules.round_quantity(moving.left, order.type)
    still_wanted = moved or (order.reason == PROBED and not order.give_up)
    if order.state is OrderState.FILLED or not left or not still_wanted:
        return None
    target = moving.target or Target(price=order.price, stop_price=order.stop_price)
    return planned_anew(order, left, price=target.price, stop_price=target.stop_price)


def _follow_up(moving: Moving, successor: Order) -> None:
    """Put the former order into the sums and the next one into its place."""
    former = moving.order
    moving.executed_before += former.executed
    moving.quote_before += former.executed_quote
    moving.fees_before = _add_fees(moving.fees_before, former)
    moving.moves += moving.target is not None
    moving.order, moving.target = successor, None


def _add_fees(fees: Mapping[str, Decimal], order: Order) -> dict[str, Decimal]:
    total = dict(fees)
    for fill in order.fills:
        if fill.commission:
            asset = fill.commission_asset
            total[asset] = total.get(asset, ZERO) + fill.commission
    return total


def describe_move(moving: Moving) -> str:
    """Say for a person what is wanted and how far it is."""
    price = moving.order.price if moving.target is None else moving.target.price
    where = f" at {plain(price)}" if price is not None else ""
    return f"{moving.order.side} {plain(moving.left)} of {plain(moving.quantity)}{where}"
