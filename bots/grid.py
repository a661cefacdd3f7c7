"""Buy on each line of a grid, sell one line above, again and again."""

from decimal import ROUND_CEILING, Decimal
from typing import Literal

from lib.bulk_order import BulkOrder, fill_bulk, received
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO
from lib.grid import Grid, run_grid
from lib.grids.cells import (
    PLACES,
    Cells,
    answer_fills,
    coins_of,
    lay,
    money_needed,
    stock_needed,
)
from lib.grids.settings import GridSettings, cells_of
from lib.grids.shift import shift_grid
from lib.machine import Context, Machine, together
from lib.money import MARKET_MARGIN, SymbolRules, plain
from lib.news import Kind, readable
from lib.turnover import Turnover


class Conf(GridSettings):
    """lib/grids/settings.py says what belongs together."""


class Ctx(Context):
    trigger: Decimal | None = None  # the price that is waited for,
    armed: Literal["", "below", "above"] = ""  # and from which side it is to be reached
    cells: Cells | None = None
    stock: BulkOrder | None = None  # what the sells above the price begin with
    grid: Grid | None = None
    told: Decimal = ZERO  # of what was realised
    sale: BulkOrder | None = None  # of all coins, at the end

    @property
    def holding(self) -> str:
        if self.cells is None or (self.sale and self.sale.over and self.sale.executed):
            return ""  # at most dust is left
        coins = _coins(self, self.cells)
        return f"{plain(coins)} {self.cells.base_asset}" if coins > 0 else ""


async def bot(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    if ctx.cells is None:
        async for ctx in await_trigger(desk, conf, ctx):
            yield ctx
        begin(desk, conf, ctx, await desk.price(conf.symbol))
    assert ctx.cells is not None

    if ctx.stock is not None:
        async for ctx.stock in fill_bulk(desk, ctx.stock):
            yield ctx

    ctx.grid = ctx.grid or lay_grid(desk, conf, ctx, ctx.cells)
    fills = answer_fills(desk.rules(ctx.cells.symbol), ctx.cells)
    async for _ in together(run_grid(desk, ctx.grid, fills), shift_grid(desk, ctx.grid, ctx.cells)):
        tell_turns(desk, ctx, ctx.grid)
        yield ctx

    ctx.sale = ctx.sale or plan_end(ctx.grid, ctx.cells)
    async for ctx.sale in fill_bulk(desk, ctx.sale):
        yield ctx
    tell_result(desk, ctx, ctx.grid, ctx.cells)


async def await_trigger(desk: Desk, conf: Conf, ctx: Ctx) -> Machine[Ctx]:
    """Wait for the price that begins the grid. What it did unseen does not count."""
    if conf.trigger is None:
        return
    if ctx.trigger != conf.trigger:
        price = await desk.price(conf.symbol)
        ctx.trigger, ctx.armed = conf.trigger, "above" if price < conf.trigger else "below"
        desk.tell(Kind.PLAN, f"the grid begins once the price comes to {plain(conf.trigger)}")
        yield ctx
    if ctx.armed == "above":
        await desk.crossing(conf.symbol, above=conf.trigger)
    else:
        await desk.crossing(conf.symbol, below=conf.trigger)


def begin(desk: Desk, conf: Conf, ctx: Ctx, price: Decimal) -> None:
    """Plan the cells, and the purchase of what those above the price sell. Raises Halt."""
    rules = desk.rules(conf.symbol)
    cells = cells_of(conf, rules, price)
    needed, pays = stock_needed(rules, cells, price), money_needed(rules, cells, price)
    if conf.coins == "own":
        cells.reserve = Turnover(position=needed, cost=needed * price)
        refuse_too_little(needed, desk.wallet.free_to_sell(conf.symbol), rules.base_asset)
    elif needed:
        ctx.stock = plan_stock(rules, cells, needed)
        pays += needed * price * (1 + MARKET_MARGIN)
    refuse_too_little(pays, desk.wallet.free_to_buy(conf.symbol), rules.quote_asset)
    ctx.cells = cells
    desk.tell(
        Kind.PLAN,
        f"the grid begins at {plain(price)}: {plain(needed)} {rules.base_asset} to be sold above, "
        f"{readable(pays)} {rules.quote_asset} needed",
    )


def refuse_too_little(needed: Decimal, free: Decimal, asset: str) -> None:
    if needed > free:
        raise Halt(f"the grid needs {readable(needed)} {asset}, free for it are {plain(free)}")


def plan_stock(rules: SymbolRules, cells: Cells, needed: Decimal) -> BulkOrder:
    """Plan to buy what is sold later, and the fee that is taken of it, in whole lots."""
    with_fee = (needed / (1 - cells.fee_rate)).quantize(PLACES, ROUND_CEILING)
    quantity = rules.round_quantity(with_fee, "MARKET")
    quantity += max(rules.lot.step, rules.market_lot.step) if quantity < with_fee else 0
    return BulkOrder(symbol=cells.symbol, side="BUY", quantity=quantity, comment="first coins")


def lay_grid(desk: Desk, conf: Conf, ctx: Ctx, cells: Cells) -> Grid:
    if ctx.stock is not None:
        cells.reserve = Turnover(
            position=received(ctx.stock, cells.base_asset, base_asset=cells.base_asset),
            cost=-received(ctx.stock, cells.quote_asset, base_asset=cells.base_asset),
        )
    return lay(desk.rules(cells.symbol), cells, nearest=conf.nearest)


def plan_end(grid: Grid, cells: Cells) -> BulkOrder:
    """Plan to sell all coins, if the price that ended the grid says so; else none."""
    sells = {"below": cells.sells_below, "above": cells.sells_above}.get(grid.stopped_at, False)
    quantity = max(ZERO, coins_of(grid, cells)) if sells else ZERO
    return BulkOrder(symbol=cells.symbol, side="SELL", quantity=quantity, comment=grid.stop)


def tell_turns(desk: Desk, ctx: Ctx, grid: Grid) -> None:
    """Tell what the turns brought, each time that changed."""
    sums = grid.turnover
    if sums.realised != ctx.told and ctx.cells is not None:
        brought = f"{readable(sums.realised - ctx.told)} {ctx.cells.quote_asset}"
        in_all = f"in all {readable(sums.realised)} in {sums.turns} fills"
        ctx.told = sums.realised
        desk.tell(Kind.RESULT, f"a sale brought {brought}; {in_all}")


def tell_result(desk: Desk, ctx: Ctx, grid: Grid, cells: Cells) -> None:
    sums, sale = grid.turnover, ctx.sale
    assert sale is not None
    brought, fees = sums.realised, dict(sums.fees)
    if sale.executed:
        cost = sums.cost + cells.reserve.cost
        brought += received(sale, cells.quote_asset, base_asset=cells.base_asset) - cost
    for bulk in (ctx.stock, sale):
        for asset, fee in bulk.fees.items() if bulk else ():
            fees[asset] = fees.get(asset, ZERO) + fee
    paid = ", ".join(f"{readable(fee)} {asset}" for asset, fee in fees.items()) or "none"
    left = f"; it keeps {readable(kept)} {cells.base_asset}" if (kept := _coins(ctx, cells)) else ""
    desk.tell(
        Kind.RESULT,
        f"the grid has ended: {grid.stop or 'no line is left'}; {sums.turns} fills brought "
        f"{readable(brought)} {cells.quote_asset}, fees {paid}{left}",
    )


def _coins(ctx: Ctx, cells: Cells) -> Decimal:
    """Answer the coins that are there."""
    if ctx.grid is not None:
        sold = ctx.sale.executed if ctx.sale else ZERO
        return coins_of(ctx.grid, cells) - sold
    return received(ctx.stock, cells.base_asset, base_asset=cells.base_asset) if ctx.stock else ZERO
