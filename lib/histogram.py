"""Counts durations by how long they were: in integers, cheap enough for every request."""

from bisect import bisect_left
from typing import Final

BOUNDS: Final = (
    *(500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000),
    *(100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000),
)
"""Microseconds: a good disk's flush is among the first, a tired SD card's among the last."""


class Histogram:
    """How many durations were at most as long as each bound, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)  # the last one is of what was longer than all bounds
        self.total = 0  # microseconds

    def add(self, micros: int) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS, micros)] += 1
        self.total += micros

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.counts)
