"""What a sweep is to be, and how it is written down, so that it goes on only as what it was."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from functools import cache, cached_property
from itertools import islice, product
from pathlib import Path
from typing import Any, Final

from lib.backtest.backtest import symbols_of
from lib.backtest.recordings import open_recordings
from lib.backtest.settings import BacktestSettings
from lib.sweep.axes import Axis, check_axes, value_text
from lib.sweep.figures import Metric
from lib.sweep.research import imported
from lib.sweep.search import Search, SearchKind, search_of
from lib.sweep.trial import Places, Sample, Trial, TrialKey, at_places, portable
from lib.sweep.variant import Bots, ValueRefused, check_names, varied
from lib.sweep.windows import Stretch, Walk, Window, windows_of

ROOT: Final = Path(__file__).parents[2]
LOOKED_AT: Final = 10_000  # combinations among which one that the bots take is looked for


@dataclass(frozen=True)
class Plan:
    """A whole sweep. `settings` knows its period."""

    bots: Bots
    axes: tuple[Axis, ...]
    settings: BacktestSettings
    metric: Metric
    search: SearchKind = "grid"
    trials: int | None = None
    walk: Walk | None = None

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """The windows, in time order."""
        return windows_of(self.period, self.walk)

    @property
    def period(self) -> Stretch:
        """The whole of it."""
        begins, ends = self.settings.begins, self.settings.ends
        assert begins is not None, "a plan that was checked knows when it begins"
        assert ends is not None, "a plan that was checked knows when it ends"
        return Stretch(begins, ends)

    def searching(self, window: Window) -> Search:
        """Begin the search of one window; grid and random ask for the same in each."""
        apart = window.number if self.search == "bayes" else 0
        seed = self.settings.seed + apart
        return search_of(self.search, self.axes, trials=self.trials, seed=seed)

    def trial(self, key: TrialKey) -> Trial:
        """Make the trial that a key means."""
        window = self.windows[key.window]
        stretch = window.trained if key.sample is Sample.TRIED else window.judged
        assert stretch is not None, f"window {key.window} judges nothing"
        settings = replace(self.settings, begins=stretch.begins, ends=stretch.ends)
        return Trial(key, self.bots, at_places(self.axes, key.places), settings)

    def value_texts(self, places: Places) -> dict[str, str]:
        """Write the values of a combination, by setting."""
        return {axis.name: value_text(value) for axis, value in at_places(self.axes, places)}

    def written(self) -> dict[str, str]:
        """Write down all that the figures depend on: what may not change between two starts."""
        return {
            **{f"sweep {axis.name}": ", ".join(map(value_text, axis.values)) for axis in self.axes},
            "search": self.search if self.search != "bayes" else _with_version("optuna"),
            "trials": str(self.trials),
            "metric": self.metric.name,
            "walk-forward": str(self.walk),
            **dict(_written("", self.settings)),
            **{f"bot {name}": _json(section) for name, section in self.bots.sections.items()},
            "runner": self.bots.settings.model_dump_json(),
            "recordings": _recordings_digest(self.settings),
            "models and rules": _files_digest(self.settings),
            "program": _program_digest(),
        }


def checked(plan: Plan) -> Plan:
    """Find out the period, and that the plan can be carried out at all. Raises ValueError."""
    if not plan.axes:
        raise ValueError("nothing is varied: --sweep BOT.SETTING=VALUES")
    check_axes(plan.axes)
    check_names(plan.bots, plan.axes)
    search_of(plan.search, plan.axes, trials=plan.trials, seed=plan.settings.seed)
    whole = plan.settings
    refused = ""
    ranges = (range(len(axis.values)) for axis in plan.axes)
    for places in islice(product(*ranges), LOOKED_AT):
        try:
            conf = varied(plan.bots, at_places(plan.axes, places))
        except ValueRefused as wrong:
            refused = refused or str(wrong)
            continue
        recordings = open_recordings(whole, symbols_of(conf, whole))
        recordings.close()
        period = replace(portable(whole), begins=recordings.begins, ends=recordings.ends)
        settled = replace(plan, settings=period)
        assert settled.windows, "windows_of answers at least one"
        return settled
    raise ValueError(f"not one combination can be tried: {refused}")


def _written(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Write every field of a record, and of the records in it."""
    if is_dataclass(value):
        for field in fields(value):
            inner = f"{name}.{field.name}" if name else field.name
            yield from _written(inner, getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield name, _json(dict(value))
    else:
        yield name, str(value)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_exact)


def _exact(value: object) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)


def _with_version(package: str) -> str:
    return f"bayes, {package} {imported(package).__version__}"


@cache
def _program_digest() -> str:
    """Digest the program and its bots, once: other code may bring other figures."""
    sources = sorted([*(ROOT / "lib").rglob("*.py"), *(ROOT / "bots").rglob("*.py")])
    whole = hashlib.sha256()
    for source in sources:
        whole.update(source.relative_to(ROOT).as_posix().encode())
        whole.update(hashlib.sha256(source.read_bytes()).digest())
    return whole.hexdigest()[:16]


def _files_digest(settings: BacktestSettings) -> str:
    """Digest the files of one's own that a back-test reads: a model, other rules."""
    model = Path(settings.model.rpartition(":")[0]) if settings.model else None
    paths = [path for path in (model, settings.info) if path is not None and path.is_file()]
    return " ".join(hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in paths)


def _recordings_digest(settings: BacktestSettings) -> str:
    """Digest a folder's recordings. A file of collected data only grows: the period says enough."""
    if not settings.data.is_dir():
        return "a file"
    part = "capture" if settings.market == "trades" else "candles"
    whole = hashlib.sha256()
    for path in sorted((settings.data / part).iterdir()):
        whole.update(path.name.encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]
