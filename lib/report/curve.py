"""How one bot, or the whole account, stood from close to close.

Kept small however long it was: a point a day for the figures, some for the eye.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from lib.market.intervals import SECOND
from lib.report.metrics import DAY, Drawdown

POINTS_MAX: Final = 1_500  # of a chart: more than a screen has columns


class Point(NamedTuple):
    """How it stood at a moment, exchange ms; amounts in the account's asset."""

    time: int
    equity: Decimal
    held: Decimal  # what buying and holding instead would be worth
    fees: Decimal  # since the beginning
    exposure: float  # what its coins are worth, as a share of the equity
    drawdown: float  # below the peak, as a share of it; in a chart the deepest of its stretch


class Curve:
    """Takes in every close in order. Owns what became of them."""

    def __init__(self, begins: int, ends: int) -> None:
        self.begins = begins
        self.days: list[Point] = []  # at UTC midnights
        self.first: Point | None = None
        self.last: Point | None = None
        self._stretch = SECOND * max(1, -(-(ends - begins) // (POINTS_MAX * SECOND)))
        self._drawn: list[Point] = []  # the last of each stretch that is over
        self._stretch_ends = 0
        self._deepest = 0.0  # of the present stretch
        self._midnight = begins - begins % DAY + DAY  # the next one
        self._descent = Descent()
        self._exposures = 0.0
        self._equities = 0.0
        self._closes = 0

    def note(
        self, time: int, equity: Decimal, held: Decimal, *, coins: Decimal, fees: Decimal
    ) -> None:
        """Take in how it stands at a close."""
        worth = float(equity)
        exposure = abs(float(coins)) / worth if coins and worth > 0 else 0.0
        fallen = self._descent.note(time, worth)
        point = Point(time, equity, held, fees, exposure, fallen)
        self._exposures += exposure
        self._equities += worth
        self._closes += 1
        before, self.last = self.last, point
        if before is None:
            self._begin(point)
            return
        if time >= self._midnight:
            self._pass_midnights(before, point)
        if time >= self._stretch_ends:
            self._end_stretch(before, time)
        if fallen > self._deepest:
            self._deepest = fallen

    def _begin(self, point: Point) -> None:
        self.first = point
        if point.time % DAY == 0:
            self.days.append(point)
        self._stretch_ends = point.time - point.time % self._stretch + self._stretch
        self._deepest = point.drawdown

    def _pass_midnights(self, before: Point, point: Point) -> None:
        """Keep how it stood at the midnights since the last close, and at this one."""
        while self._midnight < point.time:
            self.days.append(before._replace(time=self._midnight))
            self._midnight += DAY
        if self._midnight == point.time:
            self.days.append(point)
            self._midnight += DAY

    def _end_stretch(self, before: Point, time: int) -> None:
        """Keep the last point of a stretch, with the deepest drawdown in it."""
        self._drawn.append(before._replace(drawdown=self._deepest))
        self._stretch_ends = time - time % self._stretch + self._stretch
        self._deepest = 0.0

    # --- what came of it

    @property
    def points(self) -> list[Point]:
        """Answer the last point of each stretch: for a chart."""
        if self.last is None:
            return []
        return [*self._drawn, self.last._replace(drawdown=self._deepest)]

    def drawn(self, most: int) -> list[Point]:
        """Answer points to draw, not many more than `most`: each the last of its stretch."""
        points = self.points
        size = -(-len(points) // most)
        stretches = (points[at : at + size] for at in range(0, len(points), size))
        return [
            stretch[-1]._replace(drawdown=max(point.drawdown for point in stretch))
            for stretch in stretches
        ]

    @property
    def drawdown(self) -> Drawdown:
        return self._descent.drawdown

    @property
    def exposure(self) -> float | None:
        """Answer the mean share of the equity that was in coins."""
        return self._exposures / self._closes if self._closes else None

    @property
    def average(self) -> float:
        """Answer the mean equity."""
        return self._equities / self._closes if self._closes else 0.0


class Descent:
    """Follows a curve below its peak."""

    def __init__(self) -> None:
        self._peak = float("-inf")
        self._peak_at = 0
        self._depth = 0.0  # of the present drawdown
        self._deepest = 0.0
        self._length = 0
        self._longest = 0

    def note(self, time: int, worth: float) -> float:
        """Take in a point; answer how far it is below the peak, as a share of it."""
        if worth >= self._peak:
            self._measure(time)
            self._peak, self._peak_at, self._depth = worth, time, 0.0
            return 0.0
        fallen = (self._peak - worth) / self._peak if self._peak > 0 else 0.0
        self._depth = max(self._depth, fallen)
        self._measure(time)
        return fallen

    def _measure(self, time: int) -> None:
        if not self._depth:
            return
        length = time - self._peak_at
        self._longest = max(self._longest, length)
        if self._depth >= self._deepest:
            self._deepest, self._length = self._depth, length

    @property
    def drawdown(self) -> Drawdown:
        return Drawdown(self._deepest, self._length, self._longest)
