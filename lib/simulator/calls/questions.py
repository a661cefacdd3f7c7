"""What Memory and Database answer about orders and trades: they may lag behind the engine."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from lib.simulator.books.orders import Fill, Order
from lib.simulator.calls import answers
from lib.simulator.calls.answers import Body
from lib.simulator.calls.history_pages import MOST_ROWS, USUAL_ROWS, read_span, search, take_page
from lib.simulator.calls.known_orders import KnownOrders
from lib.simulator.calls.parameters import DAY_MS, client_id, integer, limit
from lib.simulator.calls.routes import ORDER_NAMED, Call, Routes, private
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.market import Market
from lib.simulator.engine.register import shown_id
from lib.simulator.engine.replicas import Replica
from lib.simulator.refusals import (
    archived,
    bad_combination,
    both_missing,
    ids_disagree,
    no_such_order,
)

ARCHIVED_AFTER_MS: Final = 90 * DAY_MS
TRADE_QUESTIONS: Final = frozenset({
    frozenset[str](),
    frozenset({"orderId"}),
    frozenset({"startTime"}),
    frozenset({"endTime"}),
    frozenset({"fromId"}),
    frozenset({"startTime", "endTime"}),
    frozenset({"orderId", "fromId"}),
})

FindMarket = Callable[[Mapping[str, str]], Market]


class Questions:
    """Answers about the orders and trades of verified accounts."""

    def __init__(
        self, floor: Floor, find_market: FindMarket, markets: Mapping[str, Market]
    ) -> None:
        self._find_market = find_market
        self._markets = markets
        self._canceled_id = floor.options.canceled_id
        self._replicas = floor.replicas

    def routes(self) -> Routes:
        """List the calls that are answered here."""
        page = ("symbol", "orderId", "startTime", "endTime", "limit")
        return {
            "GET order": private(self.order, 4, *ORDER_NAMED),
            "GET openOrders": private(self.open_orders, _weigh_open_orders, "symbol"),
            "GET allOrders": private(self.all_orders, 20, *page),
            "GET myTrades": private(self.my_trades, _weigh_my_trades, *page, "fromId"),
        }

    def order(self, call: Call) -> Body:
        """Answer GET /order: by orderId first, the client's id must then agree."""
        market = self._find_market(call.params)
        order_id = integer(call.params, "orderId")
        name = client_id(call.params, "origClientOrderId")
        if order_id is None and not name:
            raise both_missing("origClientOrderId", "orderId")
        known = self._known(market, self._replicas.orders, call)
        found = known.by_name(name) if order_id is None else known.by_id(order_id)
        if found is None:
            raise no_such_order()
        if order_id is not None and name and self._shown(found) != name:
            raise ids_disagree()
        if _is_archived(found, call.now):
            raise archived()
        return self._show(found)

    def open_orders(self, call: Call) -> list[Body]:
        """Answer GET /openOrders, of one symbol or of all."""
        if "symbol" in call.params:
            markets: Iterable[Market] = [self._find_market(call.params)]
        else:
            markets = self._markets.values()
        return [
            self._show(order)
            for market in markets
            for order in self._known(market, self._replicas.listed, call).open()
        ]

    def all_orders(self, call: Call) -> list[Body]:
        """Answer GET /allOrders: the newest, from an orderId on, or of at most 24 hours."""
        params = call.params
        known = self._known(self._find_market(params), self._replicas.listed, call)
        rows = limit(params, USUAL_ROWS, MOST_ROWS)
        first = integer(params, "orderId")
        span = read_span(params, call.now)
        newest_first = first is None if span is None else "startTime" not in params
        found = search(known, first, span, newest_first=newest_first)
        told = (order for order in found if not _is_archived(order, call.now))
        return [self._show(order) for order in take_page(told, rows, newest_first=newest_first)]

    def my_trades(self, call: Call) -> list[Body]:
        """Answer GET /myTrades, in one of the combinations Binance allows."""
        params = call.params
        market = self._find_market(params)
        rows = limit(params, USUAL_ROWS, MOST_ROWS)
        asked = params.keys() & {"orderId", "startTime", "endTime", "fromId"}
        if asked not in TRADE_QUESTIONS:
            raise bad_combination()
        newest_first = "fromId" not in params and "startTime" not in params
        found = _find_fills(market, call, newest_first=newest_first)
        if self._replicas.trades_lag_ms:
            found = (fill for fill in found if self._replicas.knows(fill, call.now))
        return [
            answers.own_trade(fill) for fill in take_page(found, rows, newest_first=newest_first)
        ]

    def _known(self, market: Market, replica: Replica[Order], call: Call) -> KnownOrders:
        return KnownOrders(market.register, replica, call.owner, now=call.now, shown=self._shown)

    def _shown(self, order: Order) -> str:
        return shown_id(order, self._canceled_id)

    def _show(self, order: Order) -> Body:
        return answers.queried(order, self._shown(order))


def _find_fills(market: Market, call: Call, *, newest_first: bool) -> Iterable[Fill]:
    """Find the fills that are asked for, in the order in which they are to be shown."""
    params, ledger = call.params, market.ledger
    order_id, first = integer(params, "orderId"), integer(params, "fromId")
    span = read_span(params, call.now)
    if order_id is not None:
        of_order = ledger.of_order(call.owner, order_id)
        within = [fill for fill in of_order if first is None or fill.id >= first]
    elif span is not None:
        within = ledger.between(call.owner, *span)
    elif first is not None:
        return ledger.from_id(call.owner, first)
    else:
        return ledger.newest_first(call.owner)
    return reversed(within) if newest_first else within


def _is_archived(order: Order, now: int) -> bool:
    """Tell whether an order ended without any fill so long ago that it is not shown any more."""
    return not order.executed and now - order.update_time > ARCHIVED_AFTER_MS and not order.open


def _weigh_open_orders(params: Mapping[str, str]) -> int:
    return 6 if "symbol" in params else 80


def _weigh_my_trades(params: Mapping[str, str]) -> int:
    return 5 if "orderId" in params else 20
