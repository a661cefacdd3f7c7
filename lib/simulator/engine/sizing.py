"""What an order would take from a book, before it takes anything."""

from collections import deque
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from lib.simulator.books.orders import PRICELESS, Order
from lib.simulator.engine.book import Book, Level
from lib.simulator.engine.execution_rules import ANYWHERE
from lib.simulator.engine.self_trades import DECREASING, prevented, transfers
from lib.simulator.units import UNIT, quote_of


class Outcome(Enum):
    """What becomes of two orders that meet."""

    TRADE = auto()
    TRANSFER = auto()  # no trade, but the assets move
    DECREMENT = auto()  # both become smaller, nothing moves


class Meeting(NamedTuple):
    price: int
    quantity: int
    outcome: Outcome = Outcome.TRADE


def within_reach(order: Order, book: Book) -> Iterator[Meeting]:
    """Walk over what the order would meet, best first, hidden parts of icebergs included."""
    against = book.side_against(order)
    for price, level in against.best_first():
        if order.type not in PRICELESS and (price - order.price) * (1 if order.is_buy else -1) > 0:
            return
        if level.foreign:
            yield Meeting(price, level.foreign)
        for maker, quantity in _turns(level):
            if not prevented(order, maker):
                yield Meeting(price, quantity)
            elif order.stp_mode in DECREASING:
                outcome = Outcome.TRANSFER if transfers(order, maker) else Outcome.DECREMENT
                yield Meeting(price, quantity, outcome)
            elif order.stp_mode != "EXPIRE_MAKER":
                return


def _turns(level: Level) -> Iterator[tuple[Order, int]]:
    """Walk over our orders of a level as they come to trade: an iceberg's next part comes last."""
    waiting = deque((maker, maker.visible, maker.remaining) for maker in level.orders.values())
    while waiting:
        maker, part, left = waiting.popleft()
        yield maker, part
        if left > part:
            waiting.append((maker, min(maker.iceberg, left - part), left - part))


def fillable(order: Order, book: Book, prices: tuple[int, int] = ANYWHERE) -> bool:
    """Tell whether the book can fill the whole order at once, with trades at these prices alone."""
    low, high = prices
    missing = order.remaining
    for price, quantity, outcome in within_reach(order, book):
        if outcome is not Outcome.TRADE or not low <= price <= high:
            return False
        missing -= quantity
        if missing <= 0:
            return True
    return False


def taking_cost(order: Order, book: Book) -> int:
    """Add up the quote amount of what the order would take now."""
    missing, cost = order.remaining, 0
    for price, quantity, outcome in within_reach(order, book):
        part = min(missing, quantity)
        if outcome is not Outcome.DECREMENT:
            cost += quote_of(price, part)
        missing -= part
        if not missing:
            break
    return cost


def quantity_for_quote(order: Order, book: Book) -> tuple[int, bool]:
    """Work out how much base the order's quote quantity trades; also, whether the book had it."""
    left, total = order.quote_quantity, 0
    for price, quantity, _ in within_reach(order, book):
        part = min(quantity, left * UNIT // price)
        total += part
        left -= quote_of(price, part)
        if part < quantity:
            return total, True
    return total, left == 0
