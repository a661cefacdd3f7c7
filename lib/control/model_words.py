"""What a person writes of latency: for both ways together, or for each."""

from typing import Any, Final

import click

from lib.control.backtest_words import Duration

HALVES: Final = 2


class TwoWays(click.ParamType[tuple[int, int]]):
    """Reads 40ms, half of it each way, or 20ms,30ms: there, and back."""

    name = "DURATION[,DURATION]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Make ms there and ms back; fails with what cannot be read."""
        if isinstance(value, tuple):
            return value
        parts = [Duration().convert(part, param, ctx) for part in str(value).split(",")]
        if len(parts) > HALVES:
            self.fail(f"{value!r} is not like 40ms or 20ms,30ms", param, ctx)
        there = parts[0] // HALVES if len(parts) == 1 else parts[0]
        return there, (parts[0] - there if len(parts) == 1 else parts[1])
