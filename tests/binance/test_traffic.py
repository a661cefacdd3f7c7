"""Every request is counted once, by what became of it; and nothing else changes by that."""

import asyncio
from collections.abc import Mapping

import pytest

from lib.binance.traffic import CountedTransport, Outcome, Traffic, outcome_of
from lib.binance.transport import Reply
from lib.errors import NotSent, OutcomeUnknown, Unreached


class Wire:
    """A transport that answers, or fails, as it was told to."""

    def __init__(self, fate: int | BaseException) -> None:
        self.fate = fate
        self.asked: list[tuple[str, str, Mapping[str, str], bool]] = []
        self.closed = False

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        self.asked.append((method, path, params, signed))
        if isinstance(self.fate, BaseException):
            raise self.fate
        return Reply(self.fate, {"ok": True})

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("fate", "outcome"),
    [
        (200, Outcome.ANSWERED),
        (400, Outcome.REFUSED),
        (409, Outcome.REFUSED),
        *((status, Outcome.LIMITED) for status in (403, 418, 429)),
        *((status, Outcome.FAILED) for status in (500, 503, 302)),
        (OutcomeUnknown("POST left and no answer came"), Outcome.UNANSWERED),
        (NotSent("limits"), Outcome.UNSENT),
        (Unreached("no connection"), Outcome.UNSENT),
        (asyncio.CancelledError(), Outcome.CANCELED),
        (ZeroDivisionError(), Outcome.FAILED),
    ],
)
@pytest.mark.asyncio
async def test_each_request_counts_once_by_how_it_went(
    fate: int | BaseException, outcome: Outcome
) -> None:
    traffic, wire = Traffic(), Wire(fate)
    counted = CountedTransport(wire, traffic)

    if isinstance(fate, BaseException):
        with pytest.raises(type(fate)) as raised:
            await counted.request("POST", "/api/v3/order", {"a": "1"}, signed=True)
        assert raised.value is fate
    else:
        reply = await counted.request("POST", "/api/v3/order", {"a": "1"}, signed=True)
        assert reply.status == fate

    assert wire.asked == [("POST", "/api/v3/order", {"a": "1"}, True)]
    assert dict(traffic.outcomes) == {("POST order", outcome): 1}


@pytest.mark.asyncio
async def test_only_what_was_answered_has_a_latency() -> None:
    traffic = Traffic()
    for fate in (200, 429, 500, NotSent(""), OutcomeUnknown(""), asyncio.CancelledError()):
        wire = Wire(fate)
        try:
            await CountedTransport(wire, traffic).request("GET", "/api/v3/time", {}, signed=False)
        except (NotSent, OutcomeUnknown, asyncio.CancelledError):
            continue

    assert traffic.latencies["GET time"].count == 3
    assert sum(traffic.outcomes.values()) == 6


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_an_outcome(status: int) -> None:
    assert (outcome_of(status) is Outcome.ANSWERED) is (200 <= status < 300)
