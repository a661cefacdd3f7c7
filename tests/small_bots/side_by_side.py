"""Place orders of several kinds side by side, and wait until all of them ended."""

from decimal import Decimal

from lib.desk import Desk
from lib.exchange import OrderType, Side, TimeInForce
from lib.machine import Context, Machine, together
from lib.orders import LIMIT_TYPES, Order, add_order
from lib.settings import Milliseconds, Settings


class Wanted(Settings):
    side: Side
    type: OrderType
    away: Decimal = Decimal(0)  # its price, a fraction above the market
    time_in_force: TimeInForce | None = None


class Conf(Settings):
    symbol: str
    quantity: Decimal
    orders: tuple[Wanted, ...]
    patience: Milliseconds


class Ctx(Context):
    orders: list[Order] = []


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if not ctx.orders:
        market = await desk.price(conf.symbol)
        ctx.orders = [plan(desk, conf, wanted, market) for wanted in conf.orders]
    async for _ in together(*(add_order(desk.exchange, order) for order in ctx.orders)):
        yield ctx


def plan(desk: Desk, conf: Conf, wanted: Wanted, market: Decimal) -> Order:
    limited = wanted.type in LIMIT_TYPES
    price = desk.rules(conf.symbol).round_price(market * (1 + wanted.away), wanted.side)
    return Order(
        symbol=conf.symbol,
        side=wanted.side,
        type=wanted.type,
        quantity=conf.quantity,
        price=price if limited else None,
        time_in_force=wanted.time_in_force,
        valid_for=3_600_000,
        give_up_at=desk.now() + conf.patience if wanted.time_in_force == "GTC" else None,
    )
