"""Buy a dip, sell the rebound or stop out, begin again."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from lib.closing_order import PAUSE
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO
from lib.machine import Context, Machine
from lib.money import SymbolRules, plain
from lib.news import Kind, readable
from lib.orders import PROBED, Order, OrderState, add_order
from lib.settings import Milliseconds, Settings
from lib.sizes import Size

Fraction = Annotated[Decimal, Field(gt=0, lt=1)]


class Conf(Settings):
    symbol: str
    quantity: Size  # bought per lap: 0.001 coins, "50 USDT", "25%" of the wallet
    dip: Fraction  # 0.02: buy two percent below the market
    rebound: Annotated[Decimal, Field(gt=0)]  # 0.03: sell three percent above the buy
    stop: Fraction | None = None  # 0.05: sell at market five percent below the buy
    patience: Milliseconds = 600_000  # how long a buy may wait before it is planned anew
    laps: Annotated[int, Field(ge=0)] = 0  # 0: for ever

    @property
    def plan_text(self) -> str:
        stop = f", or at market {percent(self.stop)} below it" if self.stop else ""
        laps = {0: "again and again", 1: "once"}.get(self.laps, f"{self.laps} times")
        return (
            f"Buys {self.quantity} of {self.symbol} {percent(self.dip)} below the market, "
            f"sells {percent(self.rebound)} above the buy{stop}; {laps}, one position at a time."
        )


class Terms(Context):
    """What the running lap began with: a changed conf counts from the next one."""

    rebound: Decimal
    stop: Decimal | None


class Ctx(Context):
    lap: int = 1
    terms: Terms | None = None
    buy: Order | None = None
    sells: list[Order] = []  # the rebound first; at market what a stop left over
    earned: Decimal = ZERO  # quote asset over all laps, less fees taken in quote

    @property
    def holding(self) -> str:
        if self.buy is None:
            return ""
        left = self.buy.executed - sold(self)
        return f"{plain(left)} bought of {self.buy.symbol}" if left > 0 else ""


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    while ctx.buy or not conf.laps or ctx.lap <= conf.laps:  # a lap that began is finished
        ctx.terms = ctx.terms or Terms(rebound=conf.rebound, stop=conf.stop)
        ctx.buy = ctx.buy or plan_buy(desk, conf, ctx.lap, await desk.price(conf.symbol))
        async for ctx.buy in add_order(desk.exchange, ctx.buy):
            yield ctx

        rules = desk.rules(ctx.buy.symbol)
        while sellable(rules, ctx):
            if not ctx.sells or ctx.sells[-1].final:
                await desk.until(next_try(ctx.sells))
                ctx.sells = [*kept(ctx.sells), plan_sell(desk, rules, ctx)]
            async for ctx.sells[-1] in add_order(desk.exchange, ctx.sells[-1]):
                yield ctx

        if ctx.buy.filled:
            ctx.lap, ctx.earned = ctx.lap + 1, ctx.earned + lap_result(rules, ctx)
            tell_result(desk, rules, ctx)
        elif ctx.buy.state is OrderState.REJECTED:
            raise Halt(f"the buy was refused: {ctx.buy.reason}")
        ctx.terms, ctx.buy, ctx.sells = None, None, []
        yield ctx


def plan_buy(desk: Desk, conf: Conf, lap: int, market: Decimal) -> Order:
    price = desk.rules(conf.symbol).round_price(market * (1 - conf.dip), "BUY")
    quantity = desk.quantity(conf.quantity, conf.symbol, side="BUY", price=price)
    desk.tell(Kind.PLAN, f"lap {lap}: buy {plain(quantity)} at {plain(price)}, the dip")
    return Order(
        symbol=conf.symbol,
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity=quantity,
        price=price,
        give_up_at=desk.now() + conf.patience,
        loss_at=price * (1 - conf.stop) if conf.stop else None,
    )


def plan_sell(desk: Desk, rules: SymbolRules, ctx: Ctx) -> Order:
    """Sell at the rebound while the stop was not hit; then what is left, at market."""
    assert ctx.buy is not None
    assert ctx.terms is not None
    quantity = unsold(rules, ctx)
    if any(sell.reason != PROBED and not expired(sell) for sell in kept(ctx.sells)):
        desk.tell(Kind.PLAN, f"lap {ctx.lap}: stopped out, sell {plain(quantity)} at market")
        return Order(symbol=rules.symbol, side="SELL", type="MARKET", quantity=quantity)
    bought_at = ctx.buy.average_price
    price = rules.round_price(bought_at * (1 + ctx.terms.rebound), "SELL")
    desk.tell(Kind.PLAN, f"lap {ctx.lap}: sell {plain(quantity)} at {plain(price)}, the rebound")
    return Order(
        symbol=rules.symbol,
        side="SELL",
        type="LIMIT",
        time_in_force="GTC",
        quantity=quantity,
        price=price,
        give_up_below=None if ctx.terms.stop is None else bought_at * (1 - ctx.terms.stop),
    )


def percent(fraction: Decimal) -> str:
    return f"{plain(fraction * 100)} %"


def kept(sells: list[Order]) -> list[Order]:
    """Drop plans that never left. Raises Halt for a sell that somebody else ended."""
    for sell in sells:
        by_us = sell.state in {OrderState.FILLED, OrderState.ABANDONED} or sell.cancel_id
        if sell.final and not by_us and not expired(sell) and sell.type != "MARKET":
            raise Halt(f"bought, but the sell was {sell.state}: {sell.reason or 'not by this bot'}")
        if sell.state is OrderState.REJECTED:
            raise Halt(f"bought, but the sell was refused: {sell.reason}")
    return [sell for sell in sells if sell.state is not OrderState.ABANDONED]


def expired(sell: Order) -> bool:
    """Say whether the exchange itself ended it: an order of the same account would have met it."""
    return sell.state is OrderState.EXPIRED and sell.type != "MARKET" and not sell.cancel_id


def next_try(sells: list[Order]) -> int:
    """Answer when what is left may be sold; exchange ms. What expired meets nobody at once."""
    ended = sells[-1] if sells else None
    return ended.ended_at + PAUSE if ended and ended.state is OrderState.EXPIRED else 0


def sold(ctx: Ctx) -> Decimal:
    return sum((sell.executed for sell in ctx.sells), ZERO)


def unsold(rules: SymbolRules, ctx: Ctx) -> Decimal:
    """Answer what can still be sold: bought, less the fee taken in coins, in whole lots."""
    assert ctx.buy is not None
    left = ctx.buy.executed - ctx.buy.commission(rules.base_asset) - sold(ctx)
    return rules.round_quantity(max(left, ZERO), "MARKET")


def sellable(rules: SymbolRules, ctx: Ctx) -> bool:
    """Say whether something is left that the exchange would take; less is dust."""
    if ctx.sells and not ctx.sells[-1].final:
        return True
    quantity = unsold(rules, ctx)
    if ctx.buy is None or not quantity:
        return False
    plan = Order(symbol=rules.symbol, side="SELL", type="MARKET", quantity=quantity)
    return not rules.complaints(plan, reference_price=ctx.buy.average_price)


def lap_result(rules: SymbolRules, ctx: Ctx) -> Decimal:
    assert ctx.buy is not None
    orders = [ctx.buy, *ctx.sells]
    fees = sum((order.commission(rules.quote_asset) for order in orders), ZERO)
    return sum((sell.executed_quote for sell in ctx.sells), ZERO) - ctx.buy.executed_quote - fees


def tell_result(desk: Desk, rules: SymbolRules, ctx: Ctx) -> None:
    brought, total = lap_result(rules, ctx), ctx.earned
    desk.tell(
        Kind.RESULT,
        f"lap {ctx.lap - 1} brought {readable(brought)} {rules.quote_asset}; "
        f"in all {readable(total)} {rules.quote_asset}",
    )
