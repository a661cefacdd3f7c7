"""The bars around the present, in memory: a step back, or the same bar again, costs nothing."""

from typing import Final

from lib.backtest.feed import Bars
from lib.market.candles import Bar

WINDOW: Final = 16  # bars that are read at once


class BarWindow:
    """Some bars of a source, by their open times."""

    def __init__(self, bars: Bars, *, ends: int) -> None:
        self._bars = bars
        self._ends = ends
        self._held: dict[int, Bar] = {}

    def at(self, open_time: int) -> Bar:
        """Answer the bar that opens at a time of which it is known that one does."""
        found = self._held.get(open_time)
        if found is None:
            ends = min(open_time + WINDOW * self._bars.interval, self._ends)
            self._held = {bar.open_time: bar for bar in self._bars.between(open_time, ends)}
            found = self._held[open_time]
        return found
