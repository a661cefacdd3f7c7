"""Ending everything of a bot: its orders canceled, its coins sold, then nothing.

A machine of its own, driven in place of the bot's, in the bot's file and under its birth and its
counter. What the bot remembered stays in `before`, as text: nobody looks for orders in there. What
was under way is taken from it once, as the person says so, and followed to its end by the machines
that know how; so no doubt is skipped. Then what the bot's own fills left is sold at market, or
bought back, until the rest is too small for the exchange.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import orjson

from lib.closing_order import PAUSE, plan_closing
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO, Side
from lib.machine import Context, Machine, together
from lib.money import MARKET_MARGIN, plain
from lib.news import Kind
from lib.order_lists import OrderList, add_list
from lib.order_words import describe
from lib.orders import FINAL, Order, OrderState, add_order, is_order
from lib.settings import Settings

WHY: Final = "flattened by you"
TAKEN_OUT: Final = "taken out of conf.json by you"
REFUSALS_MAX: Final = 2  # in a row: one may be due to news that are late
_LIST_MARKS: Final = frozenset({"kind", "symbol", "legs", "state", "token"})


class Flatten(Context):
    """What is ended, and how far that is."""

    before: str = ""  # the bot's context, JSON, as it was
    orders: list[Order] = []  # that were under way
    lists: list[OrderList] = []
    sale: Order | None = None
    sell_at: int = 0  # exchange ms before which no sale is tried after one that nobody took
    refusals: int = 0  # in a row
    refused: str = ""  # why the last sale was refused
    refused_at: int = 0  # how many releases there had been; another one lets it go on
    sells: bool = True  # no: the orders are canceled, and that is all
    only_free: bool = False  # after a release: no more is dealt in than is free in the account
    left: dict[str, Decimal] = {}  # base by symbol, too small to be sold or not there any more
    over: bool = False

    @property
    def holding(self) -> str:
        """Say that it is not over."""
        return "" if self.over else "orders or coins that are being ended"


def plan_flatten(context: Any) -> Flatten:
    """Plan the end of all that a bot's context, as JSON has it, says is under way."""
    return _planned(context, why=WHY, sells=True)


def plan_cancels(context: Any) -> Flatten:
    """Plan the end of its orders alone: what the bot holds stays."""
    return _planned(context, why=TAKEN_OUT, sells=False)


def _planned(context: Any, *, why: str, sells: bool) -> Flatten:
    found = list(_under_way(context))
    plan = Flatten(
        before=orjson.dumps(context).decode(),
        sells=sells,
        orders=list({o.id: o for o in found if isinstance(o, Order)}.values()),
        lists=list({o.id: o for o in found if isinstance(o, OrderList)}.values()),
    )
    for order in plan.orders:
        order.give_up = order.give_up or why
    for order_list in plan.lists:
        order_list.give_up = order_list.give_up or why
    return plan


async def flatten(desk: Desk, conf: Settings, ctx: Flatten) -> Machine[Flatten]:
    """End what is under way, then sell. Raises Halt where a sale is refused."""
    exchange = desk.exchange
    orders = (add_order(exchange, order) for order in ctx.orders)
    lists = (add_list(exchange, order_list) for order_list in ctx.lists)
    async for _ in together(*orders, *lists):
        yield ctx

    while sale := ctx.sale or await _plan_sale(desk, ctx):
        ctx.sale = sale
        async for ctx.sale in add_order(exchange, ctx.sale):
            yield ctx
        _settle(desk, ctx)
        yield ctx

    if not ctx.over:
        ctx.over = True
        yield ctx
        desk.tell(Kind.RESULT, f"flattened{_left_over(desk, ctx)}" if ctx.sells else _kept(desk))


async def _plan_sale(desk: Desk, ctx: Flatten) -> Order | None:
    """Plan the next order that closes something; None once nothing is left but dust."""
    if not ctx.sells:
        return None
    _heed_person(desk, ctx)
    await desk.until(ctx.sell_at)
    for symbol, held in _held(desk):
        if ctx.left.get(symbol) != held:
            sale = _sale_of(desk, ctx, symbol, await desk.price(symbol))
            if sale is not None:
                return sale
            ctx.left = {**ctx.left, symbol: desk.wallet.position(symbol).quantity}
    return None


def _held(desk: Desk) -> list[tuple[str, Decimal]]:
    """Answer what fills left; what is to be sold comes first, it pays for what is bought back."""
    held = [(symbol, each.quantity) for symbol, each in desk.wallet.positions.items()]
    return sorted((each for each in held if each[1]), key=lambda each: (each[1] < 0, each[0]))


def _heed_person(desk: Desk, ctx: Flatten) -> None:
    """Raise Halt after a second refusal in a row, until a person released the bot."""
    if ctx.refusals < REFUSALS_MAX:
        return
    if desk.releases == ctx.refused_at:
        raise Halt(ctx.refused)
    ctx.refusals, ctx.only_free = 0, True


def _sale_of(desk: Desk, ctx: Flatten, symbol: str, price: Decimal) -> Order | None:
    """Plan the order that closes a position, or as much of it as one order may; None: dust."""
    rules, held = desk.rules(symbol), desk.wallet.position(symbol).quantity
    side: Side = "SELL" if held > 0 else "BUY"
    amount = min(abs(held), _free(desk, symbol, side, price)) if ctx.only_free else abs(held)
    sale = plan_closing(rules, side, amount, price, WHY)
    if sale is not None:
        much = f"{plain(sale.quantity or ZERO)} {rules.base_asset}"
        desk.tell(Kind.PLAN, f"{WHY}: {side.lower()} {much} at market")
    return sale


def _free(desk: Desk, symbol: str, side: Side, price: Decimal) -> Decimal:
    """Answer how much base can be sold, or paid for at worst, with what is there."""
    if side == "SELL":
        return desk.wallet.free_to_sell(symbol)
    return desk.wallet.free_to_buy(symbol) / (price * (1 + MARKET_MARGIN))


def _settle(desk: Desk, ctx: Flatten) -> None:
    """Judge the sale that has ended."""
    sale, ctx.sale = ctx.sale, None
    assert sale is not None
    if sale.filled:
        ctx.refusals = 0
        return
    ctx.sell_at = desk.now() + PAUSE  # nobody took it at this moment, or it was refused
    if sale.state in {OrderState.REJECTED, OrderState.LOST}:
        ctx.refusals, ctx.refused_at = ctx.refusals + 1, desk.releases
        ctx.refused = f"{WHY}, but {describe(sale)} was {sale.state}: {sale.reason}"


def _left_over(desk: Desk, ctx: Flatten) -> str:
    left = [
        f"{plain(quantity)} {desk.rules(symbol).base_asset}"
        for symbol, quantity in ctx.left.items()
        if quantity and desk.wallet.position(symbol).quantity == quantity
    ]
    return f"; left is {', '.join(left)}, too little to be traded or not there" if left else ""


def _kept(desk: Desk) -> str:
    """Say what a bot still holds whose orders were canceled."""
    held = [
        f"{plain(position.quantity)} {desk.rules(symbol).base_asset}"
        for symbol, position in sorted(desk.wallet.positions.items())
        if position.quantity
    ]
    left = f"; it keeps {', '.join(held)}, which nothing protects" if held else ""
    return f"its orders are canceled, nothing was sold{left}"


def _under_way(context: Any) -> Iterator[Order | OrderList]:
    """Find what the exchange has, or may have. A plan was never sent and is dropped."""
    if isinstance(context, dict) and context.keys() >= _LIST_MARKS:
        yield from _begun([OrderList.model_validate_json(orjson.dumps(context))])
    elif is_order(context):
        yield from _begun([Order.model_validate_json(orjson.dumps(context))])
    elif isinstance(context, dict):
        for value in context.values():
            yield from _under_way(value)
    elif isinstance(context, list):
        for value in context:
            yield from _under_way(value)


def _begun(found: list[Any]) -> Iterator[Order | OrderList]:
    yield from (each for each in found if each.state not in FINAL | {OrderState.PLANNED})
