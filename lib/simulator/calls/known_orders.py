"""An account's orders of one symbol, as they are known where they are asked for.

Without a lag these are the register's own. With one, what is under way is looked at as it was.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from lib.simulator.books.account import Account
from lib.simulator.books.orders import Order
from lib.simulator.engine.register import Register
from lib.simulator.engine.replicas import Replica


class KnownOrders:
    """One look at the orders; `shown` gives the client order id that an order is found under."""

    def __init__(
        self,
        register: Register,
        replica: Replica[Order],
        owner: Account,
        *,
        now: int,
        shown: Callable[[Order], str],
    ) -> None:
        self._register = register
        self._replica = replica
        self._owner = owner
        self._now = now
        self._shown = shown
        moving = replica.moving(now) if replica.lag_ms else ()
        self._moving = [
            order
            for order in moving
            if order.account is owner and register.orders.get(order.id) is order
        ]

    def by_id(self, order_id: int) -> Order | None:
        found = self._register.orders.get(order_id)
        if found is None or found.account is not self._owner:
            return None
        return self._replica.seen(found, self._now)

    def by_name(self, client_order_id: str) -> Order | None:
        if not self._moving:
            return self._register.find(self._owner, client_order_id)
        same = {*self._register.named(self._owner, client_order_id), *self._moving}
        newest_first = sorted(same, key=lambda order: -order.id)
        found = [
            version
            for version in self._seen(newest_first)
            if self._shown(version) == client_order_id
        ]
        if found:
            return self._register.preferred(found)
        renamed = self._register.find(self._owner, client_order_id)
        if renamed is None or self._shown(renamed) == client_order_id:
            return None  # it is not known under this id yet
        return self._replica.seen(renamed, self._now)

    def open(self) -> Iterable[Order]:
        """Give the open orders, oldest first."""
        found = self._register.open_of(self._owner)
        if not self._moving:
            return found.values()
        every = {**found, **{order.id: order for order in self._moving}}
        return [order for order in self._seen(every[key] for key in sorted(every)) if order.open]

    def from_id(self, first: int) -> Iterator[Order]:
        """Walk over the orders from an id on, oldest first."""
        return self._seen(self._register.from_id(self._owner, first))

    def newest_first(self) -> Iterator[Order]:
        return self._seen(self._register.newest_first(self._owner))

    def updated_between(self, begins: int, ends: int) -> Sequence[Order]:
        """Give the orders whose last update lies between two times, by id."""
        found = self._register.updated_between(self._owner, begins, ends)
        if not self._moving:
            return found
        every = sorted({*found, *self._moving}, key=lambda order: order.id)
        return [order for order in self._seen(every) if begins <= order.update_time <= ends]

    def _seen(self, orders: Iterable[Order]) -> Iterator[Order]:
        for order in orders:
            version = self._replica.seen(order, self._now)
            if version is not None:
                yield version
