"""Buy at market, let a sell rest for a moment, cancel it, begin again."""

from decimal import Decimal

from lib.desk import Desk
from lib.machine import Context, Machine
from lib.orders import Order, add_order
from lib.settings import Milliseconds, Settings


class Conf(Settings):
    symbol: str
    quantity: Decimal
    price: Decimal  # of the sell, far away
    rests_for: Milliseconds


class Ctx(Context):
    turn: int = 1
    buy: Order | None = None
    sell: Order | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while True:
        ctx.buy = ctx.buy or Order(
            symbol=conf.symbol,
            side="BUY",
            type="MARKET",
            quantity=conf.quantity,
            valid_for=3_600_000,
        )
        async for ctx.buy in add_order(desk.exchange, ctx.buy):
            yield ctx

        ctx.sell = ctx.sell or Order(
            symbol=conf.symbol,
            side="SELL",
            type="LIMIT",
            time_in_force="GTC",
            quantity=desk.rules(conf.symbol).round_quantity(ctx.buy.executed / 2, "LIMIT"),
            price=conf.price,
            give_up_at=desk.now() + conf.rests_for,
        )
        async for ctx.sell in add_order(desk.exchange, ctx.sell):
            yield ctx

        ctx.turn, ctx.buy, ctx.sell = ctx.turn + 1, None, None
        yield ctx
