"""What the orders of a list do to one another.

A pair (OCO): the first fill of its limit leg ends the stop leg; a leg whose stop price is reached
ends the other before it works. A working order and what is pending (OTO): filled, it lets the
pending orders begin; ended otherwise, it ends them. Where the one pays the other (OPO), what the
working order receives stays locked for the pending orders.

A pair locks its funds once. They are booked on one leg and change hands when the other one works.
"""

from collections import deque
from typing import Final, Protocol

from lib.simulator.books.orders import Fill, Order, OrderList
from lib.simulator.engine.commissions import BNB
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.list_events import list_status
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.engine.settlement import Settlement
from lib.simulator.units import quote_of

OCO_TRIGGER: Final = "OCO_TRIGGER"
PHASE_ONE_EXPIRED: Final = "OTO_PHASE_ONE_EXPIRED"
REFUSED: Final = "REJECTED"
PAIRED: Final = frozenset({"OCO", "OTOCO", "OPOCO"})
PAID: Final = frozenset({"OPO", "OPOCO"})  # by what the working order receives


class Hands(Protocol):
    """What is done to an order of a list without a thought of the others."""

    settlement: Settlement

    def drop(self, order: Order, reason: str, now: int) -> None:
        """Expire it."""

    def loosen(self, order: Order) -> None:
        """Give back what it need not hold any more."""

    def withdraw(self, order: Order, cancel_id: str, now: int) -> None:
        """Cancel it."""

    def touch(self, order: Order, now: int) -> None:
        """Note that it has changed."""


class Lists:
    """The order lists of one symbol at work."""

    def __init__(self, rules: SymbolRules, floor: Floor, hands: Hands) -> None:
        self.due: deque[OrderList] = deque()  # their pending orders are to begin
        self._base = rules.base
        self._floor = floor
        self._hands = hands

    # --- what has happened to an order of a list

    def filled(self, fill: Fill) -> None:
        """Draw the consequences of a fill, the last of the order or not."""
        order, now = fill.order, fill.time
        order_list = listed_in(order)
        if order is working_order(order_list):
            self._working_filled(order_list, fill)
        elif (partner := self.partner(order)) is not None:
            self._hands.drop(partner, OCO_TRIGGER, now)
            self._hands.loosen(order)
        self._conclude(order_list, now)

    def transferred(self, order: Order, now: int) -> None:
        """End the other leg of which the funds have gone without a trade."""
        if (partner := self.partner(order)) is not None:
            self._hands.drop(partner, OCO_TRIGGER, now)
            self._hands.loosen(order)
            self._conclude(listed_in(order), now)

    def triggered(self, order: Order, now: int) -> None:
        """End the other leg before a stop of a pair begins to work, with the funds of both."""
        partner = self.partner(order)
        if partner is None:
            return
        hand_over(partner, order)
        self._hands.drop(partner, OCO_TRIGGER, now)
        if order.price:
            enough = quote_of(order.price, order.remaining) if order.is_buy else order.remaining
            self._hands.settlement.release(order, keep=enough)
        self._conclude(listed_in(order), now)

    def ended(self, order: Order, now: int) -> None:
        """End what cannot go on without an order that has expired."""
        order_list = listed_in(order)
        if order is working_order(order_list):
            self.expire_pending(order_list, PHASE_ONE_EXPIRED, now)
        elif (partner := self.partner(order)) is not None:
            self._hands.drop(partner, OCO_TRIGGER, now)
        self._conclude(order_list, now)

    # --- what is done to a list

    def cancel(self, order_list: OrderList, cancel_id: str, now: int) -> list[Order]:
        """Cancel all that is open in a list, under the cancel's own id; answer what it was."""
        ended = [order for order in order_list.orders if order.open]
        for order in ended:
            self._hands.withdraw(order, cancel_id, now)
        self._conclude(order_list, now)
        return ended

    def refuse(self, order_list: OrderList, now: int) -> None:
        """End the pending orders that the book does not take."""
        self.expire_pending(order_list, REFUSED, now)
        self._conclude(order_list, now)

    def expire_pending(self, order_list: OrderList, reason: str, now: int) -> None:
        for order in order_list.orders:
            if order.pending:
                self._hands.drop(order, reason, now)

    def tell(self, order_list: OrderList, now: int, kind: str = "EXEC_STARTED") -> None:
        """Note and tell that something about a list has changed."""
        order_list.update_time = now
        self._floor.books.change.note_list(order_list)
        if self._floor.announcer.on_user is not None:
            status = "ALL_DONE" if order_list.done else "EXECUTING"
            event = list_status(order_list, kind, status, now)
            self._floor.announcer.tell_user(order_list.account.name, event)

    # --- what is asked of a list

    def partner(self, order: Order) -> Order | None:
        """Give the other leg of its pair if both are open and past pending."""
        order_list = listed_in(order)
        if order_list.kind not in PAIRED or order.pending or order is working_order(order_list):
            return None
        pair = order_list.orders[-2:]
        other = pair[0] if order is pair[1] else pair[1]
        return other if other.open else None

    def kept_for_partner(self, order: Order) -> int:
        """Tell how much of a leg's funds is kept for the other one."""
        other = self.partner(order)
        if other is None:
            return 0
        if not other.is_buy:
            return other.remaining
        price = other.price or other.stop_price
        return quote_of(price, other.remaining) if price else order.locked

    # --- how

    def _working_filled(self, order_list: OrderList, fill: Fill) -> None:
        if order_list.kind in PAID:
            first = order_list.orders[1]
            self._hands.settlement.lock(first, self._received(fill))
            self._hands.touch(first, fill.time)
        if fill.order.status == "FILLED":
            self.due.append(order_list)

    def _received(self, fill: Fill) -> int:
        """Work out what a fill leaves for the pending orders.

        A commission is paid from what was free before if that suffices, unless it is in BNB and
        BNB was bought. Paid in BNB otherwise, it leaves all of the fill free.
        """
        if self._base != BNB and fill.order.account.free(self._base) >= fill.quantity:
            return fill.quantity
        return fill.quantity - fill.commission

    def _conclude(self, order_list: OrderList, now: int) -> None:
        """Close a list in which nothing is left to happen."""
        if order_list.done or any(self._keeps_open(order) for order in order_list.orders):
            return
        order_list.done = True
        self._floor.list_register.close(order_list)
        self.tell(order_list, now, "ALL_DONE")

    def _keeps_open(self, order: Order) -> bool:
        """Tell whether an order keeps its list open."""
        if not order.open:
            return False
        order_list = listed_in(order)
        decided = order_list.kind in PAIRED and order is not working_order(order_list)
        if decided and self._floor.options.list_ends == "decided" and not order.pending:
            return self.partner(order) is not None
        return True


def listed_in(order: Order) -> OrderList:
    """Give the list of an order that has one."""
    assert order.order_list is not None, f"order {order.id} is in no list"
    return order.order_list


def working_order(order_list: OrderList) -> Order | None:
    """Give the order that others are pending on."""
    return None if order_list.kind == "OCO" else order_list.orders[0]


def hand_over(giver: Order, taker: Order) -> None:
    """Book the funds that one leg holds on the other."""
    taker.locked += giver.locked
    giver.locked = 0
