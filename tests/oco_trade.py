"""A small bot that trades by order lists, for worlds in which the power fails.

Each lap is one list and, where the list leaves something behind without a stop, one market order
that deals with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Literal
from unittest.mock import patch

from lib.bot_kinds import BotKind
from lib.desk import Desk
from lib.exchange import Side
from lib.machine import Context, Machine
from lib.oco import OPPOSITE, plan_oco, plan_oto, plan_otoco
from lib.order_lists import OrderList, add_list
from lib.orders import PROBED, Order, add_order
from lib.settings import Milliseconds, Settings


class Conf(Settings):
    symbol: str = "BTCUSDT"
    kind: Literal["OCO", "OTO", "OTOCO"] = "OCO"
    side: Side = "SELL"
    quantity: Decimal = Decimal("0.01")
    entry: Decimal = Decimal("0.001")  # how far from the market the working order is
    profit: Decimal = Decimal("0.002")
    loss: Decimal = Decimal("0.002")
    gap: Decimal | None = None  # how far beyond the stop its limit is; None: at market
    keep: Decimal = Decimal("0.001")  # of what was bought, for the fee
    patience: Milliseconds = 600_000  # for the first order; for the exit of an OTO twice as long
    laps: int = 1


class Ctx(Context):
    lap: int = 1
    trade: OrderList | None = None
    rest: Order | None = None
    done: list[OrderList] = []
    rests: list[Order] = []


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while ctx.lap <= conf.laps:
        ctx.trade = ctx.trade or plan(desk, conf, await desk.price(conf.symbol))
        async for ctx.trade in add_list(desk.exchange, ctx.trade):
            if left_behind(ctx.trade):
                ctx.trade.give_up = ctx.trade.unprotected_because
            yield ctx

        if ctx.trade.unprotected and ctx.trade.id and ctx.trade.reason != PROBED:
            ctx.rest = ctx.rest or plan_rest(desk, ctx.trade)
            async for ctx.rest in add_order(desk.exchange, ctx.rest):
                yield ctx
            ctx.rests.append(ctx.rest)
        ctx.done.append(ctx.trade)
        ctx.lap, ctx.trade, ctx.rest = ctx.lap + 1, None, None
        yield ctx


def left_behind(trade: OrderList) -> bool:
    """Say whether an exit is under way whose stop is gone."""
    begun = trade.working is None or trade.working.final
    return begun and trade.done_by is not None and bool(trade.unprotected)


def plan(desk: Desk, conf: Conf, last: Decimal) -> OrderList:
    rules, give_up_at = desk.rules(conf.symbol), desk.now() + conf.patience
    out = conf.side if conf.kind == "OCO" else OPPOSITE[conf.side]
    away = 1 if out == "SELL" else -1
    at = last if conf.kind == "OCO" else last * (1 - away * conf.entry)
    take_profit, stop = at * (1 + away * conf.profit), at * (1 - away * conf.loss)
    stop_limit = None if conf.gap is None else stop * (1 - away * conf.gap)
    if conf.kind == "OCO":
        return plan_oco(
            rules,
            side=conf.side,
            quantity=conf.quantity,
            take_profit=take_profit,
            stop=stop,
            stop_limit=stop_limit,
            give_up_at=give_up_at,
        )
    if conf.kind == "OTO":
        oto = plan_oto(
            rules,
            side=conf.side,
            quantity=conf.quantity,
            price=at,
            stop=stop,
            stop_limit=stop_limit,
            fee_rate=conf.keep,
            give_up_at=give_up_at,
        )
        oto.legs[1].give_up_at = give_up_at + conf.patience
        return oto
    return plan_otoco(
        rules,
        side=conf.side,
        quantity=conf.quantity,
        price=at,
        take_profit=take_profit,
        stop=stop,
        stop_limit=stop_limit,
        fee_rate=conf.keep,
        give_up_at=give_up_at,
    )


def plan_rest(desk: Desk, trade: OrderList) -> Order:
    quantity = desk.rules(trade.symbol).round_quantity(trade.unprotected, "MARKET")
    side = trade.exits[0].side
    return Order(
        symbol=trade.symbol, side=side, type="MARKET", quantity=quantity, valid_for=900_000
    )


@contextmanager
def at_hand() -> Iterator[None]:
    """Have conf find this bot although it is not in bots/."""
    kind = BotKind(Conf, Ctx, bot)
    with patch("tests.world.find_bot", lambda *_: kind):
        yield
