"""Order lists as the tests place them, and what they look at afterwards."""

from decimal import Decimal
from typing import Any

from lib.simulator.exchange import Answer
from tests.simulator.venue import SYMBOL, Venue

# A sell that takes profit at 110 and stops at 95; a buy that enters at 90 or follows from 105.
SELL_PAIR: dict[str, Any] = {
    "side": "SELL",
    "quantity": 1,
    "aboveType": "LIMIT_MAKER",
    "abovePrice": 110,
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": 95,
    "belowPrice": 94,
    "belowTimeInForce": "GTC",
}
BUY_PAIR: dict[str, Any] = {
    "side": "BUY",
    "quantity": 1,
    "aboveType": "STOP_LOSS_LIMIT",
    "aboveStopPrice": 105,
    "abovePrice": 106,
    "aboveTimeInForce": "GTC",
    "belowType": "LIMIT_MAKER",
    "belowPrice": 90,
    "belowStopPrice": None,
    "belowTimeInForce": None,
}
# Instead of the pair's two: both legs wait for a stop price.
PROFIT_AND_LOSS: dict[str, Any] = {
    "aboveType": "TAKE_PROFIT",
    "aboveStopPrice": 110,
    "abovePrice": None,
    "belowType": "STOP_LOSS",
    "belowPrice": None,
    "belowTimeInForce": None,
}
WORKING_BUY: dict[str, Any] = {
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": 97,
    "workingQuantity": 1,
    "workingTimeInForce": "GTC",
}
PENDING_SELL: dict[str, Any] = {
    "pendingType": "LIMIT",
    "pendingSide": "SELL",
    "pendingPrice": 120,
    "pendingTimeInForce": "GTC",
}
PENDING_PAIR: dict[str, Any] = {
    "pendingSide": "SELL",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": 110,
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": 90,
}
HALF: dict[str, Any] = {"pendingQuantity": "0.5"}

REQUESTS: dict[str, dict[str, Any]] = {
    "oco": SELL_PAIR,
    "oto": {**WORKING_BUY, **PENDING_SELL, **HALF},
    "otoco": {**WORKING_BUY, **PENDING_PAIR, **HALF},
    "opo": {**WORKING_BUY, **PENDING_SELL},
    "opoco": {**WORKING_BUY, **PENDING_PAIR},
}


def ask_list(venue: Venue, kind: str, who: str = "alice", /, **changes: Any) -> Answer:
    """Send an order list; None leaves a parameter out."""
    sent = {"symbol": SYMBOL, **REQUESTS[kind], **changes}
    return venue.ask(f"POST orderList/{kind}", who, **sent)


def place_list(venue: Venue, kind: str, who: str = "alice", /, **changes: Any) -> dict[str, Any]:
    """Place an order list that is taken, and give the answer."""
    answer = ask_list(venue, kind, who, **changes)
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


def statuses(venue: Venue, placed: dict[str, Any], who: str = "alice") -> list[str]:
    """Give what has become of a list's orders."""
    return [venue.order(row["orderId"], who)["status"] for row in placed["orders"]]


def reasons(venue: Venue, placed: dict[str, Any]) -> list[str | None]:
    return [venue.order(row["orderId"]).get("expiryReason") for row in placed["orders"]]


def list_status(venue: Venue, placed: dict[str, Any], who: str = "alice") -> str:
    answer = venue.ask("GET orderList", who, orderListId=placed["orderListId"])
    assert answer.status == 200, answer.body
    status: str = answer.body["listOrderStatus"]
    return status


def told(venue: Venue, who: str = "alice") -> list[tuple[Any, ...]]:
    """Give what the user stream told, as short as it can be told apart."""
    return [_short(event) for account, event in venue.user_events if account == who]


def total(venue: Venue, asset: str, who: str = "alice") -> Decimal:
    return sum(venue.balances(who)[asset], Decimal(0))


def _short(event: dict[str, Any]) -> tuple[Any, ...]:
    if event["e"] == "executionReport":
        return (event["i"], event["x"], event["X"], event.get("eR", ""))
    if event["e"] == "listStatus":
        return ("list", event["l"], event["L"])
    return ("balances", *(row["a"] for row in event["B"]))
