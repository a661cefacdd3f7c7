"""Three calculations of one strategy, held against each other: python -m tests.checked [DAYS]."""

import sys
from collections.abc import Iterator
from decimal import Decimal

from lib.backtest.ledger import FillLine
from tests.checked.own import fills_of
from tests.checked.page import Deal, Hour, deals, hours, result
from tests.checked.peer import CANDLES, DAYS, FAST, SIZE, SLOW, trades_of_peer, until


def rows(days: int) -> Iterator[tuple[str, str]]:
    """Yield what each calculation came to, and what lies between them."""
    candles = hours(CANDLES, until(days))
    close = candles[-1][2]
    book = deals(candles, FAST, SLOW, SIZE, textbook=True)
    page = deals(candles, FAST, SLOW, SIZE)
    own = [deal_of(fill) for fill in fills_of(days)]
    textbook, spread = result(book, close, textbook=True), -_spread(own, book)
    amounts = {
        "the page by the textbook": textbook,
        "the spread": spread,
        "commission taken in coins": result(own, close) - textbook - spread,
        "the page by the exchange's rules": result(page, close),
        "the ledger": result(own, close),
    }
    yield "orders", str(len(own))
    yield "backtesting.py", _peer(candles)
    yield from ((name, f"{amount:.8f}") for name, amount in amounts.items())
    yield "orders that differ from the page", str(_unlike(own, page))


def _spread(own: list[Deal], book: list[Deal]) -> Decimal:
    """Add up what the other side of the book cost."""
    pairs = zip(own, book, strict=True)
    return sum((abs(mine.price - its.price) * its.quantity for mine, its in pairs), Decimal(0))


def _unlike(one: list[Deal], other: list[Deal]) -> int:
    return sum(mine != its for mine, its in zip(one, other, strict=True))


def deal_of(fill: FillLine) -> Deal:
    """Put a line of the ledger into the page's words."""
    amounts = (Decimal(fill.price), Decimal(fill.quantity), Decimal(fill.fee))
    return Deal(fill.side, fill.time - fill.time % 300_000, *amounts)


def _peer(candles: list[Hour]) -> str:
    try:
        return f"{trades_of_peer(candles).won:.8f}"
    except ImportError:
        return "not installed"


if __name__ == "__main__":
    for name, amount in rows(int(sys.argv[1]) if len(sys.argv) > 1 else DAYS):
        print(f"{name:36}{amount:>20}")
