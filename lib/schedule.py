"""Times as a person writes them: one moment, or again and again by the calendar.

Everything is exchange time, which is UTC: `"every": "week", "on": "monday", "at": "09:00"`.
Nothing here asks for the time; what is due follows from the numbers that are given.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from lib.settings import DURATION_MAX, Settings

DAY: Final = 86_400_000
MINUTE: Final = 60_000
WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
)  # fmt: skip
Weekday: TypeAlias = Literal[
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
]

CLOCK_PATTERN: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
MOMENT_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?Z?$"
EPOCH: Final = date(1970, 1, 1)


def moment(value: object) -> int:
    """Read a time: "2026-01-31 09:00" in UTC, or exchange ms."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2 * DURATION_MAX:
        return value
    if isinstance(value, str) and re.fullmatch(MOMENT_PATTERN, value):
        try:
            found = datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)
        except ValueError:
            found = None
        if found is not None and found.year >= EPOCH.year:
            return round(found.timestamp()) * 1_000
    raise PydanticCustomError("moment", 'a time in UTC like "2026-01-31 09:00"')


Moment: TypeAlias = Annotated[
    int,
    BeforeValidator(moment),
    WithJsonSchema({
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": MOMENT_PATTERN},
        ],
        "description": 'A time in UTC, "2026-01-31 09:00", or exchange milliseconds.',
    }),
]
Clock = Annotated[str, Field(pattern=CLOCK_PATTERN)]


class Schedule(Settings):
    """When something is due again and again."""

    every: Literal["day", "week", "month"]
    on: Weekday | Annotated[int, Field(ge=1, le=31)] | None = None
    at: Clock = "00:00"

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        fits: dict[str, tuple[type[Any], str]] = {
            "day": (type(None), "a day needs no `on`"),
            "week": (str, 'a week needs the day it is due on, as in "on": "monday"'),
            "month": (int, 'a month needs the day it is due on, 1 to 31, as in "on": 1'),
        }
        kind, words = fits[self.every]
        fitting = isinstance(self.on, kind)
        if not fitting:
            raise ValueError(words)
        return self

    def __str__(self) -> str:
        """Say it for a person."""
        day = {"day": "every day", "week": f"every {str(self.on).title()}"}.get(self.every)
        return f"{day or f'on day {self.on} of every month'} at {self.at} UTC"

    def dues(self, after: int) -> Iterator[int]:
        """Yield the times at which it is due after a time, for ever; exchange ms."""
        day = EPOCH + timedelta(days=after // DAY)
        while True:
            if self._is_due_on(day):
                due = (day - EPOCH).days * DAY + self._clock
                if due > after:
                    yield due
            day += timedelta(days=1)

    def next_due(self, after: int) -> int:
        """Answer when it is due next after a time; exchange ms."""
        return next(self.dues(after))

    def newest_due(self, after: int, until: int) -> int:
        """Answer the last time it was due after one time and not after another; 0: none."""
        newest = 0
        for due in self.dues(after):
            if due > until:
                break
            newest = due
        return newest

    @property
    def _clock(self) -> int:
        hours, minutes = self.at.split(":")
        return (int(hours) * 60 + int(minutes)) * MINUTE

    def _is_due_on(self, day: date) -> bool:
        if self.every == "month":
            return day.day == min(int(str(self.on)), _days_of_month(day))
        return self.every == "day" or WEEKDAYS[day.weekday()] == self.on


def _days_of_month(day: date) -> int:
    first = day.replace(day=28) + timedelta(days=4)
    return (first - timedelta(days=first.day)).day


def written(at: int) -> str:
    """Write a time for a person: UTC, to the minute."""
    whole = datetime.fromtimestamp(at // 1_000, tz=UTC)
    return f"{whole:%Y-%m-%d %H:%M} UTC"
