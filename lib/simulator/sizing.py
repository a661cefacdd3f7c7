"""What an order would take from a book, before it takes anything."""

from collections.abc import Iterator

from lib.simulator.book import Book
from lib.simulator.orders import PRICELESS, Order
from lib.simulator.units import UNIT, quote_of


def within_reach(order: Order, book: Book) -> Iterator[tuple[int, int]]:
    """Walk over (price, quantity) of what the order could trade with, best first."""
    against = book.side_against(order)
    for price, level in against.best_first():
        if order.type not in PRICELESS and (price - order.price) * (1 if order.is_buy else -1) > 0:
            return
        if level.foreign:
            yield price, level.foreign
        for maker in level.orders.values():
            if maker.account is not order.account or order.stp_mode == "NONE":
                yield price, maker.remaining
            elif order.stp_mode != "EXPIRE_MAKER":
                return


def fillable(order: Order, book: Book) -> bool:
    """Tell whether the book can fill the whole order at once."""
    missing = order.remaining
    for _, quantity in within_reach(order, book):
        missing -= quantity
        if missing <= 0:
            return True
    return False


def taking_cost(order: Order, book: Book) -> int:
    """Add up the quote amount of what the order would take now."""
    missing, cost = order.remaining, 0
    for price, quantity in within_reach(order, book):
        part = min(missing, quantity)
        cost += quote_of(price, part)
        missing -= part
        if not missing:
            break
    return cost


def quantity_for_quote(order: Order, book: Book) -> tuple[int, bool]:
    """Work out how much base the order's quote quantity trades; also, whether the book had it."""
    left, total = order.quote_quantity, 0
    for price, quantity in within_reach(order, book):
        part = min(quantity, left * UNIT // price)
        total += part
        left -= quote_of(price, part)
        if part < quantity:
            return total, True
    return total, left == 0
