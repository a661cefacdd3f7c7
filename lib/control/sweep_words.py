"""What a person reads of a sweep: ranking, windows, map, and how much of it is chance."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lib.control.columns import Column, clip, lay_out, width_of
from lib.sweep.figures import RETURN
from lib.sweep.heat_map import as_lines, figure_text, maps_of
from lib.sweep.overfitting import Sign
from lib.sweep.ranking import Ranked, Ranking, Step

WIDTH: Final = 110
SHOWN: Final = 15  # combinations
REASONS: Final = 5  # of what was refused or failed
MAP_LINES: Final = 24


def report(ranking: Ranking, folder: Path, *, coloured: bool) -> list[str]:
    """Lay out everything, in lines."""
    return [
        _headline(ranking),
        *_ranked(ranking, folder),
        *_left_out(ranking.rows),
        *_windows(ranking),
        *_maps(ranking, coloured=coloured),
        *_signs(ranking.signs),
    ]


def _headline(ranking: Ranking) -> str:
    plan = ranking.plan
    windows = f" in {len(plan.windows)} windows" if plan.walk else ""
    period = f"{_day(plan.period.begins)} to {_day(plan.period.ends)} UTC"
    many = f"{len(ranking.rows)} combinations{windows}"
    return f"sweep: {period}, {many}, best {plan.metric.name} first"


# --- the ranking


def _ranked(ranking: Ranking, folder: Path) -> list[str]:
    rows = [row for row in ranking.rows if row.score is not None]
    if not rows:
        return [
            f"no combination has a {ranking.plan.metric.name}: ratios need some whole days (UTC) "
            "of each stretch, and trades"
        ]
    plan = ranking.plan
    metric, walks = plan.metric.name, plan.walk is not None
    columns = [
        Column("rank", right=True),
        *(Column(axis.name, right=True) for axis in plan.axes),
        Column(f"{metric} tried" if walks else metric, right=True),
        *([Column("judged", right=True)] if walks else []),
        *([Column("return", right=True, spare=1)] if metric != RETURN else []),
        Column("drawdown", right=True, spare=2),
        *([Column("chosen", right=True, spare=3)] if walks else []),
        Column("", spare=4),
    ]
    cells = [_cells(ranking, number, row) for number, row in enumerate(rows[:SHOWN], start=1)]
    more = [f"… and {len(rows) - SHOWN} more: {folder / 'ranking.csv'}"]
    return [*lay_out(columns, cells, WIDTH), *(more if len(rows) > SHOWN else [])]


def _cells(ranking: Ranking, number: int, row: Ranked) -> list[str]:
    plan = ranking.plan
    metric, walks = plan.metric.name, plan.walk is not None
    return [
        str(number),
        *(row.values[axis.name] for axis in plan.axes),
        figure_text(row.tried.get(metric)),
        *([figure_text(row.judged.get(metric))] if walks else []),
        *([_percent(row.tried.get(RETURN))] if metric != RETURN else []),
        _depth(row.tried.get("max_drawdown")),
        *([f"{row.chosen} of {len(plan.windows)}"] if walks else []),
        clip(row.reason, WIDTH // 3),
    ]


def _left_out(rows: Sequence[Ranked]) -> Iterator[str]:
    """Name what was refused or failed, and why."""
    for state in ("refused", "failed"):
        found = [row for row in rows if row.state == state]
        if found:
            yield f"{state}: {len(found)} of {len(rows)}"
        reasons = list(dict.fromkeys(row.reason for row in found))
        yield from (f"  {reason}" for reason in reasons[:REASONS])
        if len(reasons) > REASONS:
            yield f"  and {len(reasons) - REASONS} other reasons: ranking.csv"
    plain = sum(row.state == "done" and row.score is None for row in rows)
    if plain:
        yield f"without this figure: {plain} of {len(rows)}"


# --- walk-forward


def _windows(ranking: Ranking) -> list[str]:
    plan = ranking.plan
    if plan.walk is None:
        return []
    if not ranking.steps:
        return ["", "no window could choose anything"]
    name = plan.metric.name
    columns = [
        Column("judged from"),
        Column("to"),
        *(Column(axis.name, right=True) for axis in plan.axes),
        Column(f"{name} tried", right=True),
        Column("judged", right=True),
        Column("return", right=True),
    ]
    lines = lay_out(columns, [_step_cells(step, name) for step in ranking.steps], WIDTH)
    yearly = ranking.judged_yearly
    year = f", {_percent(yearly)} a year" if yearly is not None else ""
    last = plan.windows[-1].judged
    assert last is not None, "a walk judges"
    left = plan.period.ends - last.ends
    idle = [f"the last {left // 86_400_000} days are in no window"] if left >= 86_400_000 else []
    way = "anchored" if plan.walk.anchored else "rolling"
    head = f"walk-forward, {way}: what was best where it was tried, on the time that followed"
    return [
        *("", head, *lines),
        f"judged in a row: {_percent(ranking.chained)}{year}",
        *idle,
    ]


def _step_cells(step: Step, name: str) -> list[str]:
    judged = step.window.judged
    assert judged is not None, "a step was judged"
    return [
        *(_day(judged.begins), _day(judged.ends)),
        *step.values.values(),
        figure_text(step.tried.metrics.get(name)),
        figure_text(step.judged.metrics.get(name)),
        _percent(step.judged.metrics.get(RETURN)),
    ]


# --- the map


def _maps(ranking: Ranking, *, coloured: bool) -> Iterator[str]:
    """Show the first pair of settings, where the terminal has room for it."""
    wide = 2 if ranking.plan.walk else 1
    for heat_map in maps_of(ranking)[:wide]:
        plain = as_lines(heat_map, coloured=False)
        if len(plain) > MAP_LINES or max(map(width_of, plain[1:])) > WIDTH:
            continue
        yield ""
        yield from as_lines(heat_map, coloured=coloured)


# --- how much is chance


def _signs(signs: Sequence[Sign]) -> Iterator[str]:
    yield ""
    yield "is it over-fitted?"
    wide = max(len(sign.name) for sign in signs)
    yield from (f"  {sign.name:<{wide}}  {_judgement(sign)}" for sign in signs)
    bad = [sign.name for sign in signs if sign.warns]
    known = [sign for sign in signs if sign.value is not None]
    if bad:
        many = f"{len(bad)} of {len(known)} signs"
        yield f"WARNING: over-fitted by {many}: expect less than the ranking shows"
    elif known:
        yield f"none of {len(known)} signs says so; that is no promise"


def _judgement(sign: Sign) -> str:
    if sign.value is None:
        return f"not computed: {sign.reason}"
    mark = "  <- no" if sign.warns else ""
    return f"{sign.value:6.2f}, should be {sign.bound} {sign.threshold:g}{mark}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:+.2f} %"


def _depth(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.2f} %"


def _day(time: int) -> str:
    return datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%d")
