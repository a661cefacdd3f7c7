"""What each calendar month (UTC) brought, by the equity at its two ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby

from lib.report.curve import Curve, Point


@dataclass(frozen=True, slots=True)
class Month:
    """One month, or the part of it that was played."""

    year: int
    month: int
    began: Decimal
    ended: Decimal

    @property
    def gain(self) -> float | None:
        """What it brought, as a share of what there was."""
        return float(self.ended / self.began - 1) if self.began > 0 else None


def months_of(began: Decimal, curve: Curve) -> Iterator[Month]:
    """Yield the months of a curve, oldest first; the first and the last may be parts."""
    assert curve.last is not None, "a curve has a first and a last point"
    points = (point for point in (*curve.days, curve.last) if point.time > curve.begins)
    for (year, month), group in groupby(points, key=_month):
        *_, ended = group
        yield Month(year, month, began, ended.equity)
        began = ended.equity


def _month(point: Point) -> tuple[int, int]:
    """Answer the month that a point ends, or is in: the first midnight of one ends another."""
    date = datetime.fromtimestamp((point.time - 1) // 1000, UTC)
    return date.year, date.month
