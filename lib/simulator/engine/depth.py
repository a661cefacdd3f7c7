"""Tells how a book changed: depthUpdate and bookTicker."""

from lib.simulator.books.books import Books
from lib.simulator.engine.book import Book, BookSide
from lib.simulator.engine.events import Announcer
from lib.simulator.units import ZERO_TEXT, write


class Depth:
    """Numbers the changes of one symbol's book and announces them."""

    def __init__(self, symbol: str, book: Book, books: Books, announcer: Announcer) -> None:
        self._symbol = symbol
        self._book = book
        self._changed = book.changed
        self._counters = books.counters
        self._counter = f"update:{symbol}"
        books.counters.setdefault(self._counter, 0)
        self._announcer = announcer
        self._told: tuple[tuple[int, int] | None, ...] = (None, None)

    @property
    def last_update(self) -> int:
        return self._counters[self._counter]

    def tell(self, time: int) -> None:
        """Number the levels changed since the last call; announce them if anyone listens."""
        changed = self._changed
        if not changed:
            return
        self._counters[self._counter] += len(changed)
        if self._announcer.on_market is not None:
            self._announce(self.last_update - len(changed) + 1, time)
        changed.clear()

    def _announce(self, first: int, time: int) -> None:
        update = {
            "e": "depthUpdate",
            "E": time,
            "s": self._symbol,
            "U": first,
            "u": self.last_update,
            "b": _shown_levels(self._book.bids, [key for key in self._changed if key > 0]),
            "a": _shown_levels(self._book.asks, [key for key in self._changed if key < 0]),
        }
        self._announcer.tell_market(self._symbol, "depthUpdate", update)
        best = (_best(self._book.bids), _best(self._book.asks))
        if best != self._told:
            self._told = best
            ticker = {"u": self.last_update, "s": self._symbol, **best_texts(self._book, "bBaA")}
            self._announcer.tell_market(self._symbol, "bookTicker", ticker)


def best_texts(book: Book, names: tuple[str, ...] | str) -> dict[str, str]:
    """Write best bid price and quantity, best ask price and quantity under four names."""
    texts: list[str] = []
    for side in (book.bids, book.asks):
        best = _best(side)
        texts += [write(best[0]), write(best[1])] if best else [ZERO_TEXT, ZERO_TEXT]
    return dict(zip(names, texts, strict=True))


def _best(side: BookSide) -> tuple[int, int] | None:
    levels = side.depth(1)
    return levels[0] if levels else None


def _shown_levels(side: BookSide, keys: list[int]) -> list[list[str]]:
    prices = [side.sign * key for key in sorted(keys, reverse=True)]
    return [[write(price), write(side.quantity_at(price))] for price in prices]
