"""Time zones by name: conf.json names one, and what people read shows its time."""

from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from typing import Annotated, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

NEAR_MAX: Final = 3  # names shown
NONE_HERE: Final = (
    "UTC, for this machine knows no other time zone: install tzdata "
    "(apt-get install tzdata, or pip install tzdata)"
)


class NoSuchZone(Exception):
    """There is no time zone of that name; the text says which ones may be meant."""


def zone_of(name: str) -> tzinfo:
    """Answer the zone of a name. Raises NoSuchZone."""
    if name == "UTC":  # needs no tzdata
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NoSuchZone(_expected(name)) from None


def local(at: int, zone: tzinfo) -> datetime:
    """Answer exchange ms as date and time in a zone."""
    return datetime.fromtimestamp(at // 1000, UTC).astimezone(zone)


def _expected(name: str) -> str:
    known = available_timezones()
    if not known:
        return NONE_HERE
    by_last = {each.lower().rpartition("/")[2]: each for each in sorted(known)}
    by_name = {each.lower(): each for each in sorted(known)}
    wanted = name.strip().lower().replace(" ", "_")
    near = [
        *(by_name[each] for each in get_close_matches(wanted, by_name, n=NEAR_MAX)),
        *(by_last[each] for each in get_close_matches(wanted, by_last, n=NEAR_MAX)),
    ]
    named = list(dict.fromkeys(near))[:NEAR_MAX]
    return f"a time zone: {' or '.join(named)}?" if named else 'a time zone like "Europe/Berlin"'


def _known(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("time_zone", 'a time zone like "Europe/Berlin"')
    try:
        zone_of(value)
    except NoSuchZone as wrong:
        raise PydanticCustomError("time_zone", "{why}", {"why": str(wrong)}) from None
    return value


ZoneName: TypeAlias = Annotated[str, BeforeValidator(_known)]
