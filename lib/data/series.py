"""What is kept of a market: series, and where in a series something stands.

A candle's place is its open time (ms), a trade's the id of the aggregate, a recorded line's the
time (ms) at which it came. A span is half open: it ends where the next one may begin.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lib.market.intervals import Frame


class Kind(StrEnum):
    """What a series is made of. On disk: never renamed."""

    CANDLES = "candles"
    TRADES = "trades"  # aggregate ones
    DEPTH = "depth"  # snapshots, changes of the book, best prices and trades, as they came


@dataclass(frozen=True, slots=True)
class Series:
    """One symbol's candles of one interval, its trades, or its recorded streams."""

    kind: Kind
    symbol: str
    interval: str = ""  # of candles alone

    def __str__(self) -> str:
        return f"{self.symbol} {self.interval or self.kind}"

    def following(self, place: int) -> int:
        """Give the place after one."""
        return Frame(self.interval).moved(place, 1) if self.interval else place + 1


class Span(NamedTuple):
    """From one place up to another, which is not in it."""

    begins: int
    ends: int


def merged(spans: Iterable[Span]) -> list[Span]:
    """Put spans together that touch or overlap; in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if span.ends <= span.begins:
            continue
        if found and span.begins <= found[-1].ends:
            found[-1] = Span(found[-1].begins, max(found[-1].ends, span.ends))
        else:
            found.append(span)
    return found


def uncovered(spans: Iterable[Span], whole: Span) -> list[Span]:
    """Give what of a whole no span covers; in order."""
    missing, begins = [], whole.begins
    for span in merged(spans):
        if span.begins >= whole.ends:
            break
        if span.begins > begins:
            missing.append(Span(begins, span.begins))
        begins = max(begins, span.ends)
    if begins < whole.ends:
        missing.append(Span(begins, whole.ends))
    return missing


def runs(series: Series, places: Iterable[int]) -> list[Span]:
    """Give what places cover, each up to the one that follows it."""
    return merged(Span(place, series.following(place)) for place in places)
