"""Amends on their way: noted once they are settled, which the order itself shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from lib.orders import Order, OrderState


@dataclass(frozen=True, slots=True)
class Amend:
    """One amend of an order: what it asked for."""

    order: Order
    amend_id: str
    asked: Decimal | None

    @classmethod
    def of(cls, order: Order) -> Self:
        """Name the order's newest amend."""
        return cls(order, order.amend_id, order.amend_to)

    @property
    def outcome(self) -> str:
        """Say why it came to nothing; empty for one that made the order smaller."""
        order = self.order
        if order.amend_refused or self._came_true:
            return order.amend_refused
        return "the order ended before it was amended" if order.final else "it came to nothing"

    @property
    def _came_true(self) -> bool:
        amended = self.order.amended
        return amended is not None and (self.asked is None or amended <= self.asked)


class PendingAmends:
    """The amends of each bot that were announced and not settled."""

    def __init__(self) -> None:
        self._pending: dict[str, dict[str, Amend]] = {}

    def watch(self, bot: str, order: Order) -> None:
        """Wait for the end of an order's newest amend."""
        pending = self._pending.setdefault(bot, {})
        known = pending.get(order.id)
        if known is None or known.order is not order or known.amend_id != order.amend_id:
            pending[order.id] = Amend.of(order)

    def drop(self, bot: str, order: Order) -> None:
        """Wait no longer: it never left."""
        self._pending.get(bot, {}).pop(order.id, None)

    def settled(self, bot: str, ended: Order | None = None) -> Iterator[Amend]:
        """Answer what is settled, once: of all orders of a bot, or of one that has ended."""
        pending = self._pending.get(bot, {})
        ids = list(pending) if ended is None else [ended.id]
        for client_order_id in ids:
            amend = pending.get(client_order_id)
            if amend is not None and amend.order.state is not OrderState.AMENDING:
                del pending[client_order_id]
                yield amend
