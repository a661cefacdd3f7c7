"""Buy when a fast average crosses a slow one upwards, sell when it crosses back or at a stop."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from lib.closed_candles import (
    LOOK,
    Interval,
    closed_after,
    missing_before,
    newest_closed,
    next_look,
)
from lib.desk import Desk
from lib.ema import CrossSignal, Ema, Source, evaluate, warm_up
from lib.exchange import Candle
from lib.machine import Context, Machine, together
from lib.money import MARKET_MARGIN, plain
from lib.news import Kind, readable
from lib.orders import Order, OrderState, add_order
from lib.settings import Settings
from lib.sizes import Size
from lib.turnover import Turnover, book
from lib.way_out import Aim, WayOut, leave, review_way

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


class Trade(Context):
    """One position, from the cross that opened it to its end."""

    entry: Order
    way: WayOut
    base_asset: str
    opened_at: int  # when the candle opened whose cross it follows
    stop: Decimal
    sell_now: str = ""  # why all of it is to be sold

    settled_at: int = 0

    @property
    def bought(self) -> Decimal:
        return self.entry.executed - self.entry.commission(self.base_asset)

    @property
    def complete(self) -> bool:
        return self.entry.final

    @property
    def aim(self) -> Aim:
        return Aim(stop=self.stop, sell_now=self.sell_now)


class Ctx(Context):
    signal: CrossSignal | None = None
    trade: Trade | None = None
    traded: int = 0  # the cross that was traded last: once each
    trades: int = 0
    sums: Turnover = Turnover()

    @property
    def holding(self) -> str:
        if self.trade is None or self.trade.bought <= self.trade.way.sold:
            return ""
        return f"{plain(self.trade.bought - self.trade.way.sold)} {self.trade.base_asset}"


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    async for _ in together(follow_candles(desk, conf, ctx), follow_signal(desk, conf, ctx)):
        yield ctx


def is_over(conf: Conf, ctx: Ctx) -> bool:
    return ctx.trade is None and bool(conf.trades) and ctx.trades >= conf.trades


# --- what the candles say


async def follow_candles(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    """Evaluate each candle once, in order, and write down what follows for the position."""
    while not is_over(conf, ctx):
        signal = ctx.signal
        if signal is None or (ctx.trade is None and is_of_other_terms(signal, conf)):
            ctx.signal = begun(conf, await newest_closed(desk, conf.symbol, conf.interval))
            yield ctx
            continue
        found = await closed_after(desk, conf.symbol, conf.interval, signal.evaluated)
        if found:
            for candle in found:
                tell_gap(desk, conf, signal, candle)
                evaluate(signal, candle)
            heed(desk, ctx, signal)
            yield ctx
        await wait_for_candle(desk, conf, ctx, signal)


def is_of_other_terms(signal: CrossSignal, conf: Conf) -> bool:
    terms = (conf.fast, conf.slow, conf.source, conf.stop)
    return terms != (signal.fast.period, signal.slow.period, signal.source, signal.stop)


def begun(conf: Conf, past: Sequence[Candle]) -> CrossSignal:
    """Begin with the averages of the past; the first cross that counts is still to come."""
    fast, slow = Ema(period=conf.fast), Ema(period=conf.slow)
    signal = CrossSignal(fast=fast, slow=slow, source=conf.source, stop=conf.stop)
    for candle in past:
        warm_up(signal, candle)
    return signal


def tell_gap(desk: Desk, conf: Conf, signal: CrossSignal, candle: Candle) -> None:
    missing = missing_before(conf.interval, signal.evaluated, candle) if signal.evaluated else 0
    if missing > 0:
        desk.tell(Kind.WARNING, f"the exchange has no candle for {missing} times {conf.interval}")


def heed(desk: Desk, ctx: Ctx, signal: CrossSignal) -> None:
    """Have the position be what the newest candle makes of it: a higher stop, or its end."""
    trade = ctx.trade
    if trade is None or trade.sell_now:
        return
    if not signal.long or signal.opened_at != trade.opened_at:
        trade.sell_now = "its signal ended meanwhile" if signal.long else signal.why
        desk.tell(Kind.PLAN, f"sell all: {trade.sell_now}")
    elif signal.stop_at is not None:
        trade.stop = max(trade.stop, signal.stop_at)
    review_way(desk, trade.way, trade)


async def wait_for_candle(desk: Desk, conf: Conf, ctx: Ctx, signal: CrossSignal) -> None:
    at = next_look(conf.interval, signal.evaluated, desk.now())
    while desk.now() < at and not is_over(conf, ctx):
        await desk.until(min(at, desk.now() + LOOK))


# --- what is done about it


async def follow_signal(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    """Trade each cross once."""
    while not is_over(conf, ctx):
        if ctx.trade is None and not is_due(ctx):
            await desk.exchange.next_save(asyncio.Event())
            continue
        if ctx.trade is None:
            ctx.trade = plan_trade(desk, conf, ctx, await desk.price(conf.symbol))
        if ctx.trade is None:
            await desk.stirring(conf.symbol)
            continue
        async for ctx.trade.entry in add_order(desk.exchange, ctx.trade.entry):
            yield ctx
        async for ctx.trade.way in leave(desk, ctx.trade.way, ctx.trade):
            yield ctx
        end_trade(desk, ctx, ctx.trade)
        yield ctx


def is_due(ctx: Ctx) -> bool:
    signal = ctx.signal
    return signal is not None and signal.long and signal.opened_at != ctx.traded


def plan_trade(desk: Desk, conf: Conf, ctx: Ctx, price: Decimal) -> Trade | None:
    """Plan to buy, unless the price is below the stop already."""
    signal, rules = ctx.signal, desk.rules(conf.symbol)
    if signal is None or signal.stop_at is None or not is_due(ctx) or price <= signal.stop_at:
        return None
    dearest = price * (1 + MARKET_MARGIN)
    quantity = desk.quantity(conf.quantity, conf.symbol, side="BUY", price=dearest)
    ctx.traded = signal.opened_at
    desk.tell(Kind.PLAN, f"buy {plain(quantity)} at about {plain(price)}: {signal.why}")
    return Trade(
        entry=Order(symbol=conf.symbol, side="BUY", type="MARKET", quantity=quantity),
        way=WayOut(symbol=conf.symbol),
        base_asset=rules.base_asset,
        opened_at=signal.opened_at,
        stop=rules.round_price(signal.stop_at, "SELL"),
    )


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
