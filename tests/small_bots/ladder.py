"""A small grid around the market of the moment, ended when the price has left it."""

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
    step: Decimal  # between two rungs, and from a buy to its sell: a fraction
    rungs: int
    fills: int  # after so many a rung is at its end


class Ctx(Context):
    grid: Grid | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if ctx.grid is None:
        ctx.grid = plan(desk, conf, await desk.price(conf.symbol))

    def on_fill(rung: Rung, order: Order) -> Order | None:
        if rung.turnover.turns >= conf.fills:
            return None
        if order.side == "SELL":
            return limit(desk, conf, "BUY", order.average_price / (1 + conf.step), conf.quantity)
        left = order.executed - order.commission(desk.rules(conf.symbol).base_asset)
        return limit(desk, conf, "SELL", order.average_price * (1 + conf.step), left)

    async for ctx.grid in run_grid(desk, ctx.grid, on_fill):
        yield ctx


def plan(desk: Desk, conf: Conf, market: Decimal) -> Grid:
    rungs = [
        Rung(
            name=f"{place}",
            order=limit(desk, conf, "BUY", market * (1 - conf.step * place), conf.quantity),
        )
        for place in range(conf.rungs)
    ]
    width = conf.step * conf.rungs
    return Grid(
        symbol=conf.symbol,
        rungs=rungs,
        nearest=conf.rungs,
        stop_below=market * (1 - width * 2),
        stop_above=market * (1 + width * 2),
    )


def limit(desk: Desk, conf: Conf, side: Side, price: Decimal, quantity: Decimal) -> Order:
    rules = desk.rules(conf.symbol)
    return Order(
        symbol=conf.symbol,
        side=side,
        type="LIMIT",
        time_in_force="GTC",
        quantity=rules.round_quantity(quantity, "LIMIT"),
        price=rules.round_price(price, side),
    )
