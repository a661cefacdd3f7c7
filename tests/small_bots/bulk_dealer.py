"""Deal an amount at market, and be done."""

from decimal import Decimal

from lib.bulk_order import BulkOrder, fill_bulk
from lib.desk import Desk
from lib.exchange import Side
from lib.machine import Context, Machine
from lib.settings import Settings


class Conf(Settings):
    symbol: str = "BTCUSDT"
    side: Side = "BUY"
    amount: Decimal | None = None  # of base
    money: Decimal | None = None  # of quote


class Ctx(Context):
    bulk: BulkOrder | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    ctx.bulk = ctx.bulk or BulkOrder(
        symbol=conf.symbol, side=conf.side, quantity=conf.amount, quote_quantity=conf.money
    )
    async for ctx.bulk in fill_bulk(desk, ctx.bulk):
        yield ctx
