"""Stops that wait for the last price to reach them."""

from bisect import bisect_left, insort
from collections import deque

from lib.simulator.orders import Order


class Stops:
    """Two shelves: those that fire when the market rises, those that fire when it falls.

    Keys grow towards the market, so that the next to fire is the last; among equal prices the
    older order fires first.
    """

    __slots__ = ("_above", "_below", "due", "waiting")

    def __init__(self) -> None:
        self._above: list[tuple[int, int]] = []
        self._below: list[tuple[int, int]] = []
        self.waiting: dict[int, Order] = {}
        self.due: deque[Order] = deque()

    def add(self, order: Order) -> None:
        self.waiting[order.id] = order
        insort(self._shelf(order), self._key(order))

    def remove(self, order: Order) -> None:
        del self.waiting[order.id]
        shelf, key = self._shelf(order), self._key(order)
        del shelf[bisect_left(shelf, key)]

    def reach(self, last: int) -> None:
        """Take out every stop that this trade has reached, to fire in turn."""
        if not self.waiting:
            return
        for shelf, reached in ((self._above, last), (self._below, -last)):
            while shelf and -shelf[-1][0] <= reached:
                self.due.append(self.waiting.pop(-shelf.pop()[1]))

    def _shelf(self, order: Order) -> list[tuple[int, int]]:
        return self._above if order.fires_above else self._below

    @staticmethod
    def _key(order: Order) -> tuple[int, int]:
        price = order.stop_price if order.fires_above else -order.stop_price
        return (-price, -order.id)


def fires(order: Order, last: int) -> bool:
    """Tell whether a stop would fire at this last price."""
    return last >= order.stop_price if order.fires_above else last <= order.stop_price
