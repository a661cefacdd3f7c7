"""The real program in a process of its own, as a person or systemd would start it."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from lib.torture.processes import clean_environment
from tests.control.folder import ROOT

PATIENCE = 30.0


def _heed_interrupts() -> None:
    """Undo what a shell does to whoever it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Program:
    """A running program whose output is read line by line."""

    def __init__(self, folder: Path, *words: str, environ: Mapping[str, str] | None = None) -> None:
        self._log = (folder / f"output-{len(list(folder.glob('output-*')))}.txt").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "auto_trading.py"), *words],
            cwd=folder,
            env=clean_environment() | dict(environ or {}),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            preexec_fn=_heed_interrupts,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log.close()

    @property
    def output(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text(errors="replace")

    def until(self, pattern: str, seconds: float = PATIENCE) -> str:
        """Wait for a text; answer what was matched."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = re.search(pattern, self.output)
            if found:
                return found[0]
            assert self.process.poll() is None, f"it ended before {pattern}: {self.output}"
            time.sleep(0.02)
        raise AssertionError(f"no {pattern} within {seconds} s: {self.output}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Send a signal; answer how long the end took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        return time.monotonic() - began

    def ended(self) -> int:
        """Wait for the program's own end; answer its exit code."""
        return self.process.wait(PATIENCE)
