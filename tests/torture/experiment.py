"""What an experiment of the torture chamber is, and what one attempt at it brings.

An experiment is a module of this folder with a constant EXPERIMENT. Its attempts are independent
of each other: a seed and an empty folder in, an outcome out. Each runs in a process of its own, so
it may kill, mount, leak and hang as it likes.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Outcome(BaseModel):
    """What one attempt did and found."""

    model_config = ConfigDict(extra="forbid")

    deaths: int = 0  # how often something died: a world, a process, a machine
    points: Counter[str] = Counter()  # at which kinds of moments, and how often each
    losses: list[str] = []  # what was lost, doubled, forgotten or wrong: one story each
    figures: dict[str, list[float]] = {}  # what was measured, by name; the unit is its last word
    reached: Counter[str] = Counter()  # which ways of the program were gone, and how often each
    notes: list[str] = []  # what a reader of the report should know
    cpu_seconds: float = 0.0  # of the attempt and of all it started; attempt.py fills it in


def _nothing() -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One way to hurt the program, repeated `attempts` times in a whole run."""

    name: str
    title: str
    text: str  # what is done, against what, and how a loss would be seen; prose of the report
    attempts: int
    seconds: float  # what one attempt takes on two cores, about
    cores: float = 1.0  # how many it keeps busy meanwhile, about: many attempts mostly wait
    attempt: Callable[[int, Path], Outcome]
    lacks: Callable[[], str] = field(default=_nothing)  # what this machine has not; "" if nothing
    alone: bool = False  # it measures time: nothing else may run beside it
    must_reach: tuple[str, ...] = ()  # ways that a whole run has to go; told if it went one not
    expects_losses: bool = False  # a control: the harness must see losses

    @property
    def seconds_at_most(self) -> float:
        """Say after how long an attempt counts as hung."""
        return 20 * self.seconds + 120
