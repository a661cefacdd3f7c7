"""The options of `backtest` that make many runs of it: a sweep over settings."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from lib.settings import milliseconds

SHARED: Final = "out"  # an option that both a single run and a sweep have


@dataclass(frozen=True, slots=True)
class SweepWords:
    """What a person wrote of a sweep."""

    sweep: tuple[str, ...]
    search: str
    trials: int | None
    metric: str | None
    walk_forward: tuple[int, int] | None
    anchored: bool
    jobs: int | None
    dask: str | None

    @property
    def without_sweep(self) -> str:
        """Name an option that means nothing without `--sweep`; empty if there is none."""
        given = {
            "--search": self.search != "grid",
            "--trials": self.trials is not None,
            "--metric": self.metric is not None,
            "--walk-forward": self.walk_forward is not None,
            "--anchored": self.anchored,
            "--jobs": self.jobs is not None,
            "--dask": self.dask is not None,
        }
        return next((name for name, is_given in given.items() if is_given), "")


class Spans(click.ParamType[tuple[int, int]]):
    """Reads 60d,20d: how long values are chosen, and how long the choice is judged."""

    name = "TRAIN,TEST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Make two numbers of ms; fails with what cannot be read."""
        if isinstance(value, tuple):
            return value
        try:
            train, test = (milliseconds(part.strip()) for part in str(value).split(","))
        except ValueError:
            train = test = 0
        if train <= 0 or test <= 0:
            self.fail(f"{value!r} is not like 60d,20d", param, ctx)
        return train, test


SweepRun = Callable[[click.Context, SweepWords, dict[str, Any]], int]


def with_sweep(run: SweepRun) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of a sweep; with `--sweep` it is `run` in the command's place."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def chosen(**wanted: Any) -> Any:
            words = SweepWords(**{name: wanted.pop(name) for name in SweepWords.__slots__})
            context = click.get_current_context()
            if words.sweep:
                return context.exit(run(context, words, wanted))
            if words.without_sweep:
                raise click.UsageError(f"{words.without_sweep} is an option of a sweep: --sweep")
            return command(**wanted)

        for option in reversed(OPTIONS):
            chosen = option(chosen)
        return chosen

    return decorated


OPTIONS: Final = (
    click.option(
        "--sweep",
        multiple=True,
        metavar="BOT.SETTING=VALUES",
        help="Try values of a setting, a,b,c or FIRST..LAST/STEP: see docs/sweeps.md. Several go "
        "together.",
    ),
    click.option(
        "--search",
        type=click.Choice(["grid", "random", "bayes"]),
        default="grid",
        show_default=True,
        help="Sweep: every combination, some by chance, or where it seems worth while.",
    ),
    click.option("--trials", type=click.IntRange(1, 100_000), help="Sweep: how many are tried."),
    click.option("--metric", help="Sweep: the figure by which values are chosen; else sharpe."),
    click.option(
        "--walk-forward",
        type=Spans(),
        help="Sweep: choose on so much time, judge on the next, as in 60d,20d.",
    ),
    click.option(
        "--anchored",
        is_flag=True,
        help="Sweep: always choose from the beginning on, instead of on a rolling stretch.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(1, 256),
        help="Sweep: how many at once; else one for each core.",
    ),
    click.option(
        "--dask", metavar="ADDRESS", help="Sweep: on a Dask cluster, as in tcp://10.0.0.5:8786."
    ),
)


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def out_of(wanted: dict[str, Any]) -> Path:
    """Take the folder out of the words. Raises ValueError where there is none."""
    out: Path | None = wanted.pop(SHARED)
    if out is None:
        raise ValueError("a sweep needs --out FOLDER: it keeps its rows there and can go on later")
    return out
