"""Buy for a fixed sum by the calendar, each time once, whatever happens meanwhile."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lib.desk import Desk
from lib.exchange import ZERO
from lib.machine import Context, Machine
from lib.money import plain
from lib.news import Kind, readable
from lib.orders import Order, OrderState, add_order
from lib.schedule import Schedule, written
from lib.settings import Milliseconds, Settings


class Missed(StrEnum):
    """What becomes of purchases whose time passed while nobody could buy."""

    ONCE = "once"  # one purchase stands for all of them
    ALL = "all"  # each is bought, one after the other
    SKIP = "skip"


class Conf(Settings):
    symbol: str
    amount: Annotated[Decimal, Field(gt=0)]  # of the quote asset, each time
    schedule: Schedule
    missed: Missed = Missed.ONCE
    late: Milliseconds = 3_600_000  # with `skip`: a purchase is missed once it is so late
    not_above: Annotated[Decimal, Field(gt=0)] | None = None  # dearer, it is not bought
    retry: Annotated[Milliseconds, Field(ge=1_000)] = 600_000  # after a refusal
    times: Annotated[int, Field(ge=0)] = 0  # 0: for ever

    @property
    def plan_text(self) -> str:
        missed = {
            Missed.ONCE: "missed ones are made up for by one purchase",
            Missed.ALL: "missed ones are all made up for",
            Missed.SKIP: "missed ones are skipped",
        }[self.missed]
        bound = f", unless it costs more than {plain(self.not_above)}" if self.not_above else ""
        many = f", {self.times} times" if self.times else ""
        most = f"{plain(self.amount * self.times)} in all" if self.times else "no end to it"
        return (
            f"Buys {self.symbol} at market for {plain(self.amount)} of the quote asset "
            f"{self.schedule}{bound}{many}; {missed}. It never sells: at most it spends "
            f"{plain(self.amount)} each time, {most}; worst case, what it bought loses its value."
        )


class Ctx(Context):
    handled_until: int = 0  # exchange ms: what was due up to then is decided; 0: not begun
    due: int = 0  # the purchase under way, or to be tried again; 0: none
    buy: Order | None = None
    retry_at: int = 0
    bought: int = 0  # purchases
    quantity: Decimal = ZERO  # base, less fees taken in coins
    paid: Decimal = ZERO  # quote, fees taken in quote included
    skipped: int = 0

    @property
    def holding(self) -> str:
        if not self.quantity:
            return ""
        average = readable(self.paid / self.quantity)
        return f"{plain(self.quantity)} bought in {self.bought} purchases at {average} on average"


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    ctx.handled_until = ctx.handled_until or desk.now()
    yield ctx
    while ctx.due or not conf.times or ctx.bought < conf.times:
        if not ctx.due:
            await desk.until(conf.schedule.next_due(ctx.handled_until))
            choose(desk, conf, ctx)
            yield ctx
        elif ctx.buy is None:
            await desk.until(ctx.retry_at)
            price = await desk.price(conf.symbol)
            if affordable(desk, conf, ctx, price) and is_still_due(desk, conf, ctx):
                ctx.buy = plan(conf)
            yield ctx
        else:
            async for ctx.buy in add_order(desk.exchange, ctx.buy):
                yield ctx
            settle(desk, conf, ctx, ctx.buy)
            yield ctx


def choose(desk: Desk, conf: Conf, ctx: Ctx) -> None:
    """Decide which purchase is made next; what is not made is decided with it."""
    now = desk.now()
    newest = conf.schedule.newest_due(ctx.handled_until, now)
    oldest = conf.schedule.next_due(ctx.handled_until)
    ctx.due = ctx.handled_until = oldest if conf.missed is Missed.ALL else newest
    ctx.retry_at = 0
    leave_out_late(desk, conf, ctx)


def leave_out_late(desk: Desk, conf: Conf, ctx: Ctx) -> None:
    """Leave out what is due, if it is too late for it and that is wanted."""
    if conf.missed is Missed.SKIP and desk.now() - ctx.due > conf.late:
        skip(desk, ctx, f"what was due up to {written(ctx.due)} was missed")


def is_still_due(desk: Desk, conf: Conf, ctx: Ctx) -> bool:
    """Say whether to buy; what was overtaken while it waited is one of those that were missed."""
    is_overtaken = desk.now() >= conf.schedule.next_due(ctx.due)
    if is_overtaken and conf.missed is not Missed.ALL and ctx.retry_at:
        skip(desk, ctx, f"what was due {written(ctx.due)} could not be bought until the next")
    elif is_overtaken and conf.missed is not Missed.ALL:
        ctx.due = 0  # `choose` decides what stands for it
    return bool(ctx.due)


def affordable(desk: Desk, conf: Conf, ctx: Ctx, price: Decimal) -> bool:
    """Say whether to buy now; a price that is too high is waited out until the next is due."""
    if conf.not_above is None or price <= conf.not_above:
        return True
    put_off(desk, conf, ctx, f"{plain(price)} is more than {plain(conf.not_above)}")
    return False


def put_off(desk: Desk, conf: Conf, ctx: Ctx, why: str) -> None:
    """Try a purchase again later, or leave it out as the next one is due."""
    following = conf.schedule.next_due(ctx.due)
    if conf.missed is not Missed.ALL and desk.now() >= following:
        skip(desk, ctx, why)
        return
    ctx.retry_at = desk.now() + conf.retry
    if conf.missed is not Missed.ALL:
        ctx.retry_at = min(ctx.retry_at, following)


def plan(conf: Conf) -> Order:
    return Order(
        symbol=conf.symbol,
        side="BUY",
        type="MARKET",
        quote_quantity=conf.amount,
        valid_for=conf.retry,
        comment="a purchase by the calendar",
    )


def settle(desk: Desk, conf: Conf, ctx: Ctx, buy: Order) -> None:
    """Put a purchase into the sums; one that bought nothing is tried again."""
    ctx.buy = None
    if not buy.filled:
        if buy.state is OrderState.ABANDONED:  # it could not leave: the bot was paused, or away
            leave_out_late(desk, conf, ctx)
        else:
            put_off(desk, conf, ctx, buy.reason or f"it was {buy.state}")
        return
    rules, due = desk.rules(buy.symbol), ctx.due
    ctx.due, ctx.bought = 0, ctx.bought + 1
    ctx.quantity += buy.executed - buy.commission(rules.base_asset)
    ctx.paid += buy.executed_quote + buy.commission(rules.quote_asset)
    desk.tell(
        Kind.RESULT,
        f"purchase {ctx.bought}, due {written(due)}; in all {plain(ctx.quantity)} "
        f"{rules.base_asset} for {readable(ctx.paid)} {rules.quote_asset}",
    )


def skip(desk: Desk, ctx: Ctx, why: str) -> None:
    ctx.due, ctx.skipped = 0, ctx.skipped + 1
    desk.tell(Kind.WARNING, f"not bought: {why}")
