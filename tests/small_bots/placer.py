"""Place exactly what the section says, as an order or as a list, and be done."""

import orjson

from lib.desk import Desk
from lib.machine import Context, Machine
from lib.order_lists import OrderList, add_list
from lib.orders import Order, add_order
from lib.settings import Settings


class Conf(Settings):
    order: str = ""  # as JSON
    order_list: str = ""

    @property
    def symbols(self) -> tuple[str, ...]:
        return (orjson.loads(self.order)["symbol"] if self.order else "BTCUSDT",)


class Ctx(Context):
    order: Order | None = None
    order_list: OrderList | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if conf.order:
        ctx.order = ctx.order or Order.model_validate_json(conf.order)
        async for ctx.order in add_order(desk.exchange, ctx.order):
            yield ctx
    else:
        ctx.order_list = ctx.order_list or OrderList.model_validate_json(conf.order_list)
        async for ctx.order_list in add_list(desk.exchange, ctx.order_list):
            yield ctx
