"""Times written by people are read as UTC, and what is due follows from the calendar alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from lib.schedule import Moment, Schedule, written

HOUR = 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


def schedule(**fields: Any) -> Schedule:
    return Schedule.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "after", "due"),
    [
        ({"every": "day", "at": "09:00"}, "2026-01-05 08:59", "2026-01-05 09:00"),
        ({"every": "day", "at": "09:00"}, "2026-01-05 09:00", "2026-01-06 09:00"),
        ({"every": "week", "on": "monday"}, "2026-01-05 00:00", "2026-01-12 00:00"),
        ({"every": "week", "on": "sunday"}, "2026-01-05 00:00", "2026-01-11 00:00"),
        ({"every": "month", "on": 1}, "2026-12-31 23:59", "2027-01-01 00:00"),
        ({"every": "month", "on": 31}, "2026-02-01 00:00", "2026-02-28 00:00"),
        ({"every": "month", "on": 30}, "2028-02-01 00:00", "2028-02-29 00:00"),
    ],
)
def test_the_next_time_is_the_first_after(fields: dict[str, Any], after: str, due: str) -> None:
    assert written(schedule(**fields).next_due(ms(after))) == f"{due} UTC"


@pytest.mark.parametrize("on", ["monday", "wednesday", "sunday"])
def test_a_week_is_due_on_the_day_that_the_calendar_says(on: str) -> None:
    weekly, at = schedule(every="week", on=on, at="13:30"), ms("2024-02-20 00:00")

    for _ in range(60):
        at = weekly.next_due(at)
        then = datetime.fromtimestamp(at / 1_000, tz=UTC)
        assert f"{then:%A %H:%M}".lower() == f"{on} 13:30"


def test_no_due_time_lies_between_two_that_follow_each_other() -> None:
    monthly = schedule(every="month", on=31, at="23:59")
    dues = monthly.dues(ms("2026-01-01 00:00"))

    first, *others = (next(dues) for _ in range(24))
    for after in others:
        last_of_month = datetime.fromtimestamp(after / 1_000, tz=UTC) + timedelta(minutes=1)
        assert last_of_month.day == 1
        assert monthly.next_due(first) == after
        first = after


def test_the_newest_due_time_is_the_last_up_to_then_and_zero_without_any() -> None:
    daily = schedule(every="day", at="09:00")

    assert daily.newest_due(ms("2026-01-01 10:00"), ms("2026-01-04 09:00")) == ms(
        "2026-01-04 09:00"
    )
    assert daily.newest_due(ms("2026-01-01 10:00"), ms("2026-01-02 08:59")) == 0


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("2026-01-31", "2026-01-31 00:00"),
        ("2026-01-31 09:00", "2026-01-31 09:00"),
        ("2026-01-31T09:00:00Z", "2026-01-31 09:00"),
        (1_769_850_000_000, "2026-01-31 09:00"),
    ],
)
def test_a_moment_is_read_in_utc(value: object, meant: str) -> None:
    assert TypeAdapter(Moment).validate_python(value) == ms(meant)


@pytest.mark.parametrize("value", ["tomorrow", "2026-13-01", "2026-02-30", "1969-01-01", -1, True])
def test_what_is_no_moment_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="a time in UTC like"):
        TypeAdapter(Moment).validate_python(value)
