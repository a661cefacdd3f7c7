"""What a person writes to have one order placed, or some that belong together: Binance's names.

"order": {"type": "LIMIT", …}             one order
"order": {"type": "OCO", …}               two, of which the first to execute ends the other
"order": {"side": "BUY", …}, "then": …    one, and the pair that stands for what it bought
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from lib.desk import Desk
from lib.exchange import ZERO, OrderType, Side, TimeInForce
from lib.exits.position import Position, plan_bracket, plan_position
from lib.money import MARKET_MARGIN, plain
from lib.oco import pair_contradictions, plan_oco
from lib.order_lists import OrderList
from lib.orders import LIMIT_TYPES, STOP_TYPES, Order
from lib.settings import Settings
from lib.sizes import COINS, Size

Amount: TypeAlias = Annotated[Decimal, Field(gt=0)]
Delta: TypeAlias = Annotated[int, Field(ge=1, lt=10_000)]
"""1/100 of a percent. Which of them a symbol takes says its TRAILING_DELTA filter."""

TIMED: Final = LIMIT_TYPES - {"LIMIT_MAKER"}


class OrderParameters(Settings):
    """One order, or both of an OCO: `price` takes the profit, `stopPrice` stops the loss."""

    symbol: str
    side: Side
    type: OrderType | Literal["OCO"]
    quantity: Size | None = None  # base asset; or "50 USDT", "25%" of the wallet
    quoteOrderQty: Amount | None = None  # noqa: N815 - Binance's name; MARKET only
    price: Amount | None = None
    stopPrice: Amount | None = None  # noqa: N815
    stopLimitPrice: Amount | None = None  # noqa: N815 - of an OCO; without it the stop is at market
    trailingDelta: Delta | None = None  # noqa: N815 - the stop trails at the exchange
    timeInForce: TimeInForce | None = None  # noqa: N815 - GTC unless said otherwise

    @property
    def is_pair(self) -> bool:
        return self.type == "OCO"

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        _refuse([*self._misfits(), *self._amount_misfits()])
        return self

    def _misfits(self) -> Iterator[str]:
        of, stops = self.type, self.is_pair or self.type in STOP_TYPES
        priced = self.is_pair or of in LIMIT_TYPES
        yield _presence("price", given=self.price, wanted=priced, of=of)
        if self.trailingDelta is None:
            yield _presence("stopPrice", given=self.stopPrice, wanted=stops, of=of)
        elif of not in STOP_TYPES:
            yield f"a {of} order takes no trailingDelta"
        if self.stopLimitPrice is not None and not self.is_pair:
            yield f"a {of} order takes no stopLimitPrice; its price is the limit"
        if self.timeInForce is not None and of not in TIMED:
            yield f"a {of} order takes no timeInForce"
        if self.is_pair and self.price is not None and self.stopPrice is not None:
            yield from pair_contradictions(self.side, self.price, self.stopPrice)

    def _amount_misfits(self) -> Iterator[str]:
        if (self.quantity is None) == (self.quoteOrderQty is None):
            yield "give either quantity or quoteOrderQty"
        if self.quoteOrderQty is not None and self.type != "MARKET":
            yield "quoteOrderQty is for MARKET orders"


class Exits(Settings):
    """How what was bought is sold again: at a profit or at a loss, whichever comes first."""

    price: Amount  # takes the profit
    stopPrice: Amount  # noqa: N815 - Binance's name; ends the loss
    stopLimitPrice: Amount | None = None  # noqa: N815 - without it the stop is at market
    trailingDelta: Delta | None = None  # noqa: N815 - the stop trails at the exchange


def refuse_exits(order: OrderParameters, then: Exits) -> None:
    """Refuse exits that an order cannot have. Raises ValueError with the reasons."""
    wrong = list(pair_contradictions("SELL", then.price, then.stopPrice, order.price))
    if order.side != "BUY" or order.is_pair:
        wrong.append("only what one order buys can be sold again by what comes then")
    _refuse(wrong)


# --- plans


async def dearest(desk: Desk, wanted: OrderParameters) -> Decimal:
    """Answer the price at which a size is turned into coins; coins themselves need none."""
    given = wanted.price or wanted.stopPrice
    if given or wanted.quantity is None or wanted.quantity.unit == COINS:
        return given or ZERO
    return await desk.price(wanted.symbol) * (1 + MARKET_MARGIN)


def plan_order(desk: Desk, wanted: OrderParameters, price: Decimal) -> Order:
    """Plan the one order; a size is counted at `price`."""
    assert wanted.type != "OCO", "a pair is a list"
    default_time: TimeInForce | None = "GTC" if wanted.type in TIMED else None
    return Order(
        symbol=wanted.symbol,
        side=wanted.side,
        type=wanted.type,
        quantity=wanted.quantity and _quantity(desk, wanted, price),
        quote_quantity=wanted.quoteOrderQty,
        price=wanted.price,
        stop_price=wanted.stopPrice,
        trailing_delta=wanted.trailingDelta,
        time_in_force=wanted.timeInForce or default_time,
    )


def plan_pair(desk: Desk, wanted: OrderParameters, price: Decimal) -> OrderList:
    """Plan an OCO. Raises Halt for prices that contradict."""
    assert wanted.price is not None, "read with the section"
    assert wanted.stopPrice is not None, "read with the section"
    return plan_oco(
        desk.rules(wanted.symbol),
        side=wanted.side,
        quantity=_quantity(desk, wanted, price),
        take_profit=wanted.price,
        stop=wanted.stopPrice,
        stop_limit=wanted.stopLimitPrice,
    )


def plan_held(desk: Desk, wanted: OrderParameters, then: Exits, price: Decimal) -> Position:
    """Plan a position: a limit order brings its exits along, any other has them follow."""
    rules = desk.rules(wanted.symbol)
    if wanted.type == "LIMIT" and wanted.timeInForce in {None, "GTC"}:
        return plan_bracket(
            rules,
            quantity=_quantity(desk, wanted, price),
            price=price,
            take_profit=then.price,
            stop=then.stopPrice,
            stop_limit=then.stopLimitPrice,
            trailing_delta=then.trailingDelta,
        )
    position = plan_position(
        rules,
        plan_order(desk, wanted, price),
        take_profit=then.price,
        stop=then.stopPrice,
        stop_limit=then.stopLimitPrice,
    )
    position.trailing_delta = then.trailingDelta
    return position


def _quantity(desk: Desk, wanted: OrderParameters, price: Decimal) -> Decimal:
    assert wanted.quantity is not None, "read with the section"
    return desk.quantity(wanted.quantity, wanted.symbol, side=wanted.side, price=price)


# --- words


def in_words(wanted: OrderParameters, then: Exits | None) -> str:
    """Describe it for a person: One LIMIT BUY of BTCUSDT: 0.01 at 60000."""
    amount = wanted.quoteOrderQty
    size = f"for {plain(amount)} of the quote asset" if amount else str(wanted.quantity)
    price = f" at {plain(wanted.price)}" if wanted.price else ""
    join = " or," if wanted.is_pair else ""
    stop = f"{join} once {plain(wanted.stopPrice)} is reached" if wanted.stopPrice else ""
    delta = wanted.trailingDelta
    trail = f", trailing by {plain(Decimal(delta) / 100)} %" if delta else ""
    exits = f"; then {_exits_in_words(then)}" if then else ""
    kind = f"One {wanted.type} {wanted.side} of {wanted.symbol}"
    return f"{kind}: {size}{price}{stop}{trail}{exits}; then ends."


def _exits_in_words(then: Exits) -> str:
    return f"sold at {plain(then.price)} or once {plain(then.stopPrice)} is reached"


def _presence(name: str, *, given: Decimal | None, wanted: bool, of: str) -> str:
    if wanted and given is None:
        return f"a {of} order needs {name}"
    return f"a {of} order takes no {name}" if given is not None and not wanted else ""


def _refuse(wrong: Iterable[str]) -> None:
    if said := [text for text in wrong if text]:
        raise ValueError("; ".join(said))
