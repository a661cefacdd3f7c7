"""What the program says to an exchange and hears from it, in words of its own.

Records and events are frozen values; amounts are exact decimals, times are exchange
milliseconds. `Venue` is what lib/binance implements over the wire; everything above it (mirror,
desk, machines) knows these types and no wire format.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel

from lib.money import SymbolRules

ZERO = Decimal(0)

Side: TypeAlias = Literal["BUY", "SELL"]
OrderType: TypeAlias = Literal[
    "MARKET",
    "LIMIT",
    "LIMIT_MAKER",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]
TimeInForce: TypeAlias = Literal["GTC", "IOC", "FOK"]
ListKind: TypeAlias = Literal["OCO", "OTO", "OTOCO"]


class OrderStatus(StrEnum):
    """Binance's order statuses; the first three are open, the rest final."""

    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    REJECTED = "REJECTED"

    @property
    def final(self) -> bool:
        return self not in {OrderStatus.NEW, OrderStatus.PENDING_NEW, OrderStatus.PARTIALLY_FILLED}


class Fill(BaseModel, frozen=True, extra="forbid"):
    """One trade of one of our orders. `trade_id` is unique per symbol."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    quote: Decimal
    commission: Decimal
    commission_asset: str
    time: int


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """What the exchange says of one order at one time. A poll can be older than an event."""

    symbol: str
    order_id: int
    client_order_id: str  # the id it was placed under, also after a cancel
    side: Side
    type: str
    status: OrderStatus
    time_in_force: str = "GTC"
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    quantity: Decimal = ZERO
    quote_quantity: Decimal = ZERO  # as ordered; 0 unless a market order by quote
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    created_at: int = 0
    updated_at: int = 0
    reason: str = ""  # expiry or reject reason, Binance's word
    order_list_id: int | None = None  # the exchange's, of an order in a list
    fills: tuple[Fill, ...] = ()  # those this answer carried; not necessarily all


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """One order to be placed. `send_by` and `recv_window` (ms) are its fence."""

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    send_by: int
    recv_window: int
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    trailing_delta: int | None = None  # hundredths of a percent


@dataclass(frozen=True, slots=True)
class PlaceListRequest:
    """One order list to be placed as a whole; its fence is the list's, not the legs'.

    Legs stand as Binance names them: above, below; working, pending; working, above, below.
    """

    client_order_id: str  # the list's own
    symbol: str
    kind: ListKind
    legs: tuple[PlaceRequest, ...]
    send_by: int
    recv_window: int


@dataclass(frozen=True, slots=True)
class ListRecord:
    """What the exchange says of a list: that it was accepted, and which orders it has."""

    client_order_id: str
    symbol: str
    order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """One order to be canceled, under an id of the cancel's own."""

    client_order_id: str  # the cancel's
    symbol: str
    target_client_order_id: str
    send_by: int
    recv_window: int
    target_order_id: int | None = None  # asked by, once known


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """One open order to be made smaller where it stands. It keeps its place and its id."""

    client_order_id: str  # the order's own, before and after
    symbol: str
    order_id: int | None
    quantity: Decimal  # the whole one, what was executed of it included
    send_by: int
    recv_window: int


@dataclass(frozen=True, slots=True)
class Balance:
    free: Decimal
    locked: Decimal


@dataclass(frozen=True, slots=True)
class AccountState:
    """The account at `time`. `balances` of an event hold only what may have changed."""

    balances: Mapping[str, Balance]
    time: int
    uid: str = ""
    can_trade: bool = True
    can_withdraw: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """The market in one symbol: best bid and ask, last trade price. Zero = not yet known."""

    symbol: str
    bid: Decimal = ZERO
    ask: Decimal = ZERO
    last: Decimal = ZERO
    time: int = 0
    trades: int = 0  # grows with each trade heard; zero: they are not counted
    tops: int = 0  # the same of news of the best prices


@dataclass(frozen=True, slots=True)
class Candle:
    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    close_time: int


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """What one order took at one price, whoever's it was. Numbers have no gaps."""

    id: int
    price: Decimal
    quantity: Decimal
    time: int
    buyer_is_maker: bool  # the one who took was selling


# --- what the user stream brings


@dataclass(frozen=True, slots=True)
class OrderEvent:
    record: OrderRecord


@dataclass(frozen=True, slots=True)
class AccountEvent:
    account: AccountState


@dataclass(frozen=True, slots=True)
class StreamLost:
    """Events may be missing from now on."""

    reason: str


@dataclass(frozen=True, slots=True)
class StreamReady:
    """Subscribed (again): events flow from here. What happened before must be asked for."""


UserEvent: TypeAlias = OrderEvent | AccountEvent | StreamLost | StreamReady


class Urgency(StrEnum):
    """Who comes first when the exchange limits us."""

    ORDER = "order"  # orders, cancels, questions about orders in doubt
    POLL = "poll"  # the mirror's regular questions: a tenth of the budget is kept for them
    HISTORY = "history"  # candles, old trades


class Rulebook(dict[str, SymbolRules]):
    """What the exchange demands of orders, by symbol."""

    def __init__(
        self, read: Mapping[str, SymbolRules] = {}, unread: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(read)
        self.unread = unread or {}
        """What could not be read: by symbol, or by "" if not even that could, why."""

    def why_unread(self, symbol: str) -> str:
        """Say why a symbol may be missing here though the exchange has it; empty if it has not."""
        return "" if symbol in self else self.unread.get(symbol, self.unread.get("", ""))


class Venue(Protocol):
    """An exchange, real or simulated.

    Changing calls raise Refused, DuplicateOrder, UnknownOrder, NotSent or OutcomeUnknown; a
    canceled call may have left all the same. Asking calls raise
    Unavailable when no answer can be had. Any call may raise BadCredentials.
    """

    @property
    def name(self) -> str: ...  # live, testnet, demo, paper, or the address of a simulator

    async def server_time(self) -> int:
        """Ask for the exchange's time, ms; feeds the clock as well."""
        ...

    async def rules(self) -> Rulebook: ...

    async def account(self) -> AccountState: ...

    async def place(self, request: PlaceRequest) -> OrderRecord: ...

    async def place_list(self, request: PlaceListRequest) -> Sequence[OrderRecord]:
        """Place an order list; answer its legs in the order of the request."""
        ...

    async def cancel(self, request: CancelRequest) -> OrderRecord: ...

    async def amend(self, request: AmendRequest) -> OrderRecord:
        """Make an open order smaller. One that has nothing left thereby expires."""
        ...

    async def find_order(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str = ""
    ) -> OrderRecord | None:
        """Answer None for "does not exist", which is not proof that it never will."""
        ...

    async def find_list(self, client_order_id: str) -> ListRecord | None:
        """Answer None for "does not exist": this question lags more than that for an order."""
        ...

    async def open_orders(self, symbol: str | None = None) -> Sequence[OrderRecord]: ...

    async def history(self, symbol: str, *, since: int) -> Sequence[OrderRecord]:
        """All orders of a symbol whose last update is at or after `since`, to now, paged."""
        ...

    async def fills(self, symbol: str, order_id: int) -> Sequence[Fill]: ...

    async def candles(
        self, symbol: str, interval: str, limit: int, *, since: int | None = None
    ) -> Sequence[Candle]:
        """Candles, oldest first: the newest, or the first that open at or after `since`, ms."""
        ...

    async def public_trades(
        self, symbol: str, limit: int, *, since: int | None = None
    ) -> Sequence[PublicTrade]:
        """What anybody traded, oldest first: the newest, or the first of a number or later."""
        ...

    async def quote(self, symbol: str) -> Quote: ...

    def watch_user(self, on_event: Callable[[UserEvent], None]) -> None:
        """Keep the user stream subscribed from now on; tell of every loss and return."""
        ...

    def watch_quotes(self, symbol: str, on_quote: Callable[[Quote], None]) -> Callable[[], None]:
        """Follow a symbol's market; the answer ends it. Shared by reference count."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the program waits, in ms. Small numbers hurry, large ones are safe."""

    recv_window: int = 5_000
    engine_margin: int = 10_000  # queueing inside the matching engine is undocumented
    slack: int = 1_000
    doubt_queries: int = 3
    doubt_look: int = 60_000  # how long an order in doubt is looked for
    doubt_look_streamed: int = 15_000  # the same when the user stream had no gap
    poll: int = 30_000
    silence: int = 10_000  # of a market that is followed; then its price is asked for
    glance: int = 10_000  # who waits for a price looks so often whether a word of it was lost
    timer: int = 30_000  # none runs longer: the loop's clock stands still while the machine sleeps
    intervals: tuple[int, ...] = field(default=(250, 500, 1_000, 2_000, 5_000))  # asking again
