"""What a person writes behind the options of a back-test, read exactly."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import click

from lib.settings import exact

DAY: Final = 86_400_000
WRITTEN: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2}))?Z?", re.ASCII)
DURATION: Final = re.compile(r"(\d{1,6})(ms|s)", re.ASCII)


class Moment(click.ParamType[int]):
    """Reads 2024-08-01, 2024-08-01T12:30 (UTC), or exchange ms."""

    name = "WHEN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Make exchange ms; fails with what cannot be read."""
        if isinstance(value, int):
            return value
        if re.fullmatch(r"\d{13}", value, re.ASCII):
            return int(value)
        written = WRITTEN.fullmatch(value)
        if written is None:
            self.fail(f"{value!r} is not like 2024-08-01 or 2024-08-01T12:30, UTC", param, ctx)
        try:
            date = datetime(*(int(part or 0) for part in written.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]
        except ValueError as wrong:
            self.fail(f"{value!r}: {wrong}", param, ctx)
        return round(date.timestamp()) * 1000


class Share(click.ParamType[Decimal]):
    """Reads 0.0005 or 0.05%."""

    name = "SHARE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Make a share from 0 to 1; fails with what is none."""
        text = str(value)
        try:
            share = exact(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = Decimal(-1)
        if not 0 <= share <= 1:
            self.fail(f"{text!r} is no share like 0.0005 or 0.05%", param, ctx)
        return share


class Duration(click.ParamType[int]):
    """Reads 80ms or 2s."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Make ms; fails with what cannot be read."""
        if isinstance(value, int):
            return value
        written = DURATION.fullmatch(str(value))
        if written is None:
            self.fail(f"{value!r} is not like 80ms or 2s", param, ctx)
        return int(written[1]) * (1000 if written[2] == "s" else 1)
