"""What stands in the book around a price that was recorded, for who trades against it.

A recording of candles has no book. `Ladder` makes one up around each step; a model of one's own
answers `around` and is given in its place (`--liquidity MODULE:NAME`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final, Protocol, TypeAlias

from lib.amounts import ZERO
from lib.market.candle_path import Grid, Step
from lib.market.candles import Bar
from lib.market.recordings import Levels
from lib.simulator.units import DECIMALS, units

GAP_OF_PRICE: Final = 50_000
SHAPE: Final = ((0, 10), (19, 26), (57, 42), (114, 58), (190, 74))
"""How many gaps a level is away, and its weight: the last one stands some 0.4 % out."""

WHOLE: Final = sum(weight for _, weight in SHAPE)

UnitLevel: TypeAlias = tuple[int, int]
UnitLevels: TypeAlias = Sequence[UnitLevel]
"""The same as whole numbers of 10^-8."""

Book: TypeAlias = tuple[Levels, Levels]
"""Bids and asks, each from the best price outwards."""


class Liquidity(Protocol):
    """The book around the steps of one symbol's bars."""

    def enter(self, bar: Bar) -> None:
        """Begin a bar: how much it traded is known to the market, never to a bot."""
        ...

    def reach(self, bar: Bar) -> Decimal:
        """Answer how far from a price of a bar the book around it may stand, in quote."""
        ...

    def around(self, step: Step) -> Book:
        """Answer the book in which a step trades. Prices on ticks, quantities in whole lots."""
        ...


MakeLiquidity: TypeAlias = Callable[[str, Grid], Liquidity]
"""Makes the model of one symbol."""


@dataclass(frozen=True, slots=True)
class Costs:
    """How dear the book is, as shares: 0.0005 is a twentieth of a percent."""

    spread: Decimal = ZERO  # between best bid and best ask, of the price
    slippage: Decimal = ZERO  # how far behind the best price all but a single lot stands
    volume_share: Decimal = Decimal("0.1")  # of what the market traded, how much we may have


class LadderLiquidity:
    """Five levels a side whose sizes grow outwards and add up to our share of what the bar traded.

    The traded price is the ask of a rising step and the bid of a falling one; the other side is a
    spread away, at least a tick.
    """

    def __init__(self, grid: Grid, costs: Costs) -> None:
        self._grid = grid
        self._costs = costs
        self._levels: UnitLevels = []  # how far away, and how much
        self._tick, self._lot = units(grid.tick), units(grid.lot)

    def enter(self, bar: Bar) -> None:
        """Size the levels for a bar."""
        gap, lot = units(self._gap(bar.open)), self._lot
        lots = int(bar.volume * self._costs.volume_share / self._grid.lot)
        self._levels = [
            (gap * away, lot * max(1, lots * weight // WHOLE)) for away, weight in SHAPE
        ]

    def in_units(self, step: Step) -> tuple[UnitLevels, UnitLevels]:
        """Answer what `around` does, as whole numbers of 10^-8."""
        bid, ask, slip = self._touch(step)
        if not slip:
            return self._sides(units(bid), units(ask))
        behind = units(slip)
        bids, asks = self._sides(units(bid) - behind, units(ask) + behind)
        return [(units(bid), self._lot), *bids], [(units(ask), self._lot), *asks]

    def reach(self, bar: Bar) -> Decimal:
        """Answer how far out the last level may be, from the highest price of a bar."""
        apart = bar.high * (self._costs.spread + self._costs.slippage) + 3 * self._grid.tick
        return self._gap(bar.high) * SHAPE[-1][0] + apart

    def around(self, step: Step) -> Book:
        """Answer the bids and the asks."""
        bids, asks = self.in_units(step)
        return _amounts(bids), _amounts(asks)

    def _touch(self, step: Step) -> tuple[Decimal, Decimal, Decimal]:
        """Answer best bid, best ask, and how far behind them the book stands."""
        tick, costs = self._grid.tick, self._costs
        apart = max(tick, self._in_ticks(step.price * costs.spread)) if costs.spread else tick
        bid = max(tick, step.price - apart) if step.rising else step.price
        ask = step.price if step.rising else step.price + apart
        if not costs.slippage:
            return bid, max(ask, bid + tick), ZERO
        return bid, ask, self._in_ticks(step.price * costs.slippage)

    def _sides(self, bid: int, ask: int) -> tuple[list[UnitLevel], list[UnitLevel]]:
        levels, tick = self._levels, self._tick
        return (
            [(bid - away, size) for away, size in levels if bid - away >= tick],
            [(ask + away, size) for away, size in levels],
        )

    def _gap(self, price: Decimal) -> Decimal:
        """Answer the unit of distances: a fifty-thousandth of a price, at least a tick."""
        tick = self._grid.tick
        return tick * max(1, int(price / tick) // GAP_OF_PRICE)

    def _in_ticks(self, distance: Decimal) -> Decimal:
        ticks = (distance / self._grid.tick).to_integral_value(ROUND_CEILING)
        return ticks * self._grid.tick


def _amounts(levels: UnitLevels) -> Levels:
    return tuple(
        (Decimal(price).scaleb(-DECIMALS), Decimal(size).scaleb(-DECIMALS))
        for price, size in levels
    )


def ladders(costs: Costs) -> MakeLiquidity:
    """Answer who makes a ladder for each symbol."""
    return lambda _symbol, grid: LadderLiquidity(grid, costs)
