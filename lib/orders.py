"""One order, placed exactly once, followed to its end.

The code is the state machine: `add_order` has one loop until the exchange has the order or never
will, and one until the order is final. Each turn takes one step and yields; what a step wrote is
on disk before the next one acts on it.

Binance deduplicates client order ids among open orders only, so an id proves nothing once its
order may have closed. What makes an order single is here: the intent is saved with its id and a
fence (a time after which the exchange refuses the request), a request whose outcome is unknown
is looked for and never repeated, and a new attempt has a new id, given only once the former is
presumed absent.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Final

import orjson
from pydantic import ValidationError

from lib.errors import BooksDisagree, CorruptContext, NotSent, OutcomeUnknown, Refused, UnknownOrder
from lib.exchange import (
    ZERO,
    Fill,
    OrderRecord,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from lib.machine import Context, Machine, find_all
from lib.order_hand import Exchange as Exchange


class OrderState(StrEnum):
    """What the exchange may believe of an order."""

    PLANNED = "planned"  # nothing was sent
    SUBMITTING = "submitting"  # announced on disk: it may or may not have it
    IN_DOUBT = "in doubt"  # sent, outcome unknown; being looked for
    OPEN = "open"  # it has it
    AMENDING = "amending"  # it has it, and may or may not know that we want it smaller
    CANCELING = "canceling"  # it has it, and may or may not know that we want it gone
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"  # by the exchange's own rules; part of it may have filled
    REJECTED = "rejected"  # refused for good; it never had it
    ABANDONED = "abandoned"  # given up by us before anything reached it
    LOST = "lost"  # the venue was reset and has forgotten it


UNSETTLED: Final = frozenset({OrderState.PLANNED, OrderState.SUBMITTING, OrderState.IN_DOUBT})
LIVE: Final = frozenset({OrderState.OPEN, OrderState.AMENDING, OrderState.CANCELING})
FINAL: Final = frozenset(OrderState) - UNSETTLED - LIVE

_WANTED: Final = (
    "symbol",
    "side",
    "type",
    "price",
    "stop_price",
    "trailing_delta",
    "time_in_force",
    "valid_for",
    "give_up_at",
    "give_up_below",
    "give_up_above",
    "loss_at",
    "comment",
)

PROBED: Final = "canceled while in doubt"  # nobody's decision: the plan still stands

_FINAL_STATE: Final = {
    OrderStatus.FILLED: OrderState.FILLED,
    OrderStatus.CANCELED: OrderState.CANCELED,
    OrderStatus.EXPIRED: OrderState.EXPIRED,
    OrderStatus.EXPIRED_IN_MATCH: OrderState.EXPIRED,
    OrderStatus.REJECTED: OrderState.REJECTED,
}

RESTING_TYPES: Final = frozenset({
    "LIMIT",
    "LIMIT_MAKER",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
})
LIMIT_TYPES: Final = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
STOP_TYPES: Final = frozenset({
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
})


class Order(Context):
    """What we want, and what we know of it. Amounts are exact; times are exchange ms."""

    # what we want: constant once it was announced
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None  # of a stop that trails at the exchange: 1/100 of a percent
    time_in_force: TimeInForce | None = None
    valid_for: int | None = None  # the plan's best-before; None: by type, see `best_before`
    give_up_at: int | None = None  # cancel it then
    give_up_below: Decimal | None = None  # cancel it once the last price is at or below this
    give_up_above: Decimal | None = None
    give_up: str = ""  # the bot's own decision to cancel it, and why
    amend_to: Decimal | None = None  # the bot's decision to make it smaller; with what executed
    loss_at: Decimal | None = None  # where its bot means to end what it opens at a loss: for limits
    comment: str = ""  # for people, in the order journal; nothing acts on it

    # what we know
    state: OrderState = OrderState.PLANNED
    planned_at: int = 0
    id: str = ""  # our client order id; the exchange finds the order by it
    list_id: str = ""  # of the order list it was announced with; empty for a single order
    token: str = ""  # the intent on disk without which no request leaves
    sends: int = 0  # how often this id was announced
    sent_at: int = 0
    send_by: int = 0  # the fence: a request stamped later does not leave,
    recv_window: int = 0  # and one that arrives later than this after its stamp is refused
    spends_at_most: Decimal = ZERO  # of base for a SELL, of quote for a BUY
    order_id: int | None = None
    cancel_id: str = ""
    cancel_token: str = ""
    cancel_send_by: int = 0
    amend_id: str = ""  # of the intent; the order keeps its own
    amend_token: str = ""
    amend_send_by: int = 0
    amends: list[Decimal] = []  # the quantities that amends asked for; any may have come true
    amended: Decimal | None = None  # its whole quantity, once the exchange made it smaller
    amend_refused: str = ""  # why the last amend came to nothing
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    fills: list[Fill] = []
    ended_at: int = 0
    booked: bool = False  # its fills are in the desk's books
    opens: bool | None = None  # an entry: it enlarges what its bot holds; None: not announced yet
    reason: str = ""

    @property
    def final(self) -> bool:
        """Say whether nothing more can happen to it."""
        return self.state in FINAL

    @property
    def filled(self) -> bool:
        """Say whether any of it was executed."""
        return self.executed > 0

    @property
    def whole(self) -> Decimal | None:
        """Answer its quantity as the exchange has it: an amend may have made it smaller."""
        return self.quantity if self.amended is None else self.amended

    @property
    def average_price(self) -> Decimal:
        """Quote per base over all fills; zero without any."""
        return self.executed_quote / self.executed if self.executed else ZERO

    def commission(self, asset: str) -> Decimal:
        """Add up what was taken in one asset."""
        return sum((f.commission for f in self.fills if f.commission_asset == asset), ZERO)

    @property
    def best_before(self) -> int:
        """Exchange ms after which the plan is not sent any more: seconds for what executes at
        the market's price, an hour for what rests at a price of its own."""
        by_type = 3_600_000 if self.type in RESTING_TYPES else 10_000
        return self.planned_at + (by_type if self.valid_for is None else self.valid_for)

    @property
    def can_rest(self) -> bool:
        """Say whether it could stay in the book: then a cancel can ask the matching engine.

        A stop waits for its price whatever its time in force.
        """
        return self.type in STOP_TYPES or (
            self.type in RESTING_TYPES and self.time_in_force in {None, "GTC"}
        )


async def add_order(exchange: Exchange, order: Order) -> Machine[Order]:
    """Place the order exactly once; follow it until it is final, or cancel it when told to.

    Cancels by `give_up_at`, `give_up_below`, `give_up_above` or `give_up`, makes it smaller by
    `amend_to`. What was executed is in the order whatever its end: a partial fill is a state, not
    an end. Raises BooksDisagree.
    """
    announced = False  # in this life: what a former life announced may have been sent
    while order.state in UNSETTLED:
        if order.state is OrderState.PLANNED:
            await exchange.ready(order)
            announced = exchange.announce(order)
        elif not announced:
            order.state = OrderState.IN_DOUBT
            announced = await _resolve(exchange, order)
        elif order.state is OrderState.SUBMITTING:
            announced = False
            await _place(exchange, order)
        else:
            announced = False
            await _probe(exchange, order)
        _close(exchange, order)
        yield order

    while order.state in LIVE:
        if order.state is OrderState.OPEN:
            announced = await _follow(exchange, order)
        elif order.state is OrderState.AMENDING:
            announced = await _shrink(exchange, order, announced=announced)
        elif announced:
            announced = False
            await _cancel(exchange, order)
        else:
            announced = await _settle(exchange, order)
        _close(exchange, order)
        yield order


async def _place(exchange: Exchange, order: Order) -> None:
    try:
        record = await exchange.place(order)
    except OutcomeUnknown as unknown:
        order.state, order.reason = OrderState.IN_DOUBT, str(unknown)
    except NotSent as not_sent:  # the id was never seen: it stays good for a new fence
        await exchange.pause(order)
        order.state, order.reason = OrderState.PLANNED, str(not_sent)
    except Refused as refused:
        order.state, order.reason = OrderState.REJECTED, str(refused)
    else:
        order.reason = ""
        absorb(order, record)


async def _resolve(exchange: Exchange, order: Order) -> bool:
    """Settle an order in doubt; say whether a cancel was announced to probe for it."""
    record = await exchange.look_for(order)
    if record is not None:
        order.reason = ""
        absorb(order, record)
        return False
    if order.can_rest:
        exchange.announce_cancel(order)
        return True
    exchange.give_id_up(order)
    return False


async def _probe(exchange: Exchange, order: Order) -> None:
    """Ask the matching engine itself: it answers a cancel without the lag of a query."""
    try:
        record = await exchange.cancel(order)
    except UnknownOrder:  # it does not rest: it never came, or filled at this very moment
        found = await exchange.last_look(order)
        if found is None:
            exchange.give_id_up(order)
        else:
            absorb(order, found)
    except (NotSent, OutcomeUnknown, Refused):
        await exchange.pause(order)
    else:
        order.reason = PROBED
        absorb(order, record)


async def _follow(exchange: Exchange, order: Order) -> bool:
    """Take news of an open order; say whether a cancel or an amend was announced."""
    news = await exchange.next_report(order)
    if isinstance(news, OrderRecord):
        absorb(order, news)
        return False
    if isinstance(news, Decimal):
        return exchange.announce_amend(order)
    _announce_cancel(exchange, order, news)
    return True


def _announce_cancel(exchange: Exchange, order: Order, why: str) -> None:
    order.state, order.reason = OrderState.CANCELING, why
    exchange.announce_cancel(order)


async def _shrink(exchange: Exchange, order: Order, *, announced: bool) -> bool:
    """Send an amend that was announced in this life, else learn what became of it.

    Says whether a cancel was announced meanwhile.
    """
    if announced:
        await _amend(exchange, order)
        return False
    return await _settle_amend(exchange, order)


async def _amend(exchange: Exchange, order: Order) -> None:
    try:
        record = await exchange.amend(order)
    except NotSent:  # the wish stands, and gets a new fence
        await exchange.pause(order)
        order.state = OrderState.OPEN
    except Refused as refused:  # or it was repeated on its way, and the first was accepted
        order.amend_refused = str(refused)
    except OutcomeUnknown:
        return
    else:
        absorb(order, record)


async def _settle_amend(exchange: Exchange, order: Order) -> bool:
    """Ask whether an amend was accepted; say whether a cancel was announced meanwhile.

    A wrong "no" is harmless: the quantity asked for is absolute and only shrinks, so an amend that
    comes late, or twice, makes the order what the bot wanted it to be.
    """
    void = order.amend_refused or await exchange.amend_is_void(order)
    absorb(order, await exchange.ask(order))
    if order.final or order.state is OrderState.OPEN:
        return False
    if void:
        order.state, order.amend_to = OrderState.OPEN, None
        order.amend_refused = order.amend_refused or "it never arrived"
        return False
    why = await exchange.why_give_up(order)
    if why:
        _announce_cancel(exchange, order, why)
        return True
    await exchange.pause(order)
    return False


async def _cancel(exchange: Exchange, order: Order) -> None:
    try:
        record = await exchange.cancel(order)
    except (Refused, OutcomeUnknown):  # filled meanwhile, or canceled, or not: to be asked
        return
    except NotSent:
        await exchange.pause(order)
    else:
        absorb(order, record)


async def _settle(exchange: Exchange, order: Order) -> bool:
    """Ask how an order ended that was to be canceled; still open, announce another cancel."""
    absorb(order, await exchange.ask(order))
    if order.final:
        return False
    await exchange.pause(order)
    exchange.announce_cancel(order)
    return True


def _close(exchange: Exchange, order: Order) -> None:
    if order.final and not order.booked:
        exchange.close(order)
        order.booked = True


def absorb(order: Order, record: OrderRecord) -> None:
    """Take over what the exchange says: only forward, final only once every trade is known."""
    _agree(order, record)
    order.order_id = record.order_id
    order.fills = union(order.fills, record.fills)
    order.executed = max(order.executed, record.executed)
    order.executed_quote = max(order.executed_quote, record.executed_quote)
    if order.state in UNSETTLED:
        order.state = OrderState.OPEN
    _take_quantity(order, record.quantity)
    if record.status.final and all_trades_known(order.fills, order.executed):
        order.state = _FINAL_STATE[record.status]
        order.ended_at = record.updated_at
        order.reason = record.reason or order.reason
        order.executed_quote = _believed_quote(order)


def _believed_quote(order: Order) -> Decimal:
    """Answer what was paid or got: what the exchange said in sum, unless its trades deny it."""
    traded = sum((fill.quote for fill in order.fills), ZERO)
    near = abs(order.executed_quote - traded) * 100 <= traded
    return order.executed_quote if near else traded


def _take_quantity(order: Order, quantity: Decimal) -> None:
    """Take over that an amend made the order smaller; older answers show it larger."""
    if order.whole is None or quantity >= order.whole:
        return
    order.amended = quantity
    if order.amend_to is not None and quantity <= order.amend_to:
        order.amend_to, order.amend_refused = None, ""
        if order.state is OrderState.AMENDING:
            order.state = OrderState.OPEN


def union(known: Iterable[Fill], new: Iterable[Fill]) -> list[Fill]:
    """Put fills together, each trade once, in the order of the trades."""
    by_trade = {fill.trade_id: fill for fill in (*known, *new)}
    return [by_trade[trade_id] for trade_id in sorted(by_trade)]


def all_trades_known(fills: Iterable[Fill], executed: Decimal) -> bool:
    """Say whether the trades add up to what was executed."""
    return sum((fill.quantity for fill in fills), ZERO) == executed


def _agree(order: Order, record: OrderRecord) -> None:
    """Raise BooksDisagree unless the record is of the order we announced."""
    pairs = [
        ("client order id", order.id, record.client_order_id),
        ("symbol", order.symbol, record.symbol),
        ("side", order.side, record.side),
        ("type", order.type, record.type),
    ]
    if order.quantity is not None and not _may_be_amended(order, record.quantity):
        pairs.append(("quantity", str(order.quantity.normalize()), _text(record.quantity)))
    if order.price is not None:
        pairs.append(("price", str(order.price.normalize()), _text(record.price)))
    if order.order_id is not None:
        pairs.append(("order id", str(order.order_id), str(record.order_id)))
    for what, ours, theirs in pairs:
        if ours != theirs:
            raise BooksDisagree(
                f"order {order.id}: {what} is {theirs} at the exchange and {ours} in our books"
            )


def _may_be_amended(order: Order, quantity: Decimal) -> bool:
    """Say whether a quantity lies between what was placed and the least an amend asked for."""
    assert order.quantity is not None
    return bool(order.amends) and min(order.amends) <= quantity <= order.quantity


def _text(amount: Decimal) -> str:
    return str(amount.normalize())


def planned_anew(order: Order, quantity: Decimal, **changes: Decimal | None) -> Order:
    """Plan what an order was to be, or what became of that plan, as a new order."""
    fields = {name: getattr(order, name) for name in _WANTED}
    return Order.model_validate({**fields, **changes, "quantity": quantity})


def take_news(exchange: Exchange, order: Order, record: OrderRecord) -> None:
    """Take over what was learned of an order that no machine follows at this moment."""
    absorb(order, record)
    _close(exchange, order)


def date_plans(context: Context, now: int) -> None:
    """Have the best-before of every plan count from the first save that holds it."""
    for order in find_all(Order, context):
        order.planned_at = order.planned_at or now


_MARKS: Final = frozenset({"symbol", "side", "type", "state", "token", "sends"})


def is_order(value: object) -> bool:
    """Say whether a part of a context as JSON has it is an order."""
    return isinstance(value, dict) and value.keys() >= _MARKS


def orders_inside(context: object) -> Iterator[Order]:
    """Find every order in a context as JSON has it, also when its bot's code is not at hand.

    Raises CorruptContext or LaterContext for one that this version cannot read.
    """
    if is_order(context):
        yield _read(context)
    elif isinstance(context, dict):
        for value in context.values():
            yield from orders_inside(value)
    elif isinstance(context, list):
        for value in context:
            yield from orders_inside(value)


def _read(order: object) -> Order:
    try:
        return Order.model_validate_json(orjson.dumps(order))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorruptContext(f"an order in it cannot be read: {where}: {first['msg']}") from None
