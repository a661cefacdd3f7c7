"""Times as a person writes them behind an option: a date, a date and time, or how long ago."""

from datetime import datetime, tzinfo
from typing import Any

import click
from pydantic_core import PydanticCustomError

from lib.control.terminal import machine_time
from lib.settings import milliseconds


class Moment(click.ParamType[int]):
    """Reads one as ms since 1970, in a zone unless the text names its own; None: this machine's."""

    name = "when"

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone

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
            zoned = moment if moment.tzinfo else moment.replace(tzinfo=self._zone)
            return max(0, int(zoned.timestamp()) * 1000)
        except (ValueError, OverflowError):
            self.fail(
                f'{value!r} is no date like 2026-11-21, "2026-11-21 14:30" or 24h', param, ctx
            )
