"""Keep the parts of a portfolio where they belong: sell what grew too large, buy what lacks."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from lib.amounts import in_percent
from lib.budget import Asset
from lib.closing_order import in_one_order, is_dust
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO, Side
from lib.machine import Context, Machine, together
from lib.money import plain
from lib.news import Kind, readable
from lib.orders import Order, OrderState, add_order
from lib.settings import Milliseconds, Settings
from lib.turnover import Turnover, book

SOON = 60_000  # ms until a round that was cut short is looked at again
Weight = Annotated[Decimal, Field(ge=0, le=1)]


class Conf(Settings):
    quote: Asset = "USDT"  # what the others are bought for; its own weight is kept in hand
    weights: Annotated[dict[Asset, Weight], Field(min_length=1)]  # 0.4: 40 % of the value
    band: Annotated[Decimal, Field(gt=0, lt=1)] = Decimal("0.05")  # away from the weight, of all
    period: Annotated[Milliseconds, Field(ge=10_000)] = 86_400_000  # between two looks
    least: Annotated[Decimal, Field(ge=0)] = Decimal(10)  # smaller trades, in quote, are left out
    rounds: Annotated[int, Field(ge=0)] = 0  # looks in all; 0: for ever

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(f"{asset}{self.quote}" for asset in self.weights if asset != self.quote)

    @model_validator(mode="after")
    def _is_a_whole(self) -> Self:
        total = sum(self.weights.values(), ZERO)
        if total > 1:
            raise ValueError(f"the weights add up to {plain(total * 100)} %")
        if self.quote not in self.weights and total < 1:
            rest = f'"{self.quote}": {plain(1 - total)}'
            raise ValueError(f"the weights add up to {plain(total * 100)} %: name the rest, {rest}")
        if self.quote in self.weights and total != 1:
            raise ValueError(f"the weights add up to {plain(total * 100)} %, not to 100 %")
        if not self.symbols:
            raise ValueError(f"there is nothing to hold beside {self.quote}")
        return self

    @property
    def plan_text(self) -> str:
        parts = ", ".join(f"{plain(part * 100)} % {name}" for name, part in self.weights.items())
        hours = plain(Decimal(self.period) / 3_600_000)
        return (
            f"Keeps its wallet at {parts}: looks every {hours} hours, and once a part is more than "
            f"{plain(self.band * 100)} % of the whole away from its weight, sells at market what "
            f"is too much, then buys what is too little; trades below {plain(self.least)} "
            f"{self.quote} are left out. It needs a `budget` that says what is in the wallet, and "
            "spends no more than that; worst case, the assets lose their value together."
        )


class Ctx(Context):
    round: int = 0  # looks that are over
    next_at: int = 0  # exchange ms of the next look
    sells: list[Order] | None = None  # None: not decided in this round
    buys: list[Order] | None = None
    turnovers: dict[str, Turnover] = {}

    @property
    def holding(self) -> str:
        held = {symbol: each.position for symbol, each in self.turnovers.items() if each.position}
        moved = ", ".join(f"{plain(amount)} in {symbol}" for symbol, amount in held.items())
        return f"moved {moved} over {self.round} rounds" if moved else ""


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    refuse_without_budget(desk, conf)
    while ctx.sells is not None or not conf.rounds or ctx.round < conf.rounds:
        if ctx.sells is None:
            await desk.until(ctx.next_at)
            prices = {symbol: await desk.price(symbol) for symbol in conf.symbols}
            ctx.sells = plan_sells(desk, conf, prices)
            ctx.next_at = desk.now() + conf.period
            if ctx.sells is None:
                ctx.round += 1
                yield ctx
                continue
        async for _ in together(*(add_order(desk.exchange, order) for order in ctx.sells)):
            yield ctx
        if ctx.buys is None:
            prices = {symbol: await desk.price(symbol) for symbol in conf.symbols}
            ctx.buys = plan_buys(desk, conf, prices)
        async for _ in together(*(add_order(desk.exchange, order) for order in ctx.buys)):
            yield ctx
        end_round(desk, conf, ctx, [*ctx.sells, *ctx.buys])
        yield ctx


def refuse_without_budget(desk: Desk, conf: Conf) -> None:
    """Raise Halt unless the wallet says what is to be kept in balance."""
    if desk.wallet.budget is None:
        example = f'"budget": {{"{conf.quote}": 500}}'
        raise Halt(f"say what it may use: {example}, and beside it each asset that is there")


# --- what is out of balance


def values(desk: Desk, conf: Conf, prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Answer what the wallet has of each asset, in quote."""
    value = {conf.quote: desk.wallet.total(conf.quote)}
    for symbol, price in prices.items():
        asset = desk.rules(symbol).base_asset
        value[asset] = desk.wallet.total(asset) * price
    return value


def excesses(conf: Conf, value: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Answer by asset how much more there is than its weight, in quote; below 0 what is missing."""
    whole = sum(value.values(), ZERO)
    return {name: has - whole * conf.weights.get(name, ZERO) for name, has in value.items()}


def plan_sells(desk: Desk, conf: Conf, prices: Mapping[str, Decimal]) -> list[Order] | None:
    """Plan what is sold first; None while every part is within its band."""
    value = values(desk, conf, prices)
    excess, whole = excesses(conf, value), sum(value.values(), ZERO)
    away = {name: amount for name, amount in excess.items() if abs(amount) > conf.band * whole}
    if not away or whole <= 0:
        return None
    named = ", ".join(f"{name} at {in_percent(value[name] / whole)}" for name in sorted(away))
    desk.tell(Kind.PLAN, f"out of balance: {named}, of {readable(whole)} {conf.quote}")
    wanted = {name: amount for name, amount in excess.items() if amount > 0}
    return list(orders_for(desk, conf, "SELL", wanted, prices))


def plan_buys(desk: Desk, conf: Conf, prices: Mapping[str, Decimal]) -> list[Order]:
    """Plan what is bought for what is free beyond the quote's own weight, shared by need."""
    value = values(desk, conf, prices)
    excess = excesses(conf, value)
    missing = {name: -amount for name, amount in excess.items() if amount < 0}
    missing.pop(conf.quote, None)
    needed = sum(missing.values(), ZERO)
    free = min(excess[conf.quote], desk.wallet.free_to_buy(conf.symbols[0]))
    share = min(Decimal(1), max(free, ZERO) / needed) if needed else ZERO
    wanted = {name: amount * share for name, amount in missing.items()}
    return list(orders_for(desk, conf, "BUY", wanted, prices))


def orders_for(
    desk: Desk,
    conf: Conf,
    side: Side,
    wanted: Mapping[str, Decimal],
    prices: Mapping[str, Decimal],
) -> Iterable[Order]:
    """Yield the orders that are worth placing, of amounts in quote."""
    for asset, amount in wanted.items():
        symbol = f"{asset}{conf.quote}"
        if symbol not in prices or amount < max(conf.least, ZERO):
            continue
        rules, price = desk.rules(symbol), prices[symbol]
        quantity = in_one_order(rules, amount / price, price)
        if side == "SELL":
            free = desk.wallet.free_to_sell(symbol)
            quantity = min(quantity, rules.round_quantity(free, "MARKET"))
        if not is_dust(rules, side, quantity, price):
            yield Order(symbol=symbol, side=side, type="MARKET", quantity=quantity)


# --- what it brought


def end_round(desk: Desk, conf: Conf, ctx: Ctx, orders: list[Order]) -> None:
    sums = {symbol: each.model_copy(deep=True) for symbol, each in ctx.turnovers.items()}
    for order in orders:
        if order.filled:
            book(sums.setdefault(order.symbol, Turnover()), order, desk.rules(order.symbol))
    ctx.turnovers, ctx.round = sums, ctx.round + 1
    ctx.sells, ctx.buys = None, None
    if any(order.state is OrderState.ABANDONED for order in orders):  # it was away meanwhile
        ctx.next_at = desk.now() + SOON
    traded = [order for order in orders if order.filled]
    words = ", ".join(
        f"{'sold' if each.side == 'SELL' else 'bought'} {plain(each.executed)} of {each.symbol}"
        for each in traded
    )
    fees = ", ".join(f"{readable(fee)} {asset}" for asset, fee in desk.wallet.fees.items())
    desk.tell(
        Kind.RESULT, f"round {ctx.round}: {words or 'nothing traded'}; fees in all {fees or 'none'}"
    )
