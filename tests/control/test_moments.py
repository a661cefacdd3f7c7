"""A time behind an option is read as the person means it."""

import time
from collections.abc import Iterator
from datetime import UTC, tzinfo

import click
import pytest

from lib.control import moments
from lib.control.moments import Moment

NOW = 1_732_190_640_000  # 2024-11-21 12:04 UTC
HOUR = 3_600_000


@pytest.fixture(autouse=True)
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "EST5")  # five hours behind UTC, all the year
    time.tzset()
    monkeypatch.setattr(moments, "machine_time", lambda: NOW)
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "written", "meant"),
    [
        (UTC, "2024-11-21 12:04", NOW),
        (None, "2024-11-21 07:04", NOW),
        (UTC, "2024-11-21T13:04:00+01:00", NOW),
        (None, "2024-11-21T13:04:00+01:00", NOW),
        (UTC, "2024-11-21", NOW - NOW % (24 * HOUR)),
        (None, "24h", NOW - 24 * HOUR),
        (UTC, "90m", NOW - 90 * 60_000),
        (UTC, "36000d", 0),
        (UTC, "1969-12-31", 0),
    ],
)
def test_a_time_is_of_the_option_s_zone_unless_it_names_its_own(
    zone: tzinfo | None, written: str, meant: int
) -> None:
    assert Moment(zone).convert(written, None, None) == meant


@pytest.mark.parametrize("zone", [UTC, None])
@pytest.mark.parametrize("written", ["yesterday", "", "2024-13-01", "24", "-1h"])
def test_what_is_no_time_is_refused_with_what_would_be(zone: tzinfo | None, written: str) -> None:
    with pytest.raises(click.BadParameter, match="is no date like 2026-11-21"):
        Moment(zone).convert(written, None, None)


def test_a_time_that_this_machine_s_zone_cannot_reach_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="is no date like"):
        Moment().convert("0001-01-01", None, None)
