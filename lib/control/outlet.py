"""Writing lines beside the event loop: to a terminal, a pipe, a file.

A terminal stopped with Ctrl-S, a pipe whose reader sleeps, or a card that collects its garbage
blocks whoever writes to it. Here that is a thread of its own: no bot waits for a screen. What does
not fit any more is dropped and counted.
"""

import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

BACKLOG_MAX: Final = 5_000  # texts


class Outlet:
    """A thread that writes what it is given. May be used from signal handlers."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._destination = write
        self.lost: Callable[[int], str] = _in_brackets  # how to say that lines were dropped
        self._texts: SimpleQueue[str] = SimpleQueue()
        self._given = 0
        self._written = 0
        self._dropped = 0
        self._gone = False
        threading.Thread(target=self._write_on, name="outlet", daemon=True).start()

    @property
    def idle(self) -> bool:
        """Say whether everything given was written."""
        return self._written >= self._given

    def put(self, text: str) -> None:
        """Have a text written after those before it; returns at once."""
        if self._given - self._written >= BACKLOG_MAX:
            self._dropped += 1
            return
        if self._dropped:
            text = f"{self.lost(self._dropped)}\n{text}"
            self._dropped = 0
        self._given += 1
        self._texts.put(text)

    def flush(self, seconds: float) -> None:
        """Wait until all is written, but no longer than so many seconds."""
        deadline = time.monotonic() + seconds
        while not self.idle and time.monotonic() < deadline:
            time.sleep(0.002)

    def _write_on(self) -> None:
        while True:
            text = self._texts.get()
            if not self._gone:
                self._write(text.encode(errors="replace"))
            self._written += 1

    def _write(self, content: bytes) -> None:
        """Write it. A terminal that was closed ends the writing, never the program."""
        try:
            self._destination(content)
        except OSError:
            self._gone = True


def _in_brackets(lines: int) -> str:
    return f"({lines} lines were dropped: nobody read them)"


def outlet_to(fd: int) -> Outlet:
    """Open an outlet to a descriptor."""
    return Outlet(lambda content: write_all(fd, content))


def write_all(fd: int, rest: bytes) -> None:
    """Write it to the end, however little is taken at a time. Raises OSError."""
    while rest:
        rest = rest[os.write(fd, rest) :]
