"""Trades added up over equal spans of time: what candles, tickers and averages are made of."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
QUARTER: Final = 15 * MINUTE
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
NO_TRADE: Final = -1  # the id where there was none
FOREVER: Final = 1 << 63

Row: TypeAlias = tuple[int, ...]


class Print(NamedTuple):
    """One public trade."""

    id: int
    price: int
    quantity: int
    quote: int
    time: int
    buyer_is_maker: bool


@dataclass(slots=True)
class Span:
    """The trades from one moment on. Without a trade it is flat: four times the same price."""

    begins: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    quote: int = 0
    count: int = 0
    taker_volume: int = 0  # bought by takers
    taker_quote: int = 0
    first_id: int = NO_TRADE
    last_id: int = NO_TRADE
    last_time: int = 0

    def add(self, trade: Print) -> None:
        number, price, quantity, quote, self.last_time, buyer_is_maker = trade
        self.last_id = number
        self.close = price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.volume += quantity
        self.quote += quote
        self.count += 1
        if not buyer_is_maker:
            self.taker_volume += quantity
            self.taker_quote += quote

    def join(self, after: "Span") -> None:
        """Add a span that follows."""
        self.close = after.close
        self.high = max(self.high, after.high)
        self.low = min(self.low, after.low)
        self.volume += after.volume
        self.quote += after.quote
        self.count += after.count
        self.taker_volume += after.taker_volume
        self.taker_quote += after.taker_quote
        if self.first_id == NO_TRADE:
            self.first_id = after.first_id
        if after.last_id != NO_TRADE:
            self.last_id = after.last_id
            self.last_time = after.last_time


def flat(begins: int, price: int) -> Span:
    """Make a span without a trade."""
    return Span(begins, price, price, price, price)


def merge(pieces: Iterable[Span | None], begins: int) -> Span | None:
    """Join spans that follow each other into one; None if there are none."""
    whole: Span | None = None
    for piece in pieces:
        if piece is None:
            continue
        if whole is None:
            whole = replace(piece, begins=begins)
        else:
            whole.join(piece)
    return whole


class Spans:
    """The spans of one width in which there was a trade, oldest first."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.begins: list[int] = []
        self.all: list[Span] = []
        self._newest_ends = -FOREVER

    @property
    def newest(self) -> Span | None:
        return self.all[-1] if self.all else None

    def add(self, trade: Print) -> bool:
        """Add a trade to the newest span or begin one; tell which.

        A trade dated before the newest span counts in it: time does not go back here.
        """
        fresh = trade.time >= self._newest_ends
        if fresh:
            price, begins = trade.price, trade.time - trade.time % self.width
            self.append(Span(begins, price, price, price, price, first_id=trade.id))
        self.all[-1].add(trade)
        return fresh

    def append(self, span: Span) -> None:
        self.begins.append(span.begins)
        self.all.append(span)
        self._newest_ends = span.begins + self.width

    def fold(self, piece: Span) -> None:
        """Add a finished span of a smaller width."""
        if piece.begins < self._newest_ends:
            self.all[-1].join(piece)
        else:
            self.append(replace(piece, begins=piece.begins - piece.begins % self.width))

    def between(self, begins: int, ends: int) -> Sequence[Span]:
        """Give the spans that begin in [begins, ends)."""
        first = bisect_left(self.begins, begins)
        return self.all[first : bisect_left(self.begins, ends, lo=first)]

    def before(self, time: int) -> Span | None:
        """Give the newest span that begins before `time`."""
        place = bisect_left(self.begins, time)
        return self.all[place - 1] if place else None

    def forget_before(self, horizon: int) -> Sequence[Span]:
        """Drop the spans whose last trade lies before `horizon`; answer them."""
        if not self.all or self.all[0].last_time >= horizon:
            return ()
        place = 0
        while place < len(self.all) and self.all[place].last_time < horizon:
            place += 1
        gone = self.all[:place]
        if place:
            del self.all[:place]
            del self.begins[:place]
            if not self.all:
                self._newest_ends = -FOREVER
        return gone
