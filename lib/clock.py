"""Exchange time, in whole milliseconds, on a machine whose own clock is not to be trusted.

A Raspberry Pi has no clock of its own and may wake up in the past. The exchange's time is
measured instead, and carried on by CLOCK_BOOTTIME, which also counts while the machine sleeps.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from lib.errors import Unavailable

SAMPLES_MAX: Final = 8
SAMPLE_AGE_MAX: Final = 1_800_000
"""How old (ms) a sample may be beside younger ones: crystals drift by 50 ms in that time."""
DRIFT_PER_MILLION: Final = 100
"""How far a bad crystal strays, in millionths."""
LEAP: Final = 60_000
"""By how much (ms) an answer may leave the measured time without being asked again."""


class Clock(Protocol):
    def now(self) -> int:
        """Tell the exchange's time, ms."""
        ...


def read_boottime() -> int:
    """Read the milliseconds since this machine booted, suspends included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer: the exchange read `server` at some tick between `sent` and `received`."""

    server: int
    sent: int
    received: int

    @property
    def offset(self) -> int:
        return self.server - (self.sent + self.received) // 2

    @property
    def width(self) -> int:
        """How long the answer took: the offset is wrong by half of that at most."""
        return self.received - self.sent

    def contradicts(self, other: "Sample") -> bool:
        """Say whether no single offset explains both, drift allowed for."""
        drift = 2 + abs(self.received - other.received) * DRIFT_PER_MILLION // 1_000_000
        earliest = max(self.server - self.received, other.server - other.received)
        latest = min(self.server - self.sent, other.server - other.sent)
        return earliest > latest + drift


class ExchangeClock:
    """The exchange's time as measured. Owns the samples; whoever asks the exchange feeds it.

    `proven` is the greatest server time that really arrived in an answer, 0 before the first:
    what must have passed for certain (a fence) is compared with it and never with `now()`.
    """

    def __init__(self, boottime: Callable[[], int] = read_boottime) -> None:
        self._boottime = boottime
        self._samples: list[Sample] = []
        self._offset = 0
        self._doubted = False
        self.proven = 0

    @property
    def known(self) -> bool:
        return bool(self._samples)

    @property
    def doubted(self) -> bool:
        """Say whether the exchange called our time wrong since it was last measured."""
        return self._doubted

    @property
    def age(self) -> int:
        """How long ago (ms) the time was last measured."""
        return self._boottime() - self._samples[-1].received if self._samples else 0

    def ticks(self) -> int:
        """Read the local counter that `measured` takes, ms."""
        return self._boottime()

    def now(self) -> int:
        """Tell the exchange's time, ms. Raises Unavailable before the first measurement."""
        if not self._samples:
            raise Unavailable("the exchange's time is not known yet")
        return self._boottime() + self._offset

    def measured(self, server_ms: int, sent: int, received: int) -> None:
        """Take in one answer: the server's time, and our ticks around the question.

        The offset is the midpoint of the quickest recent answer. An answer that contradicts
        earlier ones is right, and they are dropped: a clock was set, here or there.
        """
        assert sent <= received, "an answer cannot come before its question"
        sample = Sample(server_ms, sent, received)
        kept = (
            [] if self._doubted else [each for each in self._samples if self._agrees(each, sample)]
        )
        self._samples = [*kept[1 - SAMPLES_MAX :], sample]
        self._offset = min(self._samples, key=lambda each: each.width).offset
        self._doubted = False
        self.proven = max(self.proven, server_ms)

    def expect(self, server_ms: int) -> None:
        """Raise Unavailable where the time leaps: once may be a mistake, twice is the time.

        What is in doubt must not count as absent because of one wrong answer.
        """
        if self.known and not self.doubted and abs(server_ms - self.now()) > LEAP:
            self.doubt()
            raise Unavailable(f"the exchange's time leapt to {server_ms}: asking again")

    def doubt(self) -> None:
        """Note that the exchange called our time wrong (-1021): what was measured is void."""
        self._doubted = True

    @staticmethod
    def _agrees(earlier: Sample, latest: Sample) -> bool:
        young = latest.received - earlier.received <= SAMPLE_AGE_MAX
        return young and not latest.contradicts(earlier)
