"""What was traded: the last trades, the average price, and all of the past in spans."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lib.simulator.books.spans import (
    DAY,
    FOREVER,
    HOUR,
    MINUTE,
    QUARTER,
    SECOND,
    Print,
    Span,
    Spans,
)
from lib.simulator.units import UNIT

KEPT: Final = 10_000  # trades, and as many aggregates
MINUTES_KEPT: Final = 8 * DAY  # the longest rolling window has seven
NEVER: Final = -1


@dataclass(slots=True)
class Aggregate:
    """What one taker traded at one price in one go."""

    id: int
    price: int
    quantity: int
    first_id: int
    last_id: int
    time: int
    buyer_is_maker: bool


class Tape:
    """Spans of a second serve averages, spans of a minute windows, quarters of an hour the rest.

    A span of a second leaves when nobody can ask for its average any more: a question's time may
    lag behind the newest trade's by an hour. Quarters stay for ever. The minute that still grows
    is not yet in a quarter.
    """

    def __init__(self, average_minutes: int, before: int | None) -> None:
        self.average_minutes = average_minutes
        self._before = before  # the last price known from an earlier life
        self.trades: deque[Print] = deque(maxlen=KEPT)
        self.aggregates: deque[Aggregate] = deque(maxlen=KEPT)
        self.seconds = Spans(SECOND)
        self.minutes = Spans(MINUTE)
        self.quarters = Spans(QUARTER)
        self._volume = 0  # of the seconds that count in the average
        self._quote = 0
        self._counted_from = 0  # the first second that counts
        self._average: int | None = None
        self._good_until = NEVER  # the last moment the average is what it was

    def add(self, trade: Print) -> None:
        self.trades.append(trade)
        if self.minutes.add(trade):
            self._fold_minute()
            self._forget_minutes()
        if self.seconds.add(trade):
            self._forget_seconds()
        if self._counted_from == len(self.seconds.all):
            self._count_newest(trade)
        self._volume += trade.quantity
        self._quote += trade.quote
        self._good_until = NEVER

    def average(self, now: int) -> int | None:
        """Give the weighted price of the last minutes; without trades in them the one before.

        None if there never was a trade.
        """
        if now > self._good_until:
            self._stop_counting(now - self.average_minutes * MINUTE)
            self._average = self._weigh()
            self._good_until = FOREVER
            if self._counted_from < len(self.seconds.all):
                oldest = self.seconds.all[self._counted_from]
                self._good_until = oldest.last_time + self.average_minutes * MINUTE
        return self._average

    def pieces(self, begins: int, ends: int) -> Iterator[Span]:
        """Walk over what was traded in [begins, ends), both on a full minute, oldest first."""
        first = -(-begins // QUARTER) * QUARTER
        last = ends // QUARTER * QUARTER
        if first >= last:
            yield from self.minutes.between(begins, ends)
            return
        yield from self.minutes.between(begins, first)
        yield from self.quarters.between(first, last)
        growing = self.minutes.newest
        if growing is not None and first <= growing.begins < last:
            yield growing
        yield from self.minutes.between(last, ends)

    def before(self, time: int) -> Span | None:
        """Give the newest span that begins before `time`, as fine as there is one."""
        return self.seconds.before(time) or self.minutes.before(time) or self.quarters.before(time)

    def trades_from(self, number: int, limit: int) -> list[Print]:
        """Give up to `limit` trades from an id on."""
        return list(islice(self.trades, *_places(self.trades, number, limit)))

    def aggregates_from(self, number: int, limit: int) -> list[Aggregate]:
        return list(islice(self.aggregates, *_places(self.aggregates, number, limit)))

    def reload(self) -> None:
        """Count the average anew, after spans were read from the disk, old ones too."""
        self._forget_minutes()
        self._counted_from = 0
        self._forget_seconds()
        self._volume = sum(span.volume for span in self.seconds.all)
        self._quote = sum(span.quote for span in self.seconds.all)
        self._good_until = NEVER

    def _weigh(self) -> int | None:
        if self._volume and self.average_minutes:
            return self._quote * UNIT // self._volume
        return self.trades[-1].price if self.trades else self._before

    def _stop_counting(self, horizon: int) -> None:
        """Take out of the average what lies before `horizon`."""
        seconds = self.seconds.all
        while self._counted_from < len(seconds):
            oldest = seconds[self._counted_from]
            if oldest.last_time >= horizon:
                return
            self._volume -= oldest.volume
            self._quote -= oldest.quote
            self._counted_from += 1

    def _fold_minute(self) -> None:
        """Put the minute that has just ended into its quarter."""
        ended = self.minutes.all[-2:-1]
        if ended:
            self.quarters.fold(ended[0])

    def _count_newest(self, trade: Print) -> None:
        """Count the newest second again: a late trade has fallen into it."""
        newest = self.seconds.all[-1]
        self._counted_from -= 1
        self._volume = newest.volume - trade.quantity
        self._quote = newest.quote - trade.quote

    def _forget_seconds(self) -> None:
        newest = self.seconds.newest
        if newest is not None:
            horizon = newest.begins - self.average_minutes * MINUTE - HOUR
            self._stop_counting(horizon)
            self._counted_from -= len(self.seconds.forget_before(horizon))

    def _forget_minutes(self) -> None:
        newest = self.minutes.newest
        if newest is not None:
            self.minutes.forget_before(newest.begins - MINUTES_KEPT)


def _places(kept: deque[Print] | deque[Aggregate], number: int, limit: int) -> tuple[int, int]:
    """Find where the rows from an id on stand; ids follow each other without a gap."""
    first = max(0, number - kept[0].id) if kept else 0
    return first, first + limit
