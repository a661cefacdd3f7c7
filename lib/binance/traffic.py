"""What was asked of Binance and how that went: counted beside the requests, decided by nobody."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from lib.binance.transport import Reply, Transport
from lib.errors import NotSent, OutcomeUnknown
from lib.histogram import Histogram

PREFIX: Final = "/api/v3/"
LIMITED: Final = frozenset({403, 418, 429})


class Outcome(StrEnum):
    """How a request went. Read by programs: never renamed."""

    ANSWERED = "answered"
    REFUSED = "refused"  # 4xx
    LIMITED = "limited"  # 429, 418, 403: too much was asked
    FAILED = "failed"  # 5xx and whatever else is no answer
    UNANSWERED = "unanswered"  # it left, and nothing came back
    UNSENT = "unsent"  # no byte of it left
    CANCELED = "canceled"  # nobody waited for the answer any more


class Traffic:
    """The counters, by method and path: `POST order`."""

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()
        self.latencies: defaultdict[str, Histogram] = defaultdict(Histogram)  # of what was answered

    def note(self, kind: str, outcome: Outcome, micros: int) -> None:
        """Count one request."""
        self.outcomes[kind, outcome] += 1
        if outcome not in {Outcome.UNSENT, Outcome.CANCELED, Outcome.UNANSWERED}:
            self.latencies[kind].add(micros)


class CountedTransport:
    """Another transport, every request of which is counted."""

    def __init__(self, transport: Transport, traffic: Traffic) -> None:
        self._transport = transport
        self._traffic = traffic

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        """Send one request, once. Raises NotSent or OutcomeUnknown."""
        began, outcome = time.monotonic_ns(), Outcome.FAILED
        try:
            reply = await self._transport.request(method, path, params, signed=signed)
            outcome = outcome_of(reply.status)
        except NotSent:
            outcome = Outcome.UNSENT
            raise
        except OutcomeUnknown:
            outcome = Outcome.UNANSWERED
            raise
        except asyncio.CancelledError:
            outcome = Outcome.CANCELED
            raise
        finally:
            kind = f"{method} {path.removeprefix(PREFIX)}"
            self._traffic.note(kind, outcome, (time.monotonic_ns() - began) // 1_000)
        return reply

    async def close(self) -> None:
        await self._transport.close()


def outcome_of(status: int) -> Outcome:
    """Sort an answer by its HTTP status."""
    if 200 <= status < 300:
        return Outcome.ANSWERED
    if status in LIMITED:
        return Outcome.LIMITED
    return Outcome.REFUSED if 400 <= status < 500 else Outcome.FAILED
