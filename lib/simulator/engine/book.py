"""A price-time priority book: recorded liquidity of others and our own resting orders.

Prices are integers. Each side keeps its levels by a key that grows towards the market (the price
of a bid, the negated price of an ask), sorted, so that the best level is always the last.
Within a level the recorded quantity stands before our orders, and these stand in time order.

How much of it a recorded trade has to take before it reaches an order of ours, the order keeps as
`ahead`: what stood there when it came, less what was traded, and never more than is left. A price
at which nothing recorded stood is no first place in the queue, unless it is better than all others:
the recording may not show every price, so the first quantity seen there stands before us.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Final

from lib.simulator.books.orders import Order

UNSEEN: Final = -1


class Level:
    """All that rests at one price."""

    __slots__ = ("foreign", "orders", "own")

    def __init__(self) -> None:
        self.foreign = 0
        self.own = 0  # what is seen of our orders, added up
        self.orders: dict[int, Order] = {}

    @property
    def quantity(self) -> int:
        return self.foreign + self.own


class BookSide:
    """The bids (sign 1) or the asks (sign -1)."""

    __slots__ = ("changed", "keys", "levels", "resting", "sign")

    def __init__(self, sign: int, changed: set[int]) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}
        self.changed = changed
        self.resting = 0  # orders of our own

    @property
    def best(self) -> int | None:
        """Give the best price."""
        return self.sign * self.keys[-1] if self.keys else None

    def reaches(self, price: int) -> bool:
        """Tell whether the best level is at `price` or better for who takes from this side."""
        return bool(self.keys) and self.keys[-1] >= self.sign * price

    def rest(self, order: Order) -> None:
        key = self.sign * order.price
        level = self.levels.get(key) or self._level(key)
        level.orders[order.id] = order
        level.own += order.shown or order.quantity - order.executed - order.prevented
        keys = self.keys
        if level.foreign:
            order.ahead = level.foreign
        elif keys[-1] == key and len(keys) > 1:
            order.ahead = 0  # better than all others
        self.changed.add(key)
        self.resting += 1

    def remove(self, order: Order) -> None:
        key = self.sign * order.price
        level = self.levels[key]
        del level.orders[order.id]
        level.own -= order.shown or order.quantity - order.executed - order.prevented
        self.changed.add(key)
        self.resting -= 1
        if not level.orders and not level.foreign:
            self._drop(key)

    def set_foreign(self, price: int, quantity: int) -> None:
        """Set what others have at a price; 0 removes it."""
        key = self.sign * price
        level = self._level(key) if quantity else self.levels.get(key)
        if level is None or level.foreign == quantity:
            return
        level.foreign = quantity
        self.changed.add(key)
        if level.orders:
            _queue_anew(level)
        elif not quantity:
            self._drop(key)

    def shrink(self, order: Order, quantity: int) -> None:
        """Note that what is seen of a resting order became smaller."""
        key = self.sign * order.price
        self.levels[key].own -= quantity
        self.changed.add(key)

    def refill(self, order: Order) -> None:
        """Show the next part of an iceberg, behind all that rests at its price."""
        key = self.sign * order.price
        level = self.levels[key]
        order.shown = min(order.iceberg, order.remaining)
        level.own += order.shown
        level.orders[order.id] = level.orders.pop(order.id)
        order.ahead = level.foreign

    def clear_foreign(self, but: Iterable[int] = ()) -> None:
        """Forget what others have, except at prices that are set next.

        Who rests there is not first in the queue by that: what is seen next stands before it.
        """
        kept = {self.sign * price for price in but}
        for key in [key for key in self.keys if key not in kept]:
            self._unsee(key)

    def replace_foreign(self, levels: Iterable[tuple[int, int]]) -> None:
        """Have others have this and nothing else: as if all were cleared and each was set."""
        wanted = {self.sign * price: quantity for price, quantity in levels}
        held, changed = self.levels, self.changed
        for key in [key for key in held if not wanted.get(key)]:
            if not held[key].orders:
                del held[key]
                changed.add(key)
            elif key not in wanted:
                self._unsee(key)
        for key, quantity in wanted.items():
            if key in held:
                self.set_foreign(self.sign * key, quantity)
            elif quantity:
                level = held[key] = Level()
                level.foreign = quantity
                changed.add(key)
        self.keys[:] = sorted(held)

    def clear_foreign_reached_by(self, prices: Iterable[int]) -> None:
        """Forget recorded levels that newer ones of the other side have crossed."""
        signed = [self.sign * price for price in prices]
        limit = min(signed, default=None)
        if limit is None:
            return
        for key in self.keys[bisect_left(self.keys, limit) :]:
            self.set_foreign(self.sign * key, 0)

    def best_first(self) -> Iterator[tuple[int, Level]]:
        """Walk over (price, level); the side must not change meanwhile."""
        for key in reversed(self.keys):
            yield self.sign * key, self.levels[key]

    def reached_orders(self, price: int) -> Iterator[Order]:
        """Walk over our orders at this price or better, in priority."""
        if not self.resting:
            return
        for key in reversed(self.keys):
            if key < self.sign * price:
                return
            yield from self.levels[key].orders.values()

    def first_reached(self, price: int) -> Order | None:
        """Give the first of our orders at this price or better."""
        return next(self.reached_orders(price), None)

    def queue_before(self, order: Order, price: int) -> int:
        """Tell how much a recorded trade at `price` has to take before it reaches an order."""
        return max(order.ahead, 0) if order.price == price else 0

    def advance(self, price: int, quantity: int) -> None:
        """Move our orders up, by what was traded before them; a better price has no queue left."""
        for order in self.reached_orders(price):
            if order.price != price:
                order.ahead = 0
            elif order.ahead > 0:
                order.ahead = max(0, order.ahead - quantity)

    def quantity_at(self, price: int) -> int:
        level = self.levels.get(self.sign * price)
        return level.quantity if level else 0

    def depth(self, limit: int) -> list[tuple[int, int]]:
        return [
            (self.sign * key, self.levels[key].quantity) for key in self.keys[: -limit - 1 : -1]
        ]

    def _unsee(self, key: int) -> None:
        """Forget what others have at a level."""
        level = self.levels[key]
        if level.foreign:
            self.set_foreign(self.sign * key, 0)
            for order in level.orders.values():
                order.ahead = UNSEEN

    def _level(self, key: int) -> Level:
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level()
            insort(self.keys, key)
        return level

    def _drop(self, key: int) -> None:
        del self.levels[key]
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]


def _queue_anew(level: Level) -> None:
    for order in level.orders.values():
        unseen = order.ahead == UNSEEN and level.foreign
        order.ahead = level.foreign if unseen else min(order.ahead, level.foreign)


class Book:
    """Both sides of one symbol.

    `changed` has the keys of the levels touched since the change was last told: those of bids are
    above zero, those of asks below.
    """

    __slots__ = ("asks", "bids", "changed")

    def __init__(self) -> None:
        self.changed: set[int] = set()
        self.bids = BookSide(1, self.changed)
        self.asks = BookSide(-1, self.changed)

    def side_of(self, order: Order) -> BookSide:
        return self.bids if order.is_buy else self.asks

    def side_against(self, order: Order) -> BookSide:
        return self.asks if order.is_buy else self.bids
