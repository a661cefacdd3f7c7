"""From the parameters of an order list to its orders, or to the refusal Binance would send.

Each order is read as a single one is, under names of its own: what POST /order calls `price` is
`abovePrice` here, and a refusal speaks of `abovePrice` too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lib.simulator.books.account import Account
from lib.simulator.books.orders import BUY, PENDING, STOPS, TYPES, ListKind, Order, OrderList
from lib.simulator.calls.drafting import RESPONSES, Drafting
from lib.simulator.calls.parameters import client_id
from lib.simulator.engine.lists import PAID, PAIRED
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.refusals import Refusal, combine_with, invalid, invalid_type, missing, rejected

COMMON: Final = ("symbol", "newOrderRespType", "selfTradePreventionMode")
OWN: Final = {
    "type": "Type",
    "newClientOrderId": "ClientOrderId",
    "price": "Price",
    "timeInForce": "TimeInForce",
    "icebergQty": "IcebergQty",
    "strategyId": "StrategyId",
    "strategyType": "StrategyType",
    "pegPriceType": "PegPriceType",
    "pegOffsetType": "PegOffsetType",
    "pegOffsetValue": "PegOffsetValue",
}
CONDITION: Final = {"stopPrice": "StopPrice", "trailingDelta": "TrailingDelta"}
TAKING: Final = frozenset({"LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
LOSS_STOPS: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
WORKING_TYPES: Final = frozenset({"LIMIT", "LIMIT_MAKER"})

MISPLACED: Final = {
    ("BUY", "LIMIT_MAKER"): (-1165, "A limit order in a buy OCO must be below."),
    ("SELL", "LIMIT_MAKER"): (-1166, "A limit order in a sell OCO must be above."),
    ("BUY", "STOP_LOSS"): (-1196, "A stop loss order in a buy OCO must be above."),
    ("SELL", "STOP_LOSS"): (-1197, "A stop loss order in a sell OCO must be below."),
    ("BUY", "TAKE_PROFIT"): (-1198, "A take profit order in a buy OCO must be below."),
    ("SELL", "TAKE_PROFIT"): (-1199, "A take profit order in a sell OCO must be above."),
}

_QUOTED = re.compile(r"'(\w+)'")


@dataclass(frozen=True, slots=True)
class Leg:
    """One order of a list: how the request calls what POST /order calls otherwise."""

    names: Mapping[str, str]
    fixed: Mapping[str, str] | None = None  # what the request does not say

    @classmethod
    def called(cls, prefix: str, side: str, quantity: str, *, waits: bool = True) -> "Leg":
        """Make a leg whose parameters all begin alike."""
        suffixes = OWN | CONDITION if waits else OWN
        names = {own: prefix + suffix for own, suffix in suffixes.items()}
        return cls({"side": side, "quantity": quantity, **names})

    def spell(self, refusal: Refusal) -> Refusal:
        """Speak of the parameters as the request calls them."""
        text = _QUOTED.sub(lambda name: f"'{self.names.get(name[1], name[1])}'", refusal.text)
        return Refusal(refusal.code, text, status=refusal.status, headers=refusal.headers)


WORKING: Final = Leg.called("working", "workingSide", "workingQuantity", waits=False)
ABOVE: Final = Leg.called("above", "side", "quantity")
BELOW: Final = Leg.called("below", "side", "quantity")
PENDING_LEG: Final = Leg.called("pending", "pendingSide", "pendingQuantity")
PENDING_ABOVE: Final = Leg.called("pendingAbove", "pendingSide", "pendingQuantity")
PENDING_BELOW: Final = Leg.called("pendingBelow", "pendingSide", "pendingQuantity")

OLD_LIMIT: Final = Leg(
    {
        "side": "side",
        "quantity": "quantity",
        "newClientOrderId": "limitClientOrderId",
        "price": "price",
        "icebergQty": "limitIcebergQty",
        "strategyId": "limitStrategyId",
        "strategyType": "limitStrategyType",
    },
    {"type": "LIMIT_MAKER"},
)
OLD_STOP_NAMES: Final = {
    "side": "side",
    "quantity": "quantity",
    "newClientOrderId": "stopClientOrderId",
    "stopPrice": "stopPrice",
    "trailingDelta": "trailingDelta",
    "price": "stopLimitPrice",
    "timeInForce": "stopLimitTimeInForce",
    "icebergQty": "stopIcebergQty",
    "strategyId": "stopStrategyId",
    "strategyType": "stopStrategyType",
}
OLD_STOP: Final = Leg(OLD_STOP_NAMES, {"type": "STOP_LOSS"})
OLD_STOP_LIMIT: Final = Leg(OLD_STOP_NAMES, {"type": "STOP_LOSS_LIMIT"})

LEGS: Final[Mapping[ListKind, tuple[Leg, ...]]] = {
    "OCO": (ABOVE, BELOW),
    "OTO": (WORKING, PENDING_LEG),
    "OTOCO": (WORKING, PENDING_ABOVE, PENDING_BELOW),
    "OPO": (WORKING, PENDING_LEG),
    "OPOCO": (WORKING, PENDING_ABOVE, PENDING_BELOW),
}
OLD_NAMES: Final = frozenset({
    *COMMON,
    "listClientOrderId",
    *OLD_LIMIT.names.values(),
    *OLD_STOP.names.values(),
})


def names_of(kind: ListKind) -> frozenset[str]:
    """Give the parameters that a new list of this kind may bring."""
    names = {name for leg in LEGS[kind] for name in leg.names.values()}
    if kind in PAID:
        names.remove("pendingQuantity")
    return frozenset({*COMMON, "listClientOrderId", *names})


class ListDrafting:
    """Reads the order lists of one symbol for one account."""

    def __init__(
        self,
        rules: SymbolRules,
        drafting: Drafting,
        params: Mapping[str, str],
        account: Account,
        now: int,
    ) -> None:
        self._rules = rules
        self._drafting = drafting
        self._params = params
        self._account = account
        self._now = now

    def draft(self, kind: ListKind, usual: str) -> tuple[OrderList, str]:
        """Read a list and how much its sender wants to hear, `usual` if it does not say.

        Client ids stay empty if none were sent.
        """
        _check_ability(kind, self._rules)
        legs = LEGS[kind]
        self._check_types(kind, legs)
        orders = [self._order(kind, leg) for leg in legs]
        if kind in PAID:
            _check_paid(orders)
        return self._list(kind, orders), self._response(usual)

    def draft_old(self, usual: str) -> tuple[OrderList, str]:
        """Read what the deprecated POST /order/oco brings."""
        _check_ability("OCO", self._rules)
        limited = "stopLimitPrice" in self._params
        if limited and "stopLimitTimeInForce" not in self._params:
            raise combine_with("stopLimitTimeInForce")
        stop = OLD_STOP_LIMIT if limited else OLD_STOP
        orders = [self._order("OCO", leg) for leg in (OLD_LIMIT, stop)]
        return self._list("OCO", orders), self._response(usual)

    # --- the orders

    def _order(self, kind: ListKind, leg: Leg) -> Order:
        """Read one order. Where the one pays the other, its quantity is not known yet."""
        sent = {own: self._params[name] for own, name in leg.names.items() if name in self._params}
        sent |= leg.fixed or {}
        sent |= {name: self._params[name] for name in COMMON if name in self._params}
        unknown = kind in PAID and leg is not WORKING
        if unknown:  # nothing to read, and no more than the working order can receive
            sent["quantity"] = self._params["workingQuantity"]
        try:
            order, _ = self._drafting.draft(sent, tuple(sent), self._account, self._now)
        except Refusal as refusal:
            raise leg.spell(refusal) from None
        if unknown:
            order.quantity = 0
        if kind != "OCO" and leg is not WORKING:
            order.status = PENDING
        return order

    def _list(self, kind: ListKind, orders: list[Order]) -> OrderList:
        """Put the orders in the order of their ids: of a pair, the stop loss comes first."""
        if kind in PAIRED:
            orders[-2:] = sorted(orders[-2:], key=lambda order: order.type not in LOSS_STOPS)
        name = client_id(self._params, "listClientOrderId")
        order_list = OrderList(0, self._rules.symbol, self._account, name, kind, self._now, orders)
        for order in orders:
            order.order_list = order_list
        return order_list

    def _response(self, usual: str) -> str:
        wanted = self._params.get("newOrderRespType", usual)
        if wanted not in RESPONSES:
            raise invalid("newOrderRespType")
        return wanted

    # --- which types go together

    def _check_types(self, kind: ListKind, legs: tuple[Leg, ...]) -> None:
        if kind != "OCO" and self._type(legs[0]) not in WORKING_TYPES:
            raise Refusal(-1014, "Unsupported order combination.")
        if kind in PAIRED:
            above, below = legs[-2:]
            self._check_pair(above, below)

    def _check_pair(self, above: Leg, below: Leg) -> None:
        types = (self._type(above), self._type(below))
        if not set(types) <= TAKING | LOSS_STOPS:
            raise Refusal(-1158, "Order type not supported in OCO.")
        if STOPS.isdisjoint(types):
            raise Refusal(-1168, "At least one OCO order must be contingent.")
        side = self._params.get(above.names["side"], "")
        families = (LOSS_STOPS, TAKING) if side == BUY else (TAKING, LOSS_STOPS)
        for found, rightful in zip(types, families, strict=True):
            misplaced = MISPLACED.get((side, found.removesuffix("_LIMIT")))
            if found not in rightful and misplaced is not None:
                raise Refusal(*misplaced)
        for leg in (above, below):
            self._check_iceberg(leg)

    def _check_iceberg(self, leg: Leg) -> None:
        name, time_in_force = leg.names["icebergQty"], leg.names["timeInForce"]
        if name in self._params and self._params.get(time_in_force, "GTC") != "GTC":
            legal = "aboveTimeInForce/belowTimeInForce is not GTC."
            raise Refusal(-1160, f"Parameter '{name}' is not supported if {legal}")

    def _type(self, leg: Leg) -> str:
        name = leg.names["type"]
        found = self._params.get(name)
        if not found:
            raise missing(name)
        if found not in TYPES:
            raise invalid_type()
        return found


def _check_ability(kind: ListKind, rules: SymbolRules) -> None:
    """Raise for a kind of list that the symbol does not allow."""
    if kind in PAIRED and not rules.pairs:
        raise rejected("OCO orders are not supported for this symbol")
    if kind != "OCO" and not rules.pending_orders:
        raise rejected("OTO orders are not supported for this symbol.")
    if kind in PAID and not rules.paid_orders:
        raise rejected("OPO orders are not supported for this symbol.")


def _check_paid(orders: list[Order]) -> None:
    working, *pending = orders
    if not working.is_buy:
        raise Refusal(-1222, "Working order in an OPO list must be a bid.")
    if any(order.is_buy for order in pending):
        raise Refusal(-1223, "Pending orders in an OPO list must be asks.")
