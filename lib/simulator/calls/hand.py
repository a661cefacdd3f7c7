"""An account's own hand at the matching engine: orders as values, for whoever is in process.

The same rules as POST and DELETE /order, without texts: nothing is parsed, nothing written, no
signature and no time stamp. Back-tests that live from many orders a second reach in here.
"""

from collections.abc import Callable, Mapping
from typing import NoReturn

from lib.simulator.books.account import USUAL, Account
from lib.simulator.books.orders import STOPS, Order, Side
from lib.simulator.calls.client_ids import generated
from lib.simulator.calls.trading import refuse_account
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.market import Market
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.refusals import (
    invalid_symbol,
    invalid_type,
    market_closed,
    superfluous,
    unknown_order,
)


class Hand:
    """Places and cancels for one account. Amounts in units of 1e-8, times in exchange ms."""

    def __init__(
        self,
        account: Account,
        floor: Floor,
        markets: Mapping[str, Market],
        *,
        clock: Callable[[], int],
        finish: Callable[[], None],
    ) -> None:
        self._account = account
        self._markets = markets
        self._limits = floor.limits
        self._counters = floor.books.counters
        self._clock = clock
        self._finish = finish

    def place(
        self,
        symbol: str,
        side: Side,
        kind: str,
        quantity: int,
        price: int = 0,
        *,
        client_order_id: str = "",
        time_in_force: str = "GTC",
        stop_price: int = 0,
        quote_quantity: int = 0,
    ) -> Order:
        """Place an order and answer it; it goes on to live. Raises Refusal, as Binance would."""
        market = self._markets.get(symbol) or _refuse_symbol()
        account, now = self._account, self._clock()
        rules = market.rules
        if rules.status != "TRADING" or account.standing is not USUAL or not rules.for_spot:
            _refuse_standing(account, rules)
        if kind != "LIMIT" or kind not in rules.order_types or stop_price or quote_quantity:
            _refuse_kind(rules, kind, stop_price, quote_quantity)
        order = Order(
            symbol,
            account,
            client_order_id or generated("order", self._counters["order"] + 1),
            side == "BUY",
            kind,
            time_in_force,
            quantity,
            price,
            stop_price,
            quote_quantity,
            rules.stp_default,
            now,
        )
        market.filters.refuse(order, now)
        self._limits.count_order(account.name, now)
        market.place(order, now)
        self._finish()
        return order

    def cancel(self, symbol: str, client_order_id: str, cancel_id: str = "") -> Order:
        """Cancel an open order, with its list if it has one. Raises Refusal."""
        market = self._markets.get(symbol) or _refuse_symbol()
        order = market.register.find_open(self._account, client_order_id)
        if order is None:
            raise unknown_order()
        market.cancel(order, cancel_id or generated("cancel", order.id), self._clock())
        self._finish()
        return order


def _refuse_symbol() -> NoReturn:
    raise invalid_symbol()


def _refuse_kind(rules: SymbolRules, kind: str, stop_price: int, quote_quantity: int) -> None:
    """Raise for a type that is not taken here, or an amount too many or too few for it."""
    if kind not in rules.order_types or (kind in STOPS) != bool(stop_price):
        raise invalid_type()
    if quote_quantity and kind != "MARKET":
        raise superfluous("quoteOrderQty")


def _refuse_standing(account: Account, rules: SymbolRules) -> None:
    """Raise if nothing can be placed here now, or not by this account."""
    if rules.status != "TRADING":
        raise market_closed()
    refuse_account(account, rules)
