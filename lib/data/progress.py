"""How far a collection has come, and how long the rest will take: numbers, shown by others."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from lib.data.series import Kind, Series, Span
from lib.data.store import Added
from lib.market.intervals import INTERVALS

WINDOW: Final = 30_000  # ms over which the pace is measured


@dataclass(slots=True)
class Advance:
    """How far one series has come; in rows, as far as they can be known beforehand."""

    series: Series
    wanted: int = 0
    done: int = 0
    weather: str = ""  # why it waits

    @property
    def percent(self) -> int:
        return 100 if self.done >= self.wanted else self.done * 100 // self.wanted


def _nobody(_text: str) -> None:
    """Nobody reads it."""


@dataclass(slots=True)
class Progress:
    """What is being filled. Whoever shows it reads the fields."""

    ticks: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000
    complain: Callable[[str], None] = _nobody
    finished: Callable[[Advance], None] = lambda _advance: None
    active: dict[Series, Advance] = field(default_factory=dict)
    rows: int = 0  # new ones
    live: int = 0  # of these, brought by the streams
    differing: int = 0
    weather: str = ""  # why nothing goes on at all
    caught_up: bool = False  # everything up to now was there once
    _paces: deque[tuple[int, int]] = field(default_factory=deque)
    _advanced: int = 0

    def begin(self, series: Series, missing: Iterable[Span]) -> None:
        """Note what of a series is missing."""
        wanted = sum(_rows_in(series, span) for span in missing)
        advance = self.active.get(series)
        if advance is None:
            self.active[series] = Advance(series, wanted)
        else:
            advance.wanted, advance.weather = advance.done + wanted, ""
        self.weather = ""

    def advance(self, series: Series, span: Span, added: Added) -> None:
        """Note that a part is there."""
        rows = _rows_in(series, span)
        advance = self.active.get(series)
        if advance is not None:
            advance.done += rows
            advance.weather = ""
        self._advanced += rows
        self._paces.append((self.ticks(), self._advanced))
        while self._paces[0][0] < self.ticks() - WINDOW:
            self._paces.popleft()
        self._count(added)

    def _count(self, added: Added) -> None:
        self.rows += added.new
        if added.differing:
            self.differing += len(added.differing)
            shown = ", ".join(added.differing[:3])
            self.complain(f"{len(added.differing)} rows differ from those kept: {shown}")

    def wait(self, series: Series | None, weather: str) -> None:
        """Note why nothing goes on."""
        advance = self.active.get(series) if series else None
        if advance is not None:
            advance.weather = weather
        else:
            self.weather = weather

    def end(self, series: Series) -> None:
        """Note that all there is of a series is there."""
        advance = self.active.pop(series, None)
        if advance is not None and advance.wanted:
            self.finished(advance)

    def add_live(self, added: Added) -> None:
        """Count what the streams brought."""
        self.live += added.new
        self._count(added)

    @property
    def left(self) -> int:
        """Count the rows that are still to be asked for, of the series that were begun."""
        return sum(max(0, each.wanted - each.done) for each in self.active.values())

    @property
    def time_left(self) -> int | None:
        """Tell how long (ms) the rest takes at the present pace; None while that is unknown."""
        if len(self._paces) < 2:
            return None
        (began, first), (ended, last) = self._paces[0], self._paces[-1]
        if last <= first or ended <= began:
            return None
        return self.left * (ended - began) // (last - first)


def _rows_in(series: Series, span: Span) -> int:
    """Count the rows a span has if nothing is amiss."""
    length = span.ends - span.begins
    return length // INTERVALS[series.interval] if series.kind is Kind.CANDLES else length
