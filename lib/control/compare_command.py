"""The command `compare`: runs side by side, and what they were asked for differently."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lib.control.columns import Column, lay_out
from lib.control.exits import Exit
from lib.control.figure_words import ALL, NOTHING, figure
from lib.control.options import PATH
from lib.control.spoken import complain, say

if TYPE_CHECKING:
    from lib.report.comparison import Comparison

WIDTH: Final = 110


@click.command()
@click.argument("runs", metavar="RUN RUN [RUN...]", nargs=-1, required=True, type=PATH)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for other programs.")
@click.pass_context
def compare(context: click.Context, /, runs: tuple[Path, ...], *, as_json: bool) -> None:
    """Put back-tests side by side: what differs in what was asked for, and what came of each.

    RUN is a folder that `backtest --out` wrote, or its result.json.
    """
    from lib.report.comparison import NoRun, compared, read_run

    if len(runs) < 2:
        complain("two runs or more are compared: name their folders")
        context.exit(Exit.NOTHING_STARTS)
    try:
        comparison = compared([read_run(place) for place in runs])
    except NoRun as wrong:
        complain(str(wrong))
        context.exit(Exit.NOTHING_STARTS)
    say(_as_json(comparison) if as_json else "\n".join(lines(comparison)))
    context.exit(Exit.FINE)


def lines(comparison: "Comparison") -> Iterator[str]:
    """Lay a comparison out for a person."""
    if len(set(comparison.assets)) > 1:
        yield f"not of one currency: {', '.join(comparison.assets)}"
    differences = [
        [path, *(NOTHING if value is None else value for value in values)]
        for path, values in comparison.differences.items()
    ]
    yield from _table("asked for", comparison, differences or [["all of it the same"]])
    for bot, figures in comparison.figures.items():
        yield ""
        rows = [
            [name.replace("_", " "), *(figure(name, value) for value in values)]
            for name, values in figures.items()
        ]
        yield from _table(bot or ALL, comparison, rows)


def _table(title: str, comparison: "Comparison", rows: list[list[str]]) -> list[str]:
    columns = [Column(title), *(Column(name, right=True) for name in comparison.names)]
    filled = [[*row, *[""] * (len(columns) - len(row))] for row in rows]
    return lay_out(columns, filled, WIDTH)


def _as_json(comparison: "Comparison") -> str:
    from dataclasses import asdict

    import orjson

    return orjson.dumps(asdict(comparison), option=orjson.OPT_INDENT_2).decode()
