"""What systemd, Docker and Prometheus hear of the real program, from its start to SIGTERM."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from lib.control.health import ask_health
from lib.control.vitals import START_EXTENSION
from lib.torture.processes import clean_environment
from tests.control.exposition import read
from tests.control.folder import ROOT
from tests.control.program import Program
from tests.control.test_metrics_server import free_port

pytestmark = pytest.mark.slow

FAR = {"symbol": "BTCUSDT", "quantity": "0.01", "dip": "0.2", "rebound": "0.1"}


class Listener:
    """The listening end of a notify socket, and all that was ever heard there."""

    def __init__(self, path: Path) -> None:
        self.environ = {"NOTIFY_SOCKET": str(path)}
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0.05)

    def until(self, pattern: str, seconds: float = 20) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.listen()
            for message in self.heard:
                if re.fullmatch(pattern, message):
                    return message
        raise AssertionError(f"no {pattern} in {self.heard}")

    def listen(self) -> None:
        try:
            while True:
                self.heard.append(self._socket.recv(4096).decode("ascii"))
        except TimeoutError:
            return

    def close(self) -> None:
        self._socket.close()


def write_conf(tmp_path: Path, *bots: str, **settings: object) -> None:
    sections = [{name: {"function": "dip_buyer", **FAR}} for name in bots or ("far",)]
    (tmp_path / "conf.json").write_bytes(orjson.dumps({"bots": sections, **settings}))


def test_systemd_hears_of_the_start_the_work_and_the_end_in_this_order(tmp_path: Path) -> None:
    write_conf(tmp_path, "far", "farther")
    systemd = Listener(tmp_path / "notify")
    for life in (1, 2):
        systemd.heard.clear()
        with Program(tmp_path, "--venue", "paper", environ=systemd.environ) as program:
            systemd.until("STATUS=2 bots trade, 2 orders open, 0 in doubt")
            program.stop(signal.SIGTERM)
        systemd.listen()

        ready = systemd.heard.index("READY=1")
        extended = f"EXTEND_TIMEOUT_USEC={START_EXTENSION}" in systemd.heard[:ready]
        assert extended is (life == 2), "only a second life has contexts to read"
        assert systemd.heard[-1] == "STOPPING=1"
        assert systemd.heard.count("STOPPING=1") == 1
    systemd.close()


def full_pipe() -> tuple[int, int]:
    """Make a pipe that takes nothing more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    return reading, writing


def test_where_nobody_reads_its_output_it_says_at_once_that_it_stops_and_ends_in_a_second(
    tmp_path: Path,
) -> None:
    write_conf(tmp_path)
    systemd, (reading, writing) = Listener(tmp_path / "notify"), full_pipe()
    with subprocess.Popen(
        [sys.executable, str(ROOT / "auto_trading.py"), "--venue", "paper"],
        cwd=tmp_path,
        env=clean_environment() | systemd.environ,
        stdout=writing,
    ) as program:
        systemd.until("STATUS=1 bot trades, .*")
        began = time.monotonic()
        program.terminate()
        systemd.until("STOPPING=1")
        program.wait(10)

        assert time.monotonic() - began < 1
    os.close(reading)
    os.close(writing)
    systemd.close()


def test_without_a_network_systemd_is_told_since_when(tmp_path: Path) -> None:
    write_conf(tmp_path)
    systemd = Listener(tmp_path / "notify")
    with Program(tmp_path, "--venue", "http://127.0.0.1:9", environ=systemd.environ):
        told = systemd.until(r"STATUS=no network since \d\d:\d\d; 1 bot waits")

    assert told
    systemd.close()


def test_the_health_of_a_runner_is_what_its_loop_says_and_a_stopped_one_says_nothing(
    tmp_path: Path,
) -> None:
    write_conf(tmp_path)
    with Program(tmp_path, "--venue", "paper") as program:
        program.until("far order: .* is in the book")
        with Program(tmp_path, "status", "--health") as asked:
            assert asked.ended() == 0
            assert asked.output == "1 bot trades, 1 order open, 0 in doubt\n"

        program.process.send_signal(signal.SIGSTOP)
        stopped = ask_health(tmp_path / "ctx", patience=0.2)
        program.process.send_signal(signal.SIGCONT)

        assert not stopped.well
        assert "did not answer" in stopped.line
        program.stop(signal.SIGKILL)
    with Program(tmp_path, "status", "--health") as asked:
        assert asked.ended() == 1
        assert asked.output == "no runner is at work on ctx\n"


def test_json_on_the_screen_and_in_the_file_are_the_same_lines_to_the_last(tmp_path: Path) -> None:
    write_conf(tmp_path, log_file={"path": "log/runner.log"})
    with Program(tmp_path, "--venue", "paper", "--log-format", "json") as program:
        program.until('"kind":"order"')
        program.stop(signal.SIGTERM)
        shown = program.output.splitlines()

    said = [orjson.loads(line) for line in shown]
    assert (tmp_path / "log/runner.log").read_text().splitlines() == shown
    (order,) = [line for line in said if line["kind"] == "order"]
    assert order["bot"] == "far"
    assert order["client_order_id"] in (tmp_path / "ctx/far.json").read_text()


def test_prometheus_reads_the_metrics_of_a_runner_that_trades(tmp_path: Path) -> None:
    port = free_port()
    write_conf(tmp_path, metrics=port)
    with Program(tmp_path, "--venue", "paper") as program:
        program.until("far order: .* is in the book")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            page = read(answer.read().decode())

    assert page["auto_trading_orders_open"].value() == 1
    assert page["auto_trading_well"].value() == 1
    assert page["auto_trading_saves_total"].value(outcome="saved") >= 2
    assert page["auto_trading_save_seconds"].value("_count") >= 2
    assert page["auto_trading_saved_bytes_total"].value() > 0


def test_a_port_that_is_taken_is_told_and_the_bots_trade_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        write_conf(tmp_path, metrics=taken.getsockname()[1])
        with Program(tmp_path, "--venue", "paper") as program:
            program.until("runner warning: the metrics broke: .*in use")
            program.until("far order: .* is in the book")


def test_without_the_setting_nothing_listens(tmp_path: Path) -> None:
    write_conf(tmp_path)
    with Program(tmp_path, "--venue", "http://127.0.0.1:9") as program:
        program.until("runner weather")
        found = Path(f"/proc/{program.process.pid}/net/tcp").read_text().splitlines()[1:]
        files = Path(f"/proc/{program.process.pid}/fd").iterdir()
        ours = {str(file.readlink()) for file in files if file.is_symlink()}

    listening = [line.split()[9] for line in found if line.split()[3] == "0A"]
    assert not any(f"socket:[{inode}]" in ours for inode in listening)
