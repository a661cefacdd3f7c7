"""Who trades first: the book against a list of orders that is searched anew for every trade."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.simulator.exchange import Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry

Step: TypeAlias = tuple[Any, ...]

FIRST_ASK = 11  # the order that offers at 5.5

prices = st.integers(97, 103)
quantities = st.integers(1, 9)
sides = st.sampled_from(["BUY", "SELL"])
steps = st.one_of(
    st.tuples(st.just("place"), sides, quantities, prices, st.integers(0, 4)),
    st.tuples(st.just("amend"), st.integers(0, 9), quantities),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
)
scripts = st.lists(steps, min_size=5, max_size=40)


@dataclass
class Naive:
    """One order of a book so simple that it can only be right."""

    id: int
    side: str
    quantity: int
    price: int
    iceberg: int
    executed: int = 0
    shown: int = 0
    came: int = 0  # to its place in the queue

    @property
    def left(self) -> int:
        return self.quantity - self.executed

    def show(self, came: int) -> None:
        self.shown, self.came = min(self.iceberg or self.left, self.left), came


@dataclass
class NaiveBook:
    orders: list[Naive] = field(default_factory=list)
    clock: int = 0

    def place(self, order: Naive) -> None:
        while order.left and (maker := self._best_for(order)) is not None:
            part = min(order.left, maker.shown)
            order.executed += part
            maker.executed += part
            maker.shown -= part
            if not maker.left:
                self.orders.remove(maker)
            elif not maker.shown:
                maker.show(self._next())
        if order.left:
            order.show(self._next())
            self.orders.append(order)

    def amend(self, order: Naive, quantity: int) -> None:
        order.quantity = quantity
        order.shown = min(order.shown, order.left)

    def depth(self, side: str) -> dict[Decimal, Decimal]:
        levels: dict[Decimal, Decimal] = {}
        for order in self.orders:
            if order.side == side:
                price = Decimal(order.price)
                levels[price] = levels.get(price, Decimal(0)) + order.shown
        return levels

    def _best_for(self, taker: Naive) -> Naive | None:
        sign = 1 if taker.side == "BUY" else -1
        makers = [
            order
            for order in self.orders
            if order.side != taker.side and sign * (order.price - taker.price) <= 0
        ]
        return min(makers, key=lambda order: (sign * order.price, order.came), default=None)

    def _next(self) -> int:
        self.clock += 1
        return self.clock


@pytest.mark.slow
@given(scripts)
@settings(max_examples=150, deadline=None)
def test_the_book_trades_as_price_and_time_say(script: Sequence[Step]) -> None:
    venue, book = rich(Venue(Options(enforce_limits=False))), NaiveBook()
    venue.last(100)
    placed: list[Naive] = []

    for kind, *rest in script:
        if kind == "place":
            placed.append(place(venue, book, *rest))
        elif book.orders:
            order = book.orders[rest[0] % len(book.orders)]
            if kind == "cancel":
                assert venue.cancel("maker", orderId=order.id).status == 200
                book.orders.remove(order)
            elif order.executed < rest[1] < order.quantity:
                sent = {"symbol": SYMBOL, "orderId": order.id, "newQty": rest[1]}
                assert venue.ask("PUT order/amend/keepPriority", "maker", **sent).status == 200
                book.amend(order, rest[1])

        assert [Decimal(venue.order(one.id, "maker")["executedQty"]) for one in placed] == [
            one.executed for one in placed
        ]
        depth = venue.depth()
        assert dict(depth["bids"]) == book.depth("BUY")
        assert dict(depth["asks"]) == book.depth("SELL")


def rich(venue: Venue) -> Venue:
    """Let two people come who can pay for everything."""
    for uid, name in enumerate(("maker", "taker"), start=3):
        venue.books.open_account(name, uid, {"BTC": 10**6, "USDT": 10**8})
    return venue


def place(
    venue: Venue, book: NaiveBook, side: str, quantity: int, price: int, iceberg: int
) -> Naive:
    hidden = iceberg if 0 < iceberg < quantity else 0
    sent: dict[str, Any] = {"icebergQty": hidden} if hidden else {}
    answer = venue.limit(side, quantity, price, "maker", selfTradePreventionMode="NONE", **sent)
    assert answer.status == 200, answer.body
    order = Naive(answer.body["orderId"], side, quantity, price, hidden)
    book.place(order)
    return order


# --- vectors: bids 0.5 to 5.0 and asks 5.5 to 9.5, one unit at every half


VECTORS: list[tuple[str, list[Step], dict[str, Any]]] = [
    (
        "a limit sale takes the better bids and rests with the remainder",
        [("SELL", 5, "4.5", "GTC")],
        {"bid": ("4.0", 1), "ask": ("4.5", 3), "executed": 2},
    ),
    (
        "a market sale takes all there is at the average of the bids",
        [("SELL", 100, None, None)],
        {"bid": None, "ask": ("5.5", 1), "executed": 10, "average": "2.75"},
    ),
    (
        "a fill or kill order that cannot be filled leaves the book as it was",
        [("SELL", 2, "5", "FOK")],
        {"bid": ("5.0", 1), "ask": ("5.5", 1), "executed": 0},
    ),
    (
        "a fill or kill order may take from several levels",
        [("SELL", 2, "4.5", "FOK")],
        {"bid": ("4.0", 1), "ask": ("5.5", 1), "executed": 2, "average": "4.75"},
    ),
    (
        "an immediate or cancel order takes what is there",
        [("SELL", 2, "5", "IOC")],
        {"bid": ("4.5", 1), "ask": ("5.5", 1), "executed": 1},
    ),
    (
        "another one takes what the first has left",
        [("SELL", 2, "5", "IOC"), ("SELL", 2, "4", "IOC")],
        {"bid": ("3.5", 1), "ask": ("5.5", 1), "executed": 2},
    ),
]


@pytest.mark.parametrize(
    ("orders", "expected"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS]
)
def test_a_book_of_one_unit_at_every_half_answers_as_the_table_says(
    orders: Sequence[Step], expected: dict[str, Any]
) -> None:
    venue = halves()

    for side, quantity, price, time_in_force in orders:
        kind = "LIMIT" if price else "MARKET"
        sent = {"quantity": quantity, "price": price, "timeInForce": time_in_force}
        body = venue.place(kind, side, "taker", newOrderRespType="RESULT", **sent).body

    depth, executed = venue.depth(), Decimal(body["executedQty"])
    for name, side in (("bid", "bids"), ("ask", "asks")):
        best = expected[name]
        assert depth[side][:1] == ([(Decimal(best[0]), Decimal(best[1]))] if best else [])
    assert executed == expected["executed"]
    if "average" in expected:
        assert Decimal(body["cummulativeQuoteQty"]) / executed == Decimal(expected["average"])


def test_of_two_makers_at_one_price_the_first_is_filled_first() -> None:
    venue = halves()
    second = venue.limit("SELL", 1, "5.5", "maker").body["orderId"]

    venue.limit("BUY", "1.5", "5.5", "taker")

    assert venue.order(FIRST_ASK, "maker")["status"] == "FILLED"
    assert venue.order(second, "maker")["executedQty"] == "0.50000000"


def test_a_stop_fires_at_its_own_price_and_not_at_the_top_of_the_book() -> None:
    venue = halves()
    stop = venue.place("STOP_LOSS", "SELL", "taker", quantity=1, stopPrice=3).body["orderId"]

    venue.limit("SELL", 1, 5, "taker")
    before = venue.order(stop, "taker")
    venue.limit("SELL", 4, 3, "taker")

    assert (before["isWorking"], before["status"]) == (False, "NEW")
    assert venue.order(stop, "taker")["status"] == "FILLED"


def test_a_smaller_quantity_keeps_the_place_in_time() -> None:
    venue = halves()
    venue.limit("SELL", 1, "5.5", "maker")
    sent: dict[str, Any] = {"symbol": SYMBOL, "orderId": FIRST_ASK, "newQty": "0.5"}
    assert venue.ask("PUT order/amend/keepPriority", "maker", **sent).status == 200

    venue.limit("BUY", "0.5", "5.5", "taker")

    assert venue.order(FIRST_ASK, "maker")["status"] == "FILLED"


def halves() -> Venue:
    """A venue without filters where somebody offers one unit at every half."""
    info = exchange_info({**symbol_entry(), "filters": []})
    venue = rich(Venue(Options(enforce_limits=False), info))
    for half in range(1, 20):
        side = "BUY" if half <= 10 else "SELL"
        assert venue.limit(side, 1, Decimal(half) / 2, "maker").status == 200
    return venue
