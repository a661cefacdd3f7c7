"""Ask all that a bot can ask about a market, in every way, and write down every answer."""

from collections.abc import AsyncIterator
from decimal import Decimal

from lib.desk import Desk
from lib.exchange import Quote
from lib.machine import Context, Machine, together
from lib.orders import Order, add_order
from lib.settings import Settings

FAR = 10**15  # ms


class Conf(Settings):
    symbol: str
    every: int = 37_000  # ms
    ends_at: int  # exchange ms
    above: Decimal  # a price to wait for
    rests_at: Decimal  # of an order that stands in the book


class Ctx(Context):
    seen: list[tuple[int, str]] = []  # exchange ms, what was answered
    order: Order | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    ctx.order = ctx.order or Order(
        symbol=conf.symbol,
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity=Decimal("0.001"),
        price=conf.rests_at,
        give_up_at=conf.ends_at - 60_000,
    )
    async for _ in together(rest(desk, ctx.order), ask(desk, conf, ctx)):
        yield ctx


async def rest(desk: Desk, order: Order) -> Machine[Order]:
    async for order in add_order(desk.exchange, order):
        yield order


async def ask(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while desk.now() < conf.ends_at:
        found = [(desk.now(), words) async for words in answers(desk, conf)]
        ctx.seen += found
        yield ctx
        await desk.until(desk.now() + conf.every)


async def answers(desk: Desk, conf: Conf) -> AsyncIterator[str]:
    """Yield the answer to each question; the answer is known when it is there."""
    symbol = conf.symbol
    for base in ("last", "bid", "ask"):
        yield f"{base} {await desk.price(symbol, base=base)}"
    yield shown(await desk.quote(symbol))
    for interval in ("1m", "5m", "15m", "1h", "1d"):
        yield f"{interval} {await desk.candles(symbol, interval, 4)}"
        yield f"{interval} later {await desk.candles(symbol, interval, 9, since=desk.now() + 1)}"
        yield f"{interval} at last {await desk.candles(symbol, interval, 9, since=FAR)}"
    newest = await desk.trades(symbol, 5)
    yield f"trades {newest}"
    after = newest[-1].id + 1 if newest else 0
    yield f"trades to come {await desk.trades(symbol, 1000, since=after)}"
    yield f"orders {[each.executed for each in await desk.open_orders(symbol)]}"
    quote = await desk.quote(symbol)
    if quote.last and quote.last >= conf.above:
        yield f"crossed {await desk.crossing(symbol, above=conf.above)}"


def shown(quote: Quote) -> str:
    return f"quote {quote.bid} {quote.ask} {quote.last}"
