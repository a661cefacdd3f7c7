"""Look at all that can be asked of the market, again and again, and write down what was seen."""

from decimal import Decimal

from lib.desk import Desk
from lib.machine import Context, Machine
from lib.settings import Settings


class Conf(Settings):
    symbol: str
    interval: str = "5m"
    every: int = 50_000  # ms
    looks: int = 50


class Seen(Context):
    """What one look found; times are exchange ms."""

    now: int
    price: Decimal
    opened: list[int]
    closes: list[Decimal]
    highs: list[Decimal]
    lows: list[Decimal]
    ahead: int  # candles that open later than now


class Ctx(Context):
    seen: list[Seen] = []


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while len(ctx.seen) < conf.looks:
        found = await desk.candles(conf.symbol, conf.interval, 3)
        ahead = await desk.candles(conf.symbol, conf.interval, 1000, since=desk.now() + 1)
        price = (await desk.quote(conf.symbol)).last
        ctx.seen.append(
            Seen(
                now=desk.now(),
                price=price,
                opened=[candle.open_time for candle in found],
                closes=[candle.close for candle in found],
                highs=[candle.high for candle in found],
                lows=[candle.low for candle in found],
                ahead=len(ahead),
            )
        )
        yield ctx
        await desk.until(desk.now() + conf.every)
