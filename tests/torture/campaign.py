"""Runs attempts side by side, each in a process of its own, and keeps what they brought."""

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.torture.attempt import ANSWER
from tests.torture.experiment import Experiment, Outcome
from tests.torture.records import ROOT, Record, Records

AT_ONCE: Final = 2  # of those that mostly wait, a core
MODESTLY: Final = (
    "nice",
    "-n",
    "5",
)  # those that compute let those go first that look at the clock
IDLE: Final = 0.5  # cores; who keeps fewer busy mostly waits


@dataclass(frozen=True)
class Attempt:
    """One thing to do."""

    experiment: Experiment
    seed: int

    @property
    def seconds(self) -> float:
        return self.experiment.seconds

    @property
    def is_idle(self) -> bool:
        return self.experiment.cores < IDLE and not self.experiment.alone


def planned(experiments: Iterable[Experiment], share: float, first_seed: int) -> list[Attempt]:
    """List the attempts of a share of a whole run; at least one of each experiment."""
    return [
        Attempt(each, first_seed + number)
        for each in experiments
        for number in range(max(1, math.ceil(each.attempts * share)))
    ]


class Campaign:
    """Works off a list of attempts: one a core that computes, and some beside that mostly wait.

    Those that measure have the machine for themselves, in the end.
    """

    def __init__(
        self,
        attempts: Sequence[Attempt],
        records: Records,
        cores: float,
        tell: Callable[[str], None],
    ) -> None:
        known = {(record.experiment, record.seed) for record in records}
        left = [each for each in attempts if (each.experiment.name, each.seed) not in known]
        self.done = len(attempts) - len(left)
        self.all = len(attempts)
        self._idle = deque(each for each in left if each.is_idle)
        self._busy = deque(each for each in left if not each.is_idle and not each.experiment.alone)
        self._alone = deque(each for each in left if each.experiment.alone)
        self._records = records
        self._cores = cores
        self._tell = tell
        self._running: list[_Running] = []

    @property
    def seconds_left(self) -> float:
        """Estimate what is to come, from what each experiment says of itself."""
        work = sum(each.seconds * each.experiment.cores for each in (*self._idle, *self._busy))
        return work / self._cores + sum(each.seconds for each in self._alone)

    def run(self) -> None:
        """Work off everything; an interrupted run leaves what was finished."""
        try:
            while self._idle or self._busy or self._alone or self._running:
                self._begin_more()
                self._gather()
                time.sleep(0.05)
        finally:
            for each in self._running:
                each.end()

    def _begin_more(self) -> None:
        while self._idle and self._count(idle=True) < AT_ONCE * self._cores:
            self._begin(self._idle)
        while self._busy and self._count(idle=False) < self._cores:
            self._begin(self._busy)
        if self._alone and not self._running:
            self._begin(self._alone)

    def _begin(self, waiting: deque[Attempt]) -> None:
        self._running.append(_Running(waiting.popleft()))

    def _count(self, *, idle: bool) -> int:
        return sum(each.attempt.is_idle == idle for each in self._running)

    def _gather(self) -> None:
        for each in [each for each in self._running if each.over]:
            self._running.remove(each)
            record = each.record()
            self._records.add(record)
            self.done += 1
            self._tell(self._line(record))

    def _line(self, record: Record) -> str:
        wrong = len(record.outcome.losses)
        return (
            f"{self.done:5}/{self.all}  {record.experiment:24} seed {record.seed:<5}"
            f"{record.outcome.deaths:7} deaths {record.seconds:7.1f} s"
            f"{f'  {wrong} LOSSES' if wrong else '':12}  {self.seconds_left / 60:.0f} min left"
        )


class _Running:
    """An attempt in its process, with a folder that goes when it ends."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self._began = time.monotonic()
        self._folder = Path(tempfile.mkdtemp(prefix="torture-"))
        self._noise = self._folder / "noise.txt"
        inside = self._folder / "inside"
        inside.mkdir()
        function = attempt.experiment.attempt
        words = (function.__module__, function.__name__, str(attempt.seed), str(inside))
        rank = () if attempt.is_idle or attempt.experiment.alone else MODESTLY
        with self._noise.open("w") as noise:
            self._process = subprocess.Popen(
                [*rank, sys.executable, "-m", "tests.torture.attempt", *words],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=noise,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def over(self) -> bool:
        return self._process.poll() is not None or self._late

    @property
    def _late(self) -> bool:
        return time.monotonic() - self._began > self.attempt.experiment.seconds_at_most

    def record(self) -> Record:
        """Answer what it brought, and clear away what it left."""
        late = self._process.poll() is None
        self.end()
        name, seed = self.attempt.experiment.name, self.attempt.seed
        outcome = Outcome(losses=["the attempt did not end in time"]) if late else self._outcome()
        shutil.rmtree(self._folder, ignore_errors=True)
        seconds = time.monotonic() - self._began
        return Record(experiment=name, seed=seed, seconds=seconds, outcome=outcome)

    def _outcome(self) -> Outcome:
        try:
            return Outcome.model_validate_json((self._folder / "inside" / ANSWER).read_bytes())
        except FileNotFoundError:
            noise = self._noise.read_text(errors="replace")[-4_000:]
            return Outcome(losses=[f"the attempt ended without a word:\n{noise}"])

    def end(self) -> None:
        """End its whole session, children included."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
