"""A grid of cells: each buys at its lower line and sells at its upper one, again and again.

A cell is a rung of lib/grid.py, named by its number. What a rung has of coins, the share of the
first purchase included, is its turnover's position; what no rung has is the reserve. So whatever a
grid holds is in its own sums, at what it cost.
"""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Final, Literal, TypeAlias

from lib.amounts import EXACT, remainder
from lib.exchange import ZERO, Side
from lib.grid import Grid, OnFill, Rung
from lib.grids.lines import SHARP, Lines, cell_at, line
from lib.machine import Context
from lib.money import SymbolRules
from lib.orders import Order
from lib.turnover import Turnover

Currency: TypeAlias = Literal["quote", "base"]

PLACES: Final = Decimal("1e-12")  # of a quantity before it is rounded to lots


class Cells(Context):
    """What a grid began with; a changed conf counts for the next grid. One size is given."""

    symbol: str
    base_asset: str
    quote_asset: str
    lines: Lines
    coins: Decimal | None = None  # dealt in each cell
    money: Decimal | None = None  # what buying at the lower line costs, in each cell
    profit_in: Currency = "quote"  # base: a sale is only as large as buying back will cost
    fee_rate: Decimal = ZERO

    begun_at: Decimal  # the price around which its rungs were laid
    stop_below: Decimal | None = None
    stop_above: Decimal | None = None
    sells_below: bool = True  # once the price ended it there, all coins are sold at market
    sells_above: bool = True
    up_until: Decimal | None = None  # the grid follows the price up to here
    down_until: Decimal | None = None  # and down to here, taking its coins along
    endless: bool = False  # rungs are a window on cells without an end above

    reserve: Turnover = Turnover()  # coins that no rung has

    @property
    def numbers(self) -> range:
        """The cells between the lines that were named."""
        return range(self.lines.intervals)


def number_of(rung: Rung) -> int:
    """Answer which cell a rung is."""
    return int(rung.name)


def quantity_in(rules: SymbolRules, cells: Cells, number: int) -> Decimal:
    """Answer how much base a cell deals in, in whole lots."""
    quantity = cells.coins
    if quantity is None:
        assert cells.money is not None
        exact = SHARP.divide(cells.money, line(cells.lines, number))
        quantity = exact.quantize(PLACES, "ROUND_FLOOR")
    return rules.round_quantity(quantity, "LIMIT")


def first_side(lines: Lines, number: int, price: Decimal) -> Side:
    """Answer what a cell does first. The line nearest to the price stays empty.

    Cells below the price buy, those above it sell; the one around it does what is farther away.
    """
    lower, upper = line(lines, number), line(lines, number + 1)
    if upper <= price:
        return "BUY"
    if lower >= price:
        return "SELL"
    return "SELL" if price - lower <= upper - price else "BUY"


def stock_needed(rules: SymbolRules, cells: Cells, price: Decimal) -> Decimal:
    """Answer the coins that the cells above the price sell before they buy any."""
    if cells.endless:
        assert cells.money is not None
        first = cell_at(cells.lines, price)
        first += first_side(cells.lines, first, price) == "BUY"
        exact = SHARP.divide(cells.money * worth_in_turns(cells.lines), line(cells.lines, first))
        return rules.round_quantity(exact.quantize(PLACES, "ROUND_FLOOR"), "LIMIT")
    selling = (each for each in cells.numbers if first_side(cells.lines, each, price) == "SELL")
    return sum((quantity_in(rules, cells, each) for each in selling), ZERO)


def worth_in_turns(lines: Lines) -> Decimal:
    """Answer how many cells' money the coins of an endless grid are worth at every line.

    With a step g between two lines, cells sell g of that worth and buy back g / (1 + g) of it.
    """
    step = SHARP.divide(lines.upper, lines.lower) - 1
    return SHARP.divide(1 + step, step)


def money_needed(rules: SymbolRules, cells: Cells, price: Decimal) -> Decimal:
    """Answer what the cells below the price pay for their first buys, without fees."""
    last = cell_at(cells.lines, price) + 1 if cells.endless else cells.lines.intervals
    buying = (each for each in range(last) if first_side(cells.lines, each, price) == "BUY")
    prices = ((line(cells.lines, each), quantity_in(rules, cells, each)) for each in buying)
    return sum((EXACT.multiply(*each) for each in prices), ZERO)


def lay(rules: SymbolRules, cells: Cells, *, nearest: int) -> Grid:
    """Lay the rungs, the stock shared out among those that sell first."""
    rungs = [_lay_rung(rules, cells, each) for each in _begun(cells, nearest)]
    return Grid(
        symbol=cells.symbol,
        rungs=rungs,
        nearest=nearest,
        stop_below=cells.stop_below,
        stop_above=cells.stop_above,
    )


def _begun(cells: Cells, nearest: int) -> range:
    if not cells.endless:
        return cells.numbers
    first = max(0, cell_at(cells.lines, cells.begun_at) - nearest // 2)
    return range(first, first + nearest)


def _lay_rung(rules: SymbolRules, cells: Cells, number: int) -> Rung:
    rung = Rung(name=str(number), order=None)
    if first_side(cells.lines, number, cells.begun_at) == "SELL":
        stock_rung(rules, cells, rung, number)
        rung.order = plan_sale(rules, cells, rung, number)
    else:
        rung.order = plan_buy(rules, cells, number)
    return rung


def stock_rung(rules: SymbolRules, cells: Cells, rung: Rung, number: int) -> None:
    """Give a rung what its cell sells, from the reserve and at what that cost."""
    coins, wanted = cells.reserve.position, quantity_in(rules, cells, number)
    part = max(ZERO, min(wanted - rung.turnover.position, coins))
    if part:
        cost = cells.reserve.cost * part / coins
        _shift(cells.reserve, rung.turnover, part, cost)


def unstock_rung(cells: Cells, rung: Rung) -> None:
    """Put what a rung has back into the reserve."""
    _shift(rung.turnover, cells.reserve, rung.turnover.position, rung.turnover.cost)


def _shift(giver: Turnover, taker: Turnover, coins: Decimal, cost: Decimal) -> None:
    giver.position, giver.cost = giver.position - coins, giver.cost - cost
    taker.position, taker.cost = taker.position + coins, taker.cost + cost


# --- what a cell does


def answer_fills(rules: SymbolRules, cells: Cells) -> OnFill:
    """Answer what follows a fill: a sale above a buy, a buy below a sale."""

    def on_fill(rung: Rung, order: Order) -> Order | None:
        number = number_of(rung)
        if order.side == "SELL":
            return plan_buy(rules, cells, number)
        return plan_sale(rules, cells, rung, number)

    return on_fill


def plan_buy(rules: SymbolRules, cells: Cells, number: int) -> Order:
    """Plan a cell's buy at its lower line."""
    return _limit(cells, "BUY", line(cells.lines, number), quantity_in(rules, cells, number))


def plan_sale(rules: SymbolRules, cells: Cells, rung: Rung, number: int) -> Order:
    """Plan a cell's sale at its upper line: of all the rung has, or of what buying back costs."""
    has = rules.round_quantity(max(ZERO, rung.turnover.position), "LIMIT")
    if cells.profit_in == "base":
        has = min(has, _recovering(rules, cells, number))
    return _limit(cells, "SELL", line(cells.lines, number + 1), has)


def _recovering(rules: SymbolRules, cells: Cells, number: int) -> Decimal:
    """Answer what is sold so that the next buy is paid for, both fees included."""
    pays = line(cells.lines, number) * (1 + cells.fee_rate)
    gets = line(cells.lines, number + 1) * (1 - cells.fee_rate)
    exact = SHARP.divide(SHARP.multiply(quantity_in(rules, cells, number), pays), gets)
    quantity = exact.quantize(PLACES, ROUND_CEILING)
    excess = remainder(quantity, rules.lot.step)
    return quantity - excess + rules.lot.step if excess else quantity


def _limit(cells: Cells, side: Side, price: Decimal, quantity: Decimal) -> Order:
    return Order(
        symbol=cells.symbol,
        side=side,
        type="LIMIT",
        time_in_force="GTC",
        quantity=quantity,
        price=price,
    )


# --- what a grid has


def coins_of(grid: Grid, cells: Cells) -> Decimal:
    """Answer all coins that belong to a grid, those of orders under way included."""
    under_way = sum((_net(each, cells.base_asset) for each in _unbooked(grid)), ZERO)
    return grid.turnover.position + cells.reserve.position + under_way


def _unbooked(grid: Grid) -> Iterator[Order]:
    for rung in grid.rungs:
        yield from rung.parts
        if rung.order is not None and not rung.order.final:
            yield rung.order


def _net(order: Order, base_asset: str) -> Decimal:
    sign = 1 if order.side == "BUY" else -1
    return sign * order.executed - order.commission(base_asset)
