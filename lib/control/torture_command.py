"""The command `torture`: a person's own bots, killed again and again where it costs nothing."""

import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lib.conf import BotConf, RunnerConf, read_conf
from lib.control.exits import Exit
from lib.control.options import PATH, Options
from lib.control.spoken import complain, say
from lib.mistakes import ConfError

if TYPE_CHECKING:
    from lib.torture.ordeal import Findings

ALL: Final = "all"
SEEDS: Final = 1_000_000
SHOWN: Final = 12  # disagreements
PROGRAM: tuple[str, ...] = ()  # the runner's words; none: the product's own


@click.command()
@click.argument("names", metavar="NAME...|all", nargs=-1, required=True)
@click.option("--conf", type=PATH, help="The file that says which bots there are.")
@click.option(
    "--kills",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="How often something is killed.",
)
@click.option("--seed", type=int, help="What to repeat: the seed of an earlier run.")
@click.option(
    "--speed",
    type=click.IntRange(1, 100_000),
    default=3_000,
    show_default=True,
    help="Recorded seconds played in one second.",
)
@click.option("--folder", type=PATH, help="An empty folder for it all, which stays.")
@click.pass_context
def torture(
    context: click.Context,
    /,
    names: Sequence[str],
    conf: Path | None,
    kills: int,
    seed: int | None,
    speed: int,
    folder: Path | None,
) -> None:
    """Kill bots again and again on a simulated exchange, then hold the books against each other.

    Runs the sections NAME of conf.json (or all) on recorded prices, without keys or network, in a
    folder of its own: neither ctx/ nor the journal is touched. Runner and exchange are processes
    that are killed at random and at the worst moments: when an order has reached the exchange and
    its answer has not left. Says after how long the bots went on, and whether anything was lost,
    doubled or forgotten. Exit code 0: nothing; 1: something was; 2: it cannot be tried.
    """
    given = context.find_object(Options) or Options()
    try:
        sections = chosen(read_conf(conf or given.conf), names)
        place = _place(folder)
    except (ConfError, ValueError) as wrong:
        complain(str(wrong))
        context.exit(Exit.NOTHING_STARTS)
    _take_the_children_along()
    seed = secrets.randbelow(SEEDS) if seed is None else seed
    say(f"{', '.join(sections)}: {kills} kills, seed {seed}, {speed} recorded seconds a second")
    found = _run(place, sections, kills, seed, speed)
    again = f"torture {' '.join(names)} --kills {kills} --seed {seed} --speed {speed}"
    say("\n".join(report(found, again)))
    if found.wrong or folder is not None:
        say(f"everything is in {place}")
    else:
        shutil.rmtree(place, ignore_errors=True)
    context.exit(Exit.FINE if found.orders and not found.wrong else Exit.ATTENTION)


def chosen(conf: RunnerConf, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Answer the sections asked for, as written. Raises ValueError, which says what is wrong."""
    from lib.simulator.paper.recorded_market import SYMBOLS

    for held in conf.held_back:
        if ALL in names or held.name in names:
            raise ValueError("\n".join(map(str, held.mistakes)))
    bots = {bot.name: bot for bot in conf.bots}
    wanted = list(bots) if ALL in names else list(dict.fromkeys(names))
    for name in wanted:
        if name not in bots:
            raise ValueError(f"there is no bot {name} in conf.json, but {', '.join(bots)}")
        unknown = [symbol for symbol in bots[name].conf.symbols if symbol not in SYMBOLS]
        if unknown:
            raise ValueError(
                f"{name} trades {', '.join(unknown)}, and there are recorded prices of "
                f"{' and '.join(SYMBOLS)} alone: try it with one of those"
            )
    if not wanted:
        raise ValueError("conf.json has no bot")
    return {name: _section(bots[name]) for name in wanted}


def _section(bot: BotConf) -> dict[str, Any]:
    """Answer a section as written, which may stand under any name."""
    return {**bot.raw, "function": f"{bot.module}.{bot.function}"}


def report(found: "Findings", again: str) -> Iterator[str]:
    """Say what was done and what came of it."""
    yield ""
    yield from (f"  {many:4} {point}" for point, many in sorted(found.deaths.items()))
    copies = f", {found.copies} copies of each bot one after the other" if found.copies > 1 else ""
    yield f"\n{found.deaths.total()} deaths{copies}"
    yield f"{found.orders} orders accepted by the exchange, {found.trades} trades"
    if found.recoveries:
        times = sorted(found.recoveries)
        middle, longest = times[len(times) // 2], times[-1]
        yield (
            f"from a death to the first word of a bot that went on: {middle:.1f} s as a rule, "
            f"{longest:.1f} s at most"
        )
    yield from found.stopped
    yield from _verdict(found)
    yield f"the same again: {again}"


def _verdict(found: "Findings") -> Iterator[str]:
    if found.wrong:
        yield f"\nNOT RESILIENT: {len(found.wrong)} disagreements after the last of these deaths:"
        yield from (f"  {wrong}" for wrong in found.wrong[:SHOWN])
        yield f"\nthe runner's last words:\n{found.last_words}"
    elif not found.orders:
        yield "\nNOTHING PROVEN: no order was placed; a higher --speed may make the bots trade"
    else:
        yield (
            "\nRESILIENT: nothing was lost, doubled or forgotten. Each order was announced on disk "
            "before it left, placed once, and is followed or finished; the account holds to the "
            "last digit what the bots remember"
        )


def _place(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="torture-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: --folder takes an empty one")
    return folder.absolute()


def _take_the_children_along() -> None:
    """Have a signal end runner and exchange too, before it ends this process."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(Exit.ATTENTION))


def _run(
    place: Path, sections: Mapping[str, Mapping[str, Any]], kills: int, seed: int, speed: int
) -> "Findings":
    from lib.torture.ordeal import Ordeal

    ordeal = Ordeal(place, sections, kills=kills, seed=seed, speed=speed, program=PROGRAM)
    return ordeal.run(say)
