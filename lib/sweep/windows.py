"""Walk-forward: what is chosen on one stretch of time is judged on the next, again and again.

Rolling (the rule) moves a stretch of constant length along; anchored lets it grow from the
beginning. The stretches of judgement follow each other without a gap and never overlap, so what
they brought can be chained.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `begins` up to `ends`, exchange ms."""

    begins: int
    ends: int

    @property
    def length(self) -> int:
        return self.ends - self.begins


@dataclass(frozen=True, slots=True)
class Walk:
    """How long is chosen and how long is judged, ms."""

    train: int
    test: int
    anchored: bool = False

    def __post_init__(self) -> None:
        if self.train <= 0 or self.test <= 0:
            raise ValueError("a walk-forward window needs time to choose and time to judge")


@dataclass(frozen=True, slots=True)
class Window:
    """One step of a sweep: where values are tried, and where the chosen ones are judged."""

    number: int
    trained: Stretch
    judged: Stretch | None  # None: nothing is judged, the whole period is tried


def windows_of(period: Stretch, walk: Walk | None) -> tuple[Window, ...]:
    """List the windows of a period in time order. Raises ValueError where not one fits."""
    if walk is None:
        return (Window(0, period, None),)
    found = tuple(_walked(period, walk))
    if not found:
        days = 86_400_000
        raise ValueError(
            f"the period has {period.length // days} days, a window needs "
            f"{-(-(walk.train + walk.test) // days)}"
        )
    return found


def _walked(period: Stretch, walk: Walk) -> Iterator[Window]:
    middle, number = period.begins + walk.train, 0
    while middle + walk.test <= period.ends:
        begins = period.begins if walk.anchored else middle - walk.train
        yield Window(number, Stretch(begins, middle), Stretch(middle, middle + walk.test))
        middle, number = middle + walk.test, number + 1
