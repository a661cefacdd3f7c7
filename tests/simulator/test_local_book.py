"""Books kept by clients, by Binance's procedure, are the engine's."""

import random
from collections import deque
from decimal import Decimal
from typing import Any

import orjson
import pytest

from lib.simulator.options import Options
from lib.simulator.protocol import TimeUnit
from lib.simulator.server.streams import Streams
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry

ETH = "ETHUSDT"
Levels = dict[Decimal, Decimal]


class LocalBook:
    """Applies depthUpdate to a snapshot, as the documentation says."""

    time_unit = TimeUnit.MILLISECOND

    def __init__(self) -> None:
        self.buffered: deque[dict[str, Any]] = deque()
        self.sides: dict[str, Levels] | None = None
        self.last = 0

    def deliver(self, _stream: str, message: bytes) -> None:
        self.buffered.append(orjson.loads(message))
        if self.sides is not None:
            self._catch_up()

    def join(self, snapshot: dict[str, Any]) -> bool:
        """Begin with a snapshot; False if it is too old and another one is needed."""
        if self.buffered and snapshot["lastUpdateId"] < self.buffered[0]["U"]:
            return False
        self.last = snapshot["lastUpdateId"]
        while self.buffered and self.buffered[0]["u"] <= self.last:
            self.buffered.popleft()
        if self.buffered:
            assert self.buffered[0]["U"] <= self.last + 1
        self.sides = {name: levels(snapshot[name]) for name in ("bids", "asks")}
        self._catch_up()
        return True

    def _catch_up(self) -> None:
        assert self.sides is not None
        while self.buffered:
            event = self.buffered.popleft()
            if event["u"] < self.last:
                continue
            assert event["U"] <= self.last + 1, "events were missed"
            for name, short in (("bids", "b"), ("asks", "a")):
                _apply(self.sides[name], event[short])
            self.last = event["u"]


class TopFive:
    """Keeps what the partial stream showed last."""

    time_unit = TimeUnit.MILLISECOND
    shown: dict[str, Any]

    def deliver(self, _stream: str, message: bytes) -> None:
        self.shown = orjson.loads(message)


def levels(rows: list[list[str]]) -> Levels:
    return {Decimal(price): Decimal(quantity) for price, quantity in rows}


def _apply(side: Levels, rows: list[list[str]]) -> None:
    for price, quantity in rows:
        if quantity == "0.00000000":
            side.pop(Decimal(price), None)
        else:
            side[Decimal(price)] = Decimal(quantity)


class Activity:
    """What may happen to a market, drawn by chance."""

    def __init__(self, venue: Venue, chance: random.Random, symbol: str) -> None:
        self.venue = venue
        self.chance = chance
        self.symbol = symbol

    def happen(self) -> None:
        self.venue.now += self.chance.choice([0, 1, 7])
        self.chance.choice([
            *[self._set_some] * 3,
            *[self._order] * 4,
            *[self._trade] * 2,
            self._take,
            self._cancel,
            self._set_all,
        ])()

    def _rows(self, middle: int, sign: int, count: int) -> list[tuple[str, str]]:
        far = self.chance.sample(range(1, 12), count)
        return [(str(middle + sign * each), str(self.chance.randint(1, 5))) for each in far]

    def _set_all(self) -> None:
        middle = self.chance.randint(95, 105)
        bids, asks = self._rows(middle, -1, 6), self._rows(middle, 1, 6)
        self.venue.exchange.set_book(self.symbol, bids, asks, self.venue.now)

    def _set_some(self) -> None:
        middle = self.chance.randint(97, 103)
        bids = [(p, self.chance.choice(["0", q])) for p, q in self._rows(middle, -1, 3)]
        asks = [(p, self.chance.choice(["0", q])) for p, q in self._rows(middle, 1, 3)]
        self.venue.exchange.apply_depth(self.symbol, bids, asks, self.venue.now)

    def _order(self) -> None:
        side, price = self.chance.choice(["BUY", "SELL"]), self.chance.randint(92, 108)
        who = self.chance.choice(["alice", "bob"])
        self.venue.limit(side, self.chance.randint(1, 3), price, who, symbol=self.symbol)

    def _take(self) -> None:
        side = self.chance.choice(["BUY", "SELL"])
        self.venue.market(side, self.chance.randint(1, 4), symbol=self.symbol)

    def _trade(self) -> None:
        self.venue.exchange.market_trade(
            self.symbol,
            str(self.chance.randint(93, 107)),
            str(self.chance.randint(1, 4)),
            buyer_is_maker=self.chance.random() < 0.5,
            time=self.venue.now,
        )

    def _cancel(self) -> None:
        found = self.venue.ask("GET openOrders", symbol=self.symbol).body
        if found:
            self.venue.cancel(symbol=self.symbol, orderId=self.chance.choice(found)["orderId"])


@pytest.mark.parametrize("seed", range(15))
def test_a_local_book_never_differs_from_the_engines(seed: int) -> None:
    chance = random.Random(seed)
    info = exchange_info(symbol_entry(), symbol_entry("ETH"))
    venue = Venue(Options(enforce_limits=False), info)
    streams = Streams(lambda: venue.exchange.shown)
    venue.exchange.on_market_event = streams.market_event
    activities = [Activity(venue, chance, symbol) for symbol in (SYMBOL, ETH)]
    books, tops = {}, {}
    for activity in activities * 10:
        activity.happen()
    for symbol in (SYMBOL, ETH):
        books[symbol], tops[symbol] = LocalBook(), TopFive()
        streams.subscribe(books[symbol], f"{symbol.lower()}@depth@100ms")
        streams.subscribe(tops[symbol], f"{symbol.lower()}@depth5@100ms")

    for turn in range(80):
        for _ in range(chance.randint(0, 4)):
            chance.choice(activities).happen()
        streams.tick(venue.now)
        for symbol, book in books.items():
            engine = venue.ask("GET depth", None, symbol=symbol, limit=5_000).body
            if book.sides is None and turn >= chance.randint(0, 6):
                book.join(engine)
            if book.sides is not None:
                assert book.sides == {name: levels(engine[name]) for name in ("bids", "asks")}
                assert book.last == engine["lastUpdateId"]
            assert tops[symbol].shown == {
                "lastUpdateId": engine["lastUpdateId"],
                "bids": engine["bids"][:5],
                "asks": engine["asks"][:5],
            }
    assert all(book.sides is not None for book in books.values())


def test_a_snapshot_older_than_the_stream_is_asked_for_again() -> None:
    venue = Venue().with_market()
    streams, book = Streams(lambda: venue.exchange.shown), LocalBook()
    venue.exchange.on_market_event = streams.market_event
    early = venue.ask("GET depth", None, symbol=SYMBOL).body
    venue.limit("BUY", 1, 90)  # before anybody listens
    streams.subscribe(book, "btcusdt@depth@100ms")
    venue.limit("BUY", 1, 91)
    streams.tick(venue.now)

    assert not book.join(early)
    assert book.join(venue.ask("GET depth", None, symbol=SYMBOL).body)
