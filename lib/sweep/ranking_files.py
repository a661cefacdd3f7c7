"""The files in which a ranking is kept: a table, and the whole of it for programs."""

import csv
from io import StringIO
from typing import Any

import orjson

from lib.sweep.overfitting import told
from lib.sweep.ranking import Ranked, Ranking, Step


def as_csv(ranking: Ranking) -> str:
    """Write the ranking as a table: rank, values, state, figures tried and judged."""
    settings = [axis.name for axis in ranking.plan.axes]
    metrics = _metric_names(ranking)
    judges = ["tried", "judged"] if ranking.plan.walk else ["tried"]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = [f"{sample}_{name}" for sample in judges for name in metrics]
    writer.writerow(["rank", *settings, "state", "windows", "chosen", *figures, "reason"])
    for number, row in enumerate(ranking.rows, start=1):
        sources = (row.tried, row.judged) if ranking.plan.walk else (row.tried,)
        told_figures = [_cell(source.get(name)) for source in sources for name in metrics]
        values = [row.values[name] for name in settings]
        rank = str(number) if row.score is not None else ""
        writer.writerow([
            *(rank, *values, row.state, row.windows, row.chosen),
            *(*told_figures, row.reason),
        ])
    return text.getvalue()


def as_json(ranking: Ranking) -> bytes:
    """Write everything a sweep came to, for programs."""
    whole = {
        "plan": ranking.plan.written(),
        "ranking": [_ranked(row) for row in ranking.rows],
        "windows": [_step(step) for step in ranking.steps],
        "judged": {"total_return": ranking.chained, "a_year": ranking.judged_yearly},
        "overfitting": told(ranking.signs),
    }
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2) + b"\n"


def _metric_names(ranking: Ranking) -> list[str]:
    names = dict.fromkeys(name for row in ranking.rows for name in row.tried)
    own = ranking.plan.metric.name
    return [*([own] if own in names else []), *(name for name in names if name != own)]


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)


def _ranked(row: Ranked) -> dict[str, Any]:
    return {
        "values": row.values,
        "state": row.state.value,
        "reason": row.reason,
        "windows": row.windows,
        "chosen": row.chosen,
        "tried": row.tried,
        "judged": row.judged,
    }


def _step(step: Step) -> dict[str, Any]:
    window = step.window
    assert window.judged is not None, "a step was judged"
    return {
        "tried_from": window.trained.begins,
        "judged_from": window.judged.begins,
        "judged_to": window.judged.ends,
        "values": step.values,
        "tried": dict(step.tried.metrics),
        "judged": dict(step.judged.metrics),
    }
