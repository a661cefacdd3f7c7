"""What the matching engine answers: new orders and cancels."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from lib.simulator import answers
from lib.simulator.answers import Body
from lib.simulator.events import Announcer, refused_order
from lib.simulator.floor import Floor
from lib.simulator.market import Market
from lib.simulator.orders import Order
from lib.simulator.parameters import client_id, integer
from lib.simulator.refusals import (
    Refusal,
    both_missing,
    ids_disagree,
    market_closed,
    restricted_cancel,
    unknown_order,
)
from lib.simulator.routes import Call
from lib.simulator.timing import check_forwarding

MATCHING_ENGINE: Final = -2010
CANCELABLE_STATUS: Final = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}
GENERATED_LENGTH: Final = 22

FindMarket = Callable[[Mapping[str, str]], Market]


class Trading:
    """Places and cancels for verified accounts."""

    def __init__(self, floor: Floor, find_market: FindMarket, clock: Callable[[], int]) -> None:
        self._floor = floor
        self._find_market = find_market
        self._clock = clock

    def place(self, call: Call) -> Body:
        """Answer POST /order."""
        market, order, response = self._draft(call)
        floor = self._floor
        floor.limits.count_order(order.account.name, call.now)
        now = self._forward(call)
        order.client_order_id = order.client_order_id or _generated(
            "order", floor.books.counters["order"] + 1
        )
        order.time = now
        try:
            market.place(order, now)
        except Refusal as refusal:
            self._announce(order, refusal, now)
            raise
        change = floor.books.change
        if response == "ACK":
            return answers.acknowledged(order)
        if response == "RESULT":
            return answers.result(order, change.preventions)
        return answers.full(order, change.fills, change.preventions)

    def test(self, call: Call) -> Body:
        """Answer POST /order/test: everything but the matching engine."""
        self._draft(call)
        return {}

    def cancel(self, call: Call) -> Body:
        """Answer DELETE /order."""
        params = call.params
        market = self._find_market(params)
        order_id = integer(params, "orderId")
        name = client_id(params, "origClientOrderId")
        cancel_id = client_id(params, "newClientOrderId")
        restriction = params.get("cancelRestrictions")
        if restriction is not None and restriction not in CANCELABLE_STATUS:
            raise Refusal(-1145, "Invalid cancelRestrictions")
        if order_id is None and not name:
            raise both_missing("origClientOrderId", "orderId")
        now = self._forward(call)
        order = _open_order(market, call, order_id, name)
        if restriction is not None and order.status != CANCELABLE_STATUS[restriction]:
            raise restricted_cancel()
        market.cancel(order, cancel_id or _generated("cancel", order.id), now)
        return answers.canceled(order, now)

    def _draft(self, call: Call) -> tuple[Market, Order, str]:
        market = self._find_market(call.params)
        if market.rules.status != "TRADING":
            raise market_closed()
        order, response = market.drafting.draft(call.params, call.names, call.owner, call.now)
        market.filters.refuse(order, call.now)
        return market, order, response

    def _forward(self, call: Call) -> int:
        """Check the window once more and answer the time at the matching engine."""
        now = self._clock()
        check_forwarding(call.good_until, now)
        return now

    def _announce(self, order: Order, refusal: Refusal, now: int) -> None:
        """Tell the user stream of a plain refusal, if this venue does."""
        announcer: Announcer = self._floor.announcer
        if not self._floor.options.announce_refusals or refusal.code != MATCHING_ENGINE:
            return
        execution = self._floor.books.count("execution")
        self._floor.books.change.counted = True
        announcer.tell_user(order.account.name, refused_order(order, refusal.text, execution, now))


def _generated(kind: str, number: int) -> str:
    """Make a client order id for who sent none, the same in every replay."""
    return hashlib.sha256(f"{kind} {number}".encode()).hexdigest()[:GENERATED_LENGTH]


def _open_order(market: Market, call: Call, order_id: int | None, name: str) -> Order:
    """Find what is to be canceled: by orderId first, the client's id must then agree."""
    if order_id is None:
        found = market.register.find_open(call.owner, name)
    else:
        found = market.register.open_of(call.owner).get(order_id)
    if found is None:
        raise unknown_order()
    if name and found.client_order_id != name:
        raise ids_disagree()
    return found
