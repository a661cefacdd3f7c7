"""What was noted of an order already, so that the same news are no second row."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from lib.exchange import ZERO, OrderRecord, OrderStatus
from lib.journal.rows import state_of
from lib.orders import Order, OrderState


class Step(NamedTuple):
    """How far an order is, as the exchange tells it."""

    status: OrderStatus
    executed: Decimal
    quantity: Decimal  # 0 where the quote amount was ordered

    def is_beyond(self, known: "Step") -> bool:
        """Say whether this is a step on: a poll can be older than an event."""
        if self == known or known.status.final or self.executed < known.executed:
            return False
        return not known.quantity or self.quantity <= known.quantity


@dataclass(slots=True)
class Known:
    """One order, as far as it was noted."""

    state: str = OrderState.PLANNED
    comment: str = ""
    list_id: str = ""
    ordered: Decimal | None = None  # the quantity it was announced with
    amend_in_doubt: str = ""  # the amend whose lost answer was noted
    heard: Step | None = None
    trades: set[int] = field(default_factory=set)

    def take_order(self, order: Order) -> None:
        """Keep what records of the order do not say."""
        self.comment, self.list_id, self.ordered = order.comment, order.list_id, order.quantity


def step_of(record: OrderRecord) -> Step:
    """Answer how far a record says that its order is."""
    quantity = ZERO if record.quote_quantity else record.quantity
    return Step(record.status, record.executed, quantity)


def onward(state: str, record: OrderRecord) -> str:
    """Answer the state after news: what we want of an open order is still wanted."""
    wanted = state in {OrderState.CANCELING, OrderState.AMENDING}
    return state if wanted and not record.status.final else state_of(record.status)
