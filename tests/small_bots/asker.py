"""Look at candles, at trades and at the market, then buy once at its price."""

from decimal import Decimal

from lib.desk import Desk
from lib.machine import Context, Machine
from lib.orders import Order, add_order
from lib.settings import Settings


class Conf(Settings):
    symbol: str
    quantity: Decimal


class Ctx(Context):
    highest: Decimal | None = None
    traded: Decimal | None = None
    bid: Decimal | None = None
    order: Order | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if ctx.highest is None:
        candles = await desk.candles(conf.symbol, "1m", 5)
        ctx.highest = max((candle.high for candle in candles), default=Decimal(0))
        yield ctx
    if ctx.traded is None:
        trades = await desk.trades(conf.symbol, 5)
        ctx.traded = sum((trade.quantity for trade in trades), Decimal(0))
        yield ctx
    if ctx.bid is None:
        ctx.bid = (await desk.quote(conf.symbol)).bid
        yield ctx
    ctx.order = ctx.order or Order(
        symbol=conf.symbol,
        side="BUY",
        type="MARKET",
        quantity=conf.quantity,
        valid_for=3_600_000,
    )
    async for ctx.order in add_order(desk.exchange, ctx.order):
        yield ctx
