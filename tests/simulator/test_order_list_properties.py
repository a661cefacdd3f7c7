"""Order lists, whatever their owners and the market do, in whatever order."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.simulator.books.audit import audit
from lib.simulator.engine.lists import PAIRED
from lib.simulator.exchange import Books
from tests.simulator.order_lists import ask_list
from tests.simulator.scripts import RECORDED, UNLIMITED, ground, play
from tests.simulator.venue import SYMBOL, Venue

Step: TypeAlias = tuple[Any, ...]

PEOPLE = ("alice", "bob")
FINAL = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"})
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("GET allOrderList", {}),
    ("GET allOrders", {"symbol": SYMBOL}),
]
AFTER = {
    "PENDING_NEW": {"NEW", "PARTIALLY_FILLED"} | FINAL,
    "NEW": {"PARTIALLY_FILLED"} | FINAL,
    "PARTIALLY_FILLED": FINAL,
}

prices = st.integers(9500, 10500).map(lambda cents: str(Decimal(cents) / 100))
quantities = st.integers(1, 40).map(lambda lots: str(Decimal(lots) / 10 + Decimal("0.00001")))
people = st.sampled_from(PEOPLE)
sides = st.sampled_from(["BUY", "SELL"])
levels = st.lists(st.tuples(prices, quantities), max_size=4)
modes = st.sampled_from(["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"])
far = st.integers(1, 500)  # cents from 100
ends = st.sampled_from(["STOP_LOSS", "STOP_LOSS_LIMIT"])
takes = st.sampled_from(["LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"])
in_force = st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK"])
trails = st.sampled_from([0, 0, 20, 200])  # in basis points
pairs = st.tuples(sides, far, far, takes, ends, in_force, trails)
working = st.tuples(sides, quantities, prices, in_force)
pending = st.sampled_from(["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "TAKE_PROFIT_LIMIT"])
lists = st.one_of(
    st.tuples(st.just("oco"), people, modes, quantities, pairs),
    st.tuples(st.just("oto"), people, modes, working, pending, sides, quantities, prices),
    st.tuples(st.just("opo"), people, modes, working, pending, sides, quantities, prices),
    st.tuples(st.just("otoco"), people, modes, working, quantities, pairs),
    st.tuples(st.just("opoco"), people, modes, working, quantities, pairs),
)
steps = st.one_of(
    lists,
    lists,
    st.tuples(st.just("trade"), prices, quantities, st.booleans()),
    st.tuples(st.just("trade"), prices, quantities, st.booleans()),
    st.tuples(st.just("limit"), people, sides, quantities, prices, in_force, modes),
    st.tuples(st.just("market"), people, sides, quantities),
    st.tuples(st.just("cancel"), people, st.integers(1, 25)),
    st.tuples(st.just("drop"), people, st.integers(0, 8)),
    st.tuples(st.just("amend"), people, st.integers(1, 25), quantities),
    st.tuples(st.just("book"), levels, levels),
    st.tuples(st.just("depth"), levels, levels),
)
scripts = st.lists(steps, min_size=1, max_size=30)

pytestmark = pytest.mark.slow


@given(scripts)
@settings(max_examples=80, deadline=None)
def test_after_every_step_the_books_add_up(script: Sequence[Step]) -> None:
    venue = ground()

    for step in script:
        run(venue, step)
        assert audit(venue.books) == ()
        for name in PEOPLE:
            assert all(min(free, locked) >= 0 for free, locked in venue.balances(name).values())


@given(scripts)
@settings(max_examples=80, deadline=None)
def test_of_a_pair_only_one_leg_ever_trades(script: Sequence[Step]) -> None:
    venue = ground()

    for step in script:
        run(venue, step)
        for order_list in venue.books.lists.values():
            if order_list.kind in PAIRED:
                one, other = order_list.orders[-2:]
                assert not one.executed or not other.executed
                assert not one.executed or not other.open
                assert one.executed + other.executed <= one.quantity


@given(scripts)
@settings(max_examples=80, deadline=None)
def test_the_orders_of_a_list_only_go_forward(script: Sequence[Step]) -> None:
    venue = ground()
    before: dict[int, str] = {}

    for step in script:
        run(venue, step)
        for order_list in venue.books.lists.values():
            for order in order_list.orders:
                was = before.setdefault(order.id, order.status)
                assert order.status == was or order.status in AFTER.get(was, set())
                before[order.id] = order.status


@given(scripts)
@settings(max_examples=80, deadline=None)
def test_nothing_pending_outlives_its_working_order(script: Sequence[Step]) -> None:
    venue = ground()

    for step in script:
        run(venue, step)
        for order_list in venue.books.lists.values():
            for order in order_list.orders:
                assert not order.pending or order_list.orders[0].open
            assert order_list.done is not any(order.open for order in order_list.orders)


@given(scripts)
@settings(max_examples=80, deadline=None)
def test_the_user_stream_alone_tells_how_every_list_stands(script: Sequence[Step]) -> None:
    venue = ground()
    told_lists: dict[int, tuple[str, list[int]]] = {}
    told_orders: dict[int, tuple[str, str]] = {}

    for step in script:
        venue.deaf()
        run(venue, step)
        for _, event in venue.user_events:
            if event["e"] == "listStatus":
                told_lists[event["g"]] = (event["L"], [row["i"] for row in event["O"]])
            elif event["e"] == "executionReport":
                told_orders[event["i"]] = (event["X"], event["z"])
        for name in PEOPLE:
            for row in venue.ask("GET allOrderList", name).body:
                orders = [order["orderId"] for order in row["orders"]]
                assert told_lists[row["orderListId"]] == (row["listOrderStatus"], orders)
                for number in orders:
                    found = venue.order(number, name)
                    assert told_orders[number] == (found["status"], found["executedQty"])


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_the_user_stream_alone_tells_the_balances(script: Sequence[Step]) -> None:
    venue = ground()
    told = {name: venue.balances(name) for name in PEOPLE}

    for step in script:
        venue.deaf()
        run(venue, step)
        for name, event in venue.user_events:
            for row in event["B"] if event["e"] == "outboundAccountPosition" else ():
                told[name][row["a"]] = (Decimal(row["f"]), Decimal(row["l"]))
        assert told == {name: venue.balances(name) for name in PEOPLE}


@given(scripts, st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_a_reopened_venue_goes_on_with_its_lists(script: Sequence[Step], cut: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "venue.db"
        steady, broken = ground(), ground(Books.open(path))
        for step in [*script[:cut], RECORDED]:
            run(steady, step)
            run(broken, step)

        broken.books.remember("recording", "cut")  # and with it how far the trailing stops came
        broken.books.close()
        again = Venue(UNLIMITED, broken.info, books=Books.open(path), now=broken.now)
        for venue in (again, steady):
            play(venue, RECORDED)
            venue.last(100)
        for step in script[cut:]:
            run(again, step)
            run(steady, step)

        for name in PEOPLE:
            for call, asked in ASKED:
                both = [venue.ask(call, name, **asked).body for venue in (again, steady)]
                assert both[0] == both[1]
            assert again.balances(name) == steady.balances(name)
        again.books.close()


@pytest.mark.parametrize(
    "step",
    [
        ("oco", "alice", "NONE", "1", ("SELL", 300, 300, "LIMIT_MAKER", "STOP_LOSS", "GTC", 20)),
        ("oto", "alice", "NONE", ("BUY", "1", "101", "GTC"), "MARKET", "SELL", "1", "99"),
        (
            "opoco",
            "alice",
            "NONE",
            ("BUY", "1", "101", "GTC"),
            "1",
            ("BUY", 300, 300, "TAKE_PROFIT_LIMIT", "STOP_LOSS_LIMIT", "GTC", 0),
        ),
    ],
)
def test_the_property_tests_do_place_lists(step: Step) -> None:
    venue = ground()

    run(venue, step)

    assert len(venue.books.lists) == 1


def run(venue: Venue, step: Step) -> None:
    """Play one step, of lists or of all else."""
    kind, *rest = step
    if kind not in {"oco", "oto", "opo", "otoco", "opoco", "drop", "amend"}:
        play(venue, step)
        return
    venue.now += 1
    who, *rest = rest
    if kind == "drop":
        venue.ask("DELETE orderList", who, symbol=SYMBOL, orderListId=rest[0])
    elif kind == "amend":
        asked = {"symbol": SYMBOL, "orderId": rest[0], "newQty": rest[1]}
        venue.ask("PUT order/amend/keepPriority", who, **asked)
    else:
        ask_list(venue, kind, who, **sent_list(kind, rest))


def sent_list(kind: str, rest: Step | list[Any]) -> dict[str, Any]:
    """Spell out a list; one that is paid buys first and then sells."""
    if kind == "opoco":
        *rest, pair = rest
        rest = [*rest, ("SELL", *pair[1:])]
    if kind == "oco":
        sent = sent_pair(*rest)
    elif kind.endswith("oco"):
        sent = sent_pending_pair(*rest)
    else:
        sent = sent_pending(*rest)
    if kind.startswith("opo"):
        sent |= {"workingSide": "BUY", "pendingSide": "SELL", "pendingQuantity": None}
    return sent


def sent_pair(mode: str, quantity: str, pair: Step) -> dict[str, Any]:
    return {"selfTradePreventionMode": mode, "quantity": quantity, **legs(pair, "above", "below")}


def sent_pending_pair(mode: str, first: Step, quantity: str, pair: Step) -> dict[str, Any]:
    sent = legs(pair, "pendingAbove", "pendingBelow")
    sent["pendingSide"] = sent.pop("side")
    return {**sent_working(mode, first), **sent, "pendingQuantity": quantity}


def sent_pending(
    mode: str, first: Step, kind: str, side: str, quantity: str, price: str
) -> dict[str, Any]:
    sent = leg("pending", kind, price, "GTC")
    return {
        **sent_working(mode, first),
        **sent,
        "pendingSide": side,
        "pendingQuantity": quantity,
    }


def sent_working(mode: str, first: Step) -> dict[str, Any]:
    side, quantity, price, time_in_force = first
    return {
        "selfTradePreventionMode": mode,
        "workingSide": side,
        "workingQuantity": quantity,
        "workingPrice": price,
        "workingTimeInForce": time_in_force,
    }


def legs(pair: Step, above: str, below: str) -> dict[str, Any]:
    """Spread a pair around 100, at so many cents on each side."""
    side, over, under, taking, stopping, time_in_force, trail = pair
    high, low = (taking, stopping) if side == "SELL" else (stopping, taking)
    sent = {
        "side": side,
        **leg(above, high, str(100 + Decimal(over) / 100), time_in_force),
        **leg(below, low, str(100 - Decimal(under) / 100), time_in_force),
    }
    if trail:
        stops = below if side == "SELL" else above
        sent |= {f"{stops}StopPrice": None, f"{stops}TrailingDelta": trail}
    return sent


def leg(prefix: str, kind: str, price: str, time_in_force: str) -> dict[str, Any]:
    """Name all that a leg could bring; None leaves out what its type does not have."""
    stops, limited = kind not in {"LIMIT", "LIMIT_MAKER", "MARKET"}, "LIMIT" in kind
    return {
        f"{prefix}Type": kind,
        f"{prefix}Price": price if limited else None,
        f"{prefix}StopPrice": price if stops else None,
        f"{prefix}TimeInForce": time_in_force if limited and kind != "LIMIT_MAKER" else None,
    }
