"""PUT order/amend/keepPriority and GET order/amendments."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from lib.simulator.books.account import Account
from lib.simulator.books.orders import Order
from lib.simulator.calls import answers
from lib.simulator.calls.answers import Body
from lib.simulator.calls.client_ids import generated
from lib.simulator.calls.list_answers import amended_list
from lib.simulator.calls.parameters import amount, client_id, integer, limit, required
from lib.simulator.calls.routes import ORDER_NAMED, Call, Routes, private
from lib.simulator.calls.timing import check_forwarding
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.market import Market
from lib.simulator.refusals import (
    Refusal,
    both_missing,
    ids_disagree,
    missing,
    unamendable,
)

WEIGHT: Final = 4
USUAL_ROWS: Final = 500
MOST_ROWS: Final = 1000

FindMarket = Callable[[Mapping[str, str]], Market]


class Amending:
    """Amends for verified accounts, and tells what was amended."""

    def __init__(self, floor: Floor, find_market: FindMarket, clock: Callable[[], int]) -> None:
        self._floor = floor
        self._find_market = find_market
        self._clock = clock
        options = floor.options
        self._lag = max(options.query_lag_ms, options.list_lag_ms)

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        new = ("newClientOrderId", "newQty")
        page = ("symbol", "orderId", "fromExecutionId", "limit")
        return {
            "PUT order/amend/keepPriority": private(
                self.amend, WEIGHT, *ORDER_NAMED, *new, gratis=_expired
            ),
            "GET order/amendments": private(self.amendments, WEIGHT, *page),
        }

    def amend(self, call: Call) -> Body:
        """Answer PUT /order/amend/keepPriority."""
        params = call.params
        market = self._find_market(params)
        order_id = integer(params, "orderId")
        name = client_id(params, "origClientOrderId")
        new_name = client_id(params, "newClientOrderId")
        if order_id is None and not name:
            raise both_missing("origClientOrderId", "orderId")
        required(params, "newQty")
        quantity = amount(params, "newQty", market.rules.base_precision)
        if not quantity:
            raise Refusal(-1013, "Invalid quantity.")
        now = self._clock()
        check_forwarding(call.good_until, now)
        self._refuse_state(market, call.owner)
        order = self._open_order(market, call.owner, order_id, name)
        new_name = new_name or generated("amend", self._floor.books.counters.get("execution", 0))
        before = order.client_order_id
        amendment = market.amend(order, quantity, new_name, now)
        body = {
            "transactTime": now,
            "executionId": amendment.id,
            "amendedOrder": answers.amended(order, before),
        }
        if order.order_list is not None:
            body["listStatus"] = amended_list(order.order_list)
        return body

    def amendments(self, call: Call) -> list[Body]:
        """Answer GET /order/amendments, oldest first."""
        params = call.params
        market = self._find_market(params)
        rows = limit(params, USUAL_ROWS, MOST_ROWS)
        order_id, first = integer(params, "orderId"), integer(params, "fromExecutionId") or 0
        if order_id is None:
            raise missing("orderId")
        order = market.register.orders.get(order_id)
        if order is None or order.account is not call.owner:
            return []
        found = self._floor.books.amendments.get(order, ())
        told = (one for one in found if one.id >= first and call.now - one.time >= self._lag)
        return [answers.amendment(one) for one in islice(told, rows)]

    def _refuse_state(self, market: Market, owner: Account) -> None:
        if owner.standing.trading == "forbidden":
            raise unamendable("This account may not place or cancel orders.")
        if market.rules.status not in {"TRADING", "CANCEL_ONLY"}:
            raise unamendable("Market is closed.")

    def _open_order(self, market: Market, owner: Account, order_id: int | None, name: str) -> Order:
        """Find what is to be amended: by orderId first, the client's id must then agree."""
        if order_id is None:
            found = market.register.find_open(owner, name)
        else:
            found = market.register.open_of(owner).get(order_id)
        if found is None:
            raise Refusal(self._floor.options.unknown_amended_code, "Unknown order sent.")
        if name and found.client_order_id != name:
            raise ids_disagree()
        return found


def _expired(body: Any) -> bool:
    """Tell of an amendment, by its answer, whether the order expired because of it."""
    return bool(body["amendedOrder"]["status"] == "EXPIRED")
