"""The command `data`: what a person is shown of a file, and what comes in and goes out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from auto_trading import main
from lib.control.exits import Exit
from lib.control.market_words import duration_text
from lib.data.reading import MarketReading
from lib.data.rows import Line, Piece
from lib.data.series import Kind, Series, Span, runs
from lib.data.store import MarketStore
from lib.data.vision import candle_cells
from tests.data_store.exchange import MINUTE, MINUTES, NOON, TRADES, bar, trade
from tests.data_store.test_vision import rows_of, zipped

BARS = [bar(NOON + step * MINUTE) for step in range(10)]
DEPTH = Series(Kind.DEPTH, "ETHUSDT")


def run(path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["data", words[0], "--file", str(path), *words[1:]])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a gap, an outage and something of each kind."""
    there = [*BARS[:3], *BARS[5:]]
    covered = runs(MINUTES, (each.open_time for each in there))
    outage = Span(BARS[3].open_time, BARS[4].open_time)
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    store.add([
        Piece(MINUTES, tuple(there), (*covered, outage), (outage,), NOON),
        Piece(TRADES, tuple(trade(number) for number in range(5)), (Span(0, 5),)),
        Piece(DEPTH, (Line(NOON, b"{}"),), (Span(NOON, NOON + 1),)),
    ])
    store.close()
    return tmp_path / "m.sqlite"


def test_what_there_is_is_listed_with_its_gaps(path: Path) -> None:
    found = run(path, "list")

    assert found.exit_code == Exit.FINE
    head, title, *rows = [line.split() for line in found.output.splitlines()]
    assert head[1] == "live,"
    assert title[:2] == ["series", "rows"]
    assert [[row[0], row[1], row[2], *row[-2:]] for row in rows] == [
        ["BTCUSDT", "1m", "8", "1", "1"],
        ["BTCUSDT", "trades", "5", "0", "0"],
        ["ETHUSDT", "depth", "1", "0", "0"],
    ]


def test_a_gap_and_an_outage_are_told_apart(path: Path) -> None:
    found = run(path, "gaps")

    assert found.exit_code == Exit.ATTENTION
    lines = found.output.splitlines()
    assert [line.rpartition(": ")[2] for line in lines if "1m" in line] == [
        "not asked for yet, or no answer",
        "the exchange has nothing, asked twice",
    ]
    assert "BTCUSDT trades: nothing is missing" in lines


def test_a_file_without_a_gap_leaves_nothing_to_complain_of(path: Path) -> None:
    assert run(path, "gaps", "--symbols", "ETHUSDT").exit_code == Exit.FINE


def test_sound_data_is_verified_and_spoilt_data_is_named(path: Path) -> None:
    assert run(path, "verify").exit_code == Exit.FINE
    store = MarketStore(path, origin="live")
    spoilt = replace(bar(NOON + 30 * MINUTE), low=bar(NOON).high * 2)
    store.add([Piece(MINUTES, (spoilt,), ())])
    store.close()

    found = run(path, "verify")

    assert found.exit_code == Exit.ATTENTION
    assert f"BTCUSDT 1m {spoilt.open_time}: its low" in found.output


def test_what_is_written_out_comes_in_again_as_it_was(path: Path, tmp_path: Path) -> None:
    folder, copy = tmp_path / "out", tmp_path / "copy.sqlite"
    assert run(path, "export", "--to", str(folder), "--symbols", "BTCUSDT").exit_code == Exit.FINE

    assert run(copy, "import", str(folder)).exit_code == Exit.FINE

    with MarketReading(path) as one, MarketReading(copy) as other:
        assert list(one.bars("BTCUSDT", "1m")) == list(other.bars("BTCUSDT", "1m"))
        assert list(one.trades("BTCUSDT")) == list(other.trades("BTCUSDT"))


def test_only_the_time_asked_for_is_written_out(path: Path, tmp_path: Path) -> None:
    words = ("--intervals", "1m", "--since", "2023-11-14T22:15:00Z", "--until", "2023-11-14T22:20")
    folder = tmp_path / "out"

    assert run(path, "export", "--to", str(folder), *words).exit_code == Exit.FINE

    (written,) = folder.iterdir()
    times = [int(line.split(",")[0]) for line in written.read_text().splitlines()]
    assert times == [
        each.open_time
        for each in [*BARS[:3], *BARS[5:]]
        if 1_700_000_100_000 <= each.open_time < 1_700_000_400_000
    ]
    assert times


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


class Endless(Quiet):
    """Answers whatever is asked without a length, with more than any checksum has."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(ConnectionError):
            for _ in range(64):
                self.wfile.write(b"a" * 1_000)


@contextmanager
def served(folder: Path, kind: type[Quiet] = Quiet) -> Iterator[str]:
    handler = partial(kind, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_file_is_fetched_from_an_address_if_its_checksum_fits(tmp_path: Path) -> None:
    shelf, path = tmp_path / "shelf", tmp_path / "m.sqlite"
    shelf.mkdir()
    text = rows_of(candle_cells(each, "1m") for each in BARS)
    zipped(shelf / "BTCUSDT-1m-2024-01.zip", text)
    zipped(shelf / "BTCUSDT-1m-2024-02.zip", text, checksum=False)

    with served(shelf) as address:
        good = run(path, "import", f"{address}/BTCUSDT-1m-2024-01.zip")
        unproven = run(path, "import", f"{address}/BTCUSDT-1m-2024-02.zip")
        absent = run(path, "import", f"{address}/BTCUSDT-1m-2024-03.zip")
    unreached = run(path, "import", f"{address}/BTCUSDT-1m-2024-01.zip")

    assert good.exit_code == Exit.FINE, good.output
    assert [each.exit_code for each in (unproven, absent, unreached)] == [Exit.ATTENTION] * 3
    assert "there is no" in absent.output
    with MarketReading(path) as reading:
        assert list(reading.bars("BTCUSDT", "1m")) == BARS


def test_a_checksum_without_a_length_is_given_up_as_soon_as_it_is_too_long(tmp_path: Path) -> None:
    with served(tmp_path, Endless) as address:
        found = run(tmp_path / "m.sqlite", "import", f"{address}/BTCUSDT-1m-2024-01.zip")

    assert found.exit_code == Exit.ATTENTION
    assert "is no checksum: it is too long" in found.output


def test_one_broken_file_does_not_keep_the_others_out(tmp_path: Path) -> None:
    folder, path = tmp_path / "files", tmp_path / "m.sqlite"
    folder.mkdir()
    zipped(folder / "BTCUSDT-1m-2024-02.zip", rows_of(candle_cells(each, "1m") for each in BARS))
    (folder / "BTCUSDT-1m-2024-01.zip").write_bytes(b"no zip")

    found = run(path, "import", str(folder))

    assert found.exit_code == Exit.ATTENTION
    assert "BTCUSDT-1m-2024-01.zip cannot be read" in found.output
    with MarketReading(path) as reading:
        assert reading.holding(MINUTES).rows == len(BARS)


@pytest.mark.parametrize("words", [("list", "x.zip"), ("import",)])
def test_places_go_with_import_and_with_nothing_else(path: Path, words: tuple[str, ...]) -> None:
    assert run(path, *words).exit_code == Exit.NOTHING_STARTS


@pytest.mark.parametrize("action", ["list", "verify", "gaps", "export"])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, action: str) -> None:
    found = run(tmp_path / "absent.sqlite", action)

    assert found.exit_code == Exit.NOTHING_STARTS
    assert "there is no file" in found.output
    assert not (tmp_path / "absent.sqlite").exists()


@pytest.mark.parametrize(
    ("span", "text"),
    [(0, "0s"), (59_999, "59s"), (61_000, "1m 1s"), (3_600_000, "1h 0m"), (90_000_000, "1d 1h")],
)
def test_what_is_left_is_told_in_two_units(span: int, text: str) -> None:
    assert duration_text(span) == text
