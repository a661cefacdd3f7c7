"""Buy when a fast average crosses a slow one upwards, sell when it crosses back or at a stop."""

import asyncio
from decimal import Decimal
from functools import partial
from typing import Annotated, Self

from pydantic import Field, model_validator

from lib.closed_candles import Interval
from lib.crosses.candles import await_candle, begin_signal, is_of_other_terms, take_closed
from lib.crosses.ema import CrossSignal, Source
from lib.crosses.trade import Trade, follow_trade, heed_signal, plan_trade
from lib.desk import Desk
from lib.machine import Context, Machine, together
from lib.money import plain
from lib.news import Kind, readable
from lib.orders import OrderState
from lib.settings import Settings
from lib.sizes import Size
from lib.turnover import Turnover, book

Period = Annotated[int, Field(ge=1, le=500)]


class Conf(Settings):
    symbol: str
    quantity: Size  # bought at each cross: 0.001 coins, "50 USDT", "25%" of the wallet
    interval: Interval = "1h"
    fast: Period = 21
    slow: Period = 50
    source: Source = "close"  # oc2: (open + close) / 2; hloc4: of all four
    stop: Annotated[Decimal, Field(gt=0, lt=1)] = Decimal("0.106")  # below the best close
    trades: Annotated[int, Field(ge=0)] = 0  # 0: for ever

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast ({self.fast}) must be fewer candles than slow ({self.slow})")
        return self

    @property
    def plan_text(self) -> str:
        stop = f"{plain(self.stop * 100)} %"
        return (
            f"Buys {self.quantity} of {self.symbol} at market once the average of {self.fast} "
            f"candles of {self.interval} rises above that of {self.slow}, and sells all of it "
            f"once it falls below. A stop rests at the exchange {stop} below the best close since. "
            f"One position at a time. Worst case: it loses {stop} of each, and what a gap takes."
        )


class Ctx(Context):
    signal: CrossSignal | None = None
    trade: Trade | None = None
    traded: int = 0  # the cross that was traded last: once each
    trades: int = 0
    sums: Turnover = Turnover()

    @property
    def holding(self) -> str:
        trade = self.trade
        return "" if trade is None or not trade.held else f"{plain(trade.held)} {trade.base_asset}"


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    async for _ in together(follow_candles(desk, conf, ctx), follow_signal(desk, conf, ctx)):
        yield ctx


async def follow_candles(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    """Evaluate each candle once, in order, and write down what follows for the position."""
    while not is_over(conf, ctx):
        if ctx.signal is None or (ctx.trade is None and is_of_other_terms(ctx.signal, conf)):
            ctx.signal = await begin_signal(desk, conf)
            yield ctx
        elif await take_closed(desk, conf, ctx.signal):
            if ctx.trade is not None:
                heed_signal(desk, ctx.trade, ctx.signal)
            yield ctx
        await await_candle(desk, conf, ctx.signal, partial(is_over, conf, ctx))


async def follow_signal(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    """Trade each cross once."""
    while not is_over(conf, ctx):
        if ctx.trade is None and not is_due(ctx):
            await desk.exchange.next_save(asyncio.Event())
            continue
        if ctx.trade is None:
            open_trade(desk, conf, ctx, await desk.price(conf.symbol))
        if ctx.trade is None:
            await desk.stirring(conf.symbol)
            continue
        async for ctx.trade in follow_trade(desk, ctx.trade):
            yield ctx
        end_trade(desk, ctx, ctx.trade)
        yield ctx


def is_over(conf: Conf, ctx: Ctx) -> bool:
    return ctx.trade is None and bool(conf.trades) and ctx.trades >= conf.trades


def is_due(ctx: Ctx) -> bool:
    signal = ctx.signal
    return signal is not None and signal.long and signal.opened_at != ctx.traded


def open_trade(desk: Desk, conf: Conf, ctx: Ctx, price: Decimal) -> None:
    """Plan to follow a cross that is due still; its stop may have been passed meanwhile."""
    if ctx.signal is not None and is_due(ctx):
        ctx.trade = plan_trade(desk, conf.symbol, conf.quantity, ctx.signal, price)
        ctx.traded = ctx.traded if ctx.trade is None else ctx.trade.opened_at


def end_trade(desk: Desk, ctx: Ctx, trade: Trade) -> None:
    """Put a position that ended into the sums."""
    ctx.trade = None
    if not trade.entry.filled:
        if trade.entry.state is OrderState.ABANDONED:
            ctx.traded = 0  # it waited too long; the signal may still stand
        else:
            desk.tell(Kind.WARNING, f"this cross is not traded: {trade.entry.reason}")
        return
    rules, before = desk.rules(trade.entry.symbol), ctx.sums.realised
    for order in (trade.entry, *trade.way.exits):
        book(ctx.sums, order, rules)
    ctx.trades += 1
    fees = ", ".join(f"{readable(fee)} {asset}" for asset, fee in ctx.sums.fees.items()) or "none"
    desk.tell(
        Kind.RESULT,
        f"trade {ctx.trades} brought {readable(ctx.sums.realised - before)} {rules.quote_asset}, "
        f"in all {readable(ctx.sums.realised)}; fees in all {fees}",
    )
