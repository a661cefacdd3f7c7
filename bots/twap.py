"""Work a large order in slices over a time, so that the market hardly notices it."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lib.closing_order import in_one_order, is_dust
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO, Side
from lib.machine import Context, Machine
from lib.money import MARKET_MARGIN, SymbolRules, plain
from lib.news import Kind, readable
from lib.orders import Order, add_order
from lib.settings import Milliseconds, Settings
from lib.sizes import Size
from lib.turnover import Turnover, book

LAST_CALL = 60_000  # ms within which an order at market is sent, at least


class Conf(Settings):
    symbol: str
    side: Side
    quantity: Size  # the whole of it
    duration: Annotated[Milliseconds, Field(ge=1_000)]
    slices: Annotated[int, Field(ge=2, le=10_000)]
    by: Literal["MARKET", "LIMIT"] = "LIMIT"  # LIMIT: at the best price of its own side
    bound: Annotated[Decimal, Field(gt=0)] | None = None  # never buys dearer, sells cheaper
    at_end: Literal["market", "leave"] = "leave"  # what is left when the time is over

    @property
    def sells_your_coins(self) -> bool:
        return self.side == "SELL"  # the one order is the person's own word

    @model_validator(mode="after")
    def _has_time_for_each(self) -> Self:
        if self.duration // self.slices < 1_000:
            raise ValueError(
                f"{self.slices} slices in {self.duration // 1_000} s are more than one a second"
            )
        return self

    @property
    def plan_text(self) -> str:
        how = "at market" if self.by == "MARKET" else "by limits at the best price of its side"
        minutes = plain(Decimal(self.duration // self.slices) / 60_000)
        word = "dearer" if self.side == "BUY" else "cheaper"
        bound = f", never {word} than {plain(self.bound)}" if self.bound else ""
        end = "goes at market" if self.at_end == "market" else "is left undone"
        return (
            f"{self.side.title()}s {self.quantity} of {self.symbol} in {self.slices} slices "
            f"{how}, one every {minutes} minutes{bound}; what is left then {end}. At most it "
            "trades that much; worst case, the price moves against it meanwhile."
        )


class Ctx(Context):
    began_at: int = 0  # exchange ms; 0: not begun
    side: Side = "BUY"
    ends_at: int = 0
    slices: int = 0
    quantity: Decimal = ZERO  # base, the whole of it
    turn: int = 0  # slices begun, or passed over
    slice: Order | None = None
    done: Turnover = Turnover()

    @property
    def executed(self) -> Decimal:
        """Base bought or sold by all slices."""
        return self.done.bought + self.done.sold + (self.slice.executed if self.slice else ZERO)

    @property
    def holding(self) -> str:
        if not self.executed:
            return ""
        return f"{plain(self.executed)} of {plain(self.quantity)} done, slice {self.turn}"


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if not ctx.began_at:
        begin(desk, conf, ctx, await desk.price(conf.symbol))
        yield ctx
    while ctx.slice or ctx.turn <= ctx.slices:
        if ctx.slice is None:
            await desk.until(starts_at(ctx, ctx.turn))
            quote = await desk.quote(conf.symbol)
            take_turn(desk, conf, ctx, quote.bid, quote.ask)
        if ctx.slice is not None:
            async for ctx.slice in add_order(desk.exchange, ctx.slice):
                yield ctx
            book(ctx.done, ctx.slice, desk.rules(conf.symbol))
            ctx.slice = None
        yield ctx
    desk.tell(Kind.RESULT, result(desk.rules(conf.symbol), ctx))


def begin(desk: Desk, conf: Conf, ctx: Ctx, price: Decimal) -> None:
    """Fix how much and until when. Raises Halt for slices that the exchange would refuse."""
    rules = desk.rules(conf.symbol)
    dearest = conf.bound if conf.bound and conf.side == "BUY" else price * (1 + MARKET_MARGIN)
    whole = desk.quantity(conf.quantity, conf.symbol, side=conf.side, price=dearest)
    if is_dust(rules, conf.side, whole / conf.slices, price):
        raise Halt(
            f"{plain(whole)} {rules.base_asset} in {conf.slices} slices are too small for the "
            "exchange: fewer slices, or more of it"
        )
    ctx.side, ctx.quantity, ctx.slices = conf.side, whole, conf.slices
    ctx.began_at, ctx.ends_at = desk.now(), desk.now() + conf.duration
    desk.tell(Kind.PLAN, f"{conf.side.lower()} {plain(whole)} in {conf.slices} slices")


def starts_at(ctx: Ctx, turn: int) -> int:
    return ctx.began_at + (ctx.ends_at - ctx.began_at) * turn // ctx.slices


def take_turn(desk: Desk, conf: Conf, ctx: Ctx, bid: Decimal, ask: Decimal) -> None:
    """Plan the slice that is due; those whose time has passed leave theirs to the rest."""
    now = desk.now()
    while ctx.turn < ctx.slices and starts_at(ctx, ctx.turn + 1) <= now:
        ctx.turn += 1
    turns_left = ctx.slices - ctx.turn
    ctx.turn += 1
    left, until = ctx.quantity - ctx.executed, starts_at(ctx, ctx.turn)
    if turns_left and conf.by == "LIMIT":
        ctx.slice = plan_limit(desk, conf, ctx.side, left / turns_left, bid, ask, until)
    elif turns_left or conf.at_end == "market":
        wanted, price = left / max(turns_left, 1), ask if ctx.side == "BUY" else bid
        ctx.slice = plan_market(desk, conf, ctx.side, wanted, price, max(until - now, LAST_CALL))


def plan_limit(
    desk: Desk, conf: Conf, side: Side, wanted: Decimal, bid: Decimal, ask: Decimal, until: int
) -> Order | None:
    """Plan a slice at the best price of its own side, or at the bound; None: not worth an order."""
    rules = desk.rules(conf.symbol)
    best = min(bid, conf.bound or bid) if side == "BUY" else max(ask, conf.bound or ask)
    quantity = rules.round_quantity(wanted, "LIMIT")
    if is_dust(rules, side, quantity, best):
        return None
    return Order(
        symbol=conf.symbol,
        side=side,
        type="LIMIT",
        time_in_force="GTC",
        quantity=quantity,
        price=rules.round_price(best, side),
        give_up_at=until,
    )


def plan_market(
    desk: Desk, conf: Conf, side: Side, wanted: Decimal, price: Decimal, valid_for: int
) -> Order | None:
    """Plan a slice at market; None where it would trade beyond the bound, or is too small."""
    rules = desk.rules(conf.symbol)
    quantity = in_one_order(rules, wanted, price)
    beyond = conf.bound is not None and (
        price > conf.bound if side == "BUY" else price < conf.bound
    )
    if beyond or is_dust(rules, side, quantity, price):
        return None
    return Order(
        symbol=conf.symbol, side=side, type="MARKET", quantity=quantity, valid_for=valid_for
    )


def result(rules: SymbolRules, ctx: Ctx) -> str:
    done, left = ctx.executed, ctx.quantity - ctx.executed
    if not done:
        return f"nothing of {plain(ctx.quantity)} {rules.base_asset} was done"
    average = readable((ctx.done.paid + ctx.done.received) / done)
    verb = "bought" if ctx.side == "BUY" else "sold"
    rest = f"; {plain(left)} are left" if left else ""
    fees = ", ".join(f"{readable(fee)} {asset}" for asset, fee in ctx.done.fees.items())
    return f"{verb} {plain(done)} {rules.base_asset} at {average} on average, fees {fees}{rest}"
