"""Buy, buy more as the price falls, sell all of it at a profit over the average, begin again."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lib.amounts import in_percent
from lib.averaging import (
    ONE,
    Purchase,
    average,
    contradictions,
    first_part,
    is_of_one_unit,
    scaled,
    spent_at_most,
)
from lib.deal import Deal, Terms, hold_deal, plan_deal, too_small
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO
from lib.machine import Context, Machine
from lib.money import plain
from lib.news import Kind, readable
from lib.occasion import Occasion, occasion_of, take_occasion
from lib.orders import Order, OrderState
from lib.settings import Milliseconds, Settings
from lib.sizes import Size

Fraction = Annotated[Decimal, Field(gt=0, lt=1)]
Profit = Annotated[Decimal, Field(gt=0, le=10)]
Scale = Annotated[Decimal, Field(ge=Decimal("0.1"), le=10)]
SignalName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
NOTHING_BOUGHT_PAUSE = 600_000  # ms until a base order that was refused is tried again


class Step(Settings):
    """An averaging order of its own: how far below the base order, and how large."""

    deviation: Fraction
    size: Size


class Conf(Settings):
    symbol: str
    base_order: Size
    base_type: Literal["MARKET", "LIMIT"] = "MARKET"
    base_below: Annotated[Decimal, Field(ge=0, lt=1)] = ZERO  # of a LIMIT: how far below the market
    patience: Milliseconds = 600_000  # of a LIMIT: what it did not buy by then is given up
    safety_order: Size | None = None
    safety_orders: Annotated[int, Field(ge=0, le=200)] = 0
    volume_scale: Scale = ONE
    step: Fraction = Decimal("0.01")
    step_scale: Scale = ONE
    steps: tuple[Step, ...] = ()  # in place of the five settings before
    active: Annotated[int, Field(ge=1, le=200)] = 1
    take_profit: Profit
    take_profit_from: Literal["average", "base"] = "average"
    trailing: Fraction | None = None
    stop_loss: Fraction | None = None  # below the base order
    after_stop: Literal["continue", "end"] = "continue"
    close_after: Milliseconds | None = None
    close_signal: SignalName | None = None
    start: Occasion = Occasion()  # of each deal
    cooldown: Milliseconds = 0
    deals: Annotated[int, Field(ge=0)] = 0  # 0: for ever
    fee_rate: Annotated[Decimal, Field(ge=0, lt=Decimal("0.1"))] = Decimal("0.001")

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """The averaging orders, nearest first."""
        if self.steps:
            return tuple(Purchase(each.deviation, each.size) for each in self.steps)
        if self.safety_order is None:
            return ()
        return scaled(
            step=self.step,
            step_scale=self.step_scale,
            size=self.safety_order,
            volume_scale=self.volume_scale,
            many=self.safety_orders,
        )

    @property
    def plan(self) -> tuple[Purchase, ...]:
        """The base order and all averaging orders."""
        return (Purchase(ZERO, self.base_order), *self.purchases)

    @property
    def least_profit(self) -> Decimal:
        """The profit as a part of all that may be paid, as far as that is known without a price."""
        whole = self.take_profit_from == "average" or not is_of_one_unit(self.plan)
        return self.take_profit * (ONE if whole else first_part(self.plan))

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        wrong = list(_wrong_steps(self)) or list(_wrong_exits(self))
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def plan_text(self) -> str:
        return " ".join([_told_entries(self), _told_exits(self), _told_worst_case(self)])


class Ctx(Context):
    number: int = 0  # deals that bought something, the one under way included
    deal: Deal | None = None
    rests_until: int = 0  # exchange ms before which no deal begins
    ended: bool = False  # by a stop, as `after_stop` says
    earned: Decimal = ZERO  # quote asset over all deals, less fees taken in the symbol's assets

    @property
    def holding(self) -> str:
        if self.deal is None or not self.deal.held:
            return ""
        deal, many = self.deal, len(self.deal.planned)
        return (
            f"{plain(deal.held)} {deal.base_asset} at {readable(deal.average)} on average, "
            f"{deal.averaged} of {many} averaging orders filled, "
            f"profit at {readable(deal.profit_price)}"
        )


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while ctx.deal or (not ctx.ended and (not conf.deals or ctx.number < conf.deals)):
        if ctx.deal is None:
            await desk.until(ctx.rests_until)
            price = await occasion_of(desk, conf.symbol, conf.start)
            ctx.deal, ctx.number = plan(desk, conf, ctx.number + 1, price), ctx.number + 1
            take_occasion(desk, conf.start)
        async for ctx.deal in hold_deal(desk, ctx.deal):
            yield ctx
        end_deal(desk, conf, ctx, ctx.deal)
        yield ctx


def plan(desk: Desk, conf: Conf, number: int, price: Decimal) -> Deal:
    """Plan a deal at the price of now. Raises Halt where the exchange would refuse its orders."""
    rules, base = desk.rules(conf.symbol), plan_base(desk, conf, price)
    deal = plan_deal(rules, base, conf.purchases, terms_of(conf), base.price or price)
    refused = too_small(rules, deal, base.price or price)
    if refused:
        raise Halt(f"too small for the exchange: {', '.join(refused)}")
    desk.tell(
        Kind.PLAN,
        f"deal {number}: buy {plain(base.quantity or ZERO)} {rules.base_asset} at about "
        f"{plain(base.price or price)}, then {len(deal.planned)} averaging orders below",
    )
    return deal


def plan_base(desk: Desk, conf: Conf, price: Decimal) -> Order:
    rules, limit = desk.rules(conf.symbol), conf.base_type == "LIMIT"
    at = rules.round_price(price * (ONE - conf.base_below), "BUY") if limit else price
    quantity = desk.quantity(conf.base_order, conf.symbol, side="BUY", price=at)
    return Order(
        symbol=conf.symbol,
        side="BUY",
        type=conf.base_type,
        time_in_force="GTC" if limit else None,
        quantity=quantity,
        price=at if limit else None,
        give_up_at=desk.now() + conf.patience if limit else None,
        valid_for=conf.start.signal_valid_for if conf.start.signal and not limit else None,
        comment="the base order",
    )


def terms_of(conf: Conf) -> Terms:
    return Terms(
        take_profit=conf.take_profit,
        measured_from=conf.take_profit_from,
        trailing=conf.trailing,
        stop_loss=conf.stop_loss,
        active=conf.active,
        close_after=conf.close_after,
        close_signal=conf.close_signal or "",
    )


def end_deal(desk: Desk, conf: Conf, ctx: Ctx, deal: Deal) -> None:
    """Put an ended deal into the sums; one that bought nothing does not count."""
    ctx.deal = None
    if not deal.base.filled:
        refused = deal.base.state is OrderState.REJECTED
        ctx.number -= 1
        ctx.rests_until = desk.now() + (NOTHING_BOUGHT_PAUSE if refused else conf.cooldown)
        return
    brought = deal.result.realised
    ctx.earned += brought
    ctx.ended = deal.stopped_out and conf.after_stop == "end"
    ctx.rests_until = desk.now() + conf.cooldown
    desk.tell(
        Kind.RESULT,
        f"deal {ctx.number} ({deal.why}) brought {readable(brought)} {deal.quote_asset} with "
        f"{deal.averaged} averaging orders; in all {readable(ctx.earned)} {deal.quote_asset}",
    )


# --- what a section may not say


def _wrong_steps(conf: Conf) -> Iterator[str]:
    if conf.steps and (conf.safety_orders or conf.safety_order):
        yield "give either `steps` or `safety_order` and `safety_orders`"
    if not conf.steps and bool(conf.safety_orders) != (conf.safety_order is not None):
        yield "`safety_orders` (how many) and `safety_order` (how large) belong together"
    if conf.base_below and conf.base_type == "MARKET":
        yield '`base_below` is for "base_type": "LIMIT"'
    yield from contradictions(conf.purchases)


def _wrong_exits(conf: Conf) -> Iterator[str]:
    kept = (ONE + conf.least_profit) * (ONE - conf.fee_rate)
    if kept <= 1:
        when = "" if conf.take_profit_from == "average" else " once all averaging orders are bought"
        yield (
            f"a take profit of {in_percent(conf.take_profit)} does not cover the fee of the sale"
            f"{when}"
        )
    elif conf.trailing is not None and kept * (ONE - conf.trailing) <= 1:
        yield (
            f"trailing {in_percent(conf.trailing)} behind a profit of "
            f"{in_percent(conf.take_profit)} may sell below what the coins cost"
        )
    deepest = max((each.deviation for each in conf.purchases), default=ZERO)
    if conf.stop_loss is not None and conf.stop_loss <= deepest < 1:
        yield (
            f"a stop {in_percent(conf.stop_loss)} below the base order would sell before the last "
            f"averaging order buys, {in_percent(deepest)} below it"
        )
    if conf.after_stop == "end" and conf.stop_loss is None:
        yield "`after_stop` needs a `stop_loss`"


# --- what `check` says of it


def _told_entries(conf: Conf) -> str:
    how = "at market" if conf.base_type == "MARKET" else "by a limit order"
    once = f" once {conf.start}" if str(conf.start) else ""
    text, averaging = f"Buys {conf.base_order} of {conf.symbol} {how}{once}", conf.purchases
    if not averaging:
        return f"{text}."
    return (
        f"{text}, then up to {len(averaging)} averaging orders, from {averaging[0].size} "
        f"{in_percent(averaging[0].deviation)} below it to {averaging[-1].size} "
        f"{in_percent(averaging[-1].deviation)} below, {conf.active} at the exchange at a time."
    )


def _told_exits(conf: Conf) -> str:
    of = "all that was paid" if conf.take_profit_from == "average" else "the base order"
    text = f"Sells all of it for a profit of {in_percent(conf.take_profit)} of {of}"
    if conf.trailing is not None:
        text += f", which a stop {in_percent(conf.trailing)} below the highest price follows"
    net = (ONE + conf.least_profit) * (ONE - conf.fee_rate) - ONE
    text += f" (after fees at least {in_percent(net)} of what was paid)"
    text += {0: "; again and again.", 1: "; once."}.get(conf.deals, f"; {conf.deals} deals.")
    rests = "Its take profit" if conf.trailing is None else "Once in profit, its stop"
    return f"{text} {rests}{' and its stop rest' if conf.stop_loss else ' rests'} at the exchange."


def _told_worst_case(conf: Conf) -> str:
    text = f"At most it spends {spent_at_most(conf.plan)} at a time."
    if conf.stop_loss is None:
        return f"{text} Worst case: there is no stop, so all of that may lose its value."
    if not is_of_one_unit(conf.plan):
        return f"{text} Worst case: the stop sells {in_percent(conf.stop_loss)} below the base."
    sold = (ONE - conf.stop_loss) * (ONE - conf.fee_rate) ** 2
    lost = in_percent(ONE - sold / average(conf.plan))
    return f"{text} Worst case: the stop sells with a loss of {lost}, more if the price gaps."
