"""Where the lines of a grid lie, and what a turn between two of them brings.

Lines are numbered from the lowest that was named, 0, up to the number of intervals; a grid that
moves has lines beyond both. A *cell* is the room between a line and the next one, and has the
number of its lower line: it buys there and sells at its upper line.
"""

from collections.abc import Iterable
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from decimal import Context as Arithmetic
from typing import Final, Literal, TypeAlias

from lib.exchange import ZERO
from lib.machine import Context

Spacing: TypeAlias = Literal["arithmetic", "geometric"]

SHARP: Final = Arithmetic(prec=60, rounding=ROUND_HALF_EVEN)
"""Its logarithm and exponential are exact to the last digit, hence the same on every machine."""


class Lines(Context):
    """A ladder of prices without an end. Prices are quote per base."""

    spacing: Spacing  # arithmetic: the same distance; geometric: the same ratio
    lower: Decimal  # line 0
    upper: Decimal  # line `intervals`
    intervals: int
    tick: Decimal = ZERO  # what prices are rounded to; 0: not at all


def line(lines: Lines, number: int) -> Decimal:
    """Answer the price of a line, on the nearest tick."""
    if lines.spacing == "arithmetic":
        width = SHARP.multiply(lines.upper - lines.lower, Decimal(number))
        price = SHARP.add(lines.lower, SHARP.divide(width, Decimal(lines.intervals)))
    else:
        steepness = SHARP.divide(_steepness(lines) * number, Decimal(lines.intervals))
        price = SHARP.multiply(lines.lower, SHARP.exp(steepness))
    if not lines.tick:
        return price
    return SHARP.divide(price, lines.tick).quantize(Decimal(1)) * lines.tick


def cell_at(lines: Lines, price: Decimal) -> int:
    """Answer the number of the cell that a price lies in; on a line, of the one above."""
    if lines.spacing == "arithmetic":
        part = SHARP.divide(price - lines.lower, lines.upper - lines.lower)
    else:
        part = SHARP.divide(SHARP.ln(SHARP.divide(price, lines.lower)), _steepness(lines))
    number = int((part * lines.intervals).to_integral_value(ROUND_FLOOR))
    while line(lines, number) > price:
        number -= 1
    while line(lines, number + 1) <= price:
        number += 1
    return number


def turn_profit(lines: Lines, cell: int, fee_rate: Decimal) -> Decimal:
    """Answer what buying low and selling high in a cell earns of the money in it, after both fees.

    Binance's own formula: what is received, less a fee, less what was paid and a fee on that.
    """
    ratio = SHARP.divide(line(lines, cell + 1), line(lines, cell))
    return ratio * (1 - fee_rate) - 1 - fee_rate


def profit_range(lines: Lines, fee_rate: Decimal) -> tuple[Decimal, Decimal]:
    """Answer the least and the most that a turn earns in the range that was named."""
    ends = [turn_profit(lines, cell, fee_rate) for cell in (0, lines.intervals - 1)]
    return min(ends), max(ends)


def are_distinct(lines: Lines, numbers: Iterable[int]) -> bool:
    """Say whether no two of these lines share a tick."""
    prices = [line(lines, number) for number in numbers]
    return len(set(prices)) == len(prices)


def _steepness(lines: Lines) -> Decimal:
    return SHARP.ln(SHARP.divide(lines.upper, lines.lower))
