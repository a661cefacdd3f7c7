"""Want to buy a little and a lot, near and far, side by side, and sell all now and then."""

from decimal import Decimal

from lib.desk import Desk
from lib.exchange import Side
from lib.machine import Context, Machine, together
from lib.orders import Order, add_order
from lib.settings import Milliseconds, Settings

LOT = Decimal("0.001")
AWAY = Decimal("0.004")


class Conf(Settings):
    symbol: str
    salt: int = 0
    steps: int = 12
    lot: Decimal = LOT
    rest: Milliseconds = 8_000


class Ctx(Context):
    step: int = 0
    orders: list[Order] = []
    sale: Order | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while ctx.step < conf.steps:
        ctx.orders = ctx.orders or plan(desk, conf, ctx.step, await desk.price(conf.symbol))
        async for _ in together(*(add_order(desk.exchange, order) for order in ctx.orders)):
            yield ctx

        ctx.sale = ctx.sale or plan_sale(desk, conf, ctx.step)
        if ctx.sale is not None:
            async for ctx.sale in add_order(desk.exchange, ctx.sale):
                yield ctx
        ctx.step, ctx.orders, ctx.sale = ctx.step + 1, [], None
        yield ctx


def plan(desk: Desk, conf: Conf, step: int, last: Decimal) -> list[Order]:
    first = limit(desk, conf, (step * 7 + conf.salt) % 11, (step * 5 + conf.salt) % 4, last)
    second = limit(desk, conf, (step * 3 + conf.salt) % 7, (step + conf.salt) % 2, last)
    return [first, second]


def limit(desk: Desk, conf: Conf, lots: int, away: int, last: Decimal) -> Order:
    side: Side = "BUY"
    rules = desk.rules(conf.symbol)
    return Order(
        symbol=conf.symbol,
        side=side,
        type="LIMIT",
        time_in_force="GTC",
        quantity=rules.round_quantity((lots + 1) * conf.lot, "LIMIT"),
        price=rules.round_price(last * (1 + AWAY / 20 - away * AWAY), side),
        give_up_at=desk.now() + conf.rest,
    )


def plan_sale(desk: Desk, conf: Conf, step: int) -> Order | None:
    held = desk.wallet.position(conf.symbol).quantity
    quantity = desk.rules(conf.symbol).round_quantity(max(held, Decimal(0)), "MARKET")
    if step % 3 != 2 or quantity < conf.lot:
        return None
    return Order(symbol=conf.symbol, side="SELL", type="MARKET", quantity=quantity)
