"""The runner as a process: started, stopped, killed, started again."""

import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from lib.control.exits import Exit
from tests.control.folder import ROOT, conf_file
from tests.control.program import Program

pytestmark = pytest.mark.slow

ONE_BUY = {"order": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "20"}}


def sample(tmp_path: Path) -> Path:
    (tmp_path / "conf.json").write_text((ROOT / "conf.json").read_text())
    return tmp_path


def test_out_of_the_box_the_first_fill_comes_within_ten_seconds(tmp_path: Path) -> None:
    with Program(sample(tmp_path)) as program:
        program.until(r"\w+ fill: (bought|sold) .*", seconds=10)

        assert (
            program.output
            .split("\n")[0]
            .split(" ", 2)[2]
            .startswith("runner start: simulation, paper: no real money")
        )


@pytest.mark.timeout(90)
def test_every_bot_of_the_sample_has_a_fill_within_a_minute(tmp_path: Path) -> None:
    with Program(sample(tmp_path), "--venue", "paper") as program:
        for bot in ("add_order", "ether_dips", "soak", "bitcoin_dips"):
            program.until(rf"{bot} fill: ", seconds=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_trading_runner_within_a_second_and_quietly(
    tmp_path: Path, number: signal.Signals
) -> None:
    with Program(sample(tmp_path)) as program:
        program.until("fill: ")

        assert program.stop(number) < 1
        assert program.process.returncode == Exit.FINE
        assert "Traceback" not in program.output


@pytest.fixture
def deaf_exchange() -> Iterator[str]:
    """An exchange that takes every request and never answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def take_in() -> None:
        while True:
            try:
                kept.append(listening.accept()[0])
            except OSError:
                return

    threading.Thread(target=take_in, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    for connection in kept:
        connection.close()


def test_a_signal_ends_it_within_a_second_while_requests_are_in_flight(
    tmp_path: Path, deaf_exchange: str
) -> None:
    conf_file(tmp_path)
    with Program(tmp_path, "--venue", deaf_exchange) as program:
        program.until("runner start")

        assert program.stop() < 1
        assert program.process.returncode == Exit.FINE


def test_an_exchange_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    conf_file(tmp_path)
    with Program(tmp_path, "--venue", "http://127.0.0.1:9") as program:
        program.until("runner weather: no exchange")

        assert program.process.poll() is None


def test_a_killed_runner_goes_on_where_it_was_and_buys_nothing_twice(tmp_path: Path) -> None:
    conf_file(tmp_path, once={"function": "add_order", **ONE_BUY})
    for _ in range(3):
        with Program(tmp_path) as program:
            program.until("once .*finished|Resumed 1 bot", seconds=10)
            program.stop(signal.SIGKILL)

    with Program(tmp_path, "status", "--json") as status:
        assert status.ended() == Exit.FINE
        (once,) = orjson.loads(status.output)["bots"]
    assert once["stands"] == "finished"
    assert once["result"]["orders_done"] == 1


def test_the_paper_exchange_remembers_across_kills(tmp_path: Path) -> None:
    conf_file(
        tmp_path,
        far={
            "function": "dip_buyer",
            "symbol": "BTCUSDT",
            "quantity": "0.01",
            "dip": "0.2",
            "rebound": "0.1",
        },
    )
    with Program(tmp_path) as program:
        program.until("far order: .* is in the book")
        program.stop(signal.SIGKILL)

    with Program(tmp_path) as program:
        told = program.until("Resumed 1 bot.*")

    assert "Nothing was in doubt" in told
    assert "Open now: BUY 0.01 BTCUSDT" in told


def test_a_second_runner_on_the_same_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with Program(sample(tmp_path)) as first:
        first.until("runner start")
        with Program(tmp_path) as second:
            assert second.ended() == Exit.BUSY
            assert re.fullmatch(r"ctx is in use by another runner: .*\n", second.output)

        assert first.process.poll() is None


def test_a_conf_that_cannot_be_read_starts_nothing_and_makes_no_folder(tmp_path: Path) -> None:
    (tmp_path / "conf.json").write_text("[{")
    with Program(tmp_path) as program:
        assert program.ended() == Exit.NOTHING_STARTS

        assert program.output.startswith("conf.json:1:")
        assert not (tmp_path / "ctx").exists()


def test_the_sample_as_shipped_does_not_go_live(tmp_path: Path) -> None:
    keys = {
        "BINANCE_API_KEY": "k" * 16,
        "BINANCE_API_SECRET": "s" * 16,
        "BINANCE_API_TEST": "false",
    }
    with Program(sample(tmp_path), environ=keys) as program:
        assert program.ended() == Exit.NOTHING_STARTS
        assert "the sample as it was shipped" in program.output


def test_lines_for_the_journal_begin_with_their_priority(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    found = os.fstat(writing)
    conf_file(tmp_path, once={"function": "add_order", **ONE_BUY})
    pid = os.posix_spawn(
        "/bin/sh",
        ["/bin/sh", "-c", f"cd {tmp_path}; exec $PROGRAM"],
        {
            **os.environ,
            "PROGRAM": f"{sys.executable} {ROOT}/auto_trading.py --venue paper",
            "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}",
        },
        file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)],
    )
    os.close(writing)
    with os.fdopen(reading) as journal:
        lines = [next(journal) for _ in range(3)]
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)

    assert all(re.match(r"<[3-7]>\d{4}-\d\d-\d\d ", line) for line in lines)


def test_status_can_be_asked_while_the_runner_trades(tmp_path: Path) -> None:
    with Program(sample(tmp_path)) as program:
        program.until("bitcoin_dips order: .* is in the book")
        with Program(tmp_path, "status", "--json") as status:
            assert status.ended() == Exit.FINE
            found = orjson.loads(status.output)

        assert found["running"] is True
        assert {bot["name"]: bot["stands"] for bot in found["bots"]}["bitcoin_dips"] == "running"
        assert program.process.poll() is None


def test_a_bot_with_a_wrong_section_is_named_while_the_others_trade(tmp_path: Path) -> None:
    conf_file(tmp_path, once={"function": "add_order", **ONE_BUY}, bad={"function": "dip_buyer"})
    with Program(tmp_path) as program:
        program.until(r"bad warning: does not run: its conf is wrong: conf\.json:1:")
        program.until("once fill: ")


def test_a_parked_bot_is_mended_by_a_person_and_trades_on(tmp_path: Path) -> None:
    refused = {"order": {**ONE_BUY["order"], "quoteOrderQty": "1"}}
    conf_file(tmp_path, once={"function": "add_order", **refused})
    for _ in range(2):
        with Program(tmp_path) as program:
            program.until("once parked: Halt: the order was refused")
            program.stop(signal.SIGKILL)
        with Program(tmp_path, "release", "once", "--yes") as release:
            assert release.ended() == Exit.FINE
            assert "`afresh` lets it begin anew" in release.output

    conf_file(tmp_path, once={"function": "add_order", **ONE_BUY})
    with Program(tmp_path, "afresh", "once", "--yes") as afresh:
        assert afresh.ended() == Exit.FINE
    with Program(tmp_path) as program:
        program.until("once fill: bought")
