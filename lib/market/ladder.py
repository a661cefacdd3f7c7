"""A made-up order book around a price, for recordings that hold candles only.

Twenty levels a side. The first stands at the price itself and each next one farther out, the last
some 0.4 % away. Their sizes grow outwards and add up, on each side, to what the candle traded: a
small order fills at once at the best price, one as large as five minutes of the market moves it.
"""

from decimal import Decimal

from lib.market.candle_path import Grid
from lib.market.recordings import Levels

LEVELS = 20
SPREAD_OF_PRICE = 50_000  # the second level is a fifty-thousandth of the price away


class Ladder:
    """The shape of a book: how far away its levels are and how much each holds."""

    def __init__(self, grid: Grid, *, price: Decimal, volume: Decimal) -> None:
        self._tick = grid.tick
        gap = max(1, int(price / grid.tick) // SPREAD_OF_PRICE)
        lots = int(volume / grid.lot)
        parts = LEVELS * (LEVELS + 1) // 2
        self._levels = tuple(
            (
                grid.tick * (gap * number * (number + 1) // 2),
                grid.lot * max(1, lots * (number + 1) // parts),
            )
            for number in range(LEVELS)
        )

    def below(self, best: Decimal) -> Levels:
        """Return the bids whose best price is `best`."""
        lowest = self._tick
        return tuple(
            (best - away, quantity) for away, quantity in self._levels if best - away >= lowest
        )

    def above(self, best: Decimal) -> Levels:
        """Return the asks whose best price is `best`."""
        return tuple((best + away, quantity) for away, quantity in self._levels)
