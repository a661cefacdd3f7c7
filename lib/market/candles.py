"""Candles as an exchange shows them: of every interval, and while they are still growing.

A `Chart` is one symbol's. What happened before it began comes from a `History`; from then on it is
built from trades. One minute is the smallest piece; larger candles are put together from minutes,
so a trade costs the same whatever is watched.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol

MINUTE = 60_000

INTERVALS: Mapping[str, int] = MappingProxyType({
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": 60 * MINUTE,
    "2h": 120 * MINUTE,
    "4h": 240 * MINUTE,
    "6h": 360 * MINUTE,
    "8h": 480 * MINUTE,
    "12h": 720 * MINUTE,
    "1d": 1440 * MINUTE,
})
KEPT = 1_000  # closed candles of each interval
FAR = 2**63

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Bar:
    """A candle with everything Binance tells of it. Trade ids are -1 where there was no trade."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote: Decimal = ZERO
    trades: int = 0
    taker_volume: Decimal = ZERO
    taker_quote: Decimal = ZERO
    first_trade_id: int = -1
    last_trade_id: int = -1


@dataclass(frozen=True, slots=True)
class Traded:
    """A trade as a chart wants it."""

    price: Decimal
    quantity: Decimal
    time: int
    trade_id: int
    buyer_is_maker: bool


class History(Protocol):
    """What was before."""

    @property
    def begins_at(self) -> int:
        """The open time of its first candle; FAR if it has none."""
        ...

    def bar(self, start: int, end: int) -> Bar | None:
        """Return the candle from `start` to `end` (both on a full minute), if there is one."""
        ...


class NoHistory:
    """Nothing was before."""

    begins_at = FAR

    def bar(self, start: int, end: int) -> Bar | None:
        return None


def merge_bars(bars: Iterable[Bar | None], open_time: int) -> Bar | None:
    """Put bars that follow each other together into one."""
    whole = None
    for bar in bars:
        if bar is not None:
            whole = _joined(whole, bar) if whole else replace(bar, open_time=open_time)
    return whole


class Chart:
    """One symbol's candles of all intervals."""

    def __init__(self, *, history: History, now: int) -> None:
        """Begin at exchange time `now`: before is history, after is what `trade` brings."""
        self._history = history
        self._began = now - now % MINUTE
        last = history.bar(self._began - MINUTE, self._began)
        self._minute: Bar | None = _flat(last.close, self._began) if last else None
        self._growing = {name: self._begun(span) for name, span in INTERVALS.items()}
        self._closed: dict[str, dict[int, Bar]] = {name: {} for name in INTERVALS}
        self.on_closed: Callable[[str, Bar], None] = lambda _interval, _bar: None

    def trade(self, traded: Traded) -> None:
        """Add a trade. One dated before the present minute counts in the present minute."""
        self.pass_time(traded.time)
        minute = self._minute
        if minute is None or minute.trades == 0:
            self._minute = _first(traded, minute.open_time if minute else _minute_of(traded.time))
        else:
            self._minute = _grown(minute, traded)

    def pass_time(self, now: int) -> None:
        """Close the minutes that are over by `now`. Minutes without a trade are flat."""
        while self._minute is not None and self._minute.open_time + MINUTE <= now:
            over = self._minute
            self._close_minute(over)
            self._minute = _flat(over.close, over.open_time + MINUTE)

    def bars(
        self, interval: str, *, now: int, start: int | None, end: int | None, limit: int
    ) -> list[Bar]:
        """Return up to `limit` candles: the oldest from `start` on, else the newest up to `end`."""
        self.pass_time(now)
        span = INTERVALS[interval]
        last = min(now if end is None else end, now) // span * span
        if start is None:
            first = last - (limit - 1) * span
        else:
            first = max(-(-start // span) * span, self._earliest(span))
            last = min(last, first + (limit - 1) * span)
        first = max(first, self._earliest(span))
        found = (self._bar(interval, open_time) for open_time in range(first, last + span, span))
        return [bar for bar in found if bar is not None]

    def current(self, interval: str) -> Bar | None:
        """Return the candle that is still growing."""
        growing = self._growing[interval]
        if self._minute is None:
            return growing
        span = INTERVALS[interval]
        bucket = self._minute.open_time // span * span
        if growing is not None and growing.open_time != bucket:
            growing = None
        return merge_bars((growing, self._minute), bucket)

    def _earliest(self, span: int) -> int:
        """Return the open time of the first candle that can be shown whole, or grows now."""
        if self._history.begins_at < self._began:
            return -(-self._history.begins_at // span) * span
        return self._began // span * span

    def _begun(self, span: int) -> Bar | None:
        start = self._began // span * span
        return self._history.bar(start, self._began) if start < self._began else None

    def _bar(self, interval: str, open_time: int) -> Bar | None:
        span = INTERVALS[interval]
        if open_time + span <= self._began:
            return self._history.bar(open_time, open_time + span)
        closed = self._closed[interval].get(open_time)
        current = self.current(interval)
        if closed is None and current is not None and current.open_time == open_time:
            return current
        return closed

    def _close_minute(self, minute: Bar) -> None:
        for interval, span in INTERVALS.items():
            bucket = minute.open_time // span * span
            growing = merge_bars((self._growing[interval], minute), bucket)
            assert growing is not None
            over = minute.open_time + MINUTE == bucket + span
            self._growing[interval] = None if over else growing
            if over:
                self._keep(interval, growing)

    def _keep(self, interval: str, bar: Bar) -> None:
        closed = self._closed[interval]
        closed[bar.open_time] = bar
        if len(closed) > KEPT:
            del closed[next(iter(closed))]
        self.on_closed(interval, bar)


def _minute_of(time: int) -> int:
    return time - time % MINUTE


def _flat(price: Decimal, open_time: int) -> Bar:
    return Bar(open_time, price, price, price, price)


def _first(traded: Traded, open_time: int) -> Bar:
    bar = replace(
        _flat(traded.price, open_time),
        first_trade_id=traded.trade_id,
    )
    return _grown(bar, traded)


def _grown(bar: Bar, traded: Traded) -> Bar:
    quote = traded.price * traded.quantity
    taken = not traded.buyer_is_maker
    return Bar(
        bar.open_time,
        bar.open,
        max(bar.high, traded.price),
        min(bar.low, traded.price),
        traded.price,
        bar.volume + traded.quantity,
        bar.quote + quote,
        bar.trades + 1,
        bar.taker_volume + traded.quantity if taken else bar.taker_volume,
        bar.taker_quote + quote if taken else bar.taker_quote,
        bar.first_trade_id,
        traded.trade_id,
    )


def _joined(bar: Bar, after: Bar) -> Bar:
    return Bar(
        bar.open_time,
        bar.open,
        max(bar.high, after.high),
        min(bar.low, after.low),
        after.close,
        bar.volume + after.volume,
        bar.quote + after.quote,
        bar.trades + after.trades,
        bar.taker_volume + after.taker_volume,
        bar.taker_quote + after.taker_quote,
        bar.first_trade_id if bar.first_trade_id >= 0 else after.first_trade_id,
        after.last_trade_id if after.last_trade_id >= 0 else bar.last_trade_id,
    )
