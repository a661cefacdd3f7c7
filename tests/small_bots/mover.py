"""Buy with an order that is moved again and again until it is filled, and shrunk at times."""

from decimal import Decimal

from lib.desk import Desk
from lib.machine import Context, Machine, together
from lib.moving import Moving, follow_moving, move, rest
from lib.orders import LIVE, Order
from lib.settings import Milliseconds, Settings


class Conf(Settings):
    symbol: str
    quantity: Decimal
    away: Decimal  # how far below the market it begins, a fraction; each move halves that
    every: Milliseconds
    shrink_to: Decimal | None = None  # the first move is to make it so small instead


class Ctx(Context):
    moving: Moving | None = None
    away: Decimal = Decimal(0)
    move_at: int = 0
    decided: int = 0


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if ctx.moving is None:
        ctx.away = conf.away
        price = await desk.price(conf.symbol) * (1 - ctx.away)
        ctx.moving = rest(
            Order(
                symbol=conf.symbol,
                side="BUY",
                type="LIMIT",
                time_in_force="GTC",
                quantity=conf.quantity,
                price=price,
            )
        )
    async for _ in together(follow_moving(desk, ctx.moving), decide(desk, conf, ctx, ctx.moving)):
        yield ctx


async def decide(desk: Desk, conf: Conf, ctx: Ctx, moving: Moving) -> Machine[Ctx]:
    """Move it closer from time to time."""
    while not moving.order.final:
        ctx.move_at = ctx.move_at or desk.now() + conf.every
        yield ctx
        while desk.now() < ctx.move_at and not moving.order.final:
            await desk.until(min(ctx.move_at, desk.now() + 1_000))
        price = await desk.price(conf.symbol)
        if moving.order.state in LIVE and moving.target is None:
            rules = desk.rules(conf.symbol)
            if conf.shrink_to is not None and not ctx.decided:
                move(rules, moving, quantity=conf.shrink_to)
            else:
                ctx.away /= 2
                move(rules, moving, price=price * (1 - ctx.away))
            ctx.decided += 1
        ctx.move_at = 0
