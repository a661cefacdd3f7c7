"""A grid that follows the price: the rung at one end goes on at the other.

Trailing up, once the price is a line beyond the highest one: the lowest cell, whose buy is far
away, becomes the one above the highest and buys there with the same money. Trailing down, a line
below the lowest one: the highest cell takes its coins along and sells them above the price. An
endless grid is a window on cells of which those below buy and those above sell from the reserve: it
moves once the price is two cells away from its middle.

One rung moves at a time, in two steps that are each on disk: it is withdrawn, and once nothing of
its order is under way it is planned anew at its new place. If the price turned meanwhile, it goes
back to where it was.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lib.desk import Desk
from lib.errors import Unavailable
from lib.exchange import Side
from lib.grid import Grid, Rung, is_at_rest, move_rung, withdraw
from lib.grids.cells import (
    Cells,
    number_of,
    plan_buy,
    plan_sale,
    quantity_in,
    stock_rung,
    unstock_rung,
)
from lib.grids.lines import line
from lib.machine import Machine
from lib.money import SymbolRules, plain
from lib.news import Kind

WITHDRAWN_FOR: Final = 60_000  # ms until a rung that was withdrawn in vain may rest again
WINDOW_SLACK: Final = 2  # cells between the price and the middle before a window moves


@dataclass(frozen=True, slots=True)
class Move:
    """One rung and where it goes."""

    rung: Rung
    number: int
    side: Side


async def shift_grid(desk: Desk, grid: Grid, cells: Cells) -> Machine[Grid]:
    """Move rungs as the price leaves the grid; ends with the grid."""
    while _moves(cells) and is_at_work(grid):
        try:
            price = await desk.price(grid.symbol)
        except Unavailable:  # nobody is moved by a price of yesterday
            await desk.stirring(grid.symbol)
            continue
        move = next_move(desk.rules(grid.symbol), grid, cells, price)
        if move is not None and _begin_or_end(desk, grid, cells, move):
            yield grid
        else:
            below, above = (None, None) if move else _bounds(grid, cells)
            await desk.stirring(grid.symbol, below=below, above=above)


def is_at_work(grid: Grid) -> bool:
    """Say whether anything may still happen on any rung."""
    return not grid.stop and any(rung.order is not None for rung in grid.rungs)


def next_move(rules: SymbolRules, grid: Grid, cells: Cells, price: Decimal) -> Move | None:
    """Answer which rung is to go where at a price, if any."""
    below, above = _bounds(grid, cells)
    low, top = _ends(grid)
    if above is not None and price >= above:
        return _move_up(rules, grid, cells, top + 1)
    if below is not None and price <= below:
        return _move_down(grid, cells, low - 1)
    return None


def stop_price(cells: Cells, low: int) -> Decimal | None:
    """Answer where the stop is of a grid whose lowest cell is this one: it trails up along."""
    if cells.stop_below is None or cells.endless or low <= 0:
        return cells.stop_below
    then, now = line(cells.lines, 0), line(cells.lines, low)
    if cells.lines.spacing == "arithmetic":
        return cells.stop_below + now - then
    return cells.stop_below * now / then


def _moves(cells: Cells) -> bool:
    return cells.endless or cells.up_until is not None or cells.down_until is not None


def _ends(grid: Grid) -> tuple[int, int]:
    numbers = [number_of(rung) for rung in grid.rungs]
    return min(numbers), max(numbers)


def _bounds(grid: Grid, cells: Cells) -> tuple[Decimal | None, Decimal | None]:
    """Answer the prices at and beyond which a rung moves down or up."""
    low, top = _ends(grid)
    if cells.endless:
        middle = (low + top) // 2
        down = line(cells.lines, middle - WINDOW_SLACK + 1) if low > 0 else None
        return down, line(cells.lines, middle + WINDOW_SLACK)
    down, up = None, None
    if cells.up_until is not None:
        beyond = line(cells.lines, top + 2)
        up = beyond if beyond <= cells.up_until else None
    if cells.down_until is not None:
        beyond = line(cells.lines, low - 1)
        down = beyond if beyond >= cells.down_until else None
    return down, up


def _move_up(rules: SymbolRules, grid: Grid, cells: Cells, number: int) -> Move | None:
    rung = min(_with_orders(grid), key=number_of)
    assert rung.order is not None
    short = cells.endless and cells.reserve.position < quantity_in(rules, cells, number)
    if rung.order.side == "SELL" or short:
        return None
    return Move(rung, number, "SELL" if cells.endless else "BUY")


def _move_down(grid: Grid, cells: Cells, number: int) -> Move | None:
    rung = max(_with_orders(grid), key=number_of)
    assert rung.order is not None
    if rung.order.side == "BUY":
        return None
    return Move(rung, number, "BUY" if cells.endless else "SELL")


def _with_orders(grid: Grid) -> list[Rung]:
    return [rung for rung in grid.rungs if rung.order is not None]


def _begin_or_end(desk: Desk, grid: Grid, cells: Cells, move: Move) -> bool:
    """Withdraw a rung, or put it to its new place; say whether anything was decided."""
    rung = move.rung
    if is_at_rest(rung):
        _put(desk, grid, cells, move)
        return True
    if rung.rests and not rung.parts and rung.order is not None and not rung.order.filled:
        withdraw(rung, "the grid follows the price", until=desk.now() + WITHDRAWN_FOR)
        return True
    return False  # it is on its way, or executed in part and keeps its place


def _put(desk: Desk, grid: Grid, cells: Cells, move: Move) -> None:
    rules, rung, former = desk.rules(grid.symbol), move.rung, move.rung.name
    if cells.endless and move.side == "SELL":
        stock_rung(rules, cells, rung, move.number)
    elif cells.endless:
        unstock_rung(cells, rung)
    if move.side == "BUY":
        plan = plan_buy(rules, cells, move.number)
    else:
        plan = plan_sale(rules, cells, rung, move.number)
    move_rung(rung, str(move.number), plan)
    grid.stop_below = stop_price(cells, _ends(grid)[0])
    assert plan.price is not None
    desk.tell(
        Kind.PLAN,
        f"the grid follows the price: cell {former} is now cell {rung.name}, "
        f"{plan.side} at {plain(plan.price)}",
    )
