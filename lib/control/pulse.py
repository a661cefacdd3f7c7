"""The signs of life that the watchdog is told about: saves complete, and the exchange is heard.

The disk they are read from also counts what is saved, for the metrics.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from lib.disk import RealDisk
from lib.histogram import Histogram


class Saves:
    """Counts the saves of contexts: one write and one flush each. Saves run in many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.latency = Histogram()  # of the flushes that succeeded
        self.failed = 0
        self.bytes = 0

    def flushed(self, micros: int) -> None:
        with self._lock:
            self.latency.add(micros)

    def fell_short(self) -> None:
        with self._lock:
            self.failed += 1

    def wrote(self, length: int) -> None:
        with self._lock:
            self.bytes += length


class TimedDisk(RealDisk):
    """The operating system's disk, and how long its slowest call has been running."""

    def __init__(self, ticks: Callable[[], int]) -> None:
        self._ticks = ticks
        self.saves = Saves()
        self._began: dict[int, int] = {}  # by thread: each save runs in one of its own

    @property
    def running_ms(self) -> int:
        """Answer how long the oldest flush has been under way; 0 if none is."""
        return max((self._ticks() - began for began in list(self._began.values())), default=0)

    def fsync(self, fd: int) -> None:
        with self._timed():
            super().fsync(fd)

    def fdatasync(self, fd: int) -> None:
        began = time.monotonic_ns()
        try:
            with self._timed():
                super().fdatasync(fd)
        except OSError:
            self.saves.fell_short()
            raise
        self.saves.flushed((time.monotonic_ns() - began) // 1_000)

    def pwrite(self, fd: int, content: bytes | memoryview, offset: int) -> int:
        try:
            written = super().pwrite(fd, content, offset)
        except OSError:
            self.saves.fell_short()
            raise
        self.saves.wrote(written)
        return written

    @contextmanager
    def _timed(self) -> Iterator[None]:
        thread = threading.get_ident()
        self._began[thread] = self._ticks()
        try:
            yield
        finally:
            del self._began[thread]


class Polled(Protocol):
    """The account's mirror, as far as it is looked at here."""

    answers: int  # polls that came back, complete or refused


class Pulse:
    """What `Vitals.vouch` looks at."""

    def __init__(self, mirror: Polled, disk: TimedDisk, ticks: Callable[[], int]) -> None:
        self._mirror = mirror
        self._disk = disk
        self._ticks = ticks
        self._answers = 0
        self._heard = ticks()

    @property
    def saving_ms(self) -> int:
        """How long the oldest save has been running; 0 if none is."""
        return self._disk.running_ms

    @property
    def silent_ms(self) -> int:
        """How long no poll has come back. An exchange known to be out of reach is not silence."""
        if self._mirror.answers != self._answers:
            self._answers, self._heard = self._mirror.answers, self._ticks()
        return self._ticks() - self._heard


def running_ms() -> int:
    """Tell the milliseconds of a clock that nobody sets."""
    return time.monotonic_ns() // 1_000_000
