"""What the market streams send, in process: no socket, and a clock the test moves."""

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from lib.market.intervals import DAY, HOUR, INTERVALS, MINUTE
from lib.simulator.protocol import TimeUnit
from lib.simulator.server.streams import TICK, Streams
from tests.simulator.venue import START, SYMBOL, Venue, exchange_info, symbol_entry

ETH = "ETHUSDT"
BEGIN = START - START % MINUTE + MINUTE
EVEN = 2_000 // TICK  # turns after which everything that comes regularly was due


@dataclass(eq=False)
class Ear:
    """A listener that keeps what it hears."""

    time_unit: TimeUnit = TimeUnit.MILLISECOND
    heard: list[tuple[str, Any]] = field(default_factory=list)

    def deliver(self, stream: str, message: bytes) -> None:
        self.heard.append((stream, orjson.loads(message)))

    @property
    def events(self) -> list[Any]:
        return [event for _, event in self.heard]


class Hall:
    """A venue of two symbols whose streams somebody listens to."""

    def __init__(self, *streams: str, unit: TimeUnit = TimeUnit.MILLISECOND) -> None:
        self.venue = Venue(info=exchange_info(symbol_entry(), symbol_entry("ETH")), now=BEGIN)
        self.streams = Streams(lambda: self.venue.exchange.shown)
        self.venue.exchange.on_market_event = self.streams.market_event
        self.ear = Ear(unit)
        for _ in range(EVEN):
            self.streams.tick(BEGIN)
        self.listen(*streams)

    def listen(self, *streams: str) -> None:
        for stream in streams:
            self.streams.subscribe(self.ear, stream)

    def trade(self, price: object, quantity: object = 1, symbol: str = SYMBOL) -> None:
        self.venue.exchange.market_trade(
            symbol, str(price), str(quantity), buyer_is_maker=False, time=self.venue.now
        )

    def book(self, bid: str, ask: str, symbol: str = SYMBOL) -> None:
        self.venue.exchange.set_book(symbol, [(bid, "1")], [(ask, "2")], self.venue.now)

    def wait(self, ms: int) -> list[Any]:
        """Let time pass; give what was heard meanwhile."""
        self.ear.heard.clear()
        for _ in range(ms // TICK):
            self.venue.now += TICK
            self.streams.tick(self.venue.now)
        return self.ear.events


def test_trades_and_best_prices_come_at_once() -> None:
    hall = Hall("btcusdt@trade", "btcusdt@aggTrade", "btcusdt@bookTicker", "ethusdt@trade")

    hall.trade(100)
    hall.book("99", "101")
    hall.trade(7, symbol=ETH)

    kinds = [(stream, event.get("e")) for stream, event in hall.ear.heard]
    assert kinds == [
        ("btcusdt@trade", "trade"),
        ("btcusdt@aggTrade", "aggTrade"),
        ("btcusdt@bookTicker", None),
        ("ethusdt@trade", "trade"),
    ]


@pytest.mark.parametrize("interval", sorted(INTERVALS.keys() - {"1s"}))
@pytest.mark.parametrize("zone", ["", "@+08:00"])
def test_a_candle_grows_every_two_seconds_and_is_closed_once(interval: str, zone: str) -> None:
    hall = Hall(f"btcusdt@kline_{interval}{zone}")
    hall.trade(100)
    growing = hall.wait(4_000)
    assert [event["k"]["x"] for event in growing] == [False, False]
    opens, closes = growing[0]["k"]["t"], growing[0]["k"]["T"]
    local = (8 * HOUR) if zone else 0
    assert (closes + 1 + local) % min(INTERVALS[interval], DAY) == 0

    hall.venue.now = closes - closes % TICK - 3 * TICK
    hall.trade(120)
    closed = [event["k"] for event in hall.wait(600) if event["k"]["x"]]

    (bar,) = closed
    assert (bar["t"], bar["T"], bar["i"]) == (opens, closes, interval)
    assert (bar["o"], bar["c"], bar["n"]) == ("100.00000000", "120.00000000", 2)


def test_a_candle_of_a_second_comes_every_second_and_closed() -> None:
    hall = Hall("btcusdt@kline_1s")
    hall.trade(100)
    hall.venue.now += 2 * TICK
    hall.trade(101)

    events = hall.wait(4_000)

    bars = [event["k"] for event in events]
    assert [bar["x"] for bar in bars] == [True] * 4
    assert [bar["t"] for bar in bars] == list(range(BEGIN, BEGIN + 4_000, 1_000))
    assert [bar["n"] for bar in bars] == [2, 0, 0, 0]
    assert {bar["c"] for bar in bars} == {"101.00000000"}


def test_the_candle_of_the_stream_is_the_one_that_rest_shows() -> None:
    hall = Hall("btcusdt@kline_5m")
    hall.trade(100)
    hall.trade(90, 3)

    bar = hall.wait(2_000)[-1]["k"]

    (row,) = hall.venue.ask("GET klines", None, symbol=SYMBOL, interval="5m").body
    named = [bar[name] for name in "tohlcvTqnVQB"]
    assert named == row
    assert (bar["f"], bar["L"]) == (1, 2)


def test_a_day_ticker_says_what_rest_says() -> None:
    hall = Hall("btcusdt@ticker", "btcusdt@miniTicker")
    hall.book("99", "101")
    hall.trade(100)
    hall.trade(104, 3)

    ticker, mini = hall.wait(1_000)

    rest = hall.venue.ask("GET ticker/24hr", None, symbol=SYMBOL).body
    rest.pop("symbol")
    assert (ticker["e"], ticker["E"], ticker["s"]) == ("24hrTicker", hall.venue.now, SYMBOL)
    named = {
        "p": "priceChange",
        "P": "priceChangePercent",
        "w": "weightedAvgPrice",
        "x": "prevClosePrice",
        "c": "lastPrice",
        "Q": "lastQty",
        "b": "bidPrice",
        "B": "bidQty",
        "a": "askPrice",
        "A": "askQty",
        "o": "openPrice",
        "h": "highPrice",
        "l": "lowPrice",
        "v": "volume",
        "q": "quoteVolume",
        "O": "openTime",
        "C": "closeTime",
        "F": "firstId",
        "L": "lastId",
        "n": "count",
    }
    assert {named[name]: ticker[name] for name in named} == rest
    assert ticker.keys() == {"e", "E", "s", *named}
    assert mini == {"e": "24hrMiniTicker", **{name: ticker[name] for name in "EscohlvqE"}}


@pytest.mark.parametrize(("size", "window"), [("1h", HOUR), ("4h", 4 * HOUR), ("1d", DAY)])
def test_a_window_ticker_opens_on_a_full_minute(size: str, window: int) -> None:
    hall = Hall(f"btcusdt@ticker_{size}")
    hall.trade(100)
    hall.venue.now += window + 2 * MINUTE
    hall.trade(50)

    (event,) = hall.wait(1_000)

    rest = hall.venue.ask("GET ticker", None, symbol=SYMBOL, windowSize=size).body
    assert (event["e"], event["o"], event["n"]) == (f"{size}Ticker", "50.00000000", 1)
    assert (event["O"], event["C"]) == (rest["openTime"], rest["closeTime"])
    assert event["O"] % MINUTE == 0
    assert event.keys() == {*"eEspPohlcwvqOCFLn"}


@pytest.mark.parametrize("stream", ["!miniTicker@arr", "!ticker_1h@arr", "!ticker_4h@arr"])
def test_a_list_of_tickers_has_only_those_that_changed(stream: str) -> None:
    hall = Hall()
    hall.trade(100)
    hall.trade(7, symbol=ETH)
    hall.wait(1_000)
    hall.listen(stream)

    assert hall.wait(3_000) == []
    hall.trade(8, symbol=ETH)
    assert [[event["s"] for event in events] for events in hall.wait(3_000)] == [[ETH]]
    hall.trade(8, symbol=ETH)
    hall.trade(101)
    assert [[event["s"] for event in events] for events in hall.wait(3_000)] == [[SYMBOL, ETH]]


def test_the_average_price_is_told_when_it_changes() -> None:
    hall = Hall("btcusdt@avgPrice")
    assert hall.wait(2_000) == []
    hall.trade(100)

    (first,) = hall.wait(3_000)
    hall.trade(110)
    (second,) = hall.wait(3_000)

    assert first == {
        "e": "avgPrice",
        "E": BEGIN + 3_000,
        "s": SYMBOL,
        "i": "5m",
        "w": "100.00000000",
        "T": BEGIN + 2_000,
    }
    assert (second["w"], second["T"]) == ("105.00000000", BEGIN + 5_000)


@pytest.mark.parametrize(
    ("name", "every"), [("depth", 1_000), ("depth@1000ms", 1_000), ("depth@100ms", 100)]
)
def test_book_changes_are_gathered_and_follow_each_other(name: str, every: int) -> None:
    hall = Hall(f"btcusdt@{name}", f"ethusdt@{name}")
    last = 0
    for price in range(50, 60):
        hall.book(str(price), "101")
        hall.book(f"{price}.5", "101")
        (event,) = hall.wait(every)
        assert (event["e"], event["s"], event["U"]) == ("depthUpdate", SYMBOL, last + 1)
        assert [f"{price}.50000000", "1.00000000"] in event["b"]
        last = event["u"]
    assert hall.wait(2_000) == []


def test_a_partial_book_shows_resting_orders_of_an_earlier_life_too() -> None:
    hall = Hall("btcusdt@depth5@100ms")
    hall.venue.limit("BUY", 1, 90)
    reopened = Streams(lambda: hall.venue.exchange.shown)  # has heard of no change
    reopened.subscribe(hall.ear, "btcusdt@depth5@100ms")
    hall.ear.heard.clear()

    reopened.tick(hall.venue.now)

    assert hall.ear.events[0]["bids"] == [["90.00000000", "1.00000000"]]


def test_microseconds_are_told_to_those_who_want_them_only() -> None:
    streams = ("btcusdt@trade", "btcusdt@kline_1m", "!miniTicker@arr", "btcusdt@ticker")
    hall = Hall(*streams)
    other = Ear(TimeUnit.MICROSECOND)
    for stream in streams:
        hall.streams.subscribe(other, stream)
    hall.trade(100)
    hall.wait(2_000)

    pairs = zip(hall.ear.heard, other.heard[1:], strict=True)  # the trade was before
    assert other.events[0]["T"] == BEGIN * 1_000
    for (stream, ours), (_, theirs) in pairs:
        ours, theirs = (each[0] if isinstance(each, list) else each for each in (ours, theirs))
        assert theirs["E"] == ours["E"] * 1_000, stream
        if "k" in ours:
            assert theirs["k"]["t"] == ours["k"]["t"] * 1_000
            assert theirs["k"]["T"] == ours["k"]["T"] * 1_000 + 999
        if "C" in ours:
            assert (theirs["O"], theirs["C"]) == (ours["O"] * 1_000, ours["C"] * 1_000)


RETIRED = ["!bookTicker", "!ticker@arr", "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sd"]
UNKNOWN = [
    *("BTCUSDT@trade", "btcusdt@kline_7m", "btcusdt@kline_1D", "btcusdt@depth7"),
    *("btcusdt@depth@500ms", "nope@miniTicker", "nope@trade", "btcusdt@ticker_2h"),
    *("btcusdt@kline_1d@+09:00", "!miniTicker", "btcusdt", "!ticker_1m@arr"),
]


@pytest.mark.parametrize("stream", [*RETIRED, *UNKNOWN])
def test_a_stream_that_is_gone_or_never_was_stays_silent(stream: str) -> None:
    hall = Hall(stream)
    hall.book("99", "101")
    hall.trade(100)

    assert hall.ear.events == []
    assert hall.wait(4_000) == []


def test_who_leaves_hears_no_more_and_who_comes_back_hears_again() -> None:
    hall = Hall("btcusdt@kline_1m")
    hall.trade(100)
    hall.streams.unsubscribe(hall.ear, "btcusdt@kline_1m")
    assert hall.wait(2 * MINUTE) == []

    hall.listen("btcusdt@kline_1m")

    assert [event["k"]["x"] for event in hall.wait(2_000)] == [False]


def test_after_a_wipe_the_streams_show_the_new_market() -> None:
    hall = Hall("btcusdt@ticker", "btcusdt@depth5", "btcusdt@depth")
    hall.book("99", "101")
    hall.trade(100)
    hall.venue.exchange.wipe()
    hall.streams.forget_books()

    ticker, book = hall.wait(1_000)

    assert (ticker["c"], ticker["n"]) == ("0.00000000", 0)
    assert book == {"lastUpdateId": 0, "bids": [], "asks": []}


def test_the_reference_price_is_told_each_second_and_null_while_there_is_none() -> None:
    hall = Hall()
    price = {"calculationType": "EXTERNAL", "externalCalculationId": 3, "referencePrice": "99.5"}
    hall.listen("btcusdt@referencePrice")
    unheard = hall.wait(1_000)

    hall.venue.exchange.change_symbol(SYMBOL, {"referencePrice": price})
    told = hall.wait(1_000)

    assert unheard == []
    assert told[0] == {"e": "referencePrice", "s": SYMBOL, "r": "99.50000000", "t": BEGIN + 2_000}


def test_a_reference_price_that_is_an_average_is_null_once_its_trades_have_left() -> None:
    hall = Hall()
    mean = {"calculationType": "ARITHMETIC_MEAN", "bucketCount": 10, "bucketWidthMs": 100}
    hall.venue.exchange.change_symbol(SYMBOL, {"referencePrice": mean})
    hall.listen("btcusdt@referencePrice")
    hall.trade(120)
    first = hall.wait(1_000)
    later = hall.wait(5_000)

    assert first[0]["r"] == "120.00000000"
    assert later[-1]["r"] is None


def test_the_time_of_a_reference_price_is_told_in_microseconds_to_who_wants_them() -> None:
    hall = Hall(unit=TimeUnit.MICROSECOND)
    price = {"calculationType": "EXTERNAL", "externalCalculationId": 3, "referencePrice": "99.5"}
    hall.venue.exchange.change_symbol(SYMBOL, {"referencePrice": price})
    hall.listen("btcusdt@referencePrice")

    assert hall.wait(1_000)[0]["t"] == (BEGIN + 1_000) * 1_000
