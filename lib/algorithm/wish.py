"""What an algorithm asked for, and what it was told came of it.

A wish is written down in the step that evaluates what led to it. The machines of
lib/algorithm/pursuit.py make orders of it; each fill and each end is told to the algorithm once,
and that it was told is saved with what it made of it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lib.exchange import ZERO, Fill, Side
from lib.exits.way_out import Aim, WayOut
from lib.machine import Context
from lib.orders import Order, OrderState
from lib.sizes import Size

PATIENCE: Final = 10_000  # ms that a part of an entry may wait for the rest without its exits
NEVER_THERE: Final = frozenset({OrderState.REJECTED, OrderState.ABANDONED})


class Wish(Context):
    """One order an algorithm wants, with what is to end the position that it opens."""

    # what was asked for
    number: int
    label: str = ""
    side: Side
    size: Size | None  # None: all that the algorithm holds, in as many orders as it takes
    price: Decimal | None = None  # None: at market
    take_profit: Decimal | None = None
    stop: Decimal | None = None
    good_until: int | None = None  # exchange ms after which it is not sent any more
    give_up_at: int | None = None  # exchange ms after which it does not rest any longer
    because: str = ""

    # what was decided since
    given_up: str = ""  # why its order is not wanted any more
    sell_now: str = ""  # why what it bought is to be sold at market

    # what came of it
    base_asset: str = ""
    order: Order | None = None
    way: WayOut | None = None
    refused: str = ""  # why no order was made of it
    not_before: int = 0  # exchange ms; after a sale that nobody took
    net: Decimal = ZERO  # base asset it brought, less fees, as far as it was told
    told_fills: dict[str, list[int]] = {}  # the trades of each order that were told
    told_end: bool = False
    over: bool = False

    @property
    def at_market(self) -> bool:
        """Say whether it is to be executed at once."""
        return self.price is None

    @property
    def closes(self) -> bool:
        """Say whether it sells all that is held."""
        return self.size is None

    @property
    def orders(self) -> list[Order]:
        """Every order that was made of it and may have fills."""
        entry = [] if self.order is None else [self.order]
        return entry if self.way is None else [*entry, *self.way.sales]

    @property
    def bought(self) -> Decimal:
        """Base asset that its order bought, less the fees taken in coins."""
        order = self.order
        return ZERO if order is None else order.executed - order.commission(self.base_asset)

    @property
    def settled_at(self) -> int:
        """Until when more is expected of an order filled in part; exchange ms."""
        order = self.order
        if order is None or order.final or not order.fills:
            return 0
        return order.fills[-1].time + PATIENCE

    @property
    def complete(self) -> bool:
        """Say whether nothing more will be bought."""
        return self.order is not None and self.order.final

    @property
    def aim(self) -> Aim:
        """What is wanted of what was bought."""
        return Aim(take_profit=self.take_profit, stop=self.stop, sell_now=self.sell_now)


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """One trade of an order that an algorithm asked for, or of what ends its position."""

    wish: int
    label: str
    side: Side
    price: Decimal
    quantity: Decimal
    quote: Decimal
    commission: Decimal
    commission_asset: str
    time: int  # exchange ms
    is_exit: bool  # by its take profit or its stop


@dataclass(frozen=True, slots=True)
class OrderEnded:
    """The end of an order that an algorithm asked for. What was executed of it is real."""

    wish: int
    label: str
    side: Side
    state: OrderState
    executed: Decimal
    average_price: Decimal  # zero without a fill
    reason: str


@dataclass(frozen=True, slots=True)
class OpenWish:
    """What an algorithm asked for that is not over."""

    wish: int
    label: str
    side: Side
    price: Decimal | None
    executed: Decimal
    holds: Decimal  # base asset that its take profit and stop stand for
    take_profit: Decimal | None
    stop: Decimal | None


def is_on_its_way(wish: Wish, now: int) -> bool:
    """Say whether it is to be executed at once and was not yet.

    An entry that was not announced counts as long as it may be: a person may hold it back.
    """
    if not wish.at_market or wish.refused or wish.told_end:
        return False
    order = wish.order
    if wish.good_until is None or (order is not None and order.token):
        return order is None or not order.final
    return now <= wish.good_until


def opened(wish: Wish) -> OpenWish:
    """Show a wish to the algorithm."""
    executed = ZERO if wish.order is None else wish.order.executed
    holds = ZERO if wish.way is None else wish.net
    ends = (wish.take_profit, wish.stop)
    return OpenWish(wish.number, wish.label, wish.side, wish.price, executed, holds, *ends)


def take_fills(wish: Wish) -> list[OrderFilled]:
    """Answer each trade that was not told yet, and note that it is told now."""
    found = []
    for order in wish.orders:
        told = wish.told_fills.get(order.id, [])
        if len(told) == len(order.fills):
            continue
        known = set(told)
        new = [fill for fill in order.fills if fill.trade_id not in known]
        if new:
            wish.told_fills[order.id] = told + [fill.trade_id for fill in new]
            found += [_filled(wish, order, fill) for fill in new]
    return found


def take_end(wish: Wish) -> OrderEnded | None:
    """Answer how its order ended, once, after the last of its fills."""
    order = wish.order
    if wish.told_end or not (wish.refused or (order is not None and order.final)):
        return None
    wish.told_end = True
    about = (wish.number, wish.label, wish.side)
    if order is None:
        return OrderEnded(*about, OrderState.ABANDONED, ZERO, ZERO, wish.refused)
    return OrderEnded(*about, order.state, order.executed, order.average_price, order.reason)


def net_of(filled: OrderFilled, base_asset: str) -> Decimal:
    """Answer what of the base asset a trade brought, less the fee taken in it."""
    fee = filled.commission if filled.commission_asset == base_asset else ZERO
    return (filled.quantity if filled.side == "BUY" else -filled.quantity) - fee


def _filled(wish: Wish, order: Order, fill: Fill) -> OrderFilled:
    return OrderFilled(
        wish=wish.number,
        label=wish.label,
        side=order.side,
        price=fill.price,
        quantity=fill.quantity,
        quote=fill.quote,
        commission=fill.commission,
        commission_asset=fill.commission_asset,
        time=fill.time,
        is_exit=order is not wish.order,
    )
