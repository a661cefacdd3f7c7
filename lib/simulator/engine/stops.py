"""Stops that wait for the last price to reach them, or to turn back by so much."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from lib.simulator.books.change import Change
from lib.simulator.books.orders import Order

BASIS: Final = 10_000  # basis points of a whole
NOTHING: Final[Sequence[Order]] = ()


class Stops:
    """Two shelves: those that fire when the market rises, those that fire when it falls.

    Keys grow towards the market, so that the next to fire is the last; among equal prices the
    older order fires first. A trailing stop leaves its shelf when its stop price is reached, or
    never comes there, and then trails.
    """

    __slots__ = ("_above", "_below", "_buys", "_change", "_last", "_sells", "due", "waiting")

    def __init__(self, change: Change, last: Callable[[], int | None]) -> None:
        self._above: list[tuple[int, int]] = []
        self._below: list[tuple[int, int]] = []
        self._sells = Trail(1, change)
        self._buys = Trail(-1, change)
        self._change = change
        self._last = last
        self.waiting: dict[int, Order] = {}
        self.due: deque[Order] = deque()

    def add(self, order: Order) -> None:
        self.waiting[order.id] = order
        if _trails(order):
            self._trail(order).add(order, self._last(), order.update_time)
        else:
            insort(self._shelf(order), self._key(order))

    def remove(self, order: Order) -> None:
        if self.waiting.pop(order.id, None) is None:
            self.due.remove(order)
        elif _trails(order):
            self._trail(order).remove(order)
        else:
            shelf, key = self._shelf(order), self._key(order)
            del shelf[bisect_left(shelf, key)]

    def reach(self, last: int, time: int) -> None:
        """Take out every stop that this trade has reached, to fire in turn."""
        begun: list[Order] = []
        for shelf, reached in ((self._above, last), (self._below, -last)):
            while shelf and -shelf[-1][0] <= reached:
                order = self.waiting[-shelf.pop()[1]]
                if order.trailing_delta:
                    begun.append(order)
                else:
                    self._fire(order)
        for trail in (self._sells, self._buys):
            for order in trail.reach(last, time):
                self._fire(order)
        for order in begun:
            self._trail(order).add(order, last, time)

    def _fire(self, order: Order) -> None:
        del self.waiting[order.id]
        self.due.append(order)

    def _trail(self, order: Order) -> "Trail":
        return self._buys if order.is_buy else self._sells

    def _shelf(self, order: Order) -> list[tuple[int, int]]:
        return self._above if order.fires_above else self._below

    @staticmethod
    def _key(order: Order) -> tuple[int, int]:
        price = order.stop_price if order.fires_above else -order.stop_price
        return (-price, -order.id)


class Trail:
    """Sells that follow the market up (sign 1) and fire when it falls, or buys the other way.

    Between the nearest price that would move one of them and the nearest that would fire one, a
    trade concerns nobody. An extreme that moved is not worth a commit of its own: it becomes
    durable with what is written next, as the last price does.
    """

    __slots__ = ("_change", "_fires", "_moves", "_orders", "_sign")

    def __init__(self, sign: int, change: Change) -> None:
        self._sign = sign
        self._change = change
        self._orders: dict[int, Order] = {}
        self._moves: int = 0
        self._fires: int = 0

    def add(self, order: Order, last: int | None, time: int) -> None:
        """Let an order begin to trail at the last price, or go on; without either, wait for one."""
        if not order.extreme and last is not None:
            self._begin(order, last, time)
        self._orders[order.id] = order
        self._measure()

    def remove(self, order: Order) -> None:
        del self._orders[order.id]
        self._measure()

    def reach(self, last: int, time: int) -> Sequence[Order]:
        """Follow a trade; take out and answer the orders it fires, oldest first."""
        if not self._orders or self._fires < self._sign * last <= self._moves:
            return NOTHING
        fired = []
        for order in self._orders.values():
            if not order.extreme:
                self._begin(order, last, time)
            elif self._sign * (last - order.extreme) > 0:
                order.extreme = last
                self._change.note_drift(order)
            elif self._sign * last <= self._trigger(order):
                fired.append(order)
        for order in fired:
            del self._orders[order.id]
        self._measure()
        return sorted(fired, key=lambda order: order.id)

    def _begin(self, order: Order, last: int, time: int) -> None:
        order.extreme, order.trailing_time = last, time
        self._change.orders.append(order)

    def _measure(self) -> None:
        """Find the nearest signed prices that move or fire one of the orders."""
        if any(not order.extreme for order in self._orders.values()):
            self._moves = self._fires = 0  # everything moves who has not begun
            return
        extremes = [self._sign * order.extreme for order in self._orders.values()]
        self._moves = min(extremes, default=0)
        self._fires = max(map(self._trigger, self._orders.values()), default=0)

    def _trigger(self, order: Order) -> int:
        """Give the signed price at or below which an order fires."""
        return self._sign * order.extreme * (BASIS - self._sign * order.trailing_delta) // BASIS


def _trails(order: Order) -> bool:
    """Tell whether a stop trails, or will with the next trade."""
    return order.trailing_delta > 0 and (order.extreme > 0 or not order.stop_price)


def fires(order: Order, last: int) -> bool:
    """Tell whether a stop would fire at this last price."""
    if not order.stop_price:
        return False
    return last >= order.stop_price if order.fires_above else last <= order.stop_price
