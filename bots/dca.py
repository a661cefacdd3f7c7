"""Buy, buy more as the price falls, sell all of it at a profit over the average, begin again."""

from decimal import Decimal

from lib.deals.averaging import ONE
from lib.deals.deal import Deal, hold_deal, plan_deal, too_small
from lib.deals.occasion import occasion_of, take_occasion
from lib.deals.settings import DealSettings
from lib.deals.words import words_of
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO
from lib.machine import Context, Machine
from lib.money import plain
from lib.news import Kind, readable
from lib.orders import Order, OrderState

NOTHING_BOUGHT_PAUSE = 600_000  # ms until a base order that was refused is tried again


class Conf(DealSettings):
    """lib/deals/settings.py says what belongs together."""

    @property
    def plan_text(self) -> str:
        return words_of(self)


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
    deal = plan_deal(rules, base, conf.purchases, conf.terms, base.price or price)
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
