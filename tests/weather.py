"""How bad a day is: luck in numbers, and the rules of faults that follow from it."""

from dataclasses import dataclass

from lib.simulator.server.faults import Fault, FaultKind, Rule


@dataclass(frozen=True, slots=True)
class Luck:
    """How bad the weather is: one in so many requests, one in so many events."""

    requests: int = 12
    events: int = 8
    stream_loss: int = 400  # market ticks between two losses of the user stream, on average
    query_lag_ms: int = 0
    turns: int = 0  # one in so many turns of the event loop is an instant too
    flushes: int = 0  # one in so many writes and flushes of saves fails, never two in a row
    stragglers: int = 0  # one in so many requests under way at a cut arrives all the same


CALM = Luck(requests=0, events=0, stream_loss=0)


def storm(luck: Luck) -> list[Rule]:
    """Make the rules of a seeded bad day; asking again always helps in the end."""
    requests = [
        Fault(kind=FaultKind.LOSE_REQUEST, delay_ms=3_000),
        Fault(kind=FaultKind.LOSE_REPLY, delay_ms=3_000),
        Fault(kind=FaultKind.DELAY_REQUEST, delay_ms=2_500),
        Fault(kind=FaultKind.DELAY_REQUEST, delay_ms=9_000),
        Fault(kind=FaultKind.SPOIL_REPLY, status=502, body="<html>Bad Gateway</html>"),
        Fault(
            kind=FaultKind.SPOIL_REPLY,
            status=500,
            body='{"code":-1007,"msg":"Timeout waiting for response from backend server."}',
        ),
        Fault(kind=FaultKind.REFUSE, status=503, body="<html>Unavailable</html>"),
    ]
    events = [
        Fault(kind=FaultKind.DROP_EVENT),
        Fault(kind=FaultKind.REPEAT_EVENT),
        Fault(kind=FaultKind.SWAP_EVENT),
        Fault(kind=FaultKind.DELAY_EVENT, delay_ms=4_000),
    ]
    rules = []
    if luck.requests:
        each = luck.requests * len(requests)
        rules += [Rule(fault=f, path="/api/v3/order*", one_in=each) for f in requests]
        rules += [Rule(fault=requests[i], one_in=4 * each) for i in (1, 6)]
    if luck.events:
        rules += [Rule(fault=f, one_in=luck.events * len(events)) for f in events]
    return rules
