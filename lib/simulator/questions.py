"""What Memory and Database answer about an account: they may lag behind the matching engine."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Final, TypeVar

from lib.simulator import answers
from lib.simulator.account import Account
from lib.simulator.answers import Body
from lib.simulator.floor import Floor
from lib.simulator.market import Market
from lib.simulator.orders import Fill, Order
from lib.simulator.parameters import DAY_MS, client_id, flag, integer, limit
from lib.simulator.refusals import (
    bad_combination,
    both_missing,
    ids_disagree,
    no_such_order,
    too_long,
)
from lib.simulator.register import shown_id
from lib.simulator.routes import Call
from lib.simulator.units import units

USUAL_ROWS: Final = 500
MOST_ROWS: Final = 1000
TRADE_QUESTIONS: Final = frozenset({
    frozenset[str](),
    frozenset({"orderId"}),
    frozenset({"startTime"}),
    frozenset({"endTime"}),
    frozenset({"fromId"}),
    frozenset({"startTime", "endTime"}),
    frozenset({"orderId", "fromId"}),
})

Row = TypeVar("Row", Order, Fill)
FindMarket = Callable[[Mapping[str, str]], Market]


class Questions:
    """Answers about orders, trades and balances of verified accounts."""

    def __init__(
        self, floor: Floor, find_market: FindMarket, markets: Mapping[str, Market]
    ) -> None:
        options = floor.options
        self._find_market = find_market
        self._markets = markets
        self._canceled_id = options.canceled_id
        self._query_lag = options.query_lag_ms
        self._list_lag = max(options.query_lag_ms, options.list_lag_ms)
        self._rates = (units(options.maker_fee), units(options.taker_fee))

    def account(self, call: Call) -> Body:
        """Answer GET /account."""
        without_zeros = flag(call.params, "omitZeroBalances")
        return answers.account(call.owner, *self._rates, without_zeros=without_zeros)

    def order(self, call: Call) -> Body:
        """Answer GET /order: by orderId first, the client's id must then agree."""
        market = self._find_market(call.params)
        order_id = integer(call.params, "orderId")
        name = client_id(call.params, "origClientOrderId")
        if order_id is None and not name:
            raise both_missing("origClientOrderId", "orderId")
        found = self._find(market, call.owner, order_id, name)
        if found is None or call.now - found.time < self._query_lag:
            raise no_such_order()
        if order_id is not None and name and self._shown(found) != name:
            raise ids_disagree()
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
            for order in market.register.open_of(call.owner).values()
            if call.now - order.time >= self._list_lag
        ]

    def all_orders(self, call: Call) -> list[Body]:
        """Answer GET /allOrders: the newest, from an orderId on, or of at most 24 hours."""
        params = call.params
        market = self._find_market(params)
        rows = limit(params, USUAL_ROWS, MOST_ROWS)
        first = integer(params, "orderId")
        span = _span(params)
        newest_first = first is None if span is None else "startTime" not in params
        found: Iterable[Order]
        if span is not None:
            within = market.register.updated_between(call.owner, *span)
            found = reversed(within) if newest_first else within
        elif first is not None:
            found = market.register.from_id(call.owner, first)
        else:
            found = market.register.newest_first(call.owner)
        told = (order for order in found if call.now - order.time >= self._list_lag)
        return [self._show(order) for order in _page(told, rows, newest_first=newest_first)]

    def my_trades(self, call: Call) -> list[Body]:
        """Answer GET /myTrades, in one of the combinations Binance allows."""
        params = call.params
        market = self._find_market(params)
        rows = limit(params, USUAL_ROWS, MOST_ROWS)
        asked = params.keys() & {"orderId", "startTime", "endTime", "fromId"}
        if asked not in TRADE_QUESTIONS:
            raise bad_combination()
        span = _span(params)
        order_id, first = integer(params, "orderId"), integer(params, "fromId")
        newest_first = first is None and "startTime" not in params
        found: Iterable[Fill]
        if order_id is not None:
            of_order = market.ledger.of_order(call.owner, order_id)
            within = [fill for fill in of_order if first is None or fill.id >= first]
            found = reversed(within) if newest_first else within
        elif span is not None:
            within = market.ledger.between(call.owner, *span)
            found = reversed(within) if newest_first else within
        elif first is not None:
            found = market.ledger.from_id(call.owner, first)
        else:
            found = market.ledger.newest_first(call.owner)
        told = (fill for fill in found if call.now - fill.order.time >= self._query_lag)
        return [answers.own_trade(fill) for fill in _page(told, rows, newest_first=newest_first)]

    def _find(
        self, market: Market, owner: Account, order_id: int | None, name: str
    ) -> Order | None:
        if order_id is None:
            return market.register.find(owner, name)
        found = market.register.orders.get(order_id)
        return found if found is not None and found.account is owner else None

    def _shown(self, order: Order) -> str:
        return shown_id(order, self._canceled_id)

    def _show(self, order: Order) -> Body:
        return answers.queried(order, self._shown(order))


def _page(found: Iterable[Row], rows: int, *, newest_first: bool) -> list[Row]:
    """Take as many rows as are wanted; a page begins with its oldest."""
    page = list(islice(found, rows))
    if newest_first:
        page.reverse()
    return page


def _span(params: Mapping[str, str]) -> tuple[int, int] | None:
    """Read startTime and endTime; one alone reaches 24 hours."""
    begins, ends = integer(params, "startTime"), integer(params, "endTime")
    if begins is None and ends is None:
        return None
    if begins is None:
        assert ends is not None, "one of the two was sent"
        return ends - DAY_MS, ends
    if ends is None:
        return begins, begins + DAY_MS
    if ends - begins > DAY_MS:
        raise too_long(24)
    return begins, ends
