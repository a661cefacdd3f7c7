"""Several runs side by side: what differs in what they were asked for, and what came of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from lib.report.asked import flat
from lib.report.record import FORMAT
from lib.report.run_report import RESULT

AMOUNTS: Final = ("began", "ended", "profit", "held", "fees")
COUNTS: Final = ("fills", "trades")


class NoRun(ValueError):
    """A folder or a file that holds no result of a run. The text says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as its result.json tells. `figures` by bot and name; the account has no name."""

    name: str
    asset: str
    figures: Mapping[str, Mapping[str, Any]]
    asked: Mapping[str, str]  # by dotted path


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side: each value stands in the order of `names`; None where a run has none."""

    names: tuple[str, ...]
    assets: tuple[str, ...]
    differences: Mapping[str, tuple[str | None, ...]]  # what they were asked for, by dotted path
    figures: Mapping[str, Mapping[str, tuple[Any, ...]]]  # by bot, then by name


def read_run(place: Path) -> Run:
    """Read a run's folder or its result.json. Raises NoRun."""
    path = place / RESULT if place.is_dir() else place
    try:
        tree = orjson.loads(path.read_bytes())
        if tree["format"] != FORMAT:
            raise NoRun(f"{path} is of format {tree['format']}, this version reads {FORMAT}")
        bots = {"": tree["total"], **tree["bots"]}
        figures = {name: _figures(result) for name, result in bots.items()}
        asks = flat({**tree["asked"]["options"], "bots": tree["asked"]["bots"]})
        return Run(str(place), str(tree["asset"]), figures, asks)
    except OSError as wrong:
        raise NoRun(f"{path} cannot be read: {wrong.strerror or wrong}") from wrong
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as wrong:
        raise NoRun(f"{path} is no result of a run: {wrong!r}") from wrong


def compared(runs: Sequence[Run]) -> Comparison:
    """Put runs side by side."""
    bots = dict.fromkeys(bot for run in runs for bot in run.figures)
    return Comparison(
        names=tuple(run.name for run in runs),
        assets=tuple(run.asset for run in runs),
        differences=dict(_differences(runs)),
        figures={bot: _side_by_side([run.figures.get(bot, {}) for run in runs]) for bot in bots},
    )


def _figures(result: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: result[name] for name in (*AMOUNTS, *COUNTS)}, **result["metrics"]}


def _differences(runs: Sequence[Run]) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    for path in dict.fromkeys(path for run in runs for path in run.asked):
        values = tuple(run.asked.get(path) for run in runs)
        if len(set(values)) > 1:
            yield path, values


def _side_by_side(columns: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    names = dict.fromkeys(name for column in columns for name in column)
    return {name: tuple(column.get(name) for column in columns) for name in names}
