"""Order lists on the wire: parameters under the names of their legs, reports found by our ids.

What a single order calls `price` is `abovePrice` in an OCO and `pendingAbovePrice` in an OTOCO;
side and quantity are said once for all legs that share them (Binance Spot API, "Order lists").
"""

from collections.abc import Mapping
from typing import Final

from lib.binance import payloads
from lib.binance.grain import Unreadable, mapping, rows, text, whole
from lib.exchange import ListKind, ListRecord, OrderRecord, PlaceListRequest, PlaceRequest
from lib.money import plain

LEGS: Final[Mapping[ListKind, tuple[str, ...]]] = {
    "OCO": ("above", "below"),
    "OTO": ("working", "pending"),
    "OTOCO": ("working", "pendingAbove", "pendingBelow"),
}
SHARED: Final = {"above": "", "below": "", "pendingAbove": "pending", "pendingBelow": "pending"}
"""Under which name two legs share side and quantity; a leg not named here says its own."""


def path(request: PlaceListRequest) -> str:
    """Say where a list of this kind is placed."""
    return f"orderList/{request.kind.lower()}"


def placing(request: PlaceListRequest) -> dict[str, str]:
    """Write a list's parameters. Every id is ours; amounts carry no exponent."""
    names = LEGS[request.kind]
    params = {
        "symbol": request.symbol,
        "listClientOrderId": request.client_order_id,
        "newOrderRespType": "FULL",
    }
    for name, leg in zip(names, request.legs, strict=True):
        params |= _size(SHARED.get(name, name), leg) | _own(name, leg)
    return params


def placed(body: object, request: PlaceListRequest) -> list[OrderRecord]:
    """Read the answer to a list. Raises Unreadable unless it accepts every leg of ours."""
    row = mapping(body)
    if text(row, "listClientOrderId") != request.client_order_id:
        raise Unreadable("the answer is about another order list")
    reports = {text(report, "clientOrderId"): report for report in rows(row.get("orderReports"))}
    if reports.keys() != {leg.client_order_id for leg in request.legs}:
        raise Unreadable("the answer does not report the orders of this list")
    return [payloads.placed(reports[leg.client_order_id], leg) for leg in request.legs]


def listed(body: object) -> ListRecord:
    """Read what the query of a list answers: which orders it has, not how they are."""
    row = mapping(body)
    return ListRecord(
        client_order_id=text(row, "listClientOrderId"),
        symbol=text(row, "symbol"),
        order_ids=tuple(whole(each, "orderId") for each in rows(row.get("orders"))),
    )


def _size(name: str, leg: PlaceRequest) -> dict[str, str]:
    """Write side and quantity: `side` alone in an OCO, else `workingSide`, `pendingSide`."""
    assert leg.quantity is not None, "an order of a list has a quantity"
    return {_named(name, "Side"): leg.side, _named(name, "Quantity"): plain(leg.quantity)}


def _own(name: str, leg: PlaceRequest) -> dict[str, str]:
    optional = {
        "Price": None if leg.price is None else plain(leg.price),
        "StopPrice": None if leg.stop_price is None else plain(leg.stop_price),
        "TimeInForce": leg.time_in_force,
        "TrailingDelta": None if leg.trailing_delta is None else str(leg.trailing_delta),
    }
    params = {f"{name}Type": leg.type, f"{name}ClientOrderId": leg.client_order_id}
    return params | {f"{name}{own}": value for own, value in optional.items() if value is not None}


def _named(name: str, own: str) -> str:
    return f"{name}{own}" if name else own.lower()
