"""A public market whose history the test writes, with the holes and moods it chooses."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from lib.binance.transport import Reply
from lib.clock import ExchangeClock
from lib.data.collecting import Collecting
from lib.data.filling import Filling
from lib.data.progress import Progress
from lib.data.questions import Questions
from lib.data.rows import AggregateTrade
from lib.data.series import Kind, Series, Span
from lib.data.store import MarketStore
from lib.data.writer import Writer
from lib.errors import OutcomeUnknown
from lib.market.candles import Bar
from lib.market.intervals import Frame

MINUTE = 60_000
NOON = 1_700_000_040_000 // MINUTE * MINUTE
MINUTES = Series(Kind.CANDLES, "BTCUSDT", "1m")
TRADES = Series(Kind.TRADES, "BTCUSDT")


def bar(open_time: int, price: int = 100) -> Bar:
    """A sound candle whose every figure can be told from its neighbours'."""
    base = Decimal(price) + Decimal(open_time // MINUTE % 1000) / 100
    volume = Decimal(open_time // MINUTE % 97 + 1) / 1000
    return Bar(
        open_time,
        *(base, base + 2, base - 2, base + 1, volume, volume * 100),
        3,
        *(volume / 2, volume * 50),
    )


def trade(number: int, time: int | None = None, price: str = "100.5") -> AggregateTrade:
    at = NOON + number * 10 if time is None else time
    return AggregateTrade(
        number, Decimal(price), Decimal("0.00100"), 2 * number, 2 * number + 1, at, number % 2 == 0
    )


@dataclass
class Market:
    """Answers public questions as Binance does. `now` is its clock."""

    now: int = NOON
    bars: dict[str, dict[int, Bar]] = field(default_factory=dict)  # by interval
    trades: dict[int, AggregateTrade] = field(default_factory=dict)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    symbols: tuple[str, ...] = ("BTCUSDT",)
    weather: list[str] = field(default_factory=list)  # what the next answers are instead
    hidden_once: set[int] = field(default_factory=set)  # left out of the first answer they are in
    history_until: int | None = None  # the last trade that history shows, though there are newer
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def fill(self, begin: int, end: int, interval: str = "1m", but: Sequence[int] = ()) -> None:
        """Have candles in [begin, end), the open one included, without some."""
        frame, time = Frame(interval), begin
        there = self.bars.setdefault(interval, {})
        while time < end:
            if time not in but:
                there[time] = bar(time)
            time = frame.moved(time, 1)

    @property
    def counts(self) -> Counter[str]:
        return Counter(path for path, _ in self.asked)

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        assert method == "GET"
        assert not signed
        name = path.removeprefix("/api/v3/")
        self.asked.append((name, dict(params)))
        mood = self.weather.pop(0) if self.weather and name in {"klines", "aggTrades"} else ""
        if mood == "lost":
            raise OutcomeUnknown("no answer came")
        if mood == "down":
            return Reply(503, None, {}, "down")
        if mood == "limited":
            return Reply(429, {"code": -1003, "msg": "Too many requests"}, {"Retry-After": "0"})
        if params.get("symbol", "BTCUSDT") not in self.symbols:
            return Reply(400, {"code": -1121, "msg": "Invalid symbol."})
        return Reply(200, getattr(self, f"_{name}")(params))

    async def close(self) -> None: ...

    def _time(self, _: Mapping[str, str]) -> object:
        return {"serverTime": self.now}

    def _exchangeInfo(self, _: Mapping[str, str]) -> object:  # noqa: N802 - Binance's name
        return {"rateLimits": []}

    def _depth(self, _: Mapping[str, str]) -> object:
        return self.snapshots.pop(0)

    def _klines(self, params: Mapping[str, str]) -> object:
        there = self.bars.get(params["interval"], {})
        first, last = int(params["startTime"]), int(params["endTime"])
        times = [time for time in sorted(there) if first <= time <= last]
        shown = self._shown(times)[: int(params["limit"])]
        return [kline(there[time], params["interval"]) for time in shown]

    def _aggTrades(self, params: Mapping[str, str]) -> object:  # noqa: N802 - Binance's name
        limit = int(params["limit"])
        ids = sorted(self.trades)
        if "fromId" in params:
            newest = ids[-1] if self.history_until is None else self.history_until
            ids = self._shown([each for each in ids if int(params["fromId"]) <= each <= newest])
            return [aggregate(self.trades[each]) for each in ids[:limit]]
        return [aggregate(self.trades[each]) for each in ids[-limit:]]

    def _shown(self, places: list[int]) -> list[int]:
        shown = [place for place in places if place not in self.hidden_once]
        self.hidden_once -= set(places)
        return shown


def kline(found: Bar, interval: str) -> list[object]:
    """Write a candle as GET /klines answers it."""
    amounts = [f"{each:.8f}" for each in (found.open, found.high, found.low, found.close)]
    more = [f"{each:.8f}" for each in (found.taker_volume, found.taker_quote)]
    return [
        *(found.open_time, *amounts, f"{found.volume:.8f}"),
        *(Frame(interval).closing(found.open_time), f"{found.quote:.8f}", found.trades),
        *(*more, "0"),
    ]


def aggregate(found: AggregateTrade) -> dict[str, object]:
    return {
        "a": found.id,
        "p": f"{found.price:.8f}",
        "q": f"{found.quantity:.8f}",
        "f": found.first_id,
        "l": found.last_id,
        "T": found.time,
        "m": found.buyer_is_maker,
        "M": True,
    }


class Bench:
    """A collector on a file, fed by a market of the test's. Close it."""

    def __init__(self, path: Path, market: Market, *, young: int = 10 * MINUTE) -> None:
        self.market = market
        self.store = MarketStore(path, origin="test")
        self.writer = Writer(self.store)
        self.questions = Questions(market, ExchangeClock(lambda: market.now))
        self.progress = Progress(ticks=lambda: market.now)
        self.filling = Filling(
            self.questions, self.writer, self.progress.advance, second_look=0, young=young
        )
        self.collecting = Collecting(
            self.questions, self.writer, self.filling, self.progress, retry_first=0
        )

    async def __aenter__(self) -> "Bench":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.writer.close()
        self.store.close()

    def kept(self, series: Series) -> list[int]:
        """The places of the rows in the file, as any tool would see them."""
        number = self.store._number(series)
        key, table = ("id", "trades") if series is TRADES else ("open_time", "candles")
        query = f"SELECT {key} FROM {table} WHERE series = ? ORDER BY 1"
        return [row[0] for row in self.store._connection.execute(query, (number,))]

    def outages(self, series: Series) -> list[Span]:
        query = "SELECT begins, ends FROM outages WHERE series = ? ORDER BY 1"
        found = self.store._connection.execute(query, (self.store._number(series),))
        return [Span(*row) for row in found]
