"""One resilient order: placed once, followed to its end."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO, OrderType, Side, TimeInForce
from lib.machine import Context, Machine
from lib.money import MARKET_MARGIN, plain
from lib.news import Kind
from lib.orders import LIMIT_TYPES, STOP_TYPES, Order, OrderState, add_order
from lib.settings import Milliseconds, Settings
from lib.sizes import COINS, Size

Amount = Annotated[Decimal, Field(gt=0)]


class OrderParameters(Settings):
    """Binance's own parameter names."""

    symbol: str
    side: Side
    type: OrderType
    quantity: Size | None = None  # base asset; or "50 USDT", "25%" of the wallet
    quoteOrderQty: Amount | None = None  # noqa: N815 - Binance's name; MARKET only
    price: Amount | None = None
    stopPrice: Amount | None = None  # noqa: N815
    timeInForce: TimeInForce | None = None  # noqa: N815 - GTC unless said otherwise

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        wrong = [
            _presence("price", given=self.price, wanted=self.type in LIMIT_TYPES, of=self.type),
            _presence(
                "stopPrice", given=self.stopPrice, wanted=self.type in STOP_TYPES, of=self.type
            ),
        ]
        if (self.quantity is None) == (self.quoteOrderQty is None):
            wrong.append("give either quantity or quoteOrderQty")
        if self.quoteOrderQty is not None and self.type != "MARKET":
            wrong.append("quoteOrderQty is for MARKET orders")
        if self.timeInForce is not None and self.type not in LIMIT_TYPES - {"LIMIT_MAKER"}:
            wrong.append(f"a {self.type} order takes no timeInForce")
        said = [text for text in wrong if text]
        if said:
            raise ValueError("; ".join(said))
        return self


class Conf(Settings):
    order: OrderParameters
    wait: Milliseconds | None = None  # cancel what is still open after this long; absent: never
    valid_for: Milliseconds | None = None  # the plan's best-before: not sent later than this

    @property
    def symbols(self) -> tuple[str, ...]:
        return (self.order.symbol,)

    @property
    def sells_your_coins(self) -> bool:
        return True  # the one order is the person's own word

    @property
    def plan_text(self) -> str:
        wanted = self.order
        amount = wanted.quoteOrderQty
        size = f"for {plain(amount)} of the quote asset" if amount else str(wanted.quantity)
        price = f" at {plain(wanted.price)}" if wanted.price else ""
        stop = f" once {plain(wanted.stopPrice)} is reached" if wanted.stopPrice else ""
        return (
            f"One {wanted.type} {wanted.side} of {wanted.symbol}: {size}{price}{stop}; then ends."
        )


class Ctx(Context):
    order: Order | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    ctx.order = ctx.order or plan(desk, conf, await dearest(desk, conf.order))
    async for ctx.order in add_order(desk.exchange, ctx.order):
        yield ctx

    if ctx.order.state is OrderState.REJECTED:
        raise Halt(f"the order was refused: {ctx.order.reason}")
    desk.tell(Kind.RESULT, result(ctx.order))


async def dearest(desk: Desk, wanted: OrderParameters) -> Decimal:
    """Answer the price at which a size is turned into coins; coins themselves need none."""
    given = wanted.price or wanted.stopPrice
    if given or wanted.quantity is None or wanted.quantity.unit == COINS:
        return given or ZERO
    return await desk.price(wanted.symbol) * (1 + MARKET_MARGIN)


def plan(desk: Desk, conf: Conf, price: Decimal) -> Order:
    wanted = conf.order
    quantity = wanted.quantity and desk.quantity(
        wanted.quantity, wanted.symbol, side=wanted.side, price=price
    )
    default_time: TimeInForce | None = (
        "GTC" if wanted.type in LIMIT_TYPES - {"LIMIT_MAKER"} else None
    )
    desk.tell(Kind.PLAN, f"one {wanted.type} {wanted.side} order in {wanted.symbol}")
    return Order(
        symbol=wanted.symbol,
        side=wanted.side,
        type=wanted.type,
        quantity=quantity,
        quote_quantity=wanted.quoteOrderQty,
        price=wanted.price,
        stop_price=wanted.stopPrice,
        time_in_force=wanted.timeInForce or default_time,
        valid_for=conf.valid_for,
        give_up_at=None if conf.wait is None else desk.now() + conf.wait,
    )


def result(order: Order) -> str:
    if not order.filled:
        return f"{order.state}, nothing executed: {order.reason or 'no reason given'}"
    average = plain(order.average_price.quantize(Decimal("0.00000001")))
    return f"{order.state}: {plain(order.executed)} {order.symbol} at {average} on average"


def _presence(name: str, *, given: Decimal | None, wanted: bool, of: str) -> str:
    if wanted and given is None:
        return f"a {of} order needs {name}"
    return f"a {of} order takes no {name}" if given is not None and not wanted else ""
