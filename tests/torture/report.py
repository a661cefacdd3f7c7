"""Writes docs/resilience.md from what was recorded: nothing in it is typed by hand."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median, quantiles
from typing import Final

from tests.torture.experiment import Experiment
from tests.torture.records import Record

HEAD: Final = """\
# Resilience: what was tried, and what was lost

This page is written by `make torture`; nothing in it is typed by hand. Each experiment tells what
it does, how often something died, at which moments, and what was lost. Any line can be repeated:
`make torture ARGS="NAME --seed SEED"` makes one attempt of one experiment with one seed.
"""
POINTS_SHOWN: Final = 40


def report(
    experiments: Sequence[Experiment], records: Iterable[Record], code: str, machine: str
) -> str:
    """Write the whole page."""
    found: dict[str, list[Record]] = {each.name: [] for each in experiments}
    for record in records:
        found.setdefault(record.experiment, []).append(record)
    lines = [HEAD, f"Code: `{code}`. Machine: {machine}.\n", *_summary(experiments, found)]
    for each in experiments:
        lines += ["", *_section(each, found[each.name])]
    return "\n".join(lines) + "\n"


def _summary(experiments: Sequence[Experiment], found: dict[str, list[Record]]) -> Iterator[str]:
    yield "| experiment | attempts | deaths | lost, doubled or forgotten |"
    yield "|---|---|---|---|"
    for each in experiments:
        records = found[each.name]
        deaths = sum(record.outcome.deaths for record in records)
        title = f"[{each.title}](#{each.name})"
        yield f"| {title} | {_attempts(each, records)} | {deaths:,} | {_verdict(each, records)} |"


def _attempts(experiment: Experiment, records: Sequence[Record]) -> str:
    if not records:
        return f"left out: {experiment.lacks() or 'not asked for'}"
    return f"{len(records)} of {experiment.attempts}"


def _verdict(experiment: Experiment, records: Sequence[Record]) -> str:
    if not records:
        return "not tried"
    losses = sum(len(record.outcome.losses) for record in records)
    if experiment.expects_losses:
        return f"{losses}, as it must be: this is the control"
    return f"**{losses}**" if losses else "nothing"


def _section(experiment: Experiment, records: Sequence[Record]) -> Iterator[str]:
    yield f'<a id="{experiment.name}"></a>'
    yield f"## {experiment.title}\n"
    yield experiment.text
    if not records:
        return
    seeds = sorted(record.seed for record in records)
    minutes = sum(record.seconds for record in records) / 60
    yield f"\nSeeds {seeds[0]} to {seeds[-1]}, {minutes:.0f} minutes in all."
    yield from _points(records)
    yield from _reached(experiment, records)
    yield from _figures(records)
    for note in sorted({note for record in records for note in record.outcome.notes}):
        yield f"\n- {note}"
    if not experiment.expects_losses:
        for record in records:
            yield from (
                f"\nSeed {record.seed}:\n\n```\n{each}\n```" for each in record.outcome.losses
            )


def _points(records: Sequence[Record]) -> Iterator[str]:
    points: Counter[str] = Counter()
    for record in records:
        points.update(record.outcome.points)
    if not points:
        return
    yield "\n| where it died | times |\n|---|---|"
    shown = points.most_common(POINTS_SHOWN)
    yield from (f"| {name} | {many:,} |" for name, many in shown)
    if rest := points.total() - sum(many for _, many in shown):
        yield f"| {len(points) - len(shown)} other places | {rest:,} |"


def _reached(experiment: Experiment, records: Sequence[Record]) -> Iterator[str]:
    ways: Counter[str] = Counter()
    for record in records:
        ways.update(record.outcome.reached)
    if ways:
        yield "\n| what the program had to do | stories |\n|---|---|"
        yield from (f"| {name} | {many:,} |" for name, many in ways.most_common())
    never = [name for name in experiment.must_reach if not ways[name]]
    if never:
        yield f"\n- Never reached in this run: {', '.join(never)}."


def _figures(records: Sequence[Record]) -> Iterator[str]:
    figures: dict[str, list[float]] = {}
    for record in records:
        for name, numbers in record.outcome.figures.items():
            figures.setdefault(name, []).extend(numbers)
    if not figures:
        return
    yield "\n| measured | median | 95 % below | most | times |\n|---|---|---|---|---|"
    for name, numbers in figures.items():
        if numbers:
            high = quantiles(numbers, n=20)[-1] if len(numbers) > 1 else numbers[0]
            yield (
                f"| {name} | {median(numbers):.4g} | {high:.4g} | {max(numbers):.4g} "
                f"| {len(numbers):,} |"
            )
