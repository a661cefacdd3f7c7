"""Whether a symbol, and the account, have room for one more request: counts and the position.

These rules look at what is open already, whoever placed it. What was announced and is not heard
of yet counts as open, as its money counts as spent.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, Protocol, TypeAlias

from lib.exchange import ZERO, Balance, OrderRecord
from lib.filters import Complaint, Counts
from lib.money import TRIGGERED, SymbolRules, plain
from lib.open_orders import OpenOrders
from lib.order_lists import OrderList
from lib.orders import Order

Plan: TypeAlias = Order | OrderList  # what leaves in one request

EVERYWHERE: Final = "the account"


class Account(Protocol):
    """The account as far as we know it."""

    @property
    def open_orders(self) -> OpenOrders: ...

    def balance(self, asset: str) -> Balance: ...


class Announced(Protocol):
    """The intents of all bots of which nothing was heard yet."""

    def announced(self, symbol: str = "") -> Sequence[Order]: ...


def legs_of(plan: Plan) -> Sequence[Order]:
    """Answer the orders of a plan: one, or all of a list."""
    return plan.legs if isinstance(plan, OrderList) else (plan,)


def crowding(
    rules: SymbolRules, account: Account, bots: Announced, plan: Plan
) -> Iterator[Complaint]:
    """Say which rule has no room for a plan. An order that cannot rest takes up none."""
    here, others = rules.counts, rules.exchange_counts
    if here.is_on and _rests(plan):
        standing = account.open_orders.on(rules.symbol), bots.announced(rules.symbol)
        yield from _full(here, rules.symbol, *standing, plan)
    if others.is_on and _rests(plan):
        yield from _full(others, EVERYWHERE, account.open_orders, bots.announced(), plan)
    if rules.position_max is not None:
        yield from _too_much(rules, rules.position_max, account, bots, plan)


def _rests(plan: Plan) -> bool:
    return isinstance(plan, OrderList) or plan.can_rest


def _full(
    most: Counts,
    where: str,
    records: Iterable[OrderRecord],
    announced: Iterable[Order],
    plan: Plan,
) -> Iterator[Complaint]:
    records, legs = list(records), legs_of(plan)
    unheard = _unheard(records, announced)
    types = [*(record.type for record in records), *(order.type for order in unheard)]
    yield from most.complaints("ORDERS", where, len(types), len(legs))
    more_stops = _stops(leg.type for leg in legs)
    yield from most.complaints("ALGO_ORDERS", where, _stops(types), more_stops)
    if isinstance(plan, OrderList):
        shown = {record.order_list_id for record in records} - {None}
        waiting = {order.list_id for order in unheard} - {""}
        yield from most.complaints("ORDER_LISTS", where, len(shown) + len(waiting), 1)


def _too_much(
    rules: SymbolRules, most: Decimal, account: Account, bots: Announced, plan: Plan
) -> Iterator[Complaint]:
    """Judge what the account would hold once all that buys is filled."""
    wanted = max((leg.quantity or ZERO for leg in legs_of(plan) if leg.side == "BUY"), default=ZERO)
    if not wanted:
        return
    balance, records = account.balance(rules.base_asset), account.open_orders.on(rules.symbol)
    held = balance.free + balance.locked
    buying = [record.quantity - record.executed for record in records if record.side == "BUY"]
    unheard = _unheard(records, bots.announced(rules.symbol))
    buying += [order.quantity or ZERO for order in unheard if order.side == "BUY"]
    position = held + sum(buying, ZERO) + wanted
    if position > most:
        asset = rules.base_asset
        yield Complaint(
            "MAX_POSITION",
            f"{plain(held)} {asset} held, {plain(sum(buying, ZERO))} on order and "
            f"{plain(wanted)} more are {plain(position)}: the account may have {plain(most)}",
        )


def _stops(types: Iterable[str]) -> int:
    return sum(each in TRIGGERED for each in types)


def _unheard(records: Iterable[OrderRecord], announced: Iterable[Order]) -> list[Order]:
    """Answer what was announced, could be open, and is not shown as open."""
    shown = {record.client_order_id for record in records}
    return [order for order in announced if order.id not in shown]
