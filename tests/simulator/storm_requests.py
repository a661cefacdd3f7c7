"""What people ask of a venue in a storm, drawn by chance from what may be open there."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple, TypeAlias

from tests.simulator.scripts import MODES
from tests.simulator.venue import EVERY_TYPE, Venue

Sent: TypeAlias = dict[str, Any]
Request: TypeAlias = tuple[str, Sent]  # the call, and its parameters; None leaves one out

NAMES: Final = tuple("abcdefgh")  # client order ids, so few that they meet again
LIST_NAMES: Final = tuple("lmn")


class Step(NamedTuple):
    kind: str
    who: str
    symbol: str
    seed: int


def happens(chance: Random, percent: int) -> bool:
    return chance.randrange(100) < percent


# --- amounts and names


def some_price(chance: Random) -> str:
    """Draw a price around 100; every other is such that many orders meet at it."""
    if happens(chance, 60):
        return some_cents(chance, 9600, 10400)
    return str(Decimal(chance.randint(192, 208)) / 2)


def some_cents(chance: Random, least: int, most: int) -> str:
    return str(Decimal(chance.randint(least, most)) / 100)


def some_quantity(chance: Random) -> str:
    tail = chance.choice(("0", "0.00001", "0.00003"))
    return str(Decimal(chance.randint(1, 40)) / 10 + Decimal(tail))


def perhaps(chance: Random, percent: int, names: tuple[str, ...]) -> str | None:
    return chance.choice(names) if happens(chance, percent) else None


def _common(chance: Random) -> Sent:
    """Draw what every placement may say."""
    return {
        "selfTradePreventionMode": chance.choice(MODES),
        "newOrderRespType": chance.choice(("ACK", "RESULT", "FULL")),
    }


# --- orders


def _terms(chance: Random, kind: str, price: str, stop: str) -> Sent:
    """Draw what an order of a type says of itself, its quantity and side aside."""
    terms: Sent = {"type": kind}
    if kind.endswith("LIMIT"):
        terms["timeInForce"] = chance.choice(("GTC", "GTC", "GTC", "IOC", "FOK"))
    if "LIMIT" in kind:
        terms["price"] = price
        if terms.get("timeInForce", "GTC") == "GTC" and happens(chance, 20):
            terms["icebergQty"] = chance.choice(("0.1", "0.3", "0.3", "0.5", "1"))
    if kind.startswith(("STOP", "TAKE")):
        draw = chance.randrange(100)
        terms["stopPrice"] = stop if draw < 80 else None
        terms["trailingDelta"] = chance.randint(10, 300) if draw >= 70 else None
    return terms


def _order(chance: Random) -> Sent:
    kind = chance.choices(EVERY_TYPE, (6, 2, 2, 1, 1, 1, 1))[0]
    sent = {
        "side": chance.choice(("BUY", "SELL")),
        "newClientOrderId": perhaps(chance, 30, NAMES),
        **_common(chance),
        **_terms(chance, kind, some_price(chance), some_price(chance)),
    }
    if kind == "MARKET" and happens(chance, 50):
        spent = (str(chance.randint(5, 900)), "5.00000001", "5", "6.333333")
        return sent | {"quoteOrderQty": chance.choice(spent)}
    return sent | {"quantity": some_quantity(chance)}


def _place(chance: Random, _: Venue, step: Step) -> Request:
    return "POST order", {"symbol": step.symbol, **_order(chance)}


def _rehearse(chance: Random, _: Venue, step: Step) -> Request:
    return "POST order/test", {"symbol": step.symbol, **_order(chance)}


# --- order lists


def _leg(chance: Random, prefix: str, kind: str, price: str, stop: str) -> Sent:
    terms = _terms(chance, kind, price, stop)
    terms["clientOrderId"] = perhaps(chance, 30, NAMES)
    return {prefix + name[0].upper() + name[1:]: value for name, value in terms.items()}


def _pair(chance: Random, side: str, above: str, below: str) -> Sent:
    """Draw the two legs of a pair: one takes a profit, the other stops a loss."""
    take = chance.choice(("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))
    stop = chance.choice(("STOP_LOSS", "STOP_LOSS_LIMIT"))
    high, low = (take, stop) if side == "SELL" else (stop, take)
    over = [some_cents(chance, 10001, 10400) for _ in range(2)]
    under = [some_cents(chance, 9600, 9999) for _ in range(2)]
    return {**_leg(chance, above, high, *over), **_leg(chance, below, low, *under)}


def _place_pair(chance: Random, _: Venue, step: Step) -> Request:
    side = chance.choice(("BUY", "SELL"))
    sent = {
        "symbol": step.symbol,
        "listClientOrderId": perhaps(chance, 30, LIST_NAMES),
        "side": side,
        "quantity": some_quantity(chance),
        **_common(chance),
        **_pair(chance, side, "above", "below"),
    }
    return "POST orderList/oco", sent


def _place_list(chance: Random, _: Venue, step: Step) -> Request:
    """Draw a list whose first order works while one or two are pending."""
    pays = step.kind.startswith("opo")
    side = "SELL" if pays else chance.choice(("BUY", "SELL"))
    sent = {
        "symbol": step.symbol,
        "listClientOrderId": perhaps(chance, 30, LIST_NAMES),
        "workingSide": "BUY" if pays else chance.choice(("BUY", "SELL")),
        "workingQuantity": some_quantity(chance),
        "pendingSide": side,
        "pendingQuantity": None if pays else some_quantity(chance),
        **_common(chance),
        **_leg(chance, "working", _working(chance), some_price(chance), ""),
    }
    if step.kind.endswith("oco"):
        sent |= _pair(chance, side, "pendingAbove", "pendingBelow")
    else:
        kind = chance.choice(("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"))
        kind = chance.choice((kind, kind, "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))
        sent |= _leg(chance, "pending", kind, some_price(chance), some_price(chance))
    return f"POST orderList/{step.kind}", sent


def _working(chance: Random) -> str:
    return chance.choices(("LIMIT", "LIMIT_MAKER"), (4, 1))[0]


# --- what may be done to what is open


def _open_order(chance: Random, venue: Venue, step: Step) -> dict[str, Any] | None:
    found = venue.ask("GET openOrders", step.who, symbol=step.symbol).body
    return chance.choice(found) if found else None


def _cancel(chance: Random, venue: Venue, step: Step) -> Request | None:
    order = _open_order(chance, venue, step)
    if order is None:
        return None
    by_name = happens(chance, 30)
    sent = {
        "symbol": step.symbol,
        "orderId": None if by_name else order["orderId"],
        "origClientOrderId": order["clientOrderId"] if by_name else None,
        "newClientOrderId": perhaps(chance, 30, NAMES),
        "cancelRestrictions": perhaps(chance, 20, ("ONLY_NEW", "ONLY_PARTIALLY_FILLED")),
    }
    return "DELETE order", sent


def _amend(chance: Random, venue: Venue, step: Step) -> Request | None:
    order = _open_order(chance, venue, step)
    if order is None:
        return None
    quantity = round(Decimal(order["origQty"]) * chance.randint(1, 10) / 10, 5)
    if happens(chance, 20):
        quantity = Decimal(order["executedQty"])
    sent = {
        "symbol": step.symbol,
        "orderId": order["orderId"],
        "newQty": format(quantity, "f"),
        "newClientOrderId": perhaps(chance, 50, (*NAMES, order["clientOrderId"])),
    }
    return "PUT order/amend/keepPriority", sent


def _replace(chance: Random, venue: Venue, step: Step) -> Request | None:
    order = _open_order(chance, venue, step)
    if order is None:
        return None
    sent = {
        "symbol": step.symbol,
        **_order(chance),
        "cancelOrderId": order["orderId"],
        "cancelReplaceMode": chance.choice(("STOP_ON_FAILURE", "ALLOW_FAILURE")),
        "cancelNewClientOrderId": perhaps(chance, 30, NAMES),
        "cancelRestrictions": perhaps(chance, 20, ("ONLY_NEW", "ONLY_PARTIALLY_FILLED")),
    }
    return "POST order/cancelReplace", sent


def _cancel_list(chance: Random, venue: Venue, step: Step) -> Request | None:
    found = venue.ask("GET openOrderList", step.who).body
    if not found:
        return None
    one = chance.choice(found)
    return "DELETE orderList", {"symbol": one["symbol"], "orderListId": one["orderListId"]}


def _cancel_all(_: Random, __: Venue, step: Step) -> Request:
    return "DELETE openOrders", {"symbol": step.symbol}


REQUESTS: Final[Mapping[str, Callable[[Random, Venue, Step], Request | None]]] = {
    "order": _place,
    "test": _rehearse,
    "oco": _place_pair,
    "oto": _place_list,
    "otoco": _place_list,
    "opo": _place_list,
    "opoco": _place_list,
    "cancel": _cancel,
    "amend": _amend,
    "replace": _replace,
    "cancel list": _cancel_list,
    "cancel all": _cancel_all,
}
