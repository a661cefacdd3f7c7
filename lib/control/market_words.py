"""What a person writes behind the options of `collect` and `data`."""

from datetime import UTC, datetime
from typing import Any, Final

import click
from pydantic_core import PydanticCustomError

from lib.control.terminal import machine_time
from lib.market.intervals import INTERVALS
from lib.settings import milliseconds

ALL: Final = "all"
FILE: Final = "market.sqlite"


class Moment(click.ParamType[int]):
    """A date, a date and time, or how long ago: ms. Without a zone it is UTC, as candles are."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; fails with what cannot be read."""
        if isinstance(value, int):
            return value
        try:
            return max(0, machine_time() - milliseconds(value))
        except PydanticCustomError:
            pass
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f'{value!r} is no date like 2026-01-31, "2026-01-31 14:30" or 90d', param, ctx
            )
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0, int(zoned.timestamp()) * 1000)


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
