"""A grid of stops that trail at the exchange: each rung buys a rebound and sells a fall, once."""

from decimal import Decimal

from lib.desk import Desk
from lib.exchange import Side
from lib.grid import Grid, Rung, run_grid
from lib.machine import Context, Machine
from lib.orders import Order
from lib.settings import Settings


class Conf(Settings):
    symbol: str
    quantity: Decimal
    prices: tuple[Decimal, ...]  # below which the rungs begin to wait for a rebound
    delta: int  # 1/100 of a percent
    nearest: int = 50


class Ctx(Context):
    grid: Grid | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if ctx.grid is None:
        ctx.grid = plan(conf)

    def on_fill(rung: Rung, order: Order) -> Order | None:
        if order.side == "SELL":
            return None
        left = order.executed - order.commission(desk.rules(conf.symbol).base_asset)
        return trailing(conf, "SELL", desk.rules(conf.symbol).round_quantity(left, "MARKET"))

    async for ctx.grid in run_grid(desk, ctx.grid, on_fill):
        yield ctx


def plan(conf: Conf) -> Grid:
    rungs = [
        Rung(name=f"{place}", order=trailing(conf, "BUY", conf.quantity, begins=price))
        for place, price in enumerate(conf.prices)
    ]
    return Grid(symbol=conf.symbol, rungs=rungs, nearest=conf.nearest)


def trailing(conf: Conf, side: Side, quantity: Decimal, begins: Decimal | None = None) -> Order:
    return Order(
        symbol=conf.symbol,
        side=side,
        type="STOP_LOSS" if side == "SELL" else "TAKE_PROFIT",
        quantity=quantity,
        stop_price=begins,
        trailing_delta=conf.delta,
    )
