"""A venue killed between any two requests goes on as its twin that never stopped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from lib.simulator.books.account import Standing
from lib.simulator.books.audit import audit, state_of
from lib.simulator.exchange import Books, Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry

Step: TypeAlias = Callable[[Venue], Any]

OPTIONS = Options(enforce_limits=False, fees_in_bnb=True)
PAIR: dict[str, Any] = {
    "aboveType": "LIMIT_MAKER",
    "abovePrice": 108,
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": 93,
    "belowPrice": 92,
    "belowTimeInForce": "GTC",
}
PENDING: dict[str, Any] = {
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": 97,
    "workingQuantity": 1,
    "workingTimeInForce": "GTC",
    "pendingType": "LIMIT",
    "pendingSide": "SELL",
    "pendingQuantity": 1,
    "pendingPrice": 105,
    "pendingTimeInForce": "GTC",
}
REPLACEMENT: dict[str, Any] = {
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": 1,
    "price": 96,
}


def ask(call: str, who: str = "alice", **params: Any) -> Step:
    return lambda venue: venue.ask(call, who, symbol=SYMBOL, **params).body


def limit(side: str, quantity: object, price: object, who: str = "alice", **params: Any) -> Step:
    return lambda venue: venue.limit(side, quantity, price, who, **params).body


def trade(price: object, quantity: object, *, seller: bool) -> Step:
    return lambda venue: venue.last(price, quantity, seller=seller)


def place(kind: str, side: str, **params: Any) -> Step:
    return lambda venue: venue.place(kind, side, **params).body


QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("account", {}),
    ("openOrders", {}),
    ("openOrderList", {}),
    ("allOrderList", {}),
    ("allOrders", {"symbol": SYMBOL}),
    ("openOrders", {"symbol": SYMBOL}),
    ("myTrades", {"symbol": SYMBOL}),
    ("myPreventedMatches", {"symbol": SYMBOL, "orderId": 4}),
    ("order", {"symbol": SYMBOL, "origClientOrderId": "resting"}),
    ("order", {"symbol": SYMBOL, "orderId": 4}),
    ("order/amendments", {"symbol": SYMBOL, "orderId": 3}),
)
STORY: tuple[Step, ...] = (
    lambda venue: venue.exchange.transfer("alice", "BNB", 5),
    limit("BUY", 3, 101, newClientOrderId="first"),
    limit("SELL", 1, 101, "bob"),
    limit("BUY", 2, 96, newClientOrderId="resting"),
    limit("SELL", 4, 106, icebergQty=1, newClientOrderId="hidden"),
    place("STOP_LOSS", "SELL", quantity=1, trailingDelta=300, newClientOrderId="trailing"),
    place("TAKE_PROFIT_LIMIT", "SELL", quantity=1, price=107, stopPrice=106, timeInForce="GTC"),
    ask("POST orderList/oco", side="SELL", quantity=1, listClientOrderId="pair", **PAIR),
    ask("POST orderList/oto", listClientOrderId="later", **PENDING),
    ask("PUT order/amend/keepPriority", origClientOrderId="resting", newQty=1),
    trade("104", "2", seller=False),
    ask("POST order/cancelReplace", cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=77),
    ask(
        "POST order/cancelReplace",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrigClientOrderId="first",
        newClientOrderId="second",
        **REPLACEMENT,
    ),
    ask(
        "POST order/cancelReplace",
        cancelReplaceMode="ALLOW_FAILURE",
        cancelOrigClientOrderId="first",
        newClientOrderId="second",
        **REPLACEMENT,
    ),
    lambda venue: venue.exchange.move("bob", "alice", "BTC", 2),
    trade("97", "20", seller=True),
    trade("106", "3", seller=False),
    lambda venue: venue.exchange.lock_externally("alice", "BTC", "0.5"),
    lambda venue: venue.exchange.set_standing("bob", Standing(trading="cancel_only")),
    limit("SELL", 1, 120, "bob"),
    trade("92", "30", seller=True),
    place("MARKET", "BUY", quoteOrderQty=300),
    limit("BUY", 1, 80, newClientOrderId="deep"),
    limit("BUY", 2, 81),
    ask(
        "POST orderList/oco",
        side="SELL",
        quantity=1,
        listClientOrderId="pair",
        **PAIR | {"abovePrice": 118},
    ),
    ask("DELETE order", origClientOrderId="hidden", newClientOrderId="gone"),
    ask("DELETE order", origClientOrderId="deep", newClientOrderId="gone"),
    ask("DELETE openOrders"),
    ask("DELETE openOrders", "bob"),
    limit("BUY", 1, 90, newClientOrderId="resting"),
)


def ask_all(venue: Venue) -> list[Any]:
    """Ask everything that can be asked about the two accounts."""
    return [
        venue.ask(f"GET {call}", who, **params).body
        for who in ("alice", "bob")
        for call, params in QUESTIONS
    ]


def market(books: Books | None = None, now: int | None = None) -> Venue:
    info = exchange_info(symbol_entry(), symbol_entry("BNB"))
    venue = Venue(OPTIONS, info, books or Books.in_memory())
    venue.now = venue.now if now is None else now
    return venue


def killed(venue: Venue, path: Path) -> Venue:
    """Open the books that a venue leaves behind, with the recording where it stood."""
    venue.books.remember("recording", str(venue.now))
    again = market(Books.open(path), venue.now)
    venue.books.close()
    return again


def record(venue: Venue) -> None:
    """Show the recording's book again, as the simulator does when it starts."""
    venue.exchange.set_book(
        SYMBOL, [("99", "1"), ("95", "5")], [("101", "1"), ("109", "5")], venue.now
    )


def begin(venue: Venue) -> None:
    venue.last(100)
    venue.exchange.market_trade("BNBUSDT", "10", "1", buyer_is_maker=True, time=venue.now)


def test_it_answers_and_tells_the_same_although_it_died_before_every_request(
    tmp_path: Path,
) -> None:
    path = tmp_path / "venue.db"
    steady, broken = market(), market(Books.open(path))
    begin(steady)
    begin(broken)
    told: list[Any] = []

    for number, step in enumerate(STORY):
        broken = killed(broken, path)
        for venue in (steady, broken):
            venue.now += 1_000
            record(venue.deaf())

        answers = [step(venue) for venue in (steady, broken)]

        assert answers[0] == answers[1], number
        assert steady.user_events == broken.user_events, number
        assert ask_all(steady) == ask_all(broken), number
        assert state_of(steady.books) == state_of(broken.books), number
        assert audit(broken.books) == (), number
        told.append(answers[0])

    refused = [body["code"] for body in told if isinstance(body, dict) and "code" in body]
    assert refused == [-1102, -2022, -2021, -2010, -2011, -2011]
    broken.books.close()


@pytest.mark.slow
@pytest.mark.parametrize("cut", range(len(STORY)))
def test_it_goes_on_the_same_to_the_end_wherever_it_died_once(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "venue.db"
    steady, broken = market(), market(Books.open(path))
    begin(steady)
    begin(broken)

    for number, step in enumerate(STORY):
        if number == cut:
            broken = killed(broken, path)
        for venue in (steady, broken):
            venue.now += 1_000
            record(venue)
            step(venue)

    assert state_of(steady.books) == state_of(broken.books)
    assert ask_all(steady) == ask_all(broken)
    broken.books.close()
