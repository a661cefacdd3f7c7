"""Whatever people and the recording do, in whatever order."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lib.simulator.exchange import Books, Options, Request
from tests.simulator.scripts import (
    INFO,
    PEOPLE,
    RECORDED,
    UNLIMITED,
    ZERO,
    Step,
    ground,
    play,
    scripts,
    sides,
)
from tests.simulator.shadow import reported
from tests.simulator.venue import SYMBOL, Venue

PATHS = {
    None: {"NEW"},
    "NEW": {"NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"},
    "PARTIALLY_FILLED": {
        "PARTIALLY_FILLED",
        "FILLED",
        "CANCELED",
        "EXPIRED",
        "EXPIRED_IN_MATCH",
    },
}

pytestmark = pytest.mark.slow


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_no_asset_appears_or_vanishes(script: Sequence[Step]) -> None:
    venue = ground()

    for step in script:
        play(venue, step)
        assert owned(venue) == granted(venue)


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_balances_are_never_negative_and_locked_is_what_the_open_orders_lock(
    script: Sequence[Step],
) -> None:
    venue = ground()

    for step in script:
        play(venue, step)
        for name in PEOPLE:
            locked = dict.fromkeys(("BTC", "USDT"), ZERO)
            for order in venue.books.orders[SYMBOL].values():
                if order.account.name == name:
                    locked["USDT" if order.is_buy else "BTC"] += Decimal(order.locked).scaleb(-8)
                    assert order.open or not order.locked
            for asset, (free, held) in venue.balances(name).items():
                assert free >= 0
                assert held == locked[asset]


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_the_book_is_never_crossed_and_shows_no_empty_level(script: Sequence[Step]) -> None:
    venue = ground()

    for step in script:
        play(venue, step)
        book = venue.depth()
        bids, asks = book["bids"], book["asks"]
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert all(quantity > 0 for _, quantity in bids + asks)
        assert not bids or not asks or bids[0][0] < asks[0][0]


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_fills_add_up_to_what_the_orders_say_and_statuses_only_go_forward(
    script: Sequence[Step],
) -> None:
    venue = ground()
    final: dict[int, dict[str, Any]] = {}

    for step in script:
        play(venue, step)
        for name in PEOPLE:
            trades = venue.ask("GET myTrades", name, symbol=SYMBOL, limit=1000).body
            for order in venue.ask("GET allOrders", name, symbol=SYMBOL, limit=1000).body:
                assert added(trades, order, "qty") == Decimal(order["executedQty"])
                assert added(trades, order, "quoteQty") == Decimal(order["cummulativeQuoteQty"])
                assert Decimal(order["executedQty"]) <= Decimal(order["origQty"])
                left = Decimal(order["origQty"]) - Decimal(order["executedQty"])
                assert order["status"] != "FILLED" or left == prevented(order)
                assert left >= prevented(order)
                assert final.setdefault(order["orderId"], order) == order or not closed(
                    final[order["orderId"]]
                )
                final[order["orderId"]] = order


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_the_user_stream_alone_tells_the_whole_account(script: Sequence[Step]) -> None:
    venue = ground()
    told: dict[str, dict[str, tuple[Decimal, Decimal]]] = {
        name: venue.balances(name) for name in PEOPLE
    }

    for step in script:
        venue.deaf()
        play(venue, step)
        for name, event in venue.user_events:
            for row in event["B"] if event["e"] == "outboundAccountPosition" else ():
                told[name][row["a"]] = (Decimal(row["f"]), Decimal(row["l"]))
        assert told == {name: venue.balances(name) for name in PEOPLE}


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_the_user_stream_alone_tells_every_order(script: Sequence[Step]) -> None:
    venue = ground()
    told: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in PEOPLE}

    for step in script:
        venue.deaf()
        play(venue, step)
        for name, event in venue.user_events:
            if event["e"] == "executionReport":
                told[name][event["i"]] = event
        for name in PEOPLE:
            for order in venue.ask("GET allOrders", name, symbol=SYMBOL, limit=1000).body:
                event = told[name][order["orderId"]]
                assert reported(event) == {field: order[field] for field in reported(event)}
                assert Decimal(event.get("A", "0")) in {Decimal(0), prevented(order)}


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_every_order_goes_through_statuses_that_follow_one_another(script: Sequence[Step]) -> None:
    venue = ground()
    last: dict[int, str] = {}

    for step in script:
        play(venue, step)
    for _, event in venue.user_events:
        if event["e"] == "executionReport":
            assert event["X"] in PATHS[last.get(event["i"])]
            last[event["i"]] = event["X"]


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_a_trade_group_does_not_trade_with_itself_and_loses_nothing(script: Sequence[Step]) -> None:
    venue = ground()
    for account in venue.books.accounts.values():
        account.trade_group = 1

    for step in script:
        play(venue, step)
        assert owned(venue) == granted(venue)
    halves = Counter(fill.id for fill in venue.books.fills[SYMBOL])
    exempt = {fill.id for fill in venue.books.fills[SYMBOL] if fill.order.stp_mode == "NONE"}
    assert all(halves[trade] == 1 for trade in halves if trade not in exempt)


@given(scripts)
@settings(max_examples=60, deadline=None)
def test_the_depth_stream_alone_tells_the_whole_book(script: Sequence[Step]) -> None:
    venue = ground()
    book = venue.depth()
    told = {side[0]: dict(book[side]) for side in ("bids", "asks")}
    last = venue.ask("GET depth", None, symbol=SYMBOL).body["lastUpdateId"]

    for step in script:
        venue.deaf()
        play(venue, step)
        for _, kind, event in venue.market_events:
            if kind != "depthUpdate":
                continue
            assert event["U"] == last + 1
            last = event["u"]
            for side, known in told.items():
                for price, quantity in event[side]:
                    known[Decimal(price)] = Decimal(quantity)
                    if not Decimal(quantity):
                        del known[Decimal(price)]
        assert told == {side[0]: dict(venue.depth()[side]) for side in ("bids", "asks")}


@given(scripts, st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_reopened_books_are_the_living_state_at_any_point(script: Sequence[Step], cut: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "venue.db"
        venue = ground(Books.open(path))
        for step in script[:cut]:
            play(venue, step)

        again = Venue(UNLIMITED, INFO, books=Books.open(path), now=venue.now)

        assert remembered(again) == remembered(venue)
        again.books.close()
        venue.books.close()


TRAILED: Sequence[Step] = [
    ("market", "alice", "BUY", "0.10001"),
    ("trail", "alice", "SELL", "STOP_LOSS", "0.10001", None, "96", 50),
    ("trade", "101", "0.10001", False),
    ("cancel", "alice", 0),
]


@given(scripts, st.integers(0, 30))
@example(TRAILED, 3)
@settings(max_examples=40, deadline=None)
def test_a_reopened_venue_goes_on_as_the_one_that_never_stopped(
    script: Sequence[Step], cut: int
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "venue.db"
        steady, broken = ground(), ground(Books.open(path))
        for step in [*script[:cut], RECORDED]:
            play(steady, step)
            play(broken, step)

        broken.exchange.note()  # as a server does every so often: how far stops have trailed
        again = Venue(UNLIMITED, INFO, books=Books.open(path), now=broken.now)
        for venue in (again, steady):
            play(venue, RECORDED)
            venue.last(100)
        for step in script[cut:]:
            play(again, step)
            play(steady, step)

        assert remembered(again)["orders"] == remembered(steady)["orders"]
        assert remembered(again)["balances"] == remembered(steady)["balances"]
        broken.books.close()
        again.books.close()


@given(scripts)
@settings(max_examples=25, deadline=None)
def test_the_same_script_is_played_the_same_way_twice(script: Sequence[Step]) -> None:
    first, second = ground(), ground()

    for step in script:
        play(first, step)
        play(second, step)

    assert first.user_events == second.user_events
    assert first.market_events == second.market_events
    assert remembered(first) == remembered(second)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=20), max_size=8), sides)
@settings(max_examples=60, deadline=None)
def test_no_request_however_odd_makes_the_exchange_raise(params: dict[str, str], side: str) -> None:
    venue = Venue(Options(enforce_limits=False)).with_market()
    whole = {"symbol": SYMBOL, "side": side, "type": "LIMIT", "timestamp": str(venue.now)}

    for method, path in (("POST", "order"), ("GET", "order"), ("GET", "depth"), ("GET", "x")):
        for sent in (params, whole | params):
            answer = venue.exchange.answer(Request(method, f"/api/v3/{path}", sent, "alice"))
            assert answer.status in {200, 400, 404}


@given(
    st.sampled_from(["price", "quantity", "timestamp", "recvWindow", "newClientOrderId", "limit"]),
    st.text(max_size=25) | st.integers(0, 10**30).map(str) | st.decimals().map(str),
)
@settings(max_examples=60, deadline=None)
def test_no_value_however_odd_makes_the_exchange_raise(name: str, value: str) -> None:
    venue = Venue().with_market()
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    sent = {**order, "quantity": "1", "price": "90", "timestamp": str(venue.now), name: value}
    asked = {"symbol": SYMBOL, "limit": value}

    for request in (
        Request("POST", "/api/v3/order", sent, "alice"),
        Request("GET", "/api/v3/depth", asked, None),
    ):
        assert venue.exchange.answer(request).status in {200, 400}


@pytest.mark.parametrize("missing", [True, False])
def test_the_property_tests_do_trade(missing: bool) -> None:
    venue = ground()

    play(venue, ("limit", "alice", "BUY", "1", "90" if missing else "105", "GTC", "NONE"))

    assert bool(venue.ask("GET myTrades", symbol=SYMBOL).body) is not missing


def owned(venue: Venue) -> dict[str, Decimal]:
    """Add up what all own, what they paid in commissions and what left to the recording."""
    total = {"BTC": ZERO, "USDT": ZERO}
    for name in PEOPLE:
        for asset, (free, locked) in venue.balances(name).items():
            total[asset] += free + locked
        for trade in venue.ask("GET myTrades", name, symbol=SYMBOL, limit=1000).body:
            sign = 1 if trade["isBuyer"] else -1
            total[trade["commissionAsset"]] += Decimal(trade["commission"])
            total["BTC"] -= sign * Decimal(trade["qty"])
            total["USDT"] += sign * Decimal(trade["quoteQty"])
    return total


def granted(venue: Venue) -> dict[str, Decimal]:
    assert set(venue.books.accounts) == set(PEOPLE)
    return {"BTC": Decimal(20), "USDT": Decimal(200_000)}


def added(trades: list[dict[str, Any]], order: dict[str, Any], name: str) -> Decimal:
    mine = (trade for trade in trades if trade["orderId"] == order["orderId"])
    return sum((Decimal(trade[name]) for trade in mine), ZERO)


def prevented(order: dict[str, Any]) -> Decimal:
    return Decimal(order.get("preventedQuantity", "0"))


def closed(order: dict[str, Any]) -> bool:
    return order["status"] not in {"NEW", "PARTIALLY_FILLED"}


def remembered(venue: Venue) -> dict[str, Any]:
    """Everything the venue has ever answered from, foreign liquidity aside."""
    found: dict[str, Any] = {"orders": {}, "trades": {}, "balances": {}}
    for name in PEOPLE:
        asked = {"symbol": SYMBOL, "limit": 1000}
        found["orders"][name] = venue.ask("GET allOrders", name, **asked).body
        found["trades"][name] = venue.ask("GET myTrades", name, **asked).body
        found["balances"][name] = venue.ask("GET account", name).body
    orders = venue.books.orders[SYMBOL]
    found["ranks"] = {order.id: (order.rank, order.locked) for order in orders.values()}
    return found
