"""What the matching engine answers about order lists: new ones and cancels."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from lib.simulator.books.orders import ListKind, OrderList
from lib.simulator.calls import list_answers
from lib.simulator.calls.answers import Body
from lib.simulator.calls.canceling import Canceling
from lib.simulator.calls.client_ids import generated
from lib.simulator.calls.list_drafting import LEGS, OLD_NAMES, ListDrafting, names_of
from lib.simulator.calls.parameters import client_id, integer
from lib.simulator.calls.routes import Call, Route, Routes, canceling, trading
from lib.simulator.calls.trading import Trading, refuse_account
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.list_events import refused_list
from lib.simulator.engine.market import Market
from lib.simulator.refusals import (
    Refusal,
    combine_with,
    ids_disagree,
    market_closed,
    unknown_list,
)

MATCHING_ENGINE: Final = -2010
LIST_NAMED: Final = ("symbol", "orderListId", "listClientOrderId")

FindMarket = Callable[[Mapping[str, str]], Market]
Draft = Callable[[ListDrafting, str], tuple[OrderList, str]]


class ListTrading:
    """Places and cancels order lists for verified accounts."""

    def __init__(
        self, floor: Floor, find_market: FindMarket, *, placing: Trading, canceling: Canceling
    ) -> None:
        self._floor = floor
        self._find_market = find_market
        self._placing = placing
        self._canceling = canceling

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        return {
            **{f"POST orderList/{kind.lower()}": self._route(kind) for kind in LEGS},
            "POST order/oco": trading(partial(self._place, ListDrafting.draft_old), *OLD_NAMES),
            "DELETE orderList": canceling(self.cancel, *LIST_NAMED, "newClientOrderId"),
        }

    def cancel(self, call: Call) -> Body:
        """Answer DELETE /orderList: by orderListId first, the client's id must then agree."""
        params = call.params
        market = self._find_market(params)
        list_id = integer(params, "orderListId")
        name = client_id(params, "listClientOrderId")
        cancel_id = client_id(params, "newClientOrderId")
        if list_id is None and not name:
            raise combine_with("orderListId")
        now = self._placing.forward(call)
        self._canceling.refuse_account(market, call.owner)
        found = self._open_list(call, market.rules.symbol, list_id, name)
        ended = market.cancel_list(found, cancel_id or generated("list cancel", found.id), now)
        return list_answers.canceled(found, ended, now)

    def _route(self, kind: ListKind) -> Route:
        def draft(drafting: ListDrafting, usual: str) -> tuple[OrderList, str]:
            return drafting.draft(kind, usual)

        return trading(partial(self._place, draft), *names_of(kind))

    def _place(self, draft: Draft, call: Call) -> Body:
        """Answer the POST of a list."""
        floor = self._floor
        market = self._find_market(call.params)
        rules, params = market.rules, call.params
        if rules.status != "TRADING":
            raise market_closed()
        refuse_account(call.owner, rules)
        drafting = ListDrafting(rules, self._placing.drafting(rules), params, call.owner, call.now)
        order_list, response = draft(drafting, floor.options.list_response)
        for order in order_list.orders:
            if order.quantity or not order.pending:
                market.filters.refuse(order, call.now)
                self._placing.refuse_assets(market, order)
        floor.limits.count_order(call.owner.name, call.now, orders=len(order_list.orders))
        now = self._placing.forward(call)
        self._name(order_list, now)
        try:
            shown = market.place_list(order_list, now)
        except Refusal as refusal:
            self._announce(order_list, refusal, now)
            raise
        return list_answers.placed(order_list, shown, response, floor.books.change, now)

    def _name(self, order_list: OrderList, now: int) -> None:
        """Date a list and give client ids to what has none."""
        counters = self._floor.books.counters
        number = counters.get("list", 0)
        order_list.client_list_id = order_list.client_list_id or generated("list", number)
        order_list.time = now
        for place, order in enumerate(order_list.orders, start=1):
            name = order.client_order_id or generated("order", counters["order"] + place)
            order.client_order_id = name
            order.time = now

    def _open_list(self, call: Call, symbol: str, list_id: int | None, name: str) -> OrderList:
        register = self._floor.list_register
        if list_id is None:
            found = register.find_open(call.owner, symbol, name)
        else:
            found = register.open_of(call.owner).get(list_id)
        if found is None or found.symbol != symbol:
            raise unknown_list()
        if name and found.client_list_id != name:
            raise ids_disagree()
        return found

    def _announce(self, order_list: OrderList, refusal: Refusal, now: int) -> None:
        """Tell the user stream of a refused list, if this venue does."""
        if self._floor.options.announce_refusals and refusal.code == MATCHING_ENGINE:
            event = refused_list(order_list, now)
            self._floor.announcer.tell_user(order_list.account.name, event)
