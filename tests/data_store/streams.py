"""Streams that say what a test says, and a market that remembers what was shown to it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lib.data.following import Following, Wanted
from lib.data.series import Kind, Series
from lib.market.capture_replay import CaptureReplay
from lib.market.intervals import Frame
from lib.market.recordings import Captured, Levels
from tests.data_store.exchange import (
    NOON,
    Bench,
    aggregate,
    bar,
    trade,
)

DEPTH = Series(Kind.DEPTH, "BTCUSDT")
Event = Mapping[str, Any]


class Script:
    """Streams that say what the test says."""

    def __init__(self) -> None:
        self.say: Callable[[Event], None] = lambda _: None
        self.lose: Callable[[str], None] = lambda _: None
        self.kinds: tuple[str, ...] = ()
        self.followed: list[str] = []

    def open(self, kinds: Sequence[str], on_lost: Callable[[str], None]) -> "Script":
        self.kinds, self.lose = tuple(kinds), on_lost
        return self

    def start(self, on_frame: Callable[[Event], None]) -> None:
        self.say = on_frame

    def follow(self, symbol: str) -> None:
        self.followed.append(symbol)

    async def close(self) -> None: ...


def closed(time: int, *, x: bool = True) -> Event:
    found = bar(time)
    names = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "q": "quote"}
    names |= {"V": "taker_volume", "Q": "taker_quote"}
    amounts = {key: f"{getattr(found, name):.8f}" for key, name in names.items()}
    candle = {"t": time, "T": Frame("1m").closing(time), "i": "1m", "n": found.trades, "x": x}
    return {"e": "kline", "E": time, "s": "BTCUSDT", "k": {**candle, **amounts}}


def told(number: int) -> Event:
    return {"e": "aggTrade", "E": NOON, "s": "BTCUSDT", **aggregate(trade(number))}


def change(first: int, last: int, price: str = "100.00") -> Event:
    return {
        "e": "depthUpdate",
        "s": "BTCUSDT",
        "U": first,
        "u": last,
        "b": [[price, f"{last}.00000000"]],
        "a": [],
    }


def snapshot(last: int) -> dict[str, Any]:
    return {"lastUpdateId": last, "bids": [["99.00", "1.0"]], "asks": [["101.00", "1.0"]]}


class Books:
    """A market that remembers what was shown to it."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, Levels]] = []

    def set_book(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        self.shown.append(("whole", bids))

    def apply_depth(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        self.shown.append(("change", bids))

    def market_trade(self, *_: object, **__: object) -> None: ...


def played(read: Callable[[], Iterator[Captured]]) -> list[tuple[str, Levels]]:
    replay, books = CaptureReplay(read), Books()
    until = max(captured.received_at for captured in read())
    replay.play(until=until - next(read()).received_at, market=books, time=0)
    return books.shown


def following(bench: Bench, *series: Series, **more: Any) -> tuple[Following, Script]:
    wanted = Wanted(("BTCUSDT",), ("1m",), trades=True, **more)
    script = Script()
    made = Following(wanted, bench.questions, bench.writer, series=series, flush=10**9, pause=5)
    made.start(script.open)
    return made, script
