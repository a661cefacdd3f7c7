"""A sweep: trials of many values, by whoever runs them, in a folder from which it can go on.

What is tried next depends on finished rows alone, and never on which of them ended first. So a
sweep that was killed, however often, comes to the same rows as one that was not.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import TypeAlias

from lib.sweep.crew import ClusterLost, Crew, CrewLost, died_twice
from lib.sweep.folder import SweepFolder
from lib.sweep.plan import Plan
from lib.sweep.trial import Ending, Sample, TrialKey, failed
from lib.sweep.windows import Window

Course: TypeAlias = Generator[tuple[TrialKey, ...], Mapping[TrialKey, Ending], None]
"""Asks for trials, is given what they came to, and so on: one window's way."""


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a sweep has come."""

    done: int
    expected: int  # at most: what is refused is not judged, and learners may repeat themselves
    found: int  # of those done: by earlier starts


Watch: TypeAlias = Callable[[Advance], None]


class Sweep:
    """Carries a plan out."""

    def __init__(self, plan: Plan, folder: SweepFolder, crew: Crew, watch: Watch) -> None:
        self._plan = plan
        self._folder = folder
        self._crew = crew
        self._watch = watch
        self._legs = {window.number: Leg(course(plan, window)) for window in plan.windows}
        self._waiting: deque[TrialKey] = deque()
        self._running: dict[Future[Ending], TrialKey] = {}
        self._lost: set[TrialKey] = set()

    def run(self) -> None:
        """Run every trial that has no row yet. Raises OSError, or ClusterLost."""
        for leg in self._legs.values():
            self._waiting.extend(leg.begin(self._folder.endings))
        self._tell()
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._crew.room:
                self._begin(self._waiting.popleft())
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                self._take(future, self._running.pop(future))
            self._tell()

    def _begin(self, key: TrialKey) -> None:
        self._running[self._crew.submit(self._plan.trial(key))] = key

    def _take(self, future: "Future[Ending]", key: TrialKey) -> None:
        wrong = future.exception()
        if isinstance(wrong, CrewLost) and key not in self._lost:
            self._lost.add(key)
            self._waiting.appendleft(key)
            return
        if isinstance(wrong, CrewLost):
            ending = died_twice(self._plan.trial(key))
        elif isinstance(wrong, ClusterLost):
            raise wrong
        elif wrong is not None:
            ending = failed(key, f"{type(wrong).__name__}: {wrong}")
        else:
            ending = future.result()
        self._folder.append(ending)
        self._waiting.extend(self._legs[key.window].take(key, self._folder.endings))

    def _tell(self) -> None:
        done = len(self._folder.endings)
        self._watch(Advance(done, max(done, expected(self._plan)), self._folder.found))


class Leg:
    """How far one window has come on its course."""

    def __init__(self, way: Course) -> None:
        self._way = way
        self._asked: tuple[TrialKey, ...] | None = None
        self._missing: set[TrialKey] = set()

    def begin(self, endings: Mapping[TrialKey, Ending]) -> list[TrialKey]:
        """Go as far as earlier starts have come; answer what must be run for the next step."""
        return self._go(endings)

    def take(self, ended: TrialKey, endings: Mapping[TrialKey, Ending]) -> list[TrialKey]:
        """Note that a trial has ended; answer what must be run once nothing else is missing."""
        self._missing.discard(ended)
        return self._go(endings)

    def _go(self, endings: Mapping[TrialKey, Ending]) -> list[TrialKey]:
        while not self._missing:
            try:
                self._asked = self._step(endings)
            except StopIteration:
                break
            self._missing = {key for key in self._asked if key not in endings}
            if self._missing:
                return [key for key in self._asked if key in self._missing]
        return []

    def _step(self, endings: Mapping[TrialKey, Ending]) -> tuple[TrialKey, ...]:
        if self._asked is None:
            return next(self._way)
        return self._way.send({key: endings[key] for key in self._asked})


def course(plan: Plan, window: Window) -> Course:
    """Try values until the search is over, then judge all that could be run on what came next."""
    search = plan.searching(window)
    tried: dict[TrialKey, Ending] = {}
    while asked := search.ask():
        keys = dict.fromkeys(TrialKey(window.number, Sample.TRIED, places) for places in asked)
        endings = yield tuple(keys)
        tried |= endings
        search.tell({key.places: plan.metric.score(each.figures) for key, each in endings.items()})
    if window.judged is not None:
        yield tuple(
            TrialKey(window.number, Sample.JUDGED, key.places)
            for key, ending in tried.items()
            if ending.figures is not None
        )


def expected(plan: Plan) -> int:
    """Say how many trials there will be, at most."""
    many = 1
    for axis in plan.axes:
        many *= len(axis.values)
    many = many if plan.trials is None else min(many, plan.trials)
    return many * len(plan.windows) * (1 if plan.walk is None else 2)
