"""What an answer of Binance means for the request it answers: the one table, in the one place.

An answer is judged by status, code and message. Whatever is not in the table is unknown, and so
is every 5xx, whatever code it carries: "the execution status is UNKNOWN and could have been a
success" (rest-api.md, General API Information). Time-outs and drops never come here: the
transport has no answer to show for them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

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


class Verdict(StrEnum):
    """What became of a request."""

    ANSWERED = "answered"  # 2xx with JSON; whether it is an acceptance is for its parser to say
    REFUSED = "refused"  # the same request will never be accepted
    FILTERED = "filtered"  # as above, by a rule of the symbol; "didn't reach the Matching Engine"
    NO_OPEN_ORDER = "no open order"  # the matching engine holds no open order by that id
    NO_SUCH_ORDER = "no such order"  # a query found nothing, at that moment
    DUPLICATE = "duplicate"  # an open order carries that id
    NOT_EXECUTED = "not executed"  # turned away before the matching engine; later is another try
    MARKET_CLOSED = "market closed"  # as above: the symbol does not trade
    LIMITED = "limited"  # as above: too much was asked
    CLOCK_OFF = "clock off"  # as above: our time stamp is wrong or too old
    BAD_CREDENTIALS = "bad credentials"  # as above: the key, and only a person can help
    UNKNOWN = "unknown"  # it may or may not have happened


DUPLICATE_TEXT: Final = "Duplicate order sent."
UNKNOWN_ORDER_TEXT: Final = "Unknown order sent."
MARKET_CLOSED_TEXT: Final = "Market is closed."
FILTER_TEXT: Final = "Filter failure: "  # -1013; -2010 where the account is looked at, -2038 amends

CLOCK_OFF: Final = -1021
TOO_MANY_ORDERS: Final = -1015
UNAUTHORIZED: Final = 401

BY_CODE: Final[Mapping[int, Verdict]] = {
    -1000: Verdict.UNKNOWN,  # "An unknown error occurred while processing the request."
    -1001: Verdict.UNKNOWN,  # "Internal error; unable to process your request."
    -1002: Verdict.BAD_CREDENTIALS,  # "You are not authorized to execute this request."
    -1003: Verdict.LIMITED,  # request weight, or banned for it
    -1006: Verdict.UNKNOWN,  # "Execution status unknown."
    -1007: Verdict.UNKNOWN,  # "Send status unknown; execution status unknown."
    -1008: Verdict.NOT_EXECUTED,  # "Server is currently overloaded with other requests."
    -1010: Verdict.REFUSED,  # the matching engine's words, as -2010
    -1013: Verdict.FILTERED,
    -1014: Verdict.REFUSED,
    TOO_MANY_ORDERS: Verdict.LIMITED,  # "Too many new orders"
    -1016: Verdict.REFUSED,
    -1020: Verdict.REFUSED,
    CLOCK_OFF: Verdict.CLOCK_OFF,  # both checks of recvWindow sit before the matching engine
    -1022: Verdict.BAD_CREDENTIALS,  # a signature over our plain alphabet fails by the secret only
    -1034: Verdict.LIMITED,  # "Too many concurrent connections"
    -2008: Verdict.BAD_CREDENTIALS,
    -2010: Verdict.REFUSED,  # the matching engine said no
    -2011: Verdict.REFUSED,  # a cancel the matching engine would not do
    -2013: Verdict.NO_SUCH_ORDER,
    -2014: Verdict.BAD_CREDENTIALS,
    -2015: Verdict.BAD_CREDENTIALS,
    -2018: Verdict.NO_SUCH_ORDER,  # an order list
    -2026: Verdict.REFUSED,  # archived: ended unfilled more than 90 days ago
    -2035: Verdict.REFUSED,  # subscriptions of the user stream
    -2036: Verdict.REFUSED,
    -2038: Verdict.REFUSED,  # amend
    -2039: Verdict.REFUSED,  # client order id and order id belong to two orders
    -2042: Verdict.REFUSED,
}
"""Codes of a 4xx. Those from -1100 to -1199 are all malformed parameters: refused."""

BY_MESSAGE: Final[Mapping[tuple[int, str], Verdict]] = {
    (-2010, DUPLICATE_TEXT): Verdict.DUPLICATE,
    (-1010, DUPLICATE_TEXT): Verdict.DUPLICATE,
    (-1013, MARKET_CLOSED_TEXT): Verdict.MARKET_CLOSED,
    (-2011, UNKNOWN_ORDER_TEXT): Verdict.NO_OPEN_ORDER,
    (-1010, UNKNOWN_ORDER_TEXT): Verdict.NO_OPEN_ORDER,
    (-2010, UNKNOWN_ORDER_TEXT): Verdict.NO_OPEN_ORDER,
    (-2038, UNKNOWN_ORDER_TEXT): Verdict.NO_OPEN_ORDER,
}
"""Messages that mean something else than their code does."""

BY_STATUS: Final[Mapping[int, Verdict]] = {
    403: Verdict.NOT_EXECUTED,  # the web application firewall
    418: Verdict.LIMITED,  # banned
    429: Verdict.LIMITED,
    451: Verdict.NOT_EXECUTED,  # "Service unavailable from a restricted location"
}
"""4xx answers that say all without a code."""

MALFORMED: Final = range(-1199, -1099)
LIST_REFUSED: Final = range(-1239, -1199)  # order lists whose legs do not fit together


def judge(reply: Reply) -> Verdict:
    """Say what an answer means for the request it answers."""
    if 200 <= reply.status < 300:
        return Verdict.ANSWERED if isinstance(reply.body, dict | list) else Verdict.UNKNOWN
    if not 400 <= reply.status < 500:
        return Verdict.UNKNOWN
    code, message = code_of(reply), message_of(reply)
    if code is None:
        return BY_STATUS.get(reply.status, Verdict.UNKNOWN)
    if code in MALFORMED or code in LIST_REFUSED:
        return Verdict.REFUSED
    if BY_CODE.get(code) is Verdict.REFUSED and message.startswith(FILTER_TEXT):
        return Verdict.FILTERED
    by_code = BY_MESSAGE.get((code, message)) or BY_CODE.get(code)
    return by_code or BY_STATUS.get(reply.status, Verdict.UNKNOWN)


def error_of_change(request: str, reply: Reply) -> BotError:
    """Make the error that a changing request must raise for any answer but an acceptance.

    `request` says in words what was asked. An answer that is no acceptance although it is a 2xx
    comes here as well: unknown.
    """
    said = f"{request}: {describe(reply)}"
    match judge(reply):
        case Verdict.REFUSED:
            return Refused(said)
        case Verdict.FILTERED:
            return FilterRefused(said)
        case Verdict.MARKET_CLOSED:
            return MarketClosed(said)
        case Verdict.NO_OPEN_ORDER | Verdict.NO_SUCH_ORDER:
            return UnknownOrder(said)
        case Verdict.DUPLICATE:
            return DuplicateOrder(said)
        case Verdict.NOT_EXECUTED | Verdict.LIMITED | Verdict.CLOCK_OFF:
            return NotSent(said)
        case Verdict.BAD_CREDENTIALS:
            return BadCredentials(said)
        case Verdict.ANSWERED | Verdict.UNKNOWN:
            return OutcomeUnknown(said)


def error_of_question(request: str, reply: Reply) -> BotError:
    """Make the error that a question must raise for an answer that does not answer it."""
    said = f"{request}: {describe(reply)}"
    match judge(reply):
        case Verdict.REFUSED | Verdict.FILTERED | Verdict.DUPLICATE:
            return Refused(said)
        case Verdict.NO_OPEN_ORDER | Verdict.NO_SUCH_ORDER:
            return UnknownOrder(said)
        case Verdict.BAD_CREDENTIALS:
            return BadCredentials(said)
        case _:
            return Unavailable(said)


def describe(reply: Reply) -> str:
    """Put an answer in words for an error: no header, no address, nothing that was signed."""
    code, message = code_of(reply), message_of(reply)
    if code is not None:
        return f"{code} {message}"
    if reply.body is None:
        return f"HTTP {reply.status}, {reply.text[:80]!r}" if reply.text else f"HTTP {reply.status}"
    return f"HTTP {reply.status}, an answer of another shape"


def code_of(reply: Reply) -> int | None:
    """Read Binance's error code, None if the answer carries none."""
    code = reply.body.get("code") if isinstance(reply.body, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def message_of(reply: Reply) -> str:
    message = reply.body.get("msg") if isinstance(reply.body, dict) else None
    return message if isinstance(message, str) else ""
