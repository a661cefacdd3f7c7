"""What was traded before the exchange began, from a recording, in units."""

from functools import lru_cache
from typing import Final

from lib.market.candles import Bar, History
from lib.simulator.books.spans import DAY, HOUR, MINUTE, SECOND, Span, merge
from lib.simulator.units import units

BLOCKS: Final = (DAY, HOUR, MINUTE)


class Past:
    """One symbol's history up to the moment `ends`, on a full minute."""

    def __init__(self, history: History, *, ends: int) -> None:
        assert ends % MINUTE == 0
        self.begins = min(history.begins_at, ends)
        self.ends = ends
        self._history = history
        self._blocks = {block: lru_cache(maxsize=4096)(self._read) for block in BLOCKS}
        self._second = lru_cache(maxsize=4096)(self._read)

    def span(self, begins: int, ends: int) -> Span | None:
        """Give what lies in [begins, ends), both on a full minute, or a second apart."""
        if ends - begins == SECOND:
            return self._second(begins, ends) if begins < self.ends else None
        last = min(ends, self.ends)
        pieces, time = [], max(begins, self.begins)
        while time < last:
            block = next(block for block in BLOCKS if not time % block and time + block <= last)
            pieces.append(self._blocks[block](time, time + block))
            time += block
        return merge(pieces, begins)

    def _read(self, begins: int, ends: int) -> Span | None:
        bar = self._history.bar(begins, ends)
        return _span(bar, ends) if bar is not None else None


def _span(bar: Bar, ends: int) -> Span:
    return Span(
        bar.open_time,
        units(bar.open),
        units(bar.high),
        units(bar.low),
        units(bar.close),
        units(bar.volume),
        units(bar.quote),
        bar.trades,
        units(bar.taker_volume),
        units(bar.taker_quote),
        last_time=ends - 1,
    )
