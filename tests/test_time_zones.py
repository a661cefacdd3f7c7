"""A time zone is known, or the person is told which one may be meant and what to do."""

from datetime import UTC, datetime

import pytest

from lib import time_zones
from lib.time_zones import NoSuchZone, local, zone_of


def test_a_time_is_shown_as_it_is_in_the_zone() -> None:
    at = int(datetime(2026, 11, 21, 23, 30, tzinfo=UTC).timestamp()) * 1000

    assert f"{local(at, zone_of('Europe/Berlin')):%d %H:%M}" == "22 00:30"
    assert f"{local(at, zone_of('UTC')):%d %H:%M}" == "21 23:30"


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("europe/berlin ", "Europe/Berlin"),
        ("new york", "America/New_York"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_near_names(written: str, near: str) -> None:
    with pytest.raises(NoSuchZone, match=near):
        zone_of(written)


@pytest.mark.parametrize("written", ["", "../etc/passwd", "Europe", "/etc/localtime", "x" * 500])
def test_what_is_no_name_of_a_zone_is_refused(written: str) -> None:
    with pytest.raises(NoSuchZone, match="a time zone"):
        zone_of(written)


def test_without_tzdata_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_zones, "available_timezones", set)

    assert zone_of("UTC") is UTC
    with pytest.raises(NoSuchZone, match="install tzdata"):
        zone_of("Nowhere/Atall")
