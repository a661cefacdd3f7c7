"""One trial: a whole back-test of the bots with certain values over a certain stretch of time.

It happens in a process of its own or on a cluster, so a `Trial` holds all that it needs and can be
sent anywhere. What comes back is plain: figures, or in words why there are none.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from lib.backtest.backtest import Outcome, run_backtest
from lib.backtest.settings import BacktestSettings
from lib.commented_json import Value
from lib.life import Standing
from lib.news import Kind, News
from lib.sweep.axes import Axis
from lib.sweep.figures import Figures, figures_of
from lib.sweep.variant import Bots, ValueRefused, varied

Places: TypeAlias = tuple[int, ...]
"""Which value of each axis, counted from 0: what a combination is known by."""

REASON_MAX: Final = 300  # characters
_ALONE: Final = threading.Lock()  # a back-test has the thread's event loop, and the loop's warnings


class Sample(StrEnum):
    """What a trial is for."""

    TRIED = "tried"  # values are looked for here
    JUDGED = "judged"  # what was found is judged here, on prices that had no say in it


class State(StrEnum):
    """How a trial ended."""

    DONE = "done"
    REFUSED = "refused"  # the bot does not take these values
    FAILED = "failed"  # the back-test broke off, or its process died


@dataclass(frozen=True, slots=True)
class TrialKey:
    """What a trial is known by, in the folder as well."""

    window: int
    sample: Sample
    places: Places


@dataclass(frozen=True, slots=True)
class Trial:
    """All that one back-test needs."""

    key: TrialKey
    bots: Bots
    values: tuple[tuple[Axis, Value], ...]
    settings: BacktestSettings


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of a trial. `reason` says why there are no figures, or which bots stopped."""

    key: TrialKey
    state: State
    reason: str = ""
    figures: Figures | None = None


def run_trial(trial: Trial) -> Ending:
    """Run one back-test. Every fault of its own is an ending, too."""
    try:
        conf = varied(trial.bots, trial.values)
    except ValueRefused as refused:
        return Ending(trial.key, State.REFUSED, _short(str(refused)))
    last_words: dict[str, str] = {}

    def hear(news: News) -> None:
        if news.kind is Kind.PARKED:
            last_words[news.bot] = news.text

    try:
        with _ALONE:
            outcome = run_backtest(trial.settings, conf, tell=hear)
            figures = figures_of(outcome, trial.settings)
    except Exception as wrong:  # noqa: BLE001 - one trial that breaks is one row of many
        return failed(trial.key, f"{type(wrong).__name__}: {wrong}")
    return Ending(trial.key, State.DONE, _short(_stopped(outcome, last_words)), figures)


def failed(key: TrialKey, reason: str) -> Ending:
    """Answer what a trial comes to that broke off."""
    return Ending(key, State.FAILED, _short(reason))


def _stopped(outcome: Outcome, last_words: Mapping[str, str]) -> str:
    parked = [name for name, each in outcome.standings.items() if each is Standing.PARKED]
    return "; ".join(f"{name} stopped itself: {last_words.get(name, 'no word')}" for name in parked)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= REASON_MAX else f"{line[: REASON_MAX - 1]}…"


Record = TypeVar("Record")


def portable(record: Record) -> Record:
    """Answer the same record in a form that can be sent: read-only mappings become plain ones."""
    assert is_dataclass(record), f"{record!r} is no record"
    assert not isinstance(record, type), f"{record!r} is a class"
    changed: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, MappingProxyType):
            changed[field.name] = dict(value)
        elif is_dataclass(value) and not isinstance(value, type):
            changed[field.name] = portable(value)
    return replace(record, **changed) if changed else record


def at_places(axes: Sequence[Axis], places: Places) -> tuple[tuple[Axis, Value], ...]:
    """Answer the value of each axis at these places."""
    return tuple((axis, axis.values[place]) for axis, place in zip(axes, places, strict=True))
