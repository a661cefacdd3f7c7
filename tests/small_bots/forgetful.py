"""A bot whose author does not know the idiom: it plans anew at every start, whatever it had."""

from lib.desk import Desk
from lib.machine import Context, Machine
from lib.orders import Order, add_order
from lib.settings import Settings
from lib.sizes import Size


class Conf(Settings):
    symbol: str
    quantity: Size


class Ctx(Context):
    order: Order | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    price = await desk.price(conf.symbol)
    while True:
        ctx.order = Order(
            symbol=conf.symbol,
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity=desk.quantity(conf.quantity, conf.symbol, side="BUY", price=price),
            price=desk.rules(conf.symbol).round_price(price / 2, "BUY"),
            give_up_at=desk.now() + 30_000,
        )
        async for ctx.order in add_order(desk.exchange, ctx.order):
            yield ctx
