"""One symbol's candles of every interval and totals over any window, from its past and its tape."""

from collections.abc import Iterator

from lib.market.intervals import Frame
from lib.simulator.books.spans import MINUTE, SECOND, Span, flat, merge
from lib.simulator.books.tape import Tape
from lib.simulator.engine.past import Past


class Chart:
    """What was traded before the past ended is the past's, everything after is the tape's.

    A candle without a trade is flat at the price before it.
    """

    def __init__(self, tape: Tape, past: Past | None = None) -> None:
        self._tape = tape
        self._past = past

    def candles(
        self, frame: Frame, *, now: int, begins: int | None, ends: int | None, limit: int
    ) -> list[Span]:
        """Give up to `limit` candles that open between two times, the newest one still growing.

        From `begins` on the oldest, without it the newest.
        """
        earliest = self._earliest(frame)
        if earliest is None:
            return []
        last = frame.opening(now if ends is None else min(ends, now))
        if begins is None:
            first = max(frame.moved(last, 1 - limit), earliest)
        else:
            first = max(frame.first_from(max(begins, 0)), earliest)
            last = min(last, frame.moved(first, limit - 1))
        return list(self._walk(frame, first, last))

    def candle(self, frame: Frame, opening: int) -> Span | None:
        """Give the candle that opens then; None before the first trade."""
        found = self.total(opening, frame.moved(opening, 1))
        if found is not None:
            return found
        before = self.price_before(opening)
        return flat(opening, before) if before is not None else None

    def total(self, begins: int, ends: int) -> Span | None:
        """Add up what was traded in [begins, ends): both on a full minute, or a second apart."""
        return merge(self._pieces(begins, ends), begins)

    def price_before(self, time: int) -> int | None:
        """Give the last price before a moment, None if there was none."""
        past = self._past
        if past is None or time > past.ends:
            found = self._tape.before(time)
            if found is not None:
                return found.close
        if past is None:
            return None
        minute = min(time - time % MINUTE, past.ends)
        older = past.span(minute - MINUTE, minute)
        return older.close if older is not None else None

    def _pieces(self, begins: int, ends: int) -> Iterator[Span | None]:
        past, tape = self._past, self._tape
        if past is not None and begins < past.ends:
            yield past.span(begins, ends)
            begins = past.ends
        if begins >= ends:
            return
        if ends - begins == SECOND:
            yield from tape.seconds.between(begins, ends)
        else:
            yield from tape.pieces(begins, ends)

    def _walk(self, frame: Frame, first: int, last: int) -> Iterator[Span]:
        opening, price = first, self.price_before(first)
        while opening <= last:
            following = frame.moved(opening, 1)
            found = self.total(opening, following)
            if found is None and price is not None:
                found = flat(opening, price)
            if found is not None:
                price = found.close
                yield found
            opening = following

    def _earliest(self, frame: Frame) -> int | None:
        """Give the first candle that can be shown whole, or that grows."""
        if self._past is not None and self._past.begins < self._past.ends:
            return frame.first_from(self._past.begins)
        spans = self._tape.seconds if frame.interval == "1s" else self._tape.quarters
        oldest = spans.all[0] if spans.all else self._tape.minutes.newest
        return frame.opening(oldest.begins) if oldest is not None else None
