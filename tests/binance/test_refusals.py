"""The one table: what each answer of Binance means."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.binance.refusals import (
    BY_CODE,
    Verdict,
    describe,
    error_of_change,
    error_of_question,
    judge,
)
from lib.binance.transport import Reply
from lib.errors import (
    BadCredentials,
    BotError,
    DuplicateOrder,
    FilterRefused,
    MarketClosed,
    NotSent,
    OutcomeUnknown,
    Refused,
    Unavailable,
    UnknownOrder,
)


def said(code: int, message: str = "", status: int = 400) -> Reply:
    return Reply(status, {"code": code, "msg": message})


@pytest.mark.parametrize(
    ("reply", "change", "question"),
    [
        (said(-1013, "Filter failure: LOT_SIZE"), FilterRefused, Refused),
        (said(-2010, "Filter failure: MAX_NUM_ORDERS"), FilterRefused, Refused),
        (said(-2038, "Filter failure: MAX_NUM_ORDER_AMENDS"), FilterRefused, Refused),
        (said(-1013, "Market is closed."), MarketClosed, Unavailable),
        (said(-1100, "Illegal characters found in parameter"), Refused, Refused),
        (said(-1111, "Parameter 'price' has too much precision."), Refused, Refused),
        (said(-1121, "Invalid symbol."), Refused, Refused),
        (said(-2010, "Account has insufficient balance"), Refused, Refused),
        (said(-2010, "Order would immediately match and take."), Refused, Refused),
        (said(-2010, "Duplicate order sent."), DuplicateOrder, Refused),
        (said(-2011, "Unknown order sent."), UnknownOrder, UnknownOrder),
        (said(-2011, "Order was not canceled due to cancel restrictions."), Refused, Refused),
        (said(-2013, "Order does not exist."), UnknownOrder, UnknownOrder),
        (said(-2026, "Order was canceled or expired over 90 days ago"), Refused, Refused),
        (said(-2039, "Client order ID is not correct for this order ID."), Refused, Refused),
        (said(-1021, "Timestamp is outside of the recvWindow."), NotSent, Unavailable),
        (said(-1008, "Server is currently overloaded"), NotSent, Unavailable),
        (said(-1003, "Too much request weight used", 429), NotSent, Unavailable),
        (said(-1003, "Way too much; IP banned until 1700000000000.", 418), NotSent, Unavailable),
        (said(-1015, "Too many new orders", 429), NotSent, Unavailable),
        (Reply(429), NotSent, Unavailable),
        (Reply(418, text="<html>"), NotSent, Unavailable),
        (Reply(403, text="<html>"), NotSent, Unavailable),
        (said(-2014, "API-key format invalid."), BadCredentials, BadCredentials),
        (said(-2015, "Invalid API-key, IP, or permissions", 401), BadCredentials, BadCredentials),
        (said(-1022, "Signature for this request is not valid."), BadCredentials, BadCredentials),
        (said(-1000, "An unknown error occurred"), OutcomeUnknown, Unavailable),
        (said(-1001, "Internal error"), OutcomeUnknown, Unavailable),
        (said(-1006, "An unexpected response"), OutcomeUnknown, Unavailable),
        (said(-1007, "Timeout waiting for response"), OutcomeUnknown, Unavailable),
        (said(-1007, "Timeout waiting for response", 504), OutcomeUnknown, Unavailable),
        (said(-2010, "even this, in a 5xx", 503), OutcomeUnknown, Unavailable),
        (said(-2015, "even this, in a 5xx", 500), OutcomeUnknown, Unavailable),
        (said(-2021, "Order cancel-replace partially failed.", 409), OutcomeUnknown, Unavailable),
        (said(-31337, "a code of the future"), OutcomeUnknown, Unavailable),
        (said(0, "no code at all"), OutcomeUnknown, Unavailable),
        (Reply(400, text="<html>"), OutcomeUnknown, Unavailable),
        (Reply(404), OutcomeUnknown, Unavailable),
        (Reply(408), OutcomeUnknown, Unavailable),
        (Reply(302), OutcomeUnknown, Unavailable),
        (Reply(502, text="<html>"), OutcomeUnknown, Unavailable),
        (Reply(500, []), OutcomeUnknown, Unavailable),
        (Reply(200), OutcomeUnknown, Unavailable),
        (Reply(200, "text"), OutcomeUnknown, Unavailable),
        (Reply(200, {}), OutcomeUnknown, Unavailable),
        (Reply(101), OutcomeUnknown, Unavailable),
        (Reply(400, {"code": True, "msg": None}), OutcomeUnknown, Unavailable),
    ],
)
def test_every_answer_leads_to_one_reaction(
    reply: Reply, change: type[BotError], question: type[BotError]
) -> None:
    assert type(error_of_change("place 1", reply)) is change
    assert type(error_of_question("order 1", reply)) is question


@settings(deadline=None)
@given(
    status=st.integers(100, 599),
    body=st.one_of(
        st.none(),
        st.text(),
        st.lists(st.integers()),
        st.fixed_dictionaries(
            {"code": st.one_of(st.integers(-3000, 0), st.text())}, optional={"msg": st.text()}
        ),
    ),
)
def test_only_what_is_listed_is_ever_certain(status: int, body: object) -> None:
    verdict = judge(Reply(status, body))

    if verdict not in {Verdict.UNKNOWN, Verdict.ANSWERED}:
        assert 400 <= status < 500
        code = body.get("code") if isinstance(body, dict) else None
        listed = code in BY_CODE or (isinstance(code, int) and -1240 < code <= -1100)
        assert listed or status in {403, 418, 429, 451}


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007])
@pytest.mark.parametrize("status", [400, 403, 409, 418, 429])
def test_no_status_makes_an_unknown_execution_certain(code: int, status: int) -> None:
    assert judge(said(code, "", status)) is Verdict.UNKNOWN


def test_describes_an_answer_by_its_words_alone() -> None:
    headers = {"X-Secret": "signature=abc"}

    assert describe(said(-2010, "No money.")) == "-2010 No money."
    assert describe(Reply(502, headers=headers, text="<html>Bad")) == "HTTP 502, '<html>Bad'"
    assert describe(Reply(502, headers=headers)) == "HTTP 502"
    assert "abc" not in describe(Reply(500, {"x": "abc"}, headers))
