"""What a sweep found: every combination by rank, each window's choice, and what that is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from statistics import fmean
from typing import Final

from lib.report.metrics import cagr
from lib.sweep.figures import RETURN, Figures
from lib.sweep.overfitting import (
    Sign,
    deflated_sharpe,
    efficiency,
    overfitting_probability,
    rank_correlation,
    sharpe,
)
from lib.sweep.plan import Plan
from lib.sweep.trial import Ending, Places, Sample, State, TrialKey
from lib.sweep.windows import Window

GROWTH: Final = RETURN  # what is chained
LOWEST: Final = float("-inf")

Endings = Mapping[TrialKey, Ending]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One combination. Figures are means over the windows in which it was tried."""

    places: Places
    values: Mapping[str, str]
    state: State
    reason: str
    windows: int
    chosen: int  # in how many windows it was the best one
    score: float | None  # by which it is ranked: more is better
    tried: Mapping[str, float | None]
    judged: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Step:
    """What one window chose, and what came of it."""

    window: Window
    places: Places
    values: Mapping[str, str]
    tried: Figures
    judged: Figures


@dataclass(frozen=True, slots=True)
class Ranking:
    """Everything a sweep came to."""

    plan: Plan
    rows: tuple[Ranked, ...]
    steps: tuple[Step, ...]
    signs: tuple[Sign, ...]

    @property
    def chained(self) -> float | None:
        """What the chosen values earned over all stretches of judgement, one after the other."""
        grown = [step.judged.metrics.get(GROWTH) for step in self.steps]
        known = [each for each in grown if each is not None]
        return prod(1 + each for each in known) - 1 if known and len(known) == len(grown) else None

    @property
    def judged_yearly(self) -> float | None:
        """The same, a year."""
        judged = [step.window.judged for step in self.steps]
        length = sum(each.length for each in judged if each is not None)
        return None if self.chained is None else cagr(1, 1 + self.chained, length=length)


def ranking_of(plan: Plan, endings: Endings) -> Ranking:
    """Rank what was tried. The same rows give the same ranking, in whatever order they came."""
    ordered = {key: endings[key] for key in sorted(endings, key=_order)}
    steps = tuple(_steps(plan, ordered))
    rows = _rows(plan, ordered, steps)
    ranking = Ranking(plan, rows, steps, ())
    return Ranking(plan, rows, steps, tuple(_signs(ranking, ordered)))


def _order(key: TrialKey) -> tuple[int, bool, Places]:
    return key.window, key.sample is Sample.JUDGED, key.places


def _steps(plan: Plan, endings: Endings) -> list[Step]:
    found = []
    for window in plan.windows:
        best = best_of(plan, endings, window)
        if best is None or window.judged is None:
            continue
        judged = endings.get(TrialKey(window.number, Sample.JUDGED, best.key.places))
        if judged is None or judged.figures is None or best.figures is None:
            continue
        places = best.key.places
        texts = plan.value_texts(places)
        found.append(Step(window, places, texts, best.figures, judged.figures))
    return found


def best_of(plan: Plan, endings: Endings, window: Window) -> Ending | None:
    """Answer the best one of a window; of equals the first in the order of the axes."""
    scored = [
        (score, ending)
        for key, ending in endings.items()
        if key.window == window.number
        and key.sample is Sample.TRIED
        and (score := plan.metric.score(ending.figures)) is not None
    ]
    if not scored:
        return None
    return min(scored, key=lambda each: (-each[0], each[1].key.places))[1]


def _rows(plan: Plan, endings: Endings, steps: Sequence[Step]) -> tuple[Ranked, ...]:
    samples: dict[Places, dict[Sample, list[Ending]]] = {}
    for key, ending in endings.items():
        samples.setdefault(key.places, {}).setdefault(key.sample, []).append(ending)
    rows = [_row(plan, places, samples[places], steps) for places in sorted(samples)]
    return tuple(sorted(rows, key=lambda row: (_depth(row.score), row.places)))


def _depth(score: float | None) -> float:
    return -LOWEST if score is None else -score


def _row(
    plan: Plan, places: Places, endings: Mapping[Sample, list[Ending]], steps: Sequence[Step]
) -> Ranked:
    tried, judged = (endings.get(sample, []) for sample in (Sample.TRIED, Sample.JUDGED))
    scores = [plan.metric.score(ending.figures) for ending in tried]
    known = [score for score in scores if score is not None]
    worst = max((each.state for each in tried), key=list(State).index)
    return Ranked(
        places=places,
        values=plan.value_texts(places),
        state=worst,
        reason=next((each.reason for each in [*tried, *judged] if each.reason), ""),
        windows=len(tried),
        chosen=sum(step.places == places for step in steps),
        score=fmean(known) if known and len(known) == len(scores) else None,
        tried=_means(tried),
        judged=_means(judged),
    )


def _means(endings: Sequence[Ending]) -> dict[str, float | None]:
    figures = [ending.figures for ending in endings if ending.figures is not None]
    names = dict.fromkeys(name for each in figures for name in each.metrics)
    return {name: _mean([each.metrics.get(name) for each in figures]) for name in names}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return fmean(known) if known and len(known) == len(values) else None


# --- how much of it is chance


def _signs(ranking: Ranking, endings: Endings) -> list[Sign]:
    plan, steps = ranking.plan, ranking.steps
    table = _returns(plan, endings)
    ratios = [ratio for each in table.values() if (ratio := sharpe(each)) is not None]
    best = next((row.places for row in ranking.rows if row.places in table), None)
    signs = [
        overfitting_probability(list(table.values())),
        deflated_sharpe(table[best] if best is not None else (), ratios),
    ]
    if plan.walk is None:
        return signs
    tried = _mean([_yearly(step.tried, step.window.trained.length) for step in steps])
    return [
        efficiency(tried, ranking.judged_yearly),
        rank_correlation([_pairs(plan, endings, window) for window in plan.windows]),
        *signs,
    ]


def _yearly(figures: Figures, length: int) -> float | None:
    grown = figures.metrics.get(GROWTH)
    return None if grown is None else cagr(1, 1 + grown, length=length)


def _pairs(plan: Plan, endings: Endings, window: Window) -> list[tuple[float, float]]:
    pairs = []
    for key, ending in endings.items():
        if key.window != window.number or key.sample is not Sample.TRIED:
            continue
        other = endings.get(TrialKey(key.window, Sample.JUDGED, key.places))
        tried = plan.metric.score(ending.figures)
        judged = plan.metric.score(other.figures) if other else None
        if tried is not None and judged is not None:
            pairs.append((tried, judged))
    return pairs


def _returns(plan: Plan, endings: Endings) -> dict[Places, tuple[float, ...]]:
    """Chain each combination's days: of the whole period, else of all stretches of judgement.

    A combination that has not every window has another period than the rest, and is left out.
    """
    sample = Sample.TRIED if plan.walk is None else Sample.JUDGED
    chains: dict[Places, list[Figures]] = {}
    for key, ending in endings.items():
        if key.sample is sample and ending.figures is not None:
            chains.setdefault(key.places, []).append(ending.figures)
    whole = {
        places: tuple(day for each in parts for day in each.returns)
        for places, parts in chains.items()
        if len(parts) == len(plan.windows)
    }
    longest = max(map(len, whole.values()), default=0)
    return {places: days for places, days in whole.items() if len(days) == longest}
