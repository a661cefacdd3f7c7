"""One resilient order, a pair, or a buy with its exits: placed once, followed to its end."""

from decimal import Decimal
from typing import Self

from pydantic import model_validator

from lib.desk import Desk
from lib.errors import Halt
from lib.exits.position import Position, hold_position
from lib.machine import Context, Machine
from lib.money import plain
from lib.news import Kind, readable
from lib.order_lists import OrderList, add_list
from lib.order_parameters import (
    Exits,
    OrderParameters,
    dearest,
    in_words,
    plan_held,
    plan_order,
    plan_pair,
    refuse_exits,
)
from lib.orders import UNSETTLED, Order, OrderState, add_order
from lib.settings import Milliseconds, Settings


class Conf(Settings):
    order: OrderParameters
    then: Exits | None = None  # how what it buys is sold again
    wait: Milliseconds | None = None  # cancel what is still open after this long; absent: never
    valid_for: Milliseconds | None = None  # the plan's best-before: not sent later than this

    @model_validator(mode="after")
    def _can_have_its_exits(self) -> Self:
        if self.then:
            refuse_exits(self.order, self.then)
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        return (self.order.symbol,)

    @property
    def sells_your_coins(self) -> bool:
        return True  # the one order is the person's own word

    @property
    def plan_text(self) -> str:
        return in_words(self.order, self.then)


class Ctx(Context):
    order: Order | None = None
    pair: OrderList | None = None  # in its place
    position: Position | None = None  # in its place
    warned: str = ""  # of what of a pair stands without its stop

    @property
    def holding(self) -> str:
        return self.position.holding if self.position else ""


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if not (ctx.order or ctx.pair or ctx.position):
        decide(desk, conf, ctx, await dearest(desk, conf.order))
    if ctx.order:
        async for ctx.order in add_order(desk.exchange, ctx.order):
            yield ctx
        end(desk, ctx.order, result(ctx.order))

    elif ctx.pair:
        async for ctx.pair in add_list(desk.exchange, ctx.pair):
            warn(desk, ctx)
            yield ctx
        end(desk, ctx.pair, result_of_pair(ctx.pair))

    elif ctx.position:
        async for ctx.position in hold_position(desk, ctx.position):
            yield ctx
        end(desk, ctx.position.opening, result_of_position(ctx.position))


def decide(desk: Desk, conf: Conf, ctx: Ctx, price: Decimal) -> None:
    """Plan what the section asks for."""
    wanted = conf.order
    give_up_at = None if conf.wait is None else desk.now() + conf.wait
    desk.tell(Kind.PLAN, f"{wanted.type} {wanted.side} in {wanted.symbol}")
    if conf.then:
        ctx.position = plan_held(desk, wanted, conf.then, price)
        planned: Order | OrderList = ctx.position.pair or ctx.position.opening
        first = ctx.position.opening
    elif wanted.is_pair:
        planned = ctx.pair = plan_pair(desk, wanted, price)
        first = ctx.pair.legs[0]
    else:
        planned = first = ctx.order = plan_order(desk, wanted, price)
    planned.valid_for, first.give_up_at = conf.valid_for, give_up_at


def warn(desk: Desk, ctx: Ctx) -> None:
    """Tell once of each reason why something stands without its stop."""
    assert ctx.pair, "a pair is followed"
    why = ctx.pair.unprotected_because if bare(ctx.pair) else ""
    if why and why != ctx.warned:
        desk.tell(Kind.WARNING, f"{bare(ctx.pair)}: {why}")
    ctx.warned = why


def bare(pair: OrderList) -> str:
    """Say what of a pair that was placed has no stop; empty if nothing."""
    if pair.state in UNSETTLED | {OrderState.REJECTED} or not pair.unprotected:
        return ""
    return f"{plain(pair.unprotected)} of {pair.symbol} without protection"


def end(desk: Desk, done: Order | OrderList, text: str) -> None:
    if done.state is OrderState.REJECTED:
        raise Halt(f"the order was refused: {done.reason}")
    desk.tell(Kind.RESULT, text)


def result(order: Order) -> str:
    if not order.filled:
        return f"{order.state}, nothing executed: {order.reason or 'no reason given'}"
    return f"{order.state}: {_dealt(order.executed, order.average_price)} of {order.symbol}"


def result_of_pair(pair: OrderList) -> str:
    amount, average = (pair.bought, pair.average_bought)
    if pair.sold:
        amount, average = (pair.sold, pair.average_sold)
    dealt = _dealt(amount, average) if amount else f"nothing executed: {pair.reason}"
    return (
        f"{pair.kind} of {pair.symbol} {pair.state}: {', '.join(filter(None, [dealt, bare(pair)]))}"
    )


def result_of_position(position: Position) -> str:
    sums = position.result
    realised = f"{readable(sums.realised)} {position.quote_asset}"
    return f"{position.symbol}: {position.ending}, {realised} after fees"


def _dealt(amount: Decimal, average: Decimal) -> str:
    return f"{plain(amount)} at {plain(average.quantize(Decimal('0.00000001')))} on average"
