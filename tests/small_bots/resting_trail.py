"""Rest a stop that trails at the exchange, alone or beside a profit, and be done with its end."""

from decimal import Decimal
from typing import Literal

from lib.desk import Desk
from lib.exchange import Side
from lib.machine import Context, Machine
from lib.oco import plan_oco
from lib.order_lists import OrderList, add_list
from lib.orders import Order, add_order
from lib.settings import Settings
from lib.trailing import trail_at_exchange


class Conf(Settings):
    symbol: str
    quantity: Decimal
    side: Side = "SELL"
    kind: Literal["STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "OCO"]
    delta: int  # 1/100 of a percent
    begins: Decimal | None = None  # its stop price, a fraction of the first price
    limit: Decimal | None = None  # its price, as well; of an OCO the price of the profit


class Ctx(Context):
    order: Order | None = None
    pair: OrderList | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if ctx.order is None and ctx.pair is None:
        market = await desk.price(conf.symbol)
        if conf.kind == "OCO":
            ctx.pair = plan_pair(desk, conf, market)
        else:
            ctx.order = plan_order(desk, conf, market)
    if ctx.order is not None:
        async for ctx.order in add_order(desk.exchange, ctx.order):
            yield ctx
    if ctx.pair is not None:
        async for ctx.pair in add_list(desk.exchange, ctx.pair):
            yield ctx


def plan_order(desk: Desk, conf: Conf, market: Decimal) -> Order:
    assert conf.kind != "OCO"
    return Order(
        symbol=conf.symbol,
        side=conf.side,
        type=conf.kind,
        time_in_force="GTC" if conf.kind.endswith("LIMIT") else None,
        quantity=conf.quantity,
        trailing_delta=conf.delta,
        stop_price=None if conf.begins is None else market * conf.begins,
        price=None if conf.limit is None else market * conf.limit,
    )


def plan_pair(desk: Desk, conf: Conf, market: Decimal) -> OrderList:
    assert conf.limit is not None
    profit = market * conf.limit
    pair = plan_oco(
        desk.rules(conf.symbol),
        side=conf.side,
        quantity=conf.quantity,
        take_profit=profit,
        stop=2 * market - profit,
    )
    trail_at_exchange(pair, conf.delta)
    return pair
