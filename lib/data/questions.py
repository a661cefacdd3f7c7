"""What is asked of an exchange's public market, within its limits, and read into rows.

Every question waits for its turn in one budget, as history: last, and up to a share of the weight
that leaves room for the runner on the same address. The exchange's answers count what others use.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from lib.binance import payloads
from lib.binance.budget import Budget
from lib.binance.grain import (
    Unreadable,
    amount,
    exact,
    flag,
    mapping,
    moment,
    rows,
    sequence,
    shown,
    whole,
)
from lib.binance.refusals import Verdict, error_of_question, judge
from lib.binance.transport import Frame, Reply, Transport
from lib.clock import ExchangeClock
from lib.data.rows import AggregateTrade, bar_of
from lib.data.series import Span
from lib.errors import OutcomeUnknown, Unavailable
from lib.exchange import Urgency
from lib.market.candles import Bar
from lib.market.intervals import Frame as CandleFrame

PREFIX: Final = "/api/v3/"
LIMIT: Final = 1_000  # rows, of candles and of trades alike
SNAPSHOT_LEVELS: Final = 1_000
WEIGHTS: Final[Mapping[str, int]] = {
    "time": 1,
    "exchangeInfo": 20,
    "klines": 2,
    "aggTrades": 4,
    "depth": 50,  # of a thousand levels
}
CLOCK_AGE_MAX: Final = 600_000
SAMPLES: Final = 3
SETTLING: Final = 2_000  # ms after its end in which the last trades of a candle are counted

Parsed = TypeVar("Parsed")
Found = TypeVar("Found", Bar, AggregateTrade, covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[Found]):
    """An answer: all rows that the exchange showed from the place asked for up to `until`."""

    items: tuple[Found, ...]
    until: int
    asked_at: int  # exchange ms


class Questions:
    """Asks one exchange. Owns the budget and what is known of the exchange's time."""

    def __init__(self, transport: Transport, clock: ExchangeClock | None = None) -> None:
        self._transport = transport
        self.clock = clock or ExchangeClock()
        self._budget = Budget(self.clock)

    @property
    def weight_used(self) -> tuple[int, int]:
        """How much request weight this minute has seen, and how much it may see."""
        return self._budget.weight_used

    async def begin(self, symbol: str) -> None:
        """Learn the exchange's time and its limits. Raises Unavailable, Refused."""
        await self._know_time()
        body = await self._ask("exchangeInfo", {"symbol": symbol}, payloads.rate_limits)
        self._budget.adopt(body)

    async def closed_until(self, interval: str) -> int:
        """Tell where the candle opens that has not closed yet. Raises Unavailable."""
        await self._know_time()
        return CandleFrame(interval).opening(self.clock.now() - SETTLING)

    async def candles(self, symbol: str, interval: str, span: Span) -> Page[Bar]:
        """Ask for the first candles that open in a span and have closed. Raises Unavailable."""
        closed = await self.closed_until(interval)
        asked_at, last = self.clock.now(), min(span.ends, closed) - 1
        asked = {"symbol": symbol, "interval": interval, "limit": str(LIMIT)}
        asked |= {"startTime": str(span.begins), "endTime": str(last)}
        if last < span.begins:
            return Page((), span.begins, asked_at)
        found = await self._ask("klines", asked, lambda body: _bars(body, interval, span))
        full = len(found) >= LIMIT
        kept = tuple(bar for bar in found if bar.open_time <= last)
        until = CandleFrame(interval).moved(found[-1].open_time, 1) if full else last + 1
        return Page(kept, min(until, last + 1), asked_at)

    async def trades(self, symbol: str, span: Span) -> Page[AggregateTrade]:
        """Ask for the first trades of a span of ids. Raises Unavailable."""
        await self._know_time()
        asked_at = self.clock.now()
        asked = {"symbol": symbol, "fromId": str(span.begins), "limit": str(LIMIT)}
        found = await self._ask("aggTrades", asked, lambda body: _trades(body, span.begins))
        kept = tuple(trade for trade in found if trade.id < span.ends)
        full = len(found) >= LIMIT
        until = min(found[-1].id + 1, span.ends) if full else span.ends
        return Page(kept, until, asked_at)

    async def newest_trade(self, symbol: str) -> AggregateTrade | None:
        """Ask for the newest trade, None if there never was one. Raises Unavailable."""
        found = await self._ask("aggTrades", {"symbol": symbol, "limit": "1"}, _any_trades)
        return found[-1] if found else None

    async def first_trade_from(self, symbol: str, time: int) -> int:
        """Find the id of the first trade at or after a time, by halving. Raises Unavailable.

        Asking by time is limited in ways that are not documented; asking by id is not.
        """
        newest = await self.newest_trade(symbol)
        if newest is None:
            return 0
        first, low, high = newest.id + 1, 0, newest.id + 1
        while low < high:
            middle = (low + high) // 2
            asked = {"symbol": symbol, "fromId": str(middle), "limit": "1"}
            found = await self._ask("aggTrades", asked, _any_trades)
            if not found or found[0].id < middle:
                raise Unavailable(f"{symbol}: no trade from {middle} on, though {newest.id} exists")
            if found[0].time >= time:
                first, high = found[0].id, middle
            else:
                low = found[0].id + 1
        return first

    async def snapshot(self, symbol: str) -> Frame:
        """Ask for the book as it stands. Raises Unavailable."""
        await self._know_time()
        asked = {"symbol": symbol, "limit": str(SNAPSHOT_LEVELS)}
        return await self._ask("depth", asked, _snapshot)

    async def close(self) -> None:
        await self._transport.close()

    async def _know_time(self) -> None:
        """Measure the exchange's time where it is unknown, called wrong, or old."""
        if not self.clock.known or self.clock.doubted or self.clock.age > CLOCK_AGE_MAX:
            for _ in range(SAMPLES):
                await self._measure_time()

    async def _measure_time(self) -> None:
        sent = self.clock.ticks()
        found = await self._ask("time", {}, payloads.server_time)
        self.clock.expect(found)
        self.clock.measured(found, sent, self.clock.ticks())

    async def _ask(
        self, path: str, params: Mapping[str, str], parse: Callable[[object], Parsed]
    ) -> Parsed:
        """Ask one question in its turn; an answer that cannot be read is none."""
        weight = WEIGHTS[path]
        await self._budget.admit(weight, Urgency.HISTORY)
        reply = await self._fetch(path, params)
        self._budget.hear(reply, weight=weight)
        if judge(reply) is not Verdict.ANSWERED:
            raise error_of_question(f"{path} {params.get('symbol', '')}".rstrip(), reply)
        try:
            return parse(reply.body)
        except Unreadable as wrong:
            raise Unavailable(f"{path}: {wrong}") from None

    async def _fetch(self, path: str, params: Mapping[str, str]) -> Reply:
        try:
            return await self._transport.request("GET", PREFIX + path, params, signed=False)
        except OutcomeUnknown as lost:
            raise Unavailable(str(lost)) from None


def bar_of_event(frame: Frame) -> tuple[str, Bar, bool]:
    """Read a candle of the stream: its interval, itself, whether it has closed."""
    candle = mapping(frame.get("k"))
    amounts = (amount(candle, key) for key in ("o", "h", "l", "c", "v", "q", "V", "Q"))
    bar = bar_of(moment(candle, "t"), amounts, whole(candle, "n"))
    interval = candle.get("i")
    if not isinstance(interval, str):
        raise Unreadable(f"i is {shown(interval)}, no interval")
    return interval, bar, flag(candle, "x")


def trade_of(row: Frame) -> AggregateTrade:
    """Read an aggregate trade, of an answer or of the stream."""
    return AggregateTrade(
        id=whole(row, "a"),
        price=amount(row, "p"),
        quantity=amount(row, "q"),
        first_id=whole(row, "f"),
        last_id=whole(row, "l"),
        time=moment(row, "T"),
        buyer_is_maker=flag(row, "m"),
    )


def _bars(body: object, interval: str, span: Span) -> list[Bar]:
    found = [_bar(row) for row in sequence(body)]
    frame = CandleFrame(interval)
    times = [bar.open_time for bar in found]
    if times != sorted(set(times)) or any(frame.opening(time) != time for time in times):
        raise Unreadable(f"the candles of {interval} are not in order")
    if times and times[0] < span.begins:
        raise Unreadable(f"a candle of {times[0]} where none before {span.begins} was asked for")
    return found


def _bar(row: object) -> Bar:
    """Read a row of GET /klines."""
    cells = sequence(row)
    if len(cells) < 11:
        raise Unreadable(f"a candle of {len(cells)} cells")
    open_time, trades = cells[0], cells[8]
    if not isinstance(open_time, int) or not isinstance(trades, int) or open_time < 0:
        raise Unreadable(f"a candle of {shown(open_time)} with {shown(trades)} trades")
    amounts = (exact(cells[place], place) for place in (1, 2, 3, 4, 5, 7, 9, 10))
    return bar_of(open_time, amounts, trades)


def _any_trades(body: object) -> list[AggregateTrade]:
    return [trade_of(row) for row in rows(body)]


def _trades(body: object, first: int) -> list[AggregateTrade]:
    found = _any_trades(body)
    ids = [trade.id for trade in found]
    if ids != sorted(set(ids)) or (ids and ids[0] < first):
        raise Unreadable("the trades are not in order")
    return found


def _snapshot(body: object) -> Frame:
    found = mapping(body)
    whole(found, "lastUpdateId")
    for side in ("bids", "asks"):
        sequence(found.get(side))
    return found
