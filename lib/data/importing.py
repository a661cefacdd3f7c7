"""Brings files into the store: all of a file that is sound, in batches, once.

What is there already stays; a row that is not the same as the one that is there is named. A file
covers what its rows cover: holes in it stay open, for the exchange itself to be asked about.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from lib.data.rows import AggregateTrade, Piece, place_of
from lib.data.series import Kind, Series, runs
from lib.data.store import Added, MarketStore
from lib.data.vision import NAME, check, checksum_beside, read_bars, read_trades, series_of
from lib.market.candles import Bar

BATCH: Final = 20_000


def files_in(place: Path) -> list[Path]:
    """List the files that can be brought in: one, or all of a folder and those below it."""
    if not place.is_dir():
        return [place]
    return sorted(path for path in place.rglob("*") if path.is_file() and _looks_right(path))


def import_file(
    store: MarketStore,
    path: Path,
    *,
    checksum: str | None = None,
    series: Series | None = None,
    told: Callable[[int], None] = lambda _rows: None,
) -> Added:
    """Bring one file in; its name says what it holds unless `series` does.

    Raises BrokenFile before anything is saved if the checksum does not fit; a row that cannot be
    read ends it there, and what was saved before stays, for it is sound.
    """
    series = series or series_of(path.name)
    check(path, checksum if checksum is not None else checksum_beside(path))
    whole = Added()
    for batch in _batches(_items(path, series)):
        covered = runs(series, map(place_of, batch))
        added = store.add([Piece(series, batch, tuple(covered))])
        whole.new += added.new
        whole.known += added.known
        whole.differing += added.differing
        told(len(batch))
    return whole


def _items(path: Path, series: Series) -> Iterable[Bar | AggregateTrade]:
    if series.kind is Kind.TRADES:
        return read_trades(path)
    return read_bars(path, series.interval)


def _batches(
    items: Iterable[Bar | AggregateTrade],
) -> Iterator[tuple[Bar | AggregateTrade, ...]]:
    source = iter(items)
    while batch := tuple(islice(source, BATCH)):
        yield batch


def _looks_right(path: Path) -> bool:
    if not NAME.fullmatch(path.name):
        return False
    try:
        series_of(path.name)
    except ValueError:
        return False
    return True
