"""Trade inside a range: buy a step away from the price, sell a step away from the buy, by OCOs."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from lib.amounts import in_percent
from lib.desk import Desk
from lib.exchange import ZERO
from lib.exits.position import Ending, Position, hold_position, plan_position
from lib.machine import Context, Machine
from lib.money import plain
from lib.news import Kind, readable
from lib.oco import plan_oco
from lib.order_lists import OrderList, add_list
from lib.orders import OrderState
from lib.settings import Milliseconds, Settings
from lib.sizes import Size

Fraction = Annotated[Decimal, Field(gt=0, lt=1)]
Price = Annotated[Decimal, Field(gt=0)]
ONE = Decimal(1)
REFUSED_PAUSE = 600_000  # ms until a buy that was refused is tried again
PART_PATIENCE = 10_000  # ms that a buy filled in part may rest: its part has no stop meanwhile


class Conf(Settings):
    symbol: str
    quantity: Size
    bottom: Price
    top: Price
    away: Fraction  # 0.01: buy one percent below or above the price, sell that far from the buy
    stop: Fraction | None = None  # below the buy; as far as `away` without it
    patience: Annotated[Milliseconds, Field(ge=10_000)] = 3_600_000  # then a buy is planned anew
    pause: Milliseconds = 60_000  # after a lap that ended by its stop
    laps: Annotated[int, Field(ge=0)] = 0  # 0: for ever
    fee_rate: Annotated[Decimal, Field(ge=0, lt=Decimal("0.1"))] = Decimal("0.001")

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        wrong = []
        if self.bottom >= self.top:
            wrong.append(f"the bottom ({plain(self.bottom)}) must be below the top")
        elif inner(self)[0] >= inner(self)[1]:
            wrong.append(
                f"the range is {in_percent(self.top / self.bottom - ONE)} wide: two steps of "
                f"{in_percent(self.away)}, one down and one up, do not fit into it"
            )
        if (ONE + self.away) * (ONE - self.fee_rate) ** 2 <= 1:
            wrong.append(
                f"a step of {in_percent(self.away)} does not cover the fees of "
                f"{in_percent(2 * self.fee_rate)}"
            )
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def below(self) -> Decimal:
        """How far below the buy the stop stands."""
        return self.away if self.stop is None else self.stop

    @property
    def plan_text(self) -> str:
        laps = {0: "again and again", 1: "once"}.get(self.laps, f"{self.laps} times")
        lost = ONE - (ONE - self.below) * (ONE - self.fee_rate) ** 2
        step, below = in_percent(self.away), in_percent(self.below)
        return (
            f"Between {plain(self.bottom)} and {plain(self.top)}, buys {self.quantity} of "
            f"{self.symbol} {step} below the price or {step} above it, whichever comes first, and "
            f"sells it {step} above the buy or at market {below} below it; {laps}, one position "
            f"at a time. Both are OCOs at the exchange. At most it spends {self.quantity} at a "
            f"time; worst case, each lap stops with a loss of {in_percent(lost)}, more if the "
            "price gaps."
        )


class Ctx(Context):
    lap: int = 1
    buy: OrderList | None = None
    away: Decimal = ZERO  # what the lap began with
    below: Decimal = ZERO
    position: Position | None = None
    rests_until: int = 0  # exchange ms
    earned: Decimal = ZERO  # quote asset over all laps, less fees taken in the symbol's assets

    @property
    def holding(self) -> str:
        if self.position is not None:
            return self.position.holding
        bought = ZERO if self.buy is None else self.buy.bought
        return f"{plain(bought)} just bought" if bought else ""


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while ctx.buy or ctx.position or not conf.laps or ctx.lap <= conf.laps:
        if ctx.position is None:
            if ctx.buy is None:
                await desk.until(ctx.rests_until)
                plan_buy(desk, conf, ctx, await price_inside(desk, conf))
            assert ctx.buy is not None
            async for ctx.buy in add_list(desk.exchange, ctx.buy):
                end_soon(desk, ctx.buy)
                yield ctx
            begin_position(desk, conf, ctx, ctx.buy)
            yield ctx
        else:
            async for ctx.position in hold_position(desk, ctx.position):
                yield ctx
            end_lap(desk, conf, ctx, ctx.position)
            yield ctx


async def price_inside(desk: Desk, conf: Conf) -> Decimal:
    """Wait until both buys would lie in the range; answer the price."""
    low, high = inner(conf)
    while True:
        price = await desk.price(conf.symbol)
        if low <= price <= high:
            return price
        if price < low:
            await desk.crossing(conf.symbol, above=low)
        else:
            await desk.crossing(conf.symbol, below=high)


def inner(conf: Conf) -> tuple[Decimal, Decimal]:
    """Answer the prices from which a step down, and a step up, ends at a border of the range."""
    return conf.bottom / (ONE - conf.away), conf.top / (ONE + conf.away)


def plan_buy(desk: Desk, conf: Conf, ctx: Ctx, price: Decimal) -> None:
    """Plan to buy a step below or above the price, whichever comes first."""
    low, high = price * (ONE - conf.away), price * (ONE + conf.away)
    quantity = desk.quantity(conf.quantity, conf.symbol, side="BUY", price=high)
    ctx.away, ctx.below = conf.away, conf.below
    ctx.buy = plan_oco(
        desk.rules(conf.symbol),
        side="BUY",
        quantity=quantity,
        take_profit=low,
        stop=high,
        last=price,
        give_up_at=desk.now() + conf.patience,
        comment=f"lap {ctx.lap}",
    )
    words = f"buy {plain(quantity)} at {readable(low)} or {readable(high)}"
    desk.tell(Kind.PLAN, f"lap {ctx.lap}: {words}")


def end_soon(desk: Desk, buy: OrderList) -> None:
    """Have a buy that is filled in part not wait for the rest: its part has no stop meanwhile."""
    for leg in buy.legs:
        if leg.filled and not leg.final and leg.give_up_at is not None:
            leg.give_up_at = min(leg.give_up_at, leg.fills[0].time + PART_PATIENCE)


def begin_position(desk: Desk, conf: Conf, ctx: Ctx, buy: OrderList) -> None:
    """Have what was bought be sold by an OCO of its own; nothing bought is planned anew."""
    entry, ctx.buy = buy.done_by, None
    if entry is None:
        refused = buy.state is OrderState.REJECTED
        ctx.rests_until = desk.now() + REFUSED_PAUSE if refused else 0
        return
    at = entry.average_price
    take_profit, stop = at * (ONE + ctx.away), at * (ONE - ctx.below)
    rules = desk.rules(entry.symbol)
    ctx.position = plan_position(rules, entry, take_profit=take_profit, stop=stop)
    words = f"sell at {readable(take_profit)}, or at market at {readable(stop)}"
    desk.tell(Kind.PLAN, f"lap {ctx.lap}: bought at {readable(at)}, {words}")


def end_lap(desk: Desk, conf: Conf, ctx: Ctx, position: Position) -> None:
    result, lap, ctx.position = position.result, ctx.lap, None
    ctx.lap, ctx.earned = lap + 1, ctx.earned + result.realised
    ctx.rests_until = desk.now() + conf.pause if position.ending is Ending.STOP else 0
    quote = position.quote_asset
    desk.tell(
        Kind.RESULT,
        f"lap {lap} ({position.ending}) brought {readable(result.realised)} {quote}; in all "
        f"{readable(ctx.earned)} {quote}",
    )
