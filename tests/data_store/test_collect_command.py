"""The command `collect`, as a person runs it: against a simulated exchange, killed at will."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from auto_trading import main
from lib.control.collect_command import market_of
from lib.control.exits import Exit
from lib.data.reading import MarketReading
from lib.data.series import Kind, Series
from lib.data.store import MarketStore
from lib.data.verifying import check_rows
from lib.errors import Halt
from lib.market.capture_replay import CaptureReplay
from tests.control.program import Program
from tests.control.simulated import Simulated, simulated
from tests.data_store.streams import Books

MINUTE = 60_000


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("exchange")) as found:
        yield found


def rows_in(path: Path) -> int:
    try:
        with MarketReading(path) as reading:
            return sum(held.rows for held in reading.holdings())
    except Halt:
        return 0  # not made yet


def until_more(path: Path, before: int) -> None:
    deadline = time.monotonic() + 30
    while rows_in(path) <= before:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def complaints(path: Path) -> list[str]:
    """Say what the file claims and does not have."""
    with MarketReading(path) as reading:
        assert reading.damage() == []
        kept = [held for held in reading.holdings() if held.series.kind is not Kind.DEPTH]
        checks = [check_rows(reading, held) for held in kept]
        return [sentence for check in checks for sentence in check.first_wrong]


def asked(exchange: Simulated, symbol: str, begin: int, end: int) -> list[list[object]]:
    """Ask the exchange itself for minutes, as anybody would."""
    found: list[list[object]] = []
    while begin < end:
        query = f"symbol={symbol}&interval=1m&limit=1000&startTime={begin}&endTime={end - 1}"
        with urllib.request.urlopen(f"{exchange.address}/api/v3/klines?{query}") as answer:
            page = json.load(answer)
        found += page
        begin = int(page[-1][0]) + MINUTE if page else end
    return found


@pytest.mark.slow
def test_a_collection_killed_again_and_again_ends_with_all_there_is_and_never_lies(
    exchange: Simulated, tmp_path: Path
) -> None:
    path = tmp_path / "m.sqlite"
    words = ("collect", "--venue", exchange.address, "--to", str(path), "--once")
    wanted = ("--symbols", "BTCUSDT,ETHUSDT", "--since", "12d", "--intervals", "1m,5m", "--trades")
    for _ in range(5):
        before = rows_in(path)
        with Program(tmp_path, *words, *wanted) as program:
            until_more(path, before)
            program.process.kill()
            program.process.wait()
        assert complaints(path) == []
        assert rows_in(path) > before

    with Program(tmp_path, *words) as program:
        assert program.ended() == Exit.FINE, program.output
    assert complaints(path) == []
    for symbol in ("BTCUSDT", "ETHUSDT"):
        with MarketReading(path) as reading:
            (span,) = reading.holding(Series(Kind.CANDLES, symbol, "1m")).spans
            ours = [
                [bar.open_time, f"{bar.open:.8f}", f"{bar.high:.8f}", f"{bar.volume:.8f}"]
                for bar in reading.bars(symbol, "1m")
            ]
        theirs = asked(exchange, symbol, span.begins, span.ends)
        assert ours == [[row[0], row[1], row[2], row[5]] for row in theirs]
        assert len(ours) >= 12 * 24 * 60 - 1


FAULTS = [
    {"kind": "lose_request"},
    {"kind": "lose_reply"},
    {"kind": "spoil_reply", "status": 200, "body": "[[1]]"},
    {"kind": "refuse", "status": 502, "body": "<html>Bad Gateway</html>"},
    {"kind": "refuse", "status": 429, "body": '{"code":-1003,"msg":"."}', "retry_after": 0},
]


@pytest.mark.slow
def test_whatever_goes_wrong_on_the_wire_every_row_arrives_and_no_outage_is_made_up(
    exchange: Simulated, tmp_path: Path
) -> None:
    path = tmp_path / "m.sqlite"
    rules = [
        {"fault": fault, "path": "/api/v3/*s", "skip": skip, "times": 1}  # klines, aggTrades
        for skip, fault in enumerate(FAULTS, 1)
    ]
    body = json.dumps(rules).encode()
    request = urllib.request.Request(f"{exchange.control}/simulator/faults", body, method="POST")
    urllib.request.urlopen(request).close()

    words = ("collect", "--venue", exchange.address, "--to", str(path), "--once", "--trades")
    with Program(tmp_path, *words, "--symbols", "BTCUSDT", "--since", "4d") as program:
        assert program.process.wait(60) == Exit.FINE, program.output

    with urllib.request.urlopen(f"{exchange.control}/simulator/log") as answer:
        assert len(json.load(answer)) >= len(FAULTS)
    assert complaints(path) == []
    with MarketReading(path) as reading:
        candles, trades = reading.holdings()
    assert candles.rows >= 4 * 24 * 60 - 1
    assert (candles.outages, trades.outages) == ((), ())


@pytest.mark.slow
def test_a_live_collection_goes_on_after_a_kill_and_only_the_book_has_a_gap(
    exchange: Simulated, tmp_path: Path
) -> None:
    path = tmp_path / "m.sqlite"
    words = ("collect", "--venue", exchange.address, "--to", str(path))
    wanted = ("--symbols", "BTCUSDT", "--since", "1m", "--intervals", "1s", "--trades", "--depth")
    for more in (wanted, ()):
        with Program(tmp_path, *words, *more) as program:
            program.until("following the market")
            for _ in range(2):
                until_more(path, rows_in(path))
            program.process.kill()
            program.process.wait()
        assert complaints(path) == []

    with Program(
        tmp_path, *words, "--intervals", "1s", "--trades", "--symbols", "BTCUSDT", "--once"
    ) as p:
        assert p.ended() == Exit.FINE, p.output
    with MarketReading(path) as reading:
        held = {each.series.kind: each for each in reading.holdings()}
        replay = CaptureReplay(lambda: reading.recording("BTCUSDT"))
        books = Books()
        replay.play(until=10_000, market=books, time=0)
    assert [len(held[kind].spans) for kind in Kind] == [1, 1, 2]
    assert books.shown[0][0] == "whole"


@pytest.mark.slow
def test_a_symbol_that_does_not_exist_is_told_and_the_others_are_collected(
    exchange: Simulated, tmp_path: Path
) -> None:
    path = tmp_path / "m.sqlite"
    words = ("collect", "--venue", exchange.address, "--to", str(path), "--once")

    with Program(tmp_path, *words, "--symbols", "NOSUCH,BTCUSDT", "--since", "1h") as program:
        assert program.ended() == Exit.ATTENTION
        assert "NOSUCH 1m is left out" in program.output
        assert "Traceback" not in program.output
        assert "\x1b" not in program.output

    with MarketReading(path) as reading:
        assert reading.holding(Series(Kind.CANDLES, "BTCUSDT", "1m")).rows >= 58


def test_without_a_symbol_a_new_file_has_nothing_to_collect(tmp_path: Path) -> None:
    found = run("collect", "--to", str(tmp_path / "m.sqlite"))

    assert found.exit_code == Exit.NOTHING_STARTS
    assert "name --symbols" in found.output


def test_a_recording_alone_needs_the_live_market(tmp_path: Path) -> None:
    words = ("--symbols", "BTCUSDT", "--intervals", "none", "--depth", "--once")

    found = run("collect", "--to", str(tmp_path / "m.sqlite"), *words)

    assert found.exit_code == Exit.NOTHING_STARTS
    assert "nothing is wanted" in found.output


@pytest.mark.parametrize("venue", ["paper", "backtest", "nonsense", "https://api.binance.com"])
def test_a_venue_without_a_market_of_its_own_is_refused(tmp_path: Path, venue: str) -> None:
    path = tmp_path / "m.sqlite"

    found = run("collect", "--venue", venue, "--to", str(path), "--symbols", "BTCUSDT")

    assert found.exit_code == Exit.NOTHING_STARTS
    assert not path.exists()


@pytest.mark.parametrize("venue", [None, "live"])
def test_the_real_market_is_read_where_no_account_is(venue: str | None) -> None:
    name, addresses = market_of(venue)

    assert name == "live"
    assert addresses.rest == "https://data-api.binance.vision/api"


def test_a_file_that_is_being_written_or_of_another_exchange_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    words = ("collect", "--to", str(path), "--symbols", "BTCUSDT", "--venue", "http://127.0.0.1:9")
    store = MarketStore(path, origin="live")
    busy = run(*words)
    store.close()
    foreign = run(*words)

    assert busy.exit_code == foreign.exit_code == Exit.NOTHING_STARTS
    assert "is being written by another" in busy.output
    assert "holds data of live" in foreign.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--intervals", "7m"), "'7m' is none of 1s, 1m"),
        (("--since", "yesterday"), "no date like"),
        (("--symbols", "btc usdt"), "no symbol like"),
    ],
)
def test_a_word_that_cannot_be_read_is_told(words: tuple[str, str], said: str) -> None:
    found = run("collect", *words)

    assert found.exit_code == Exit.NOTHING_STARTS
    assert said in found.output
