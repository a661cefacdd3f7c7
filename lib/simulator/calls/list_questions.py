"""What Memory and Database answer about order lists: they may lag behind the matching engine."""

from lib.simulator.books.orders import Order, OrderList
from lib.simulator.calls import list_answers
from lib.simulator.calls.answers import Body
from lib.simulator.calls.history_pages import MOST_ROWS, USUAL_ROWS, read_span, search, take_page
from lib.simulator.calls.known_lists import KnownLists
from lib.simulator.calls.parameters import client_id, integer, limit
from lib.simulator.calls.routes import Call, Routes, private
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.register import shown_id
from lib.simulator.engine.replicas import Replica
from lib.simulator.refusals import bad_combination, combine_with, no_such_list


class ListQuestions:
    """Answers about the order lists of verified accounts."""

    def __init__(self, floor: Floor) -> None:
        self._register = floor.list_register
        self._replicas = floor.replicas
        self._canceled_id = floor.options.canceled_id
        self._oldest_leads = floor.options.list_history == "oldest"

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        page = ("fromId", "startTime", "endTime", "limit")
        return {
            "GET orderList": private(self.order_list, 4, "orderListId", "origClientOrderId"),
            "GET openOrderList": private(self.open_lists, 6),
            "GET allOrderList": private(self.all_lists, 20, *page),
        }

    def order_list(self, call: Call) -> Body:
        """Answer GET /orderList: with both ids, only the client's is looked for."""
        list_id = integer(call.params, "orderListId")
        name = client_id(call.params, "origClientOrderId")
        if list_id is None and not name:
            raise combine_with("orderListId")
        known = self._known(self._replicas.lists, call)
        found = known.by_id(list_id) if list_id is not None and not name else known.by_name(name)
        if found is None:
            raise no_such_list()
        return self._show(found, self._replicas.orders, call.now)

    def open_lists(self, call: Call) -> list[Body]:
        """Answer GET /openOrderList."""
        known = self._known(self._replicas.listed_lists, call)
        return [self._show(found, self._replicas.listed, call.now) for found in known.open()]

    def all_lists(self, call: Call) -> list[Body]:
        """Answer GET /allOrderList: the newest, from an id on, or of at most 24 hours."""
        params = call.params
        rows = limit(params, USUAL_ROWS, MOST_ROWS)
        first, span = integer(params, "fromId"), read_span(params, call.now)
        if first is not None and span is not None:
            raise bad_combination()
        newest_first = first is None and "startTime" not in params
        known = self._known(self._replicas.listed_lists, call)
        found = search(known, first, span, newest_first=newest_first)
        page = take_page(found, rows, newest_first=newest_first and self._oldest_leads)
        return [self._show(one, self._replicas.listed, call.now) for one in page]

    def _known(self, replica: Replica[OrderList], call: Call) -> KnownLists:
        return KnownLists(self._register, replica, call.owner, call.now)

    def _show(self, order_list: OrderList, orders: Replica[Order], now: int) -> Body:
        """Show a list under the client order ids that its orders are known by."""

        def name(order: Order) -> str:
            return shown_id(orders.seen(order, now) or order, self._canceled_id)

        return list_answers.listed(order_list, name)
