"""The parameter `timeZone`: hours, or hours and minutes, east of UTC."""

import re
from collections.abc import Mapping
from typing import Final

from lib.simulator.books.spans import HOUR, MINUTE
from lib.simulator.refusals import invalid

WESTMOST: Final = -12 * HOUR
EASTMOST: Final = 14 * HOUR

_OFFSET = re.compile(r"([+-]?)([0-9]{1,2})(?::([0-5][0-9]))?", re.ASCII)


def offset(params: Mapping[str, str]) -> int:
    """Read `timeZone` in ms, 0 if it was not sent."""
    found = _OFFSET.fullmatch(params.get("timeZone", "0"))
    if found is None:
        raise invalid("timeZone")
    size = int(found[2]) * HOUR + int(found[3] or 0) * MINUTE
    east = -size if found[1] == "-" else size
    if not WESTMOST <= east <= EASTMOST:
        raise invalid("timeZone")
    return east
