"""Single trades, as they were recorded: of one symbol, by time, never held as a whole.

They come from a file of market data, as aggregates or among recorded streams, or from a capture.
`TickBars` puts them together into minutes, for who asks for candles where none were recorded.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Final, NamedTuple, Protocol

from lib.data.reading import MarketReading
from lib.data.series import Kind, Series
from lib.market.candles import Bar
from lib.market.intervals import DAY, MINUTE

WINDOWS: Final = (MINUTE, 60 * MINUTE, DAY)  # in which the last trade is looked for, then in all


class Tick(NamedTuple):
    """One trade."""

    time: int  # exchange ms
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


class Ticks(Protocol):
    """The trades of one symbol. `begins_at` is when the first one was, `ends_at` after the last."""

    @property
    def begins_at(self) -> int: ...

    @property
    def ends_at(self) -> int: ...

    def between(self, begins: int, ends: int) -> Iterator[Tick]:
        """Yield those of [begins, ends), oldest first."""
        ...

    def close(self) -> None:
        """Let go of what it reads."""
        ...


class StoredTicks:
    """The aggregate trades of a file of market data."""

    def __init__(self, reading: MarketReading, symbol: str) -> None:
        """Raises NothingStored, and ValueError for a series without a trade."""
        holding = reading.holding(Series(Kind.TRADES, symbol))
        if holding.begins is None or holding.ends is None:
            raise ValueError(f"there are no trades of {symbol}")
        self._reading = reading
        self._symbol = symbol
        self.begins_at, self.ends_at = holding.begins, holding.ends + 1

    def between(self, begins: int, ends: int) -> Iterator[Tick]:
        for trade in self._reading.trades(self._symbol, begins, ends):
            yield Tick(trade.time, trade.price, trade.quantity, trade.buyer_is_maker)

    def close(self) -> None:
        self._reading.close()


class TickBars:
    """Trades as candles of a minute; a minute without a trade has none."""

    def __init__(self, ticks: Ticks) -> None:
        self.interval = MINUTE
        self.begins_at = ticks.begins_at - ticks.begins_at % MINUTE
        self.ends_at = -(-ticks.ends_at // MINUTE) * MINUTE
        self._ticks = ticks

    def between(self, begins: int, ends: int) -> Iterator[Bar]:
        first, last = -(-begins // MINUTE) * MINUTE, -(-ends // MINUTE) * MINUTE
        ticks = self._ticks.between(first, last)
        for opening, minute in groupby(ticks, key=lambda tick: tick.time - tick.time % MINUTE):
            yield bar_of(opening, minute)

    def close(self) -> None:
        self._ticks.close()


def bar_of(opening: int, ticks: Iterator[Tick]) -> Bar:
    """Put the trades of a minute together; there is at least one."""
    first = next(ticks)
    high = low = close = first.price
    volume, quote, trades = first.quantity, first.price * first.quantity, 1
    for tick in ticks:
        high, low, close = max(high, tick.price), min(low, tick.price), tick.price
        volume, quote = volume + tick.quantity, quote + tick.price * tick.quantity
        trades += 1
    return Bar(opening, first.price, high, low, close, volume, quote, trades)


def first_price(ticks: Ticks, begins: int, ends: int) -> Decimal | None:
    """Answer the first price of a period."""
    return next((tick.price for tick in ticks.between(begins, ends)), None)


def last_price(ticks: Ticks, begins: int, ends: int) -> Decimal | None:
    """Answer the last price of a period."""
    for window in (*WINDOWS, ends - begins):
        found = None
        for tick in ticks.between(max(begins, ends - window), ends):
            found = tick.price
        if found is not None:
            return found
    return None
