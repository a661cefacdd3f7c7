"""The exchange's ways to say no: codes and texts exactly as Binance sends them."""

from collections.abc import Mapping
from typing import Final

INTEGER_RANGE: Final = "^[0-9]{1,20}$"
CLIENT_ID_RANGE: Final = "^[a-zA-Z0-9-_]{1,36}$"


class Refusal(Exception):
    """One refused request, as code, text, HTTP status and headers."""

    def __init__(
        self, code: int, text: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, int | str]:
        return {"code": self.code, "msg": self.text}


def illegal(name: str, legal: str) -> Refusal:
    return Refusal(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."
    )


def too_many(expected: int, received: int) -> Refusal:
    return Refusal(-1101, f"Too many parameters; expected '{expected}' and received '{received}'.")


def missing(name: str) -> Refusal:
    return Refusal(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def both_missing(one: str, other: str) -> Refusal:
    return Refusal(-1102, f"Param '{one}' or '{other}' must be sent, but both were empty/null!")


def beyond(name: str, limit: int) -> Refusal:
    return Refusal(-1102, f"'{name}' contains unexpected value. Cannot be greater than {limit}.")


def unread(read: int, sent: int) -> Refusal:
    return Refusal(
        -1104,
        f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.",
    )


def empty(name: str) -> Refusal:
    return Refusal(-1105, f"Parameter '{name}' was empty.")


def superfluous(name: str) -> Refusal:
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")


def overflowed(name: str) -> Refusal:
    return Refusal(-1108, f"Parameter '{name}' overflowed.")


def too_precise(name: str) -> Refusal:
    return Refusal(-1111, f"Parameter '{name}' has too much precision.")


def invalid(name: str) -> Refusal:
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def too_long(hours: int) -> Refusal:
    return Refusal(-1127, f"More than {hours} hours between startTime and endTime.")


def bad_combination() -> Refusal:
    return Refusal(-1128, "Combination of optional parameters invalid.")


def combine_with(name: str) -> Refusal:
    advice = f"Recommendation: '{name}' should also be sent."
    return Refusal(-1128, f"Combination of optional parameters invalid. {advice}")


def invalid_time_in_force() -> Refusal:
    return Refusal(-1115, "Invalid timeInForce.")


def invalid_type() -> Refusal:
    return Refusal(-1116, "Invalid orderType.")


def invalid_side() -> Refusal:
    return Refusal(-1117, "Invalid side.")


def invalid_interval() -> Refusal:
    return Refusal(-1120, "Invalid interval.")


def invalid_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")


def outside_window() -> Refusal:
    return Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def ahead_of_time() -> Refusal:
    return Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def filter_failed(name: str) -> Refusal:
    return Refusal(-1013, f"Filter failure: {name}")


def count_exceeded(name: str) -> Refusal:
    """Filters that look at the account are answered by the matching engine."""
    return Refusal(-2010, f"Filter failure: {name}")


def market_closed() -> Refusal:
    return Refusal(-1013, "Market is closed.")


def mode_not_allowed() -> Refusal:
    return Refusal(-1013, "This symbol does not allow the specified self-trade prevention mode.")


def rejected(text: str) -> Refusal:
    """Said by the matching engine of a new order."""
    return Refusal(-2010, text)


def duplicate() -> Refusal:
    return rejected("Duplicate order sent.")


def insufficient_balance() -> Refusal:
    return rejected("Account has insufficient balance for requested action.")


def would_take() -> Refusal:
    return rejected("Order would immediately match and take.")


def would_trigger(text: str) -> Refusal:
    return rejected(text)


def illiquid(filter_name: str) -> Refusal:
    return rejected(f"Order book liquidity is less than `{filter_name}` filter minimum quantity.")


def no_liquidity() -> Refusal:
    return rejected("Order book liquidity is less than symbol minimum quantity.")


def unknown_order() -> Refusal:
    return Refusal(-2011, "Unknown order sent.")


def unknown_list() -> Refusal:
    return Refusal(-2011, "Unknown order list sent.")


def restricted_cancel() -> Refusal:
    return Refusal(-2011, "Order was not canceled due to cancel restrictions.")


def unamendable(text: str) -> Refusal:
    """Said by the matching engine of an amendment."""
    return Refusal(-2038, text)


def no_reference_price() -> Refusal:
    return Refusal(-2043, "This symbol doesn't have a reference price.")


def cancel_refused(text: str) -> Refusal:
    """Said by the matching engine of a cancel."""
    return Refusal(-2011, text)


def invalid_restrictions() -> Refusal:
    return Refusal(-1145, "Invalid cancelRestrictions")


def archived() -> Refusal:
    text = "Order was canceled or expired with no executed qty over 90 days ago"
    return Refusal(-2026, f"{text} and has been archived.")


def no_such_order() -> Refusal:
    return Refusal(-2013, "Order does not exist.")


def no_such_list() -> Refusal:
    return Refusal(-2018, "Order list does not exist.")


def key_refused(status: int) -> Refusal:
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=status)


def ids_disagree() -> Refusal:
    return Refusal(-2039, "Client order ID is not correct for this order ID.")


def not_supported() -> Refusal:
    return Refusal(-1020, "This operation is not supported.")


def too_many_orders(limit: int, window: str, retry_after: int) -> Refusal:
    return Refusal(
        -1015,
        f"Too many new orders; current limit is {limit} orders per {window}.",
        status=429,
        headers={"Retry-After": str(retry_after)},
    )


def too_heavy(limit: int, window: str, retry_after: int) -> Refusal:
    return Refusal(
        -1003,
        f"Too much request weight used; current limit is {limit} request weight per {window}. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        status=429,
        headers={"Retry-After": str(retry_after)},
    )


def banned(until: int, retry_after: int) -> Refusal:
    return Refusal(
        -1003,
        f"Way too much request weight used; IP banned until {until}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        status=418,
        headers={"Retry-After": str(retry_after)},
    )


def too_many_requests(retry_after: int) -> Refusal:
    return Refusal(
        -1003,
        "Too many requests queued.",
        status=429,
        headers={"Retry-After": str(retry_after)},
    )


def too_many_attempts(limit: int, window: str, retry_after: int) -> Refusal:
    return Refusal(
        -1034,
        f"Too many connection attempts from IP; current limit is {limit} per '{window}'.",
        status=429,
        headers={"Retry-After": str(retry_after)},
    )
