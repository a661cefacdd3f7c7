"""Orders, order lists and fills as the venue keeps them: amounts in units, times in ms."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from lib.simulator.books.account import Account

Side: TypeAlias = Literal["BUY", "SELL"]
ListKind: TypeAlias = Literal["OCO", "OTO", "OTOCO", "OPO", "OPOCO"]

BUY: Final = "BUY"
PENDING: Final = "PENDING_NEW"
OPEN: Final = frozenset({"NEW", "PARTIALLY_FILLED", PENDING})
TYPES: Final = frozenset({
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
})
STOPS: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
PRICELESS: Final = frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT"})


@dataclass(slots=True, eq=False)
class Order:
    """What was ordered (constant), then what has become of it."""

    symbol: str
    account: Account
    client_order_id: str
    is_buy: bool
    type: str
    time_in_force: str
    quantity: int
    price: int
    stop_price: int
    quote_quantity: int
    stp_mode: str
    time: int
    strategy_id: int | None = None
    strategy_type: int | None = None
    iceberg: int = 0  # how much of it shows at once; 0 = all
    trailing_delta: int = 0  # in basis points; 0 = the stop does not trail
    order_list: "OrderList | None" = None
    id: int = 0
    status: str = "NEW"
    update_time: int = 0
    working_time: int = -1  # -1 = it waits: for its stop price, or for its list
    rank: int = 0  # who came to the book first
    executed: int = 0
    executed_quote: int = 0
    locked: int = 0  # of the asset it gives
    reason: str = ""  # why it expired
    cancel_id: str = ""  # the client order id of its cancel
    prevented: int = 0
    prevented_id: int = -1
    shown: int = 0  # what is left of a resting iceberg's visible part
    extreme: int = 0  # the best price since a stop trails; 0 = it does not trail yet
    trailing_time: int = -1  # since when it trails
    amendments: int = 0  # how often it was amended
    ahead: int = -1  # of the recording's quantity at its price; -1 = none was seen there yet
    starved: bool = False  # the book had less than its quote quantity asked for
    namesake: "Order | None" = None  # the one before it with the same client order id

    @property
    def side(self) -> Side:
        return "BUY" if self.is_buy else "SELL"

    @property
    def remaining(self) -> int:
        return self.quantity - self.executed - self.prevented

    @property
    def visible(self) -> int:
        """Give what of it stands in the book for all to see."""
        return self.shown or self.remaining

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def waiting(self) -> bool:
        """Tell whether this is a stop or a pending order whose time has not come."""
        return self.working_time < 0

    @property
    def pending(self) -> bool:
        """Tell whether it waits for the working order of its list."""
        return self.status == PENDING

    @property
    def list_id(self) -> int:
        """Give the id of its list, -1 for an order of its own."""
        return -1 if self.order_list is None else self.order_list.id

    @property
    def fires_above(self) -> bool:
        """Tell on which side of the market a stop waits."""
        return self.is_buy == self.type.startswith("STOP_LOSS")


@dataclass(slots=True, eq=False)
class OrderList:
    """Orders that live and die together.

    `orders` stand in the order of their ids. In an OCO they are a pair; in the other kinds the
    first is the working order and the rest, one or a pair, is pending.
    """

    id: int
    symbol: str
    account: Account
    client_list_id: str
    kind: ListKind
    time: int
    orders: list[Order] = field(default_factory=list)
    update_time: int = 0
    done: bool = False

    @property
    def contingency(self) -> Literal["OCO", "OTO"]:
        """Give what Binance calls its kind: everything with a pending order is an OTO."""
        return "OCO" if self.kind == "OCO" else "OTO"


class Fill(NamedTuple):
    """One order's half of a trade."""

    id: int  # the trade's, per symbol
    order: Order
    price: int
    quantity: int
    quote: int
    commission: int
    commission_asset: str
    time: int
    is_maker: bool


class Prevention(NamedTuple):
    """A trade with oneself that did not happen."""

    id: int
    taker: Order
    maker: Order
    price: int
    taker_quantity: int  # what each side lost by it
    maker_quantity: int
    mode: str  # the one that took effect
    trade_group: int  # of the taker's account, -1 = none
    time: int


class Amendment(NamedTuple):
    """A new quantity, and perhaps a new client order id, for an order that rests."""

    id: int  # of the execution
    order: Order
    client_order_id: str  # before
    new_client_order_id: str
    quantity: int  # before
    new_quantity: int
    time: int


class Transfer(NamedTuple):
    """Assets that came (above zero) or went (below) without a trade."""

    account: Account
    asset: str
    amount: int
    time: int
