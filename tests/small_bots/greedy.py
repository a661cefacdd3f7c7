"""Ask for more than there is, then for all there is, of money and of coins; lap after lap."""

from decimal import Decimal

from lib.desk import Desk
from lib.exchange import Side
from lib.machine import Context, Machine
from lib.orders import Order, OrderState, add_order
from lib.settings import Milliseconds, Settings


class Conf(Settings):
    symbol: str
    laps: int = 3
    more: Decimal  # than is free, in coins or, to buy, in what that costs
    rest: Milliseconds = 8_000  # how long an order may wait
    away: Decimal = Decimal("0.0002")  # how far from the market its price is


class Ctx(Context):
    lap: int = 1
    step: int = 0
    order: Order | None = None
    refused: int = 0


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while ctx.lap <= conf.laps:
        ctx.order = ctx.order or plan(desk, conf, ctx, await desk.price(conf.symbol))
        async for ctx.order in add_order(desk.exchange, ctx.order):
            yield ctx
        ctx.refused += ctx.order.state is OrderState.REJECTED
        ctx.order, ctx.step = None, ctx.step + 1
        if ctx.step == len(STEPS):
            ctx.lap, ctx.step = ctx.lap + 1, 0
        yield ctx


STEPS: tuple[tuple[Side, str, bool], ...] = (
    ("BUY", "LIMIT", True),
    ("BUY", "LIMIT", False),
    ("SELL", "MARKET", True),
    ("BUY", "MARKET", False),
    ("SELL", "LIMIT", True),
    ("SELL", "LIMIT", False),
)


def plan(desk: Desk, conf: Conf, ctx: Ctx, last: Decimal) -> Order:
    side, kind, too_much = STEPS[ctx.step]
    price = desk.rules(conf.symbol).round_price(last * (1 + _sign(side) * conf.away), side)
    free = desk.wallet.free_to_sell(conf.symbol)
    if side == "BUY":
        dearest = max(price, last) * (1 + Decimal("0.03" if kind == "MARKET" else 0))
        free = desk.wallet.free_to_buy(conf.symbol) / dearest
    quantity = desk.rules(conf.symbol).round_quantity(free, kind) + too_much * conf.more
    order = Order(
        symbol=conf.symbol,
        side=side,
        type="LIMIT" if kind == "LIMIT" else "MARKET",
        quantity=quantity,
    )
    if kind == "LIMIT":
        order.price, order.time_in_force = price, "GTC"
        order.give_up_at = desk.now() + conf.rest
    return order


def _sign(side: Side) -> int:
    return 1 if side == "BUY" else -1
