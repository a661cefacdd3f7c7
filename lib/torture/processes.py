"""Programs of ours as child processes, to be killed whenever somebody likes."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = str(ROOT / "auto_trading.py")
PATIENCE: Final = 60.0  # seconds, on a machine that is busy with other things
NEWS: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\S+) (\w+): ")
SERVICE_NAMES: Final = frozenset({
    "NO_COLOR",
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "HEARTBEAT_FILE",
})


class Stuck(Exception):
    """A program did not do in time what it had to; its last words are in the text."""


class Process:
    """A program of ours whose lines are kept with the moment each was read."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.began = time.monotonic()
        self.lines: list[tuple[float, str]] = []
        self.process = subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env=clean_environment() | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def output(self) -> str:
        """Everything it said so far."""
        return "".join(line for _, line in self.lines)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it still lives."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> float:
        """End it by a signal; answer how long that took. What it said until then is kept."""
        began = time.monotonic()
        self.send(number)
        self.process.wait(PATIENCE)
        ended = time.monotonic()
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return ended - began

    def stop(self) -> None:
        """Freeze it, every thread."""
        self.send(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)

    def until(self, pattern: str, seconds: float = PATIENCE, *, after: float = 0.0) -> float:
        """Wait for a line said after a moment; answer when it was. Raises Stuck."""
        sought, deadline = re.compile(pattern), time.monotonic() + seconds
        while time.monotonic() < deadline:
            for at, line in list(self.lines):
                if at >= after and sought.search(line):
                    return at
            if not self.alive:
                raise Stuck(f"it ended before {pattern}:\n{self.output}")
            time.sleep(0.01)
        raise Stuck(f"no {pattern} within {seconds} s:\n{self.output}")

    def first_of_a_bot(self) -> float | None:
        """Tell when a bot first spoke in this life, if one did."""
        for at, line in list(self.lines):
            news = NEWS.match(line)
            if news and news[1] != "runner":
                return at
        return None

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line))


def clean_environment() -> dict[str, str]:
    """Leave out what a developer's or a service's environment would change."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in SERVICE_NAMES
        and not name.startswith(("BINANCE_", "TELEGRAM_", "CREDENTIALS_"))
    }


def free_port() -> int:
    """Find a port nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
