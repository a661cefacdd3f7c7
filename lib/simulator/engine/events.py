"""What the exchange tells on its streams, collected until the books are durable."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from lib.simulator.books.account import Account, Balance
from lib.simulator.books.orders import Amendment, Fill, Order, Prevention
from lib.simulator.books.spans import Print
from lib.simulator.books.tape import Aggregate
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
        "F": write(order.iceberg),
        "g": order.list_id,
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
    order: Order, counter: Order, prevention: Prevention, *, lost: int, matched: int, execution: int
) -> Event:
    """One order's half of a prevented self-trade: what it lost by it, what would have matched."""
    event = execution_report(order, "TRADE_PREVENTION", execution, prevention.time)
    return event | {
        "v": prevention.id,
        "A": write(order.prevented),
        "B": write(lost),
        "u": order.account.trade_group,
        "U": counter.id,
        "Cs": counter.symbol,
        "pl": write(matched),
        "pL": write(prevention.price),
        "pY": write(quote_of(prevention.price, matched)),
    }


def replaced(amendment: Amendment) -> Event:
    """An order that was amended, after the fact."""
    order = amendment.order
    event = execution_report(order, "REPLACED", amendment.id, amendment.time)
    return event | {"C": amendment.client_order_id}


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


def aggregate_trade(symbol: str, whole: Aggregate) -> Event:
    return {
        "e": "aggTrade",
        "E": whole.time,
        "s": symbol,
        "a": whole.id,
        "p": write(whole.price),
        "q": write(whole.quantity),
        "f": whole.first_id,
        "l": whole.last_id,
        "T": whole.time,
        "m": whole.buyer_is_maker,
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
    if order.trailing_delta:
        fields["d"] = order.trailing_delta
        fields["D"] = order.trailing_time
    if order.reason:
        fields["eR"] = order.reason
    return fields


REJECT_REASONS: Final = {
    "Account has insufficient balance for requested action.": "INSUFFICIENT_BALANCES",
    "Stop price would trigger immediately.": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    "Order would trigger immediately.": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    "Order would immediately match and take.": "WOULD_MATCH_IMMEDIATELY",
}


def refused_order(order: Order, text: str, execution: int, time: int) -> Event:
    """An executionReport for an order that was never accepted."""
    event = execution_report(order, "REJECTED", execution, time)
    return event | {"X": "REJECTED", "i": -1, "w": False, "r": REJECT_REASONS.get(text, "NONE")}
