"""One symbol's book kept in step with a live feed: a snapshot, and changes that join it.

The documented procedure for a local order book: changes are kept while a snapshot is asked for,
those it holds already are dropped, the next one must join it, and each later one the one before.
A change that does not is a gap: the book is out of step until there is another snapshot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Levels: TypeAlias = tuple[tuple[str, str], ...]  # price, quantity; 0 removes

KEPT_MAX: Final = 10_000  # changes while a snapshot is awaited: a quarter of an hour of them


@dataclass(frozen=True, slots=True)
class BookChange:
    """What to set in the book, absolutely."""

    bids: Levels
    asks: Levels


class Gap(Exception):
    """Something of the feed is missing: ask for a snapshot."""


class LiveBook:
    """Says what of a feed to set in a book, and when that book is not to be believed."""

    def __init__(self) -> None:
        self._last: int | None = None  # the update the book stands at, None = out of step
        self._kept: list[Mapping[str, Any]] = []

    @property
    def in_step(self) -> bool:
        return self._last is not None

    def lose_step(self) -> None:
        """Believe nothing until the next snapshot."""
        self._last = None
        self._kept.clear()

    def take(self, event: Mapping[str, Any]) -> BookChange | None:
        """Answer what a depthUpdate changes; None for nothing, or for later. Raises Gap."""
        if self._last is None:
            self._keep(event)
            return None
        if event["u"] <= self._last:
            return None
        if event["U"] > self._last + 1:
            gap = Gap(f"update {event['U']} does not join {self._last}")
            self.lose_step()
            self._keep(event)
            raise gap
        change = BookChange(_levels(event["b"]), _levels(event["a"]))
        self._last = event["u"]
        return change

    def settle(self, snapshot: Mapping[str, Any]) -> list[BookChange]:
        """Begin with a snapshot; answer the whole book, then what changed since.

        Raises Gap if the kept changes do not join it: it is older than they are.
        """
        kept, self._kept = self._kept, []
        whole = BookChange(_levels(snapshot["bids"]), _levels(snapshot["asks"]))
        self._last = int(snapshot["lastUpdateId"])
        changes = [whole]
        for number, event in enumerate(kept):
            try:
                change = self.take(event)
            except Gap:
                self._kept = kept[number:]
                raise
            if change is not None:
                changes.append(change)
        return changes

    def _keep(self, event: Mapping[str, Any]) -> None:
        self._kept.append(event)
        if len(self._kept) > KEPT_MAX:
            del self._kept[: KEPT_MAX // 2]


def _levels(pairs: list[list[str]]) -> Levels:
    return tuple((price, quantity) for price, quantity in pairs)
