"""When candles open: sixteen intervals, in any time zone.

Seconds to half days are counted from midnight, 3d from 1970-01-01, weeks from Monday; months have
their own lengths. All of it in the frame's time zone; the times themselves are UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
MONDAY: Final = 4 * DAY  # the first one after 1970-01-01
MONTH: Final = "1M"

# The month has no length of its own: it stands for itself.
INTERVALS: Final[Mapping[str, int]] = MappingProxyType({
    "1s": SECOND,
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "6h": 6 * HOUR,
    "8h": 8 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
    "1w": WEEK,
    MONTH: 30 * DAY,
})


@dataclass(frozen=True, slots=True)
class Frame:
    """An interval in a time zone; `offset` in ms east of UTC."""

    interval: str
    offset: int = 0

    def __post_init__(self) -> None:
        assert self.interval in INTERVALS

    def opening(self, time: int) -> int:
        """Give when the candle opens that contains `time`."""
        local = time + self.offset
        if self.interval == MONTH:
            return _month_begins(_month_of(local)) - self.offset
        span = INTERVALS[self.interval]
        first = MONDAY if span == WEEK else 0
        return local - (local - first) % span - self.offset

    def moved(self, opening: int, steps: int) -> int:
        """Give the opening so many candles later, or earlier."""
        if self.interval == MONTH:
            return _month_begins(_month_of(opening + self.offset) + steps) - self.offset
        return opening + steps * INTERVALS[self.interval]

    def closing(self, opening: int) -> int:
        """Give the last millisecond of a candle."""
        return self.moved(opening, 1) - 1

    def first_from(self, time: int) -> int:
        """Give the first opening at or after `time`."""
        opening = self.opening(time)
        return opening if opening == time else self.moved(opening, 1)


def _month_of(time: int) -> int:
    """Count the months since the year 0."""
    date = datetime.fromtimestamp(time // SECOND, UTC)
    return date.year * 12 + date.month - 1


def _month_begins(month: int) -> int:
    year, number = divmod(month, 12)
    return int(datetime(year, number + 1, 1, tzinfo=UTC).timestamp()) * SECOND
