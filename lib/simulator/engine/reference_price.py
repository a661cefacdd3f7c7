"""The price others are measured by: an average of trades in buckets, or one given from outside.

The average is that of a moving window. Trades are added up in buckets aligned to the clock; of a
bucket that reaches out of the window only the part inside counts, as if its trades were spread
evenly. Counts have four decimals, sums four more than a price, divisions truncate.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lib.simulator.units import units

MEAN: Final = "ARITHMETIC_MEAN"
EXTERNAL: Final = "EXTERNAL"
ONE: Final = 10_000  # trade, in the fixed point of counts


@dataclass(frozen=True, slots=True)
class Calculation:
    """How a reference price comes about."""

    kind: str
    bucket_count: int = 0
    bucket_width: int = 0  # ms
    external_id: int = 0
    given: int | None = None  # the price from outside


@dataclass(slots=True)
class Bucket:
    begins: int
    count: int = 0
    total: int = 0


class ReferencePrice:
    """One symbol's reference price. Without a calculation there never is one."""

    __slots__ = ("_buckets", "_span", "_width", "calculation", "ever", "moving")

    def __init__(self, calculation: Calculation | None) -> None:
        self.calculation = calculation
        self.moving = calculation is not None and calculation.kind == MEAN
        self.ever = calculation is not None and calculation.given is not None
        self._buckets: deque[Bucket] = deque()
        self._width = calculation.bucket_width if calculation is not None else 0
        self._span = self._width * (calculation.bucket_count if calculation is not None else 0)

    def add(self, price: int, time: int) -> None:
        """Count a trade."""
        begins = time - time % self._width
        buckets = self._buckets
        if not buckets or buckets[-1].begins < begins:
            buckets.append(Bucket(begins))
            self._forget(time)
        buckets[-1].count += ONE
        buckets[-1].total += price * ONE
        self.ever = True

    def price(self, now: int) -> int | None:
        """Give the price in units; None if there is none at this moment."""
        if not self.moving:
            return self.calculation.given if self.calculation is not None else None
        self._forget(now)
        count = total = 0
        for bucket in self._buckets:
            expired = max(0, now - self._span - bucket.begins)
            count += bucket.count - bucket.count * expired // self._width
            total += bucket.total - bucket.total * expired // self._width
        return total // count if count > 0 else None

    def _forget(self, now: int) -> None:
        """Drop the buckets that have left the window."""
        cutoff = now - self._span
        while self._buckets and self._buckets[0].begins + self._width <= cutoff:
            self._buckets.popleft()


def read_calculation(found: Mapping[str, Any] | None) -> Calculation | None:
    """Read how it is calculated, in the words of GET referencePrice/calculation.

    An external one has its price beside it, as `referencePrice`. Raises ValueError.
    """
    if found is None:
        return None
    kind = found["calculationType"]
    if kind == EXTERNAL:
        given = found.get("referencePrice")
        price = None if given is None else units(given)
        return Calculation(EXTERNAL, external_id=int(found["externalCalculationId"]), given=price)
    if kind != MEAN:
        raise ValueError(f"a reference price is not calculated by {kind}")
    count, width = int(found["bucketCount"]), int(found["bucketWidthMs"])
    if count <= 0 or width <= 0:
        raise ValueError(f"a reference price needs buckets, not {count} of {width} ms")
    return Calculation(MEAN, bucket_count=count, bucket_width=width)
