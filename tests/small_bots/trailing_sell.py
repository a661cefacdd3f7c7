"""Follow the price up, sell at market once it turned."""

from decimal import Decimal

from lib.desk import Desk
from lib.exchange import Side
from lib.machine import Context, Machine
from lib.orders import Order, add_order
from lib.settings import Settings
from lib.trailing import Trail, follow_trail


class Conf(Settings):
    symbol: str
    quantity: Decimal
    distance: Decimal
    side: Side = "SELL"
    slack: Decimal = Decimal("0.1")
    activation: Decimal | None = None  # a fraction beyond the first price


class Ctx(Context):
    trail: Trail | None = None
    order: Order | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    ctx.trail = ctx.trail or plan(conf, await desk.price(conf.symbol))
    async for ctx.trail in follow_trail(desk, ctx.trail):
        yield ctx

    ctx.order = ctx.order or Order(
        symbol=conf.symbol,
        side=conf.side,
        type="MARKET",
        quantity=conf.quantity,
        valid_for=3_600_000,
    )
    async for ctx.order in add_order(desk.exchange, ctx.order):
        yield ctx


def plan(conf: Conf, market: Decimal) -> Trail:
    activation = None if conf.activation is None else market * (1 + conf.activation)
    return Trail(
        symbol=conf.symbol,
        side=conf.side,
        distance=conf.distance,
        slack=conf.slack,
        activation=activation,
    )
