"""DELETE order and DELETE openOrders: which orders end, and what is said of it."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from lib.simulator.books.account import Account
from lib.simulator.books.orders import Order
from lib.simulator.calls import answers, list_answers
from lib.simulator.calls.answers import Body
from lib.simulator.calls.client_ids import generated
from lib.simulator.calls.parameters import client_id, integer
from lib.simulator.calls.routes import ORDER_NAMED, Call, Routes, canceling
from lib.simulator.calls.timing import check_forwarding
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.market import Market
from lib.simulator.refusals import (
    both_missing,
    cancel_refused,
    ids_disagree,
    invalid_restrictions,
    restricted_cancel,
    unknown_order,
)

CANCELABLE_STATUS: Final = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}

FindMarket = Callable[[Mapping[str, str]], Market]


class Wanted(NamedTuple):
    """Which order a cancel means, and how it is to be done."""

    order_id: int | None
    client_order_id: str
    cancel_id: str  # empty = to be generated
    restriction: str | None


class Canceling:
    """Cancels for verified accounts."""

    def __init__(self, floor: Floor, find_market: FindMarket, clock: Callable[[], int]) -> None:
        self._floor = floor
        self._find_market = find_market
        self._clock = clock

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        restrictions = ("newClientOrderId", "cancelRestrictions")
        return {
            "DELETE order": canceling(self.cancel, *ORDER_NAMED, *restrictions),
            "DELETE openOrders": canceling(self.cancel_all, "symbol"),
        }

    def cancel(self, call: Call) -> Body:
        """Answer DELETE /order."""
        market = self._find_market(call.params)
        wanted = read_wanted(call.params, "orderId", "origClientOrderId", "newClientOrderId")
        now = self._forward(call)
        return self.withdraw(market, call.owner, wanted, now)

    def cancel_all(self, call: Call) -> list[Body]:
        """Answer DELETE /openOrders: the orders, then the lists with their orders in them."""
        market = self._find_market(call.params)
        now = self._forward(call)
        self.refuse_account(market, call.owner)
        first = next(iter(market.register.open_of(call.owner)), None)
        if first is None:
            raise unknown_order()
        ended = market.cancel_open(call.owner, generated("cancel", first), now)
        single = [answers.canceled(order, now) for found, (order, *_) in ended if found is None]
        lists = [list_answers.canceled(found, orders, now) for found, orders in ended if found]
        return single + lists

    def withdraw(self, market: Market, owner: Account, wanted: Wanted, now: int) -> Body:
        """Cancel one order, with its list if it has one. Raise what the engine says against it."""
        self.refuse_account(market, owner)
        order = _open_order(market, owner, wanted)
        if wanted.restriction is not None and order.status != CANCELABLE_STATUS[wanted.restriction]:
            raise restricted_cancel()
        cancel_id = wanted.cancel_id or generated("cancel", order.id)
        order_list = order.order_list
        if order_list is None or order_list.done:
            market.cancel(order, cancel_id, now)
            return answers.canceled(order, now)
        ended = market.cancel_list(order_list, cancel_id, now)
        if self._floor.options.leg_cancel_answer == "order":
            return answers.canceled(order, now)
        return list_answers.canceled(order_list, ended, now)

    def refuse_account(self, market: Market, owner: Account) -> None:
        if owner.standing.trading == "forbidden":
            raise cancel_refused("This account may not place or cancel orders.")
        closed = market.rules.status not in {"TRADING", "CANCEL_ONLY"}
        if closed and self._floor.options.cancel_while_closed == "refuse":
            raise cancel_refused("Market is closed.")

    def _forward(self, call: Call) -> int:
        """Check the window once more and answer the time at the matching engine."""
        now = self._clock()
        check_forwarding(call.good_until, now)
        return now


def read_wanted(params: Mapping[str, str], by_id: str, by_name: str, new_name: str) -> Wanted:
    """Read which order is to be canceled, under the names that the call has for it."""
    wanted = Wanted(
        integer(params, by_id),
        client_id(params, by_name),
        client_id(params, new_name),
        params.get("cancelRestrictions"),
    )
    if wanted.restriction is not None and wanted.restriction not in CANCELABLE_STATUS:
        raise invalid_restrictions()
    if wanted.order_id is None and not wanted.client_order_id:
        raise both_missing(by_name, by_id)
    return wanted


def _open_order(market: Market, owner: Account, wanted: Wanted) -> Order:
    """Find an open order: by its id, which its client order id must agree with, or by that."""
    if wanted.order_id is None:
        found = market.register.find_open(owner, wanted.client_order_id)
    else:
        found = market.register.open_of(owner).get(wanted.order_id)
        if found is not None and wanted.client_order_id not in {"", found.client_order_id}:
            raise ids_disagree()
    if found is None:
        raise unknown_order()
    return found
