import pytest

from lib.simulator.exchange import Answer, Request
from tests.simulator.venue import SYMBOL, Venue, refusal

OUTSIDE = (400, -1021, "Timestamp for this request is outside of the recvWindow.")
AHEAD = (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")


@pytest.mark.parametrize(
    ("behind", "window", "expected"),
    [
        (5000, None, None),
        (5001, None, OUTSIDE),
        (2000, "2000", None),
        (2001, "2000", OUTSIDE),
        (60_000, "60000", None),
        (2, "1.5", OUTSIDE),
        (1, "1.5", None),
        (-999, None, None),
        (-1000, None, AHEAD),
    ],
)
def test_a_request_is_good_within_its_window_only(
    behind: int, window: str | None, expected: tuple[int, int, str] | None
) -> None:
    venue = Venue()

    answer = venue.ask("GET account", timestamp=venue.now - behind, recvWindow=window)

    assert answer.status == 200 if expected is None else refusal(answer) == expected


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"recvWindow": "60001"}, -1102),
        ({"recvWindow": "1.2345"}, -1100),
        ({"recvWindow": ""}, -1105),
        ({"timestamp": ""}, -1102),
        ({"timestamp": "soon"}, -1100),
    ],
)
def test_a_window_or_timestamp_that_cannot_be_read_is_refused(
    params: dict[str, str], code: int
) -> None:
    assert Venue().ask("GET account", **params).body["code"] == code


def test_a_timestamp_may_be_in_microseconds() -> None:
    venue = Venue()

    assert venue.ask("GET account", timestamp=venue.now * 1000).status == 200
    assert refusal(venue.ask("GET account", timestamp=(venue.now - 5001) * 1000)) == OUTSIDE


def test_an_order_that_waited_too_long_on_its_way_to_the_engine_is_refused_and_counted() -> None:
    venue = Venue().with_market()

    answer = _place(venue, sent=venue.now, received=venue.now, forwarded=venue.now + 5001)

    assert refusal(answer) == OUTSIDE
    assert answer.headers["X-MBX-ORDER-COUNT-1D"] == "1"
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "1"
    assert venue.ask("GET openOrders", symbol=SYMBOL).body == []


def test_an_order_that_reaches_the_engine_in_time_is_taken() -> None:
    venue = Venue().with_market()

    answer = _place(venue, sent=venue.now, received=venue.now, forwarded=venue.now + 5000)

    assert answer.status == 200


def test_the_first_check_looks_at_when_the_request_was_received() -> None:
    venue = Venue().with_market()

    answer = _place(venue, sent=venue.now + 1000, received=venue.now, forwarded=venue.now + 100)

    assert refusal(answer) == AHEAD


def _place(venue: Venue, *, sent: int, received: int, forwarded: int) -> Answer:
    venue.now = forwarded
    params = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "90",
        "timestamp": str(sent),
    }
    return venue.exchange.answer(Request("POST", "/api/v3/order", params, "alice", received))
