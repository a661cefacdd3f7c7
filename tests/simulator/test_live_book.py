"""A local book joined to a feed, held against every update and best price of a real capture."""

import gzip
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest

from lib.simulator.paper.live_book import BookChange, Gap, LiveBook
from lib.simulator.paper.paper_settings import DATA


class Shown:
    """A book as it is set by changes."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def take(self, changes: Iterable[BookChange]) -> None:
        for change in changes:
            _set(self.bids, change.bids)
            _set(self.asks, change.asks)

    @property
    def best(self) -> tuple[Decimal, Decimal]:
        return max(self.bids), min(self.asks)


def _set(side: dict[Decimal, Decimal], levels: tuple[tuple[str, str], ...]) -> None:
    for price, quantity in levels:
        side[Decimal(price)] = Decimal(quantity)
        if not Decimal(quantity):
            del side[Decimal(price)]


def update(first: int, last: int, *bids: tuple[str, str]) -> dict[str, Any]:
    return {"e": "depthUpdate", "U": first, "u": last, "b": [list(bid) for bid in bids], "a": []}


def snapshot(last: int, *bids: tuple[str, str]) -> dict[str, Any]:
    return {"lastUpdateId": last, "bids": [list(bid) for bid in bids], "asks": []}


def test_changes_before_the_snapshot_are_kept_and_joined_to_it() -> None:
    book = LiveBook()
    kept = [book.take(update(1, 5, ("1", "1"))), book.take(update(6, 9, ("2", "2")))]

    changes = book.settle(snapshot(7, ("3", "3")))

    assert kept == [None, None]
    assert [change.bids for change in changes] == [(("3", "3"),), (("2", "2"),)]
    assert book.in_step


def test_a_snapshot_older_than_the_feed_is_asked_for_again() -> None:
    book = LiveBook()
    book.take(update(10, 12, ("1", "1")))

    with pytest.raises(Gap):
        book.settle(snapshot(7))

    assert not book.in_step
    assert [change.bids for change in book.settle(snapshot(11))] == [(), (("1", "1"),)]


def test_a_missing_update_puts_the_book_out_of_step_until_there_is_a_snapshot() -> None:
    book = LiveBook()
    book.settle(snapshot(5))
    assert book.take(update(6, 7, ("1", "1"))) is not None

    with pytest.raises(Gap, match="update 9 does not join 7"):
        book.take(update(9, 9))

    assert not book.in_step
    assert book.take(update(10, 10)) is None
    assert len(book.settle(snapshot(9))) == 2


def test_an_update_that_comes_twice_changes_nothing() -> None:
    book = LiveBook()
    book.settle(snapshot(5))
    book.take(update(6, 7, ("1", "1")))

    assert book.take(update(6, 7, ("1", "1"))) is None
    assert book.in_step


def test_what_was_kept_is_bounded() -> None:
    book = LiveBook()
    for number in range(1, 30_000):
        book.take(update(number, number))

    with pytest.raises(Gap):
        book.settle(snapshot(5))


def frames(symbol: str) -> Iterator[dict[str, Any]]:
    """Give everything a recorder heard of a symbol, in its order."""
    for path in sorted((DATA / "capture").glob(f"{symbol.lower()}_*.jsonl.gz")):
        with gzip.open(path, "rb") as lines:
            for line in lines:
                frame = orjson.loads(line.partition(b" ")[2])
                yield frame.get("data", frame)


@pytest.mark.slow
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_the_book_of_a_real_capture_has_the_best_prices_the_exchange_told(symbol: str) -> None:
    book, shown, told, compared = LiveBook(), Shown(), dict[int, tuple[str, ...]](), 0
    for frame in frames(symbol):
        if "lastUpdateId" in frame:
            shown.take(book.settle(frame))
        elif frame.get("e") == "depthUpdate":
            change = book.take(frame)
            shown.take([change] if change else [])
            best = told.get(frame["u"])
            if change and best:
                compared += 1
                assert shown.best == tuple(map(Decimal, best))
        elif "e" not in frame:
            told[frame["u"]] = (frame["b"], frame["a"])

    assert compared > 500
