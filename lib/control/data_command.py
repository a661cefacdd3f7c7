"""The command `data`: what `collect` has gathered: listed, verified, brought in and out."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lib.control.exits import Exit
from lib.control.market_words import FILE, Intervals, count_text, moment_text
from lib.control.moments import Moment
from lib.control.options import PATH
from lib.control.simulator_words import Symbols
from lib.control.spoken import complain, say
from lib.errors import Halt, Unavailable

if TYPE_CHECKING:
    from lib.data.reading import Holding, MarketReading
    from lib.data.series import Span
    from lib.data.store import MarketStore

LIVE: Final = "live"
SHOWN: Final = 20
WIDTH: Final = 120


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options choose."""

    path: Path
    symbols: tuple[str, ...]
    intervals: tuple[str, ...]
    begin: int
    end: int
    folder: Path
    places: tuple[str, ...]

    def takes(self, held: "Holding") -> bool:
        """Say whether a series is meant."""
        series = held.series
        named = not self.symbols or series.symbol in self.symbols
        return named and (not self.intervals or series.interval in self.intervals)


@click.command()
@click.argument("action", type=click.Choice(["list", "verify", "gaps", "export", "import"]))
@click.argument("places", metavar="[FILE|FOLDER|ADDRESS]...", nargs=-1)
@click.option(
    "--file", "path", type=PATH, default=Path(FILE), show_default=True, help="The market data."
)
@click.option("--symbols", type=Symbols(), help="Of these alone.")
@click.option("--intervals", type=Intervals(), help="Candles of these lengths alone.")
@click.option("--since", type=Moment(UTC), help="export: from then on, UTC: 2024-01-01, or 90d.")
@click.option("--until", type=Moment(UTC), help="export: before then.")
@click.option(
    "--to",
    "folder",
    type=PATH,
    default=Path("market_data"),
    show_default=True,
    help="export: the folder its files go into.",
)
@click.pass_context
def data(
    context: click.Context,
    /,
    action: str,
    places: tuple[str, ...],
    path: Path,
    symbols: tuple[str, ...] | None,
    intervals: tuple[str, ...] | None,
    since: int | None,
    until: int | None,
    folder: Path,
) -> None:
    """Look at market data that was collected, verify it, bring files in or write them out.

    \b
    list     what there is of each series: rows, from when to when, whether anything is missing
    verify   hold it against itself: 5 x 1m is 5m, trades make the candles, every row is sound
    gaps     what is missing: never asked for, or not to be had from the exchange itself
    export   tables as data.binance.vision has them, recordings as data/capture has them
    import   such files: zip or csv, a folder of them, or the address of one

    Exit code 0: fine; 1: something is missing, wrong or differs; 2: there is nothing to look at.
    """
    import sqlite3

    from lib.data.reading import END_OF_TIME

    if bool(places) != (action == "import"):
        complain("import takes files, folders or addresses; nothing else does")
        context.exit(Exit.NOTHING_STARTS)
    end = END_OF_TIME if until is None else until
    names = symbols or (), intervals or ()
    chosen = Chosen(path, *names, since or 0, end, folder, places)
    try:
        context.exit(ACTIONS[action](chosen))
    except (Halt, OSError, sqlite3.Error) as wrong:
        complain(str(wrong))
        context.exit(Exit.NOTHING_STARTS)


# --- looking


def _list(chosen: Chosen) -> Exit:
    from lib.control.columns import Column, lay_out

    columns = [
        *(Column("series"), Column("rows", right=True), Column("first (UTC)")),
        *(Column("last (UTC)"), Column("gaps", right=True), Column("outages", right=True)),
    ]
    with _reading(chosen) as reading:
        held = [each for each in reading.holdings() if chosen.takes(each)]
        say(f"{chosen.path}: {reading.origin}, {_size(chosen.path)}")
    rows = [
        [
            *(str(each.series), count_text(each.rows)),
            *(moment_text(each.begins), moment_text(each.ends)),
            *(str(len(gaps_of(each))), str(len(each.outages))),
        ]
        for each in held
    ]
    say("\n".join(lay_out(columns, rows, WIDTH)))
    return Exit.FINE if held else Exit.ATTENTION


def _gaps(chosen: Chosen) -> Exit:
    found = 0
    with _reading(chosen) as reading:
        for held in reading.holdings():
            if not chosen.takes(held):
                continue
            lines = list(_gap_lines(held))
            found += len(lines)
            say("\n".join(lines) if lines else f"{held.series}: nothing is missing")
    return Exit.ATTENTION if found else Exit.FINE


def gaps_of(held: "Holding") -> "list[Span]":
    """Give what lies between the spans of a series that are covered."""
    from lib.data.series import Span, uncovered

    if not held.spans:
        return []
    return uncovered(held.spans, Span(held.spans[0].begins, held.spans[-1].ends))


def _gap_lines(held: "Holding") -> Iterator[str]:
    for span in gaps_of(held):
        why = "not recorded" if held.series.kind == "depth" else "not asked for yet, or no answer"
        yield f"{held.series}: {_span_text(held, span)}: {why}"
    for span in held.outages:
        yield f"{held.series}: {_span_text(held, span)}: the exchange has nothing, asked twice"


def _span_text(held: "Holding", span: "Span") -> str:
    if held.series.kind == "trades":
        return f"trades {span.begins} to {span.ends - 1}"
    return f"{moment_text(span.begins)} to {moment_text(span.ends)}"


def _verify(chosen: Chosen) -> Exit:
    from lib.data.verifying import verify

    wrong = 0
    with _reading(chosen) as reading:
        for complaint in reading.damage():
            wrong += 1
            complain(f"{chosen.path} is damaged: {complaint}")
        if wrong:
            return Exit.ATTENTION
        for found in verify(reading, chosen.symbols):
            wrong += found.wrong
            verdict = f"{count_text(found.wrong)} WRONG" if found.wrong else "all agree"
            say(f"{found.title}: {count_text(found.compared)} compared, {verdict}")
            if found.first_wrong:
                say("\n".join(f"    {sentence}" for sentence in found.first_wrong))
    return Exit.ATTENTION if wrong else Exit.FINE


# --- in and out


def _export(chosen: Chosen) -> Exit:
    from lib.data.exporting import export

    count = 0
    with _reading(chosen) as reading:
        for held in reading.holdings():
            if chosen.takes(held) and held.rows:
                place, rows = export(
                    reading, held.series, chosen.folder, begin=chosen.begin, end=chosen.end
                )
                count += 1
                say(f"{place}: {count_text(rows)} rows")
    return Exit.FINE if count else Exit.ATTENTION


def _import(chosen: Chosen) -> Exit:
    from lib.data.store import MarketStore

    store = MarketStore(chosen.path, origin=LIVE)
    try:
        with tempfile.TemporaryDirectory() as folder:
            verdicts = [_import_place(store, place, Path(folder)) for place in chosen.places]
    finally:
        store.close()
    return Exit.FINE if all(verdicts) else Exit.ATTENTION


def _import_place(store: "MarketStore", place: str, folder: Path) -> bool:
    """Bring in what is at one place; say whether all of it was sound and as before."""
    from lib.data.downloading import download, is_address
    from lib.data.importing import files_in
    from lib.data.vision import BrokenFile

    try:
        if is_address(place):
            path = asyncio.run(download(place, folder))
            taken = _import_file(store, path)
            path.unlink()
            return taken
        files = files_in(Path(place))
    except (BrokenFile, Unavailable) as wrong:
        complain(str(wrong))
        return False
    if not files:
        complain(f"{place} holds no file named like BTCUSDT-1m-2024-01.zip")
    sound = [_import_file(store, path) for path in files]
    return bool(files) and all(sound)


def _import_file(store: "MarketStore", path: Path) -> bool:
    from lib.data.amounts import Unstorable
    from lib.data.importing import import_file
    from lib.data.vision import BrokenFile

    try:
        added = import_file(store, path)
    except (BrokenFile, Unstorable) as wrong:
        complain(str(wrong))
        return False
    known = f", {count_text(added.known)} were there" if added.known else ""
    say(f"{path.name}: {count_text(added.new)} new rows{known}")
    for row in added.differing[:SHOWN]:
        complain(f"{row} differs from the one that is there, which stays")
    return not added.differing


def _reading(chosen: Chosen) -> "MarketReading":
    from lib.data.reading import MarketReading

    return MarketReading(chosen.path)


def _size(path: Path) -> str:
    whole = [path, path.with_name(f"{path.name}-wal")]
    size = sum(each.stat().st_size for each in whole if each.exists())
    return f"{size // 100_000 / 10} MB"


ACTIONS: Final[Mapping[str, Callable[[Chosen], Exit]]] = {
    "list": _list,
    "verify": _verify,
    "gaps": _gaps,
    "export": _export,
    "import": _import,
}
