"""Files of data.binance.vision's format: read to the last digit, or refused with the reason."""

import gzip
import hashlib
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from lib.data.exporting import export
from lib.data.importing import files_in, import_file
from lib.data.reading import MarketReading
from lib.data.series import Kind, Series, Span
from lib.data.store import MarketStore
from lib.data.vision import CHECKSUM, BrokenFile, candle_cells, series_of, trade_cells
from tests.data_store.exchange import MINUTE, MINUTES, NOON, TRADES, bar, trade

BARS = [bar(NOON + step * MINUTE) for step in range(6)]
TOLD = [trade(number) for number in range(1, 8)]
HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,tb,tq,ignore"


def rows_of(cells: Iterable[list[object]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in cells)


def zipped(path: Path, text: str, *, checksum: bool = True) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{path.stem}.csv", text)
    if checksum:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_name(path.name + CHECKSUM).write_text(f"{digest}  {path.name}\n")
    return path


def imported(tmp_path: Path, path: Path) -> MarketReading:
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    try:
        import_file(store, path)
    finally:
        store.close()
    return MarketReading(tmp_path / "m.sqlite")


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("BTCUSDT-1m-2024-01.zip", MINUTES),
        ("BTCUSDT-1m-2024-01-31.zip", MINUTES),
        ("BTCUSDT-1M-2024-01.csv", Series(Kind.CANDLES, "BTCUSDT", "1M")),
        ("1INCHUSDT-12h-2024-01.csv.gz", Series(Kind.CANDLES, "1INCHUSDT", "12h")),
        ("BTCUSDT-aggTrades-2024-01.zip", TRADES),
        ("BTCUSDT-aggTrades.csv", TRADES),
        ("BTCUSDT-5m-20240101-20240906.csv.gz", Series(Kind.CANDLES, "BTCUSDT", "5m")),
    ],
)
def test_a_name_says_what_a_file_holds(name: str, series: Series) -> None:
    assert series_of(name) == series


@pytest.mark.parametrize(
    "name", ["BTCUSDT-trades-2024-01.zip", "BTCUSDT.zip", "BTCUSDT-7m-2024.zip", "x", "-1m-1.zip"]
)
def test_a_name_that_says_nothing_is_refused(name: str) -> None:
    with pytest.raises(BrokenFile, match="no name like"):
        series_of(name)


@pytest.mark.parametrize("header", ["", HEADER + "\n"], ids=["plain", "header"])
@pytest.mark.parametrize("unit", [1, 1000], ids=["ms", "µs"])
def test_candles_of_either_time_unit_come_in_to_the_last_digit(
    tmp_path: Path, unit: int, header: str
) -> None:
    rows = [candle_cells(each, "1m") for each in BARS]
    for row in rows:
        row[0] = int(str(row[0])) * unit
        row[6] = (int(str(row[6])) + 1) * unit - 1
    path = zipped(tmp_path / "BTCUSDT-1m-2025-01.zip", header + rows_of(rows))

    with imported(tmp_path, path) as reading:
        assert list(reading.bars("BTCUSDT", "1m")) == BARS
        assert reading.holding(MINUTES).spans == (Span(NOON, NOON + 6 * MINUTE),)


@pytest.mark.parametrize("unit", [1, 1000], ids=["ms", "µs"])
@pytest.mark.parametrize("words", [("True", "False"), ("true", "false")])
def test_trades_of_either_time_unit_come_in_to_the_last_digit(
    tmp_path: Path, unit: int, words: tuple[str, str]
) -> None:
    rows = [trade_cells(each) for each in TOLD]
    for row, each in zip(rows, TOLD, strict=True):
        row[5], row[6] = each.time * unit + unit // 2, words[0 if each.buyer_is_maker else 1]
    path = zipped(tmp_path / "BTCUSDT-aggTrades-2025-01.zip", rows_of(rows))

    with imported(tmp_path, path) as reading:
        assert list(reading.trades("BTCUSDT")) == TOLD
        assert reading.holding(TRADES).spans == (Span(1, 8),)


def test_the_shipped_recording_comes_in_whole(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "data/candles/BTCUSDT-5m-20240101-20240906.csv.gz"
    text = gzip.decompress(source.read_bytes()).splitlines()[:2_001]
    path = tmp_path / source.name
    path.write_bytes(gzip.compress(b"\n".join(text)))

    with imported(tmp_path, path) as reading:
        found = list(reading.candles("BTCUSDT", "5m"))

    assert len(found) == 2_000
    assert [str(found[0].open), found[0].open_time] == ["42283.58000000", 1704067200000]


@pytest.mark.parametrize("word", ["0" * 64, "nonsense", ""])
def test_a_file_that_is_not_what_its_checksum_says_is_refused_whole(
    tmp_path: Path, word: str
) -> None:
    path = zipped(
        tmp_path / "BTCUSDT-1m-2024-01.zip", rows_of(candle_cells(each, "1m") for each in BARS)
    )
    path.with_name(path.name + CHECKSUM).write_text(word)

    with pytest.raises(BrokenFile, match="checksum"):
        imported(tmp_path, path)

    with MarketReading(tmp_path / "m.sqlite") as reading:
        assert reading.holdings() == []


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_file_that_was_cut_off_is_told_and_not_taken_for_whole(tmp_path: Path, cut: int) -> None:
    path = zipped(
        tmp_path / "BTCUSDT-1m-2024-01.zip",
        rows_of(candle_cells(each, "1m") for each in BARS),
        checksum=False,
    )
    path.write_bytes(path.read_bytes()[:-cut])

    with pytest.raises(BrokenFile, match=r"BTCUSDT-1m-2024-01\.zip"):
        imported(tmp_path, path)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (f"{NOON},1,1,1", "4 columns"),
        (f"{NOON},1,1,1,x,1", "amount"),
        (f"{NOON},1,1,-1,1,1", "below zero"),
        (f"{NOON},1,1,1,nan,1", "amount"),
        (f"{NOON + 1},1,1,1,1,1", "no candle of 1m opens then"),
        (f"{NOON - MINUTE},1,1,1,1,1", "not after the row before"),
        (f"{NOON},1,1,1,1,1,1,1,1.5,1,1,0", "no whole number"),
        ("x,1,1,1,1,1", "no whole number"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, spoilt: str, said: str) -> None:
    path = tmp_path / "BTCUSDT-1m-2024-01.csv"
    path.write_text(f"{NOON - MINUTE},1,1,1,1,1\n{spoilt}\n")

    with pytest.raises(BrokenFile, match=f"row 2: .*{said}"):
        imported(tmp_path, path)


@pytest.mark.parametrize("spoilt", ["9,1,1,1,1", "9,1,1,1,1,1,perhaps", "1,1,1,1,1,1,True"])
def test_a_trade_that_cannot_be_read_is_named(tmp_path: Path, spoilt: str) -> None:
    path = tmp_path / "BTCUSDT-aggTrades-2024-01.csv"
    path.write_text(f"5,1,1,5,5,{NOON},True\n{spoilt}\n")

    with pytest.raises(BrokenFile, match="row 2: "):
        imported(tmp_path, path)


def test_an_archive_of_several_tables_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m-2024-01.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.csv", "b.csv"):
            archive.writestr(name, f"{NOON},1,1,1,1,1\n")

    with pytest.raises(BrokenFile, match="2 tables"):
        imported(tmp_path, path)


def test_bringing_a_file_in_again_changes_nothing_and_a_corrected_one_is_told(
    tmp_path: Path,
) -> None:
    path = zipped(
        tmp_path / "BTCUSDT-1m-2024-01.zip", rows_of(candle_cells(each, "1m") for each in BARS)
    )
    imported(tmp_path, path).close()
    corrected = [*BARS[:3], replace(BARS[3], close=BARS[2].close), *BARS[4:]]
    other = zipped(
        tmp_path / "BTCUSDT-1m-2024-02.zip", rows_of(candle_cells(each, "1m") for each in corrected)
    )

    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    same, differing = import_file(store, path), import_file(store, other)
    store.close()

    assert (same.new, same.known, same.differing) == (0, 6, [])
    assert differing.differing == [f"BTCUSDT 1m {BARS[3].open_time}"]


@pytest.mark.parametrize("series", [MINUTES, TRADES], ids=str)
def test_what_is_written_out_can_be_brought_in_again_unchanged(
    tmp_path: Path, series: Series
) -> None:
    source = tmp_path / ("BTCUSDT-1m-1.csv" if series is MINUTES else "BTCUSDT-aggTrades-1.csv")
    bars, told = (candle_cells(each, "1m") for each in BARS), map(trade_cells, TOLD)
    source.write_text(rows_of(bars if series is MINUTES else told))
    with imported(tmp_path, source) as reading:
        path, count = export(reading, series, tmp_path / "out", begin=0, end=2**60)

    again = tmp_path / "again"
    again.mkdir()
    with imported(again, path) as reading:
        found = reading.bars("BTCUSDT", "1m") if series is MINUTES else reading.trades("BTCUSDT")
        rows = list(found)

    assert rows == (BARS if series is MINUTES else TOLD)
    assert count == len(rows)
    assert [each.name for each in (tmp_path / "out").iterdir()] == [path.name]


def test_of_a_folder_only_the_files_that_hold_market_data_are_taken(tmp_path: Path) -> None:
    wanted = ["BTCUSDT-1m-2024-01.zip", "deeper/ETHUSDT-aggTrades-2024-01.csv"]
    for name in (*wanted, "README.md", "BTCUSDT-1m-2024-01.zip.CHECKSUM", "BTCUSDT-trades-1.zip"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()

    assert [path.relative_to(tmp_path).as_posix() for path in files_in(tmp_path)] == wanted
