"""Orders and fills as the venue keeps them: amounts in units, times in exchange ms."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from lib.simulator.account import Account

Side: TypeAlias = Literal["BUY", "SELL"]

BUY: Final = "BUY"
OPEN: Final = frozenset({"NEW", "PARTIALLY_FILLED"})
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
    id: int = 0
    status: str = "NEW"
    update_time: int = 0
    working_time: int = -1  # -1 = a stop that waits
    rank: int = 0  # who came to the book first
    executed: int = 0
    executed_quote: int = 0
    locked: int = 0  # of the asset it gives
    reason: str = ""  # why it expired
    cancel_id: str = ""  # the client order id of its cancel
    prevented: int = 0
    prevented_id: int = -1
    starved: bool = False  # the book had less than its quote quantity asked for
    namesake: "Order | None" = None  # the one before it with the same client order id

    @property
    def side(self) -> Side:
        return "BUY" if self.is_buy else "SELL"

    @property
    def remaining(self) -> int:
        return self.quantity - self.executed - self.prevented

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def waiting(self) -> bool:
        """Tell whether this is a stop whose price was not reached yet."""
        return self.working_time < 0

    @property
    def fires_above(self) -> bool:
        """Tell on which side of the market a stop waits."""
        return self.is_buy == self.type.startswith("STOP_LOSS")


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
