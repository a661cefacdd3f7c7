"""An account's order lists, as they are known where they are asked for.

Without a lag these are the register's own. With one, what is under way is looked at as it was.
"""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Final

from lib.simulator.books.account import Account
from lib.simulator.books.orders import OrderList
from lib.simulator.engine.list_register import ListRegister
from lib.simulator.engine.replicas import Replica

BY_ID: Final = attrgetter("id")


class KnownLists:
    """One look at the order lists of one account."""

    def __init__(
        self, register: ListRegister, replica: Replica[OrderList], owner: Account, now: int
    ) -> None:
        self._register = register
        self._replica = replica
        self._owner = owner
        self._now = now
        moving = replica.moving(now) if replica.lag_ms else ()
        self._moving = [found for found in moving if found.account is owner]

    def by_id(self, list_id: int) -> OrderList | None:
        found = self._register.find(self._owner, list_id)
        return None if found is None else self._replica.seen(found, self._now)

    def by_name(self, client_list_id: str) -> OrderList | None:
        """Find what a query by client id means."""
        known = list(self._seen(self._register.named(self._owner, client_list_id)))
        return self._register.preferred(known) if known else None

    def open(self) -> Iterable[OrderList]:
        """Give the open lists, oldest first."""
        found = self._register.open_of(self._owner).values()
        if not self._moving:
            return found
        every = sorted({*found, *self._moving}, key=BY_ID)
        return [one for one in self._seen(every) if not one.done]

    def from_id(self, first: int) -> Iterator[OrderList]:
        """Walk over the lists from an id on, oldest first."""
        return self._seen(self._register.from_id(self._owner, first))

    def newest_first(self) -> Iterator[OrderList]:
        return self._seen(self._register.newest_first(self._owner))

    def updated_between(self, begins: int, ends: int) -> Sequence[OrderList]:
        """Give the lists whose last update lies between two times, by id."""
        found = self._register.updated_between(self._owner, begins, ends)
        if not self._moving:
            return found
        every = sorted({*found, *self._moving}, key=BY_ID)
        return [one for one in self._seen(every) if begins <= one.update_time <= ends]

    def _seen(self, lists: Iterable[OrderList]) -> Iterator[OrderList]:
        for found in lists:
            version = self._replica.seen(found, self._now)
            if version is not None:
                yield version
