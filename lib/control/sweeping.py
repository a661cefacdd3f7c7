"""`backtest --sweep`: many runs with other settings, what came of each, and how much is chance."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lib.control.exits import Exit
from lib.control.options import Options
from lib.control.spoken import complain, say
from lib.control.sweep_options import SweepWords, cores, out_of
from lib.mistakes import ConfError

if TYPE_CHECKING:
    from lib.sweep.crew import Crew
    from lib.sweep.plan import Plan
    from lib.sweep.ranking import Ranking

STDOUT: Final = 1
ALONE: Final = {
    "news": "--news",
    "ctx": "--ctx",
    "risk_free": "--risk-free",
}  # what only a single run can have


def run_sweep(context: click.Context, words: SweepWords, wanted: dict[str, Any]) -> int:
    """Sweep as the words say; answer the exit code."""
    from lib.sweep.crew import ClusterLost
    from lib.sweep.folder import SweepFolder

    given = context.find_object(Options) or Options()
    try:
        out = out_of(wanted)
        plan = read_plan(given, words, wanted)
        with _crew(words) as crew:
            folder = SweepFolder.open(out, plan)
            try:
                return _carried_out(plan, folder, crew)
            finally:
                folder.close()
    except (ConfError, ValueError) as wrong:
        complain(str(wrong))
        return Exit.NOTHING_STARTS
    except (ClusterLost, OSError) as wrong:
        complain(f"{wrong}: the same command goes on from here")
        return Exit.ATTENTION


def read_plan(given: Options, words: SweepWords, wanted: dict[str, Any]) -> "Plan":
    """Make the words into a plan that can be carried out. Raises ConfError or ValueError."""
    from lib.control.backtest_command import read_settings, read_whole_conf
    from lib.sweep.axes import read_axis
    from lib.sweep.figures import Metric
    from lib.sweep.plan import Plan, checked
    from lib.sweep.variant import bots_of
    from lib.sweep.windows import Walk

    for name, option in ALONE.items():
        if wanted[name]:
            raise ValueError(f"{option} and --sweep do not go together")
    if words.anchored and words.walk_forward is None:
        raise ValueError("--anchored is a way to walk forward: --walk-forward 60d,20d")
    conf = read_whole_conf(wanted.pop("conf") or given.conf)
    wanted.pop("news")
    walk = Walk(*words.walk_forward, words.anchored) if words.walk_forward else None
    return checked(
        Plan(
            bots=bots_of(conf),
            axes=tuple(map(read_axis, words.sweep)),
            settings=read_settings(wanted, conf),
            metric=Metric(words.metric) if words.metric else Metric(),
            search=words.search,  # type: ignore[arg-type]
            trials=words.trials,
            walk=walk,
        )
    )


@contextmanager
def _crew(words: SweepWords) -> "Iterator[Crew]":
    from lib.sweep.crew import Cluster, Processes

    if words.dask is not None and words.jobs is not None:
        raise ValueError("--jobs is for this machine, a cluster has its own: not with --dask")
    crew: Crew = Cluster(words.dask) if words.dask else Processes(words.jobs or cores())
    try:
        yield crew
    finally:
        crew.disband()


def _carried_out(plan: "Plan", folder: Any, crew: "Crew") -> int:
    from lib.control.sweep_lines import SweepLines
    from lib.sweep.ranking import ranking_of
    from lib.sweep.sweep import Sweep

    lines = SweepLines()
    try:
        Sweep(plan, folder, crew, lines.show).run()
    except KeyboardInterrupt:
        lines.leave()
        complain(f"stopped: {len(folder.endings)} trials are kept, the same command goes on")
        return Exit.ATTENTION
    lines.leave()
    ranking = ranking_of(plan, folder.endings)
    say("\n".join(_report(ranking, folder.path)))
    written = _write(ranking, folder)
    say(f"written: {', '.join(path.name for path in written)} in {folder.path}")
    return _verdict(ranking)


def _report(ranking: "Ranking", path: Path) -> list[str]:
    from lib.control.sweep_words import report

    is_tty = os.isatty(STDOUT)
    return report(ranking, path, coloured=is_tty and not os.environ.get("NO_COLOR"))


def _write(ranking: "Ranking", folder: Any) -> list[Path]:
    from lib.sweep.heat_map import as_svg, maps_of
    from lib.sweep.ranking_files import as_csv, as_json

    written = [
        folder.write("ranking.csv", as_csv(ranking).encode()),
        folder.write("ranking.json", as_json(ranking)),
    ]
    maps = maps_of(ranking)
    return [*written, *([folder.write("heat_map.svg", as_svg(maps).encode())] if maps else [])]


def _verdict(ranking: "Ranking") -> int:
    """Answer the exit code: a person must look where trials failed, or none has a figure."""
    is_ranked = any(row.score is not None for row in ranking.rows)
    has_failed = any(row.state == "failed" for row in ranking.rows)
    return Exit.FINE if is_ranked and not has_failed else Exit.ATTENTION
