"""What a person writes behind the options of `collect` and `data`."""

from datetime import UTC, datetime
from typing import Any, Final

import click

from lib.market.intervals import INTERVALS

ALL: Final = "all"
FILE: Final = "market.sqlite"


class Intervals(click.ParamType[tuple[str, ...]]):
    """Reads 1m,5m,1h, or all, or none."""

    name = "INTERVAL,…|all|none"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Make names of intervals, each once; fails with what is none."""
        if isinstance(value, tuple):
            return value
        if str(value).lower() in {ALL, "none"}:
            return tuple(INTERVALS) if str(value).lower() == ALL else ()
        names = tuple(part.strip() for part in str(value).split(","))
        for name in names:
            if name not in INTERVALS:
                self.fail(f"{name!r} is none of {', '.join(INTERVALS)}", param, ctx)
        return tuple(dict.fromkeys(names))


def moment_text(time: int | None) -> str:
    """Show an exchange time (ms) to the second, UTC."""
    if time is None:
        return "-"
    return f"{datetime.fromtimestamp(time // 1000, UTC):%Y-%m-%d %H:%M:%S}"


def duration_text(span: int) -> str:
    """Show a duration (ms) in its two largest units."""
    seconds = span // 1000
    units = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
    for place, (name, length) in enumerate(units):
        if seconds >= length and place < len(units) - 1:
            finer, finer_length = units[place + 1]
            return f"{seconds // length}{name} {seconds % length // finer_length}{finer}"
    return f"{seconds}s"


def count_text(number: int) -> str:
    """Show a large number so that it can be read."""
    return f"{number:,}".replace(",", " ")
