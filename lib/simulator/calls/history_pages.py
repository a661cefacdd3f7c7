"""How much of a history one answer shows: a page of rows, and at most 24 hours."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol, TypeVar

from lib.simulator.calls.parameters import DAY_MS, integer
from lib.simulator.refusals import too_long

USUAL_ROWS: Final = 500
MOST_ROWS: Final = 1000
EARLIEST_MS: Final = 1_483_228_800_000  # 2017 began
AHEAD_MS: Final = 10_000

Row = TypeVar("Row")
Kept = TypeVar("Kept", covariant=True)


class History(Protocol[Kept]):
    """What is known of one kind of records of an account."""

    def from_id(self, first: int) -> Iterable[Kept]: ...
    def newest_first(self) -> Iterable[Kept]: ...
    def updated_between(self, begins: int, ends: int) -> Sequence[Kept]: ...


def search(
    history: History[Row], first: int | None, span: tuple[int, int] | None, *, newest_first: bool
) -> Iterable[Row]:
    """Walk over what was asked for: of a span of time, from an id on, or the newest."""
    if span is not None:
        within = history.updated_between(*span)
        return reversed(within) if newest_first else within
    return history.newest_first() if first is None else history.from_id(first)


def take_page(found: Iterable[Row], rows: int, *, newest_first: bool) -> list[Row]:
    """Take as many rows as are wanted; a page begins with its oldest."""
    page = list(islice(found, rows))
    if newest_first:
        page.reverse()
    return page


def read_span(params: Mapping[str, str], now: int) -> tuple[int, int] | None:
    """Read startTime and endTime, fitted to the times there are; one alone reaches 24 hours."""
    begins, ends = _moment(params, "startTime", now), _moment(params, "endTime", now)
    if begins is None and ends is None:
        return None
    if begins is None:
        assert ends is not None, "one of the two was sent"
        return ends - DAY_MS, ends
    if ends is None:
        return begins, begins + DAY_MS
    if ends - begins > DAY_MS:
        raise too_long(24)
    return begins, ends


def _moment(params: Mapping[str, str], name: str, now: int) -> int | None:
    found = integer(params, name)
    return None if found is None else min(max(found, EARLIEST_MS), now + AHEAD_MS)
