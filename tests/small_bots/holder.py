"""Open one position, hold it, and be done."""

from decimal import Decimal
from typing import Literal

from lib.desk import Desk
from lib.exits.position import Position, Trigger, hold_position, plan_bracket, plan_position
from lib.machine import Context, Machine
from lib.orders import Order
from lib.quotes import Base
from lib.settings import Milliseconds, Settings
from lib.trailing import Trail


class Conf(Settings):
    symbol: str = "BTCUSDT"
    quantity: Decimal = Decimal("0.01")
    by: Literal["MARKET", "LIMIT", "OTOCO"] = "MARKET"
    away: Decimal = Decimal(0)  # how far below the market it buys; prices are fractions of that
    profit: Decimal = Decimal("0.004")
    loss: Decimal = Decimal("0.004")
    gap: Decimal | None = None  # how far beyond the stop its limit is; None: at market
    buy_for: Milliseconds | None = None  # then what is open of the entry is canceled
    close_after: Milliseconds | None = None
    trail: Decimal | None = None
    trail_base: Base = "last"
    on_trail: Literal["close", "move"] = "close"
    trailing_delta: int | None = None  # of the stop, at the exchange
    trigger: Decimal | None = None  # how far below its price it is closed by the bid
    patience: Milliseconds = 10_000
    gap_patience: Milliseconds = 5_000
    when_canceled: Literal["protect", "park"] = "protect"
    when_sold: Literal["accept", "park"] = "park"


class Ctx(Context):
    position: Position | None = None


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if ctx.position is None:
        ctx.position = plan(desk, conf, await desk.price(conf.symbol))
    async for ctx.position in hold_position(desk, ctx.position):
        yield ctx


def plan(desk: Desk, conf: Conf, last: Decimal) -> Position:
    price = last * (1 - conf.away)
    take_profit, stop = price * (1 + conf.profit), price * (1 - conf.loss)
    stop_limit = None if conf.gap is None else stop * (1 - conf.gap)
    rules = desk.rules(conf.symbol)
    if conf.by == "OTOCO":
        position = plan_bracket(
            rules,
            quantity=conf.quantity,
            price=price,
            take_profit=take_profit,
            stop=stop,
            stop_limit=stop_limit,
            trailing_delta=conf.trailing_delta,
            give_up_at=give_up_at(desk, conf),
        )
    else:
        entry = plan_entry(desk, conf, price)
        position = plan_position(
            rules, entry, take_profit=take_profit, stop=stop, stop_limit=stop_limit
        )
    position.patience, position.gap_patience = conf.patience, conf.gap_patience
    position.when_canceled, position.on_trail = conf.when_canceled, conf.on_trail
    position.when_sold = conf.when_sold
    position.close_at = None if conf.close_after is None else desk.now() + conf.close_after
    position.trailing_delta = conf.trailing_delta
    if conf.trail is not None:
        base = conf.trail_base
        position.trail = Trail(symbol=conf.symbol, side="SELL", distance=conf.trail, base=base)
    if conf.trigger is not None:
        position.triggers = [Trigger(base="bid", below=price * (1 - conf.trigger))]
    return position


def plan_entry(desk: Desk, conf: Conf, price: Decimal) -> Order:
    if conf.by == "MARKET":
        return Order(symbol=conf.symbol, side="BUY", type="MARKET", quantity=conf.quantity)
    return Order(
        symbol=conf.symbol,
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity=conf.quantity,
        price=price,
        give_up_at=give_up_at(desk, conf),
    )


def give_up_at(desk: Desk, conf: Conf) -> int | None:
    return None if conf.buy_for is None else desk.now() + conf.buy_for
