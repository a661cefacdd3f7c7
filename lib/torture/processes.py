"""Programs of ours as child processes, to be killed whenever somebody likes."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Self

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = str(ROOT / "auto_trading.py")
LINES_SHOWN: Final = 60
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


class Child:
    """A process that we started, and its lines, each with the moment it was read."""

    patience: ClassVar[float] = PATIENCE

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        process_group: int | None = None,
    ) -> None:
        self.began = time.monotonic()
        self.lines: list[tuple[float, str]] = []
        self.process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=process_group,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """Everything it said so far."""
        return "".join(line for _, line in self.lines)

    @property
    def last_words(self) -> str:
        """The last lines that it said so far."""
        return "\n".join(self.output.splitlines()[-LINES_SHOWN:])

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def bury(self) -> None:
        """Wait until nothing of it is left. What it said is kept."""
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def until(self, pattern: str, seconds: float = 0.0, *, after: float = 0.0) -> float:
        """Wait for a line said after a moment; answer when it was. Raises Stuck."""
        seconds = seconds or self.patience
        sought, deadline = re.compile(pattern), time.monotonic() + seconds
        while time.monotonic() < deadline:
            for at, line in list(self.lines):
                if at >= after and sought.search(line):
                    return at
            if not self.alive:
                raise Stuck(f"it ended before {pattern}:\n{self.last_words}")
            time.sleep(0.01)
        raise Stuck(f"no {pattern} within {seconds} s:\n{self.last_words}")

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
            self.lines.append((time.monotonic(), line.replace("\r", "")))


class Process(Child):
    """A program of ours."""

    def __init__(self, folder: Path, *words: str) -> None:
        environment = clean_environment() | {"PYTHONPATH": str(ROOT)}
        super().__init__((sys.executable, *words), folder, environment=environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it still lives."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> float:
        """End it by a signal; answer how long that took."""
        began = time.monotonic()
        self.send(number)
        self.process.wait(PATIENCE)
        ended = time.monotonic()
        self.bury()
        return ended - began

    def stop(self) -> None:
        """Freeze it, every thread."""
        self.send(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)


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
