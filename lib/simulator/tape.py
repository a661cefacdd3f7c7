"""What was traded: the last trades, the average price and the rolling day of one symbol."""

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

from lib.simulator.units import UNIT

SECOND: Final = 1000
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
KEPT: Final = 1000
NEVER: Final = -1
FOREVER: Final = 1 << 63


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
    """Trades of one second or minute, added up."""

    begins: int
    first: Print
    last: Print
    high: int
    low: int
    volume: int = 0
    quote: int = 0
    count: int = 0

    def add(self, trade: Print) -> None:
        self.last = trade
        if trade.price > self.high:
            self.high = trade.price
        elif trade.price < self.low:
            self.low = trade.price
        self.volume += trade.quantity
        self.quote += trade.quote
        self.count += 1


class Tape:
    """Spans of a second serve averages, spans of a minute the rolling day.

    A span leaves when nobody can ask for it any more: a question's time may lag behind the
    newest trade's by an hour.
    """

    def __init__(self, average_minutes: int, before: int | None) -> None:
        self.average_minutes = average_minutes
        self._before = before  # the last price known from an earlier life
        self.trades: deque[Print] = deque(maxlen=KEPT)
        self._seconds: deque[Span] = deque()
        self._minutes: deque[Span] = deque()
        self._volume = 0  # of the seconds kept
        self._quote = 0
        self._average: int | None = None
        self._good_until = NEVER  # the last moment the average is what it was

    def add(self, trade: Print) -> None:
        self.trades.append(trade)
        if _add(self._minutes, trade, MINUTE):
            self._forget_minutes(trade.time - DAY - HOUR)
        if _add(self._seconds, trade, SECOND):
            self._forget_seconds(trade.time - self.average_minutes * MINUTE - HOUR)
        self._volume += trade.quantity
        self._quote += trade.quote
        self._good_until = NEVER

    def average(self, now: int) -> int | None:
        """Give the weighted price of the last minutes; without trades in them the one before.

        None if there never was a trade.
        """
        if now > self._good_until:
            self._forget_seconds(now - self.average_minutes * MINUTE)
            self._average = self._weigh()
            self._good_until = FOREVER
            if self._seconds:
                self._good_until = self._seconds[0].last.time + self.average_minutes * MINUTE
        return self._average

    def day(self, now: int) -> list[Span]:
        """Give the spans of the last 24 hours, oldest first."""
        self._forget_minutes(now - DAY)
        return list(self._minutes)

    def _weigh(self) -> int | None:
        if self._volume and self.average_minutes:
            return self._quote * UNIT // self._volume
        return self.trades[-1].price if self.trades else self._before

    def _forget_seconds(self, horizon: int) -> None:
        while self._seconds and self._seconds[0].last.time < horizon:
            gone = self._seconds.popleft()
            self._volume -= gone.volume
            self._quote -= gone.quote

    def _forget_minutes(self, horizon: int) -> None:
        while self._minutes and self._minutes[0].last.time <= horizon:
            self._minutes.popleft()


def _add(spans: deque[Span], trade: Print, width: int) -> bool:
    """Add a trade to the newest span; tell whether it began a new one."""
    time = trade.time
    fresh = not spans or not 0 <= time - spans[-1].begins < width
    if fresh:
        spans.append(Span(time - time % width, trade, trade, trade.price, trade.price))
    spans[-1].add(trade)
    return fresh
