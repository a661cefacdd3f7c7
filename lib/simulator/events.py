"""What the exchange tells on its streams, collected until the books are durable."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from lib.simulator.account import Account, Balance
from lib.simulator.orders import Fill, Order
from lib.simulator.tape import Print
from lib.simulator.units import ZERO_TEXT, quote_of, write

Event: TypeAlias = dict[str, Any]
UserListener: TypeAlias = Callable[[str, Event], None]
MarketListener: TypeAlias = Callable[[str, str, Event], None]


class Announcer:
    """Holds events back until `flush`, then tells them in their order, also when called again
    from within a listener. Without a listener nothing is built."""

    def __init__(self) -> None:
        self.on_user: UserListener | None = None
        self.on_market: MarketListener | None = None
        self.pending: deque[partial[None]] = deque()
        self._flushing = False

    def tell_user(self, account: str, event: Event) -> None:
        listener = self.on_user
        if listener is not None:
            self.pending.append(partial(listener, account, event))

    def tell_market(self, symbol: str, kind: str, event: Event) -> None:
        listener = self.on_market
        if listener is not None:
            self.pending.append(partial(listener, symbol, kind, event))

    def flush(self) -> None:
        """Tell everything collected. A listener may call the exchange: its events come after."""
        if self._flushing or not self.pending:
            return
        self._flushing = True
        try:
            while self.pending:
                self.pending.popleft()()
        finally:
            self._flushing = False

    def forget(self) -> None:
        self.pending.clear()


def execution_report(order: Order, kind: str, execution: int, time: int) -> Event:
    """An executionReport without a trade in it."""
    event = {
        "e": "executionReport",
        "E": time,
        "s": order.symbol,
        "c": order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": write(order.quantity),
        "p": write(order.price),
        "P": write(order.stop_price),
        "F": ZERO_TEXT,
        "g": -1,
        "C": "",
        "x": kind,
        "X": order.status,
        "r": "NONE",
        "i": order.id,
        "l": ZERO_TEXT,
        "z": write(order.executed),
        "L": ZERO_TEXT,
        "n": "0",
        "N": None,
        "T": time,
        "t": -1,
        "I": execution,
        "w": order.open and not order.waiting,
        "m": False,
        "M": False,
        "O": order.time,
        "Z": write(order.executed_quote),
        "Y": ZERO_TEXT,
        "Q": write(order.quote_quantity),
        "V": order.stp_mode,
    }
    return event | _conditional(order)


def canceled(order: Order, execution: int, time: int) -> Event:
    event = execution_report(order, "CANCELED", execution, time)
    return event | {"c": order.cancel_id, "C": order.client_order_id}


def traded(fill: Fill, execution: int) -> Event:
    event = execution_report(fill.order, "TRADE", execution, fill.time)
    return event | {
        "l": write(fill.quantity),
        "L": write(fill.price),
        "Y": write(fill.quote),
        "n": write(fill.commission),
        "N": fill.commission_asset,
        "t": fill.id,
        "w": fill.order.open and fill.order.rank > 0,
        "m": fill.is_maker,
        "M": True,
    }


def prevented(
    order: Order, counter: Order, price: int, quantity: int, *, execution: int, time: int
) -> Event:
    """One order's half of a prevented self-trade."""
    event = execution_report(order, "TRADE_PREVENTION", execution, time)
    return event | {
        "v": order.prevented_id,
        "A": write(order.prevented),
        "B": write(quantity),
        "u": -1,  # no trade group: both orders are of one account
        "U": counter.id,
        "Cs": counter.symbol,
        "pl": write(quantity),
        "pL": write(price),
        "pY": write(quote_of(price, quantity)),
    }


def account_position(account: Account, balances: list[Balance], time: int) -> Event:
    """An outboundAccountPosition: absolute amounts of what may have changed."""
    return {
        "e": "outboundAccountPosition",
        "E": time,
        "u": account.updated_at,
        "B": [
            {"a": held.asset, "f": write(held.free), "l": write(held.locked)} for held in balances
        ],
    }


def public_trade(symbol: str, trade: Print) -> Event:
    return {
        "e": "trade",
        "E": trade.time,
        "s": symbol,
        "t": trade.id,
        "p": write(trade.price),
        "q": write(trade.quantity),
        "T": trade.time,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def aggregate_trade(symbol: str, number: int, trade: Print) -> Event:
    """An aggTrade; each trade of this venue is an aggregate of its own."""
    return {
        "e": "aggTrade",
        "E": trade.time,
        "s": symbol,
        "a": number,
        "p": write(trade.price),
        "q": write(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.time,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def _conditional(order: Order) -> Event:
    """The fields that only some orders have."""
    fields: Event = {}
    if not order.waiting:
        fields["W"] = order.working_time
    if order.strategy_id is not None:
        fields["j"] = order.strategy_id
    if order.strategy_type is not None:
        fields["J"] = order.strategy_type
    if order.reason:
        fields["eR"] = order.reason
    return fields


REJECT_REASONS: Final = {
    "Account has insufficient balance for requested action.": "INSUFFICIENT_BALANCES",
    "Stop price would trigger immediately.": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    "Order would immediately match and take.": "WOULD_MATCH_IMMEDIATELY",
}


def refused_order(order: Order, text: str, execution: int, time: int) -> Event:
    """An executionReport for an order that was never accepted."""
    event = execution_report(order, "REJECTED", execution, time)
    return event | {"X": "REJECTED", "i": -1, "w": False, "r": REJECT_REASONS.get(text, "NONE")}
