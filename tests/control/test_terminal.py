"""What a person sees: the real program on a real terminal."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.torture.processes import clean_environment
from tests.control.folder import ROOT
from tests.control.screen import Screen

pytestmark = pytest.mark.slow


IN_A_WINDOW = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Window:
    """A terminal window with the runner in it."""

    def __init__(self, folder: Path, columns: int, lines: int, **environ: str) -> None:
        self.screen = Screen(columns, lines)
        self.written = ""
        self.fd, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        words = [str(ROOT / "auto_trading.py"), "--venue", "paper"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_A_WINDOW, *words],
            cwd=folder,
            env=clean_environment() | {"TERM": "xterm", **environ},
            stdin=inside,
            stdout=inside,
            stderr=inside,
        )
        os.close(inside)

    def until(self, pattern: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, "\n".join(self.screen.text)):
            assert time.monotonic() < deadline, f"no {pattern} in {self.screen.text}"
            self.read(0.1)

    def read(self, seconds: float) -> None:
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if ready:
            text = os.read(self.fd, 65_536).decode()
            self.written += text
            self.screen.feed(text)

    def drain(self) -> None:
        """Read until the program has closed the terminal."""
        try:
            while True:
                self.read(5)
        except OSError:
            return

    def ended(self) -> int:
        self.drain()
        return self.process.wait(30)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conf.json").write_text((ROOT / "conf.json").read_text())
    return tmp_path


@pytest.fixture
def window(folder: Path) -> Iterator[Window]:
    window = Window(folder, 100, 30)
    yield window
    window.close()


def test_a_terminal_shows_a_row_per_bot_and_news_below(window: Window) -> None:
    window.until(r"ether_dips fill: ")
    window.until(r"(?m)^add_order +BTCUSDT +\d+(\.\d+)? +finished")

    title, names, *rest = window.screen.text
    assert title.startswith("simulation, paper: no real money")
    assert names.startswith("bot ")
    assert {line.split()[0] for line in rest[:4]} == {
        "add_order",
        "bitcoin_dips",
        "ether_dips",
        "soak",
    }
    assert not window.screen.wrapped


def test_ctrl_c_leaves_a_usable_terminal_within_a_second(window: Window) -> None:
    window.until("fill: ")
    before = termios.tcgetattr(window.fd)
    began = time.monotonic()

    os.write(window.fd, b"\x03")

    assert window.ended() == 0
    assert time.monotonic() - began < 1
    assert termios.tcgetattr(window.fd) == before
    assert not window.screen.coloured
    assert "\x1b[?25l" not in window.written, "a hidden cursor would stay hidden after a kill"
    assert not window.screen.text[window.screen.row], "the shell goes on below the table"


def test_a_narrow_terminal_never_wraps(folder: Path) -> None:
    window = Window(folder, 38, 12)
    try:
        window.until("add_order +finished")
        for _ in range(10):
            window.read(0.1)

        assert not window.screen.wrapped
    finally:
        window.close()


def test_a_stopped_terminal_does_not_stop_the_trading(window: Window, folder: Path) -> None:
    window.until("bitcoin_dips")
    file = folder / "ctx/soak.json"

    os.write(window.fd, b"\x13")  # Ctrl-S
    before = file.read_bytes()
    deadline = time.monotonic() + 60
    while file.read_bytes() == before and time.monotonic() < deadline:
        time.sleep(0.1)

    assert file.read_bytes() != before


def test_without_colours_there_are_none(folder: Path) -> None:
    window = Window(folder, 100, 30, NO_COLOR="1")
    try:
        window.until("fill: ")

        assert not re.search(r"\x1b\[[1-9]\d*m", window.written)
    finally:
        window.close()


def test_a_dumb_terminal_gets_plain_lines(folder: Path) -> None:
    window = Window(folder, 200, 30, TERM="dumb", NO_COLOR="1")
    try:
        window.until("fill: ")

        assert "\x1b" not in window.written
    finally:
        window.close()
