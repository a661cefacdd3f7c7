"""Which combinations of values are tried, and in which order.

Each search answers batches: all of a batch are tried before the next one is asked for, and what
they came to is told in their order. So a search goes the same way whoever runs the trials, how
many at once, and however often it was killed in between.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from hashlib import shake_128
from itertools import product
from math import prod
from typing import Any, Final, Literal, Protocol, TypeAlias

from lib.sweep.axes import Axis, value_text
from lib.sweep.research import imported
from lib.sweep.trial import Places

SearchKind: TypeAlias = Literal["grid", "random", "bayes"]
Score: TypeAlias = float | None
"""What a combination came to, more being better; None: nothing that can be compared."""

COMBINATIONS_MAX: Final = 100_000  # of a grid
BATCH: Final = 4  # combinations that a Bayesian search asks for at once
ATTEMPTS: Final = 100  # to find so many that were not tried before
BYTES: Final = 8


class Search(Protocol):
    """Asks for combinations and learns what they came to."""

    def ask(self) -> Sequence[Places]:
        """Answer the next combinations to try; none once it is over."""
        ...

    def tell(self, scores: Mapping[Places, Score]) -> None:
        """Learn what all of the last ones came to."""
        ...


def search_of(kind: SearchKind, axes: Sequence[Axis], *, trials: int | None, seed: int) -> Search:
    """Begin a search. Raises ValueError for one that cannot be."""
    combinations = prod(len(axis.values) for axis in axes)
    if kind == "grid":
        if trials is not None:
            raise ValueError("a grid tries every combination: --trials is for random and bayes")
        if combinations > COMBINATIONS_MAX:
            raise ValueError(
                f"the grid has {combinations} combinations, at most {COMBINATIONS_MAX}: "
                "use --search random --trials N"
            )
        return Listed(product(*(range(len(axis.values)) for axis in axes)))
    if trials is None:
        raise ValueError(f"--search {kind} needs --trials N")
    if kind == "random":
        return Listed(drawn(axes, min(trials, combinations), seed))
    return Bayes(axes, trials, seed)


class Listed:
    """Combinations known beforehand, all of them in one batch."""

    def __init__(self, combinations: Iterator[Places]) -> None:
        self._left = list(combinations)

    def ask(self) -> Sequence[Places]:
        """Answer all of them, once."""
        asked, self._left = self._left, []
        return asked

    def tell(self, scores: Mapping[Places, Score]) -> None:
        """Learn nothing: the list is what it is."""


def drawn(axes: Sequence[Axis], many: int, seed: int) -> Iterator[Places]:
    """Yield so many combinations, each once, drawn evenly by the seed."""
    sizes = [len(axis.values) for axis in axes]
    found: set[Places] = set()
    number = 0
    while len(found) < many:
        noise = shake_128(f"sweep {seed} {number}".encode()).digest(BYTES)
        number += 1
        rest, places = int.from_bytes(noise) % prod(sizes), []
        for size in reversed(sizes):
            rest, place = divmod(rest, size)
            places.append(place)
        combination = tuple(reversed(places))
        if combination not in found:
            found.add(combination)
            yield combination


class Bayes:
    """Learns where good values lie: optuna's tree-structured Parzen estimator.

    Values that grow are searched as an order, others as categories. What was refused or failed
    counts as worse than everything.
    """

    def __init__(self, axes: Sequence[Axis], trials: int, seed: int) -> None:
        """Raises NotInstalled."""
        self._optuna: Any = imported("optuna")
        self._optuna.logging.set_verbosity(self._optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constant_liar is called experimental
            sampler = self._optuna.samplers.TPESampler(
                seed=seed, multivariate=True, constant_liar=True
            )
        self._study: Any = self._optuna.create_study(sampler=sampler, direction="maximize")
        self._axes = axes
        self._left = trials
        self._asked: list[tuple[Any, Places]] = []
        self._known: dict[Places, Score] = {}

    def ask(self) -> Sequence[Places]:
        """Answer the next few, each a new one; none once it has nothing new to ask for."""
        self._asked = []
        fresh: dict[Places, None] = {}
        for _ in range(ATTEMPTS):
            if len(fresh) == min(BATCH, self._left):
                break
            trial = self._study.ask()
            places = self._places(trial)
            if places in self._known:
                self._learn(trial, self._known[places])
            else:
                self._asked.append((trial, places))
                fresh[places] = None
        self._left -= len(fresh)
        return list(fresh)

    def tell(self, scores: Mapping[Places, Score]) -> None:
        """Learn what they came to, in the order in which they were asked for."""
        self._known |= scores
        for trial, places in self._asked:
            self._learn(trial, scores[places])

    def _learn(self, trial: Any, score: Score) -> None:
        if score is None:
            self._study.tell(trial, state=self._optuna.trial.TrialState.PRUNED)
        else:
            self._study.tell(trial, score)

    def _places(self, trial: Any) -> Places:
        return tuple(self._place(trial, axis) for axis in self._axes)

    @staticmethod
    def _place(trial: Any, axis: Axis) -> int:
        if axis.ordered:
            return int(trial.suggest_int(axis.name, 0, len(axis.values) - 1))
        choices = [value_text(value) for value in axis.values]
        return choices.index(trial.suggest_categorical(axis.name, choices))
