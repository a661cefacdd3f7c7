"""What the order journal holds: one row per happening, made from what a bot's desk noted.

An `Entry` is made where the bots live and costs microseconds: it keeps frozen values and one copy
of an order. A `Row` is made of it beside them, in the writer's thread. Amounts become text, exact
and without exponents; times are exchange ms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Context, Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from lib.context_file.generation import Generation
from lib.exchange import Fill, OrderRecord, OrderStatus
from lib.money import SymbolRules, plain
from lib.orders import Order, OrderState

AVERAGES: Final = Context(prec=16)
TIMEFRAMES: Final = ("timeframe", "interval")  # the keys of a conf that name one


class Happening(StrEnum):
    """What happened, in the order in which it usually does."""

    INTENT = "intent"  # announced on disk, not sent yet
    SENT = "sent"
    REPLY = "reply"
    HEARD = "heard"  # the exchange told it: an event, a poll or an answer
    FILL = "fill"
    DOUBT = "in doubt"
    FOUND = "found"
    GIVEN_UP = "given up"  # the id is presumed never to have arrived
    CANCEL_INTENT = "cancel intent"
    CANCEL_SENT = "cancel sent"
    CANCEL_REPLY = "cancel reply"
    AMEND_INTENT = "amend intent"
    AMEND_SENT = "amend sent"
    AMEND_REPLY = "amend reply"
    AMEND_DOUBT = "amend in doubt"  # its answer was lost
    AMEND_SETTLED = "amend settled"  # the order is smaller, or never will be by this one
    RESULT = "result"
    GAP = "gap"  # rows that could not be kept


AMENDS: Final = frozenset({
    Happening.AMEND_INTENT,
    Happening.AMEND_SENT,
    Happening.AMEND_REPLY,
    Happening.AMEND_DOUBT,
    Happening.AMEND_SETTLED,
})


class Author(NamedTuple):
    """Whose order it is: the bot, its code, and the timeframe its conf names."""

    bot: str = ""
    algorithm: str = ""
    timeframe: str = ""


def author_of(generation: Generation) -> Author:
    """Answer who a bot is: its code, and the timeframe its conf names."""
    found = (generation.conf.get(key) for key in TIMEFRAMES)
    timeframe = next((value for value in found if isinstance(value, str)), "")
    return Author(generation.bot, generation.function, timeframe)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the orders are."""

    venue: str = ""
    account: str = ""
    installation: str = ""
    rules: Mapping[str, SymbolRules] = field(default_factory=dict)


class Entry(NamedTuple):
    """One happening, as noted. What it is about is an order, a record of one, or a gap."""

    happening: Happening
    at: int  # exchange ms
    wall_ms: int  # by this machine's own clock
    place: Place = Place()
    author: Author = Author()
    order: Order | None = None
    record: OrderRecord | None = None
    fill: Fill | None = None
    before: str = ""
    after: str = ""
    reason: str = ""
    comment: str = ""
    learned: bool = False  # not witnessed: found in a context or at the exchange later
    lost: int | None = None
    until: int | None = None  # of a gap, exchange ms
    # of a record, which does not say it
    list_id: str = ""
    cancel_id: str = ""
    ordered: Decimal | None = None
    asked: Decimal | None = None  # the quantity that an amend asked for


@dataclass(slots=True)
class Row:
    """One row of the table `journal`, in the order of its columns."""

    event: str
    at: int
    local_time: str
    learned: int
    bot: str
    algorithm: str
    timeframe: str
    venue: str
    account: str
    reason: str
    comment: str
    state_before: str
    state_after: str
    lost: int | None = None
    until: int | None = None
    symbol: str = ""
    base_asset: str = ""
    quote_asset: str = ""
    client_order_id: str = ""
    order_id: int | None = None
    list_id: str = ""  # of a single order: empty
    cancel_id: str = ""
    trade_id: int | None = None
    side: str = ""
    type: str = ""
    time_in_force: str = ""
    quantity: str | None = None
    quote_quantity: str | None = None
    price: str | None = None
    stop_price: str | None = None
    executed: str | None = None
    executed_quote: str | None = None
    average_price: str | None = None
    status: str = ""  # Binance's word
    fill_quantity: str | None = None
    fill_price: str | None = None
    fill_quote: str | None = None
    fee: str | None = None
    fee_asset: str = ""
    key: str | None = None  # what makes a row single; None: it may repeat
    amend_id: str = ""
    amend_quantity: str | None = None  # what an amend asked for
    amended_quantity: str | None = None  # what an amend made of the order's quantity


COLUMNS: Final = tuple(column.name for column in fields(Row))


def row_of(entry: Entry, redact: Callable[[str], str]) -> Row:
    """Make the row. Raises ValueError for an amount that is none."""
    row = Row(
        event=entry.happening,
        at=entry.at,
        local_time=with_zone(entry.wall_ms),
        learned=int(entry.learned),
        bot=entry.author.bot,
        algorithm=entry.author.algorithm,
        timeframe=entry.author.timeframe,
        venue=entry.place.venue,
        account=entry.place.account,
        reason=redact(entry.reason),
        comment=redact(entry.comment),
        state_before=entry.before,
        state_after=entry.after,
        lost=entry.lost,
        until=entry.until,
    )
    if entry.order is not None:
        _take_order(row, entry, entry.order)
    if entry.record is not None:
        _take_record(row, entry, entry.record)
    if entry.fill is not None:
        _take_fill(row, entry.fill)
    rules = entry.place.rules.get(row.symbol)
    if rules is not None:
        row.base_asset, row.quote_asset = rules.base_asset, rules.quote_asset
    row.key = _key(entry, row)
    return row


def values(row: Row) -> tuple[str | int | None, ...]:
    """Answer the values in the order of the columns."""
    return tuple(getattr(row, column) for column in COLUMNS)


def state_of(status: OrderStatus) -> OrderState:
    """Say in our words how an order stands that the exchange told of."""
    if not status.final:
        return OrderState.OPEN
    if status is OrderStatus.EXPIRED_IN_MATCH:
        return OrderState.EXPIRED
    return OrderState(status.value.lower())


def with_zone(ms: int) -> str:
    """Write a time as the person's own, its distance from UTC with it."""
    moment = datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
    return moment.astimezone().isoformat(sep=" ", timespec="milliseconds")


def _take_order(row: Row, entry: Entry, order: Order) -> None:
    row.symbol, row.side, row.type = order.symbol, order.side, order.type
    row.client_order_id, row.order_id = order.id, order.order_id
    row.list_id, row.cancel_id = order.list_id, order.cancel_id
    row.time_in_force = order.time_in_force or ""
    row.quantity, row.quote_quantity = _wanted(order.quantity), _wanted(order.quote_quantity)
    row.price, row.stop_price = _wanted(order.price), _wanted(order.stop_price)
    row.amended_quantity = _wanted(order.amended)
    _take_executed(row, order.executed, order.executed_quote)
    if entry.happening in AMENDS:
        asked = entry.asked or order.amend_to or next(iter(order.amends[-1:]), None)
        row.amend_id, row.amend_quantity = order.amend_id, _wanted(asked)
    if entry.happening is Happening.RESULT:
        fees: dict[str, Decimal] = {}
        for fill in order.fills:
            fees[fill.commission_asset] = order.commission(fill.commission_asset)
        row.fee = " + ".join(plain(fee) for fee in fees.values()) or None
        row.fee_asset = " + ".join(fees)


def _take_record(row: Row, entry: Entry, record: OrderRecord) -> None:
    row.list_id = row.list_id or entry.list_id
    row.cancel_id = row.cancel_id or entry.cancel_id
    if record.quantity and not record.quote_quantity:
        _take_quantity(row, record.quantity, entry.ordered)
    row.symbol, row.side, row.status = record.symbol, record.side, record.status
    row.type = row.type or record.type
    row.client_order_id, row.order_id = record.client_order_id, record.order_id
    row.time_in_force = row.time_in_force or record.time_in_force
    row.quantity = row.quantity or _wanted(record.quantity)
    row.quote_quantity = row.quote_quantity or _wanted(record.quote_quantity)
    row.price = row.price or _wanted(record.price)
    row.stop_price = row.stop_price or _wanted(record.stop_price)
    _take_executed(row, record.executed, record.executed_quote)


def _take_quantity(row: Row, quantity: Decimal, ordered: Decimal | None) -> None:
    """Tell what was ordered from what an amend made of it."""
    row.quantity = row.quantity or _wanted(ordered)
    if row.quantity is not None and quantity < Decimal(row.quantity):
        row.amended_quantity = plain(quantity)


def _take_executed(row: Row, executed: Decimal, quote: Decimal) -> None:
    row.executed, row.executed_quote = plain(executed), plain(quote)
    row.average_price = plain(AVERAGES.divide(quote, executed)) if executed else None


def _take_fill(row: Row, fill: Fill) -> None:
    row.trade_id = fill.trade_id
    row.fill_quantity, row.fill_price = plain(fill.quantity), plain(fill.price)
    row.fill_quote = plain(fill.quote)
    row.fee, row.fee_asset = plain(fill.commission), fill.commission_asset


def _wanted(amount: Decimal | None) -> str | None:
    return plain(amount) if amount else None


def _key(entry: Entry, row: Row) -> str | None:
    """Name what may happen once only, so that learning it again adds nothing."""
    sends = entry.order.sends if entry.order is not None else 0
    match entry.happening:
        case Happening.INTENT | Happening.SENT | Happening.REPLY:
            return f"{row.event} {row.client_order_id} {sends}"
        case Happening.CANCEL_INTENT | Happening.CANCEL_SENT | Happening.CANCEL_REPLY:
            return f"{row.event} {row.cancel_id}"
        case (
            Happening.AMEND_INTENT
            | Happening.AMEND_SENT
            | Happening.AMEND_REPLY
            | Happening.AMEND_DOUBT
            | Happening.AMEND_SETTLED
        ):
            return f"{row.event} {row.amend_id}"
        case Happening.HEARD:
            smaller = f" of {row.amended_quantity}" if row.amended_quantity else ""
            return f"{row.event} {row.client_order_id} {row.status} {row.executed}{smaller}"
        case Happening.FILL:
            return f"{row.event} {row.symbol} {row.trade_id} {row.client_order_id}"
        case Happening.FOUND | Happening.GIVEN_UP:
            return f"{row.event} {row.client_order_id}"
        case Happening.RESULT:
            return f"{row.event} {row.client_order_id or _plan(entry, row)}"
        case Happening.DOUBT | Happening.GAP:
            return None


def _plan(entry: Entry, row: Row) -> str:
    """Name a plan that was never given an id."""
    planned_at = entry.order.planned_at if entry.order is not None else 0
    amounts = (row.quantity, row.quote_quantity, row.price, row.stop_price)
    return " ".join(map(str, (row.bot, planned_at, row.symbol, row.side, row.type, *amounts)))
