"""Experiments that hurt nobody, to try the torture chamber itself on."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.torture.experiment import Experiment, Outcome


@dataclass(frozen=True, kw_only=True)
class _Impatient(Experiment):
    @property
    def seconds_at_most(self) -> float:
        return self.seconds


def _harmless(seed: int, folder: Path) -> Outcome:
    assert not any(folder.iterdir())
    return Outcome(deaths=3, points={"a write": 2, "a flush": 1}, figures={"recovery, s": [seed]})


def _losing(seed: int, _: Path) -> Outcome:
    return Outcome(deaths=1, losses=[f"an order of seed {seed} was lost"])


def _broken(_: int, __: Path) -> Outcome:
    raise ValueError("no such luck")


def _vanishing(_: int, __: Path) -> Outcome:
    print("the last words", flush=True)
    os._exit(1)


def _hanging(_: int, __: Path) -> Outcome:
    time.sleep(1_000)
    return Outcome()


def _waiting(_: int, __: Path) -> Outcome:
    began = time.monotonic()
    time.sleep(5)
    return Outcome(figures={"from, until, s": [began, time.monotonic()]})


def _toy(name: str, attempt: object, cores: float = 1.0) -> Experiment:
    assert callable(attempt)
    return Experiment(
        name=name,
        title=f"{name}",
        text="Nothing real.",
        attempts=4,
        seconds=1,
        cores=cores,
        attempt=attempt,
    )


HARMLESS = _toy("harmless", _harmless)
LOSING = _toy("losing", _losing)
BROKEN = _toy("broken", _broken)
VANISHING = _toy("vanishing", _vanishing)
WAITING = _toy("waiting", _waiting, cores=0.1)
HANGING = _Impatient(
    name="hanging", title="hanging", text="", attempts=1, seconds=0.5, attempt=_hanging
)
EXPERIMENTS = (HARMLESS, LOSING, BROKEN, VANISHING, WAITING, HANGING)
