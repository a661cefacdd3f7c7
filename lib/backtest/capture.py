"""Recorded streams as a back-test's market: one symbol's book and trades, at their own times.

The book is what its changes made of the last snapshot. Where changes are missing it stays as it
was and no trade is played, until a snapshot shows it anew: a time in which nobody else trades.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Final, Protocol

from lib.backtest.feed import NoSuchRecording
from lib.backtest.ticks import Tick
from lib.data.reading import MarketReading
from lib.data.series import Kind, Series
from lib.market.candles import FAR
from lib.market.recordings import (
    Captured,
    DepthDiff,
    DepthSnapshot,
    Levels,
    RecordedTrade,
    read_capture,
)
from lib.market.replay import Market

SNAPSHOT_WITHIN: Final = 2 * 3_600_000  # ms; a recording has one each hour
HELD_MAX: Final = 5_000  # changes that wait for their snapshot


class Lines(Protocol):
    """The recorded streams of one symbol."""

    @property
    def begins_at(self) -> int: ...

    @property
    def ends_at(self) -> int: ...

    def between(self, begins: int, ends: int) -> Iterator[Captured]:
        """Yield what came in [begins, ends), in that order."""
        ...

    def leading_to(self, time: int, ends: int) -> Iterator[Captured]:
        """Yield all up to `ends`, from early enough on that the book of `time` is known."""
        ...

    def close(self) -> None:
        """Let go of what it reads."""
        ...


class CapturedLines:
    """Capture files of one symbol."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files

    @cached_property
    def _bounds(self) -> tuple[int, int]:
        first: Captured | None = None
        last: Captured | None = None
        for captured in read_capture(*self._files):
            first, last = first or captured, captured
        if first is None or last is None:
            raise NoSuchRecording(f"{self._files[0].name} is empty")
        return first.received_at, last.received_at

    @property
    def begins_at(self) -> int:
        return self._bounds[0]

    @property
    def ends_at(self) -> int:
        return self._bounds[1]

    def between(self, begins: int, ends: int) -> Iterator[Captured]:
        return (each for each in self._until(ends) if each.received_at >= begins)

    def leading_to(self, time: int, ends: int) -> Iterator[Captured]:
        return self._until(ends)

    def close(self) -> None:
        """Nothing is open between two questions."""

    def _until(self, ends: int) -> Iterator[Captured]:
        return takewhile(lambda each: each.received_at < ends, read_capture(*self._files))


class StoredLines:
    """The recorded streams of a file of market data."""

    def __init__(self, reading: MarketReading, symbol: str) -> None:
        """Raises NothingStored, and NoSuchRecording for a series without a line."""
        holding = reading.holding(Series(Kind.DEPTH, symbol))
        if holding.begins is None or holding.ends is None:
            raise NoSuchRecording(f"nothing was recorded of {symbol}'s book")
        self._reading = reading
        self._symbol = symbol
        self.begins_at, self.ends_at = holding.begins, holding.ends

    def between(self, begins: int, ends: int) -> Iterator[Captured]:
        return self._reading.recording(self._symbol, begins, ends)

    def leading_to(self, time: int, ends: int) -> Iterator[Captured]:
        return self.between(max(0, time - SNAPSHOT_WITHIN), ends)

    def close(self) -> None:
        self._reading.close()


class LineTicks:
    """The trades among recorded streams."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.begins_at, self.ends_at = lines.begins_at, lines.ends_at + 1

    def between(self, begins: int, ends: int) -> Iterator[Tick]:
        for each in self._lines.between(begins, ends):
            if isinstance(each, RecordedTrade):
                yield Tick(each.received_at, each.price, each.quantity, each.buyer_is_maker)

    def close(self) -> None:
        self._lines.close()


class CapturePlayback:
    """What was recorded of one symbol in [begins, ends), played once."""

    def __init__(self, symbol: str, lines: Lines, exchange: Market, begins: int, ends: int) -> None:
        self.played = 0
        self.passing = False
        self.on_step: Callable[[str, int], None] = lambda *_: None
        self._symbol = symbol
        self._exchange = exchange
        self._source = lines.leading_to(begins, ends)
        self._sync = Sync()
        self.next_at = 0  # exchange ms; FAR after the last
        self._advance()
        self._skip_to(begins)

    def play(self) -> None:
        """Play all that was recorded in the next millisecond."""
        at = self.next_at
        while self.next_at == at:
            assert self._upcoming is not None, "played beyond its end"
            self._pass_on(self._upcoming, self._exchange, at)
            self._advance()
        self.played += 1
        self.on_step(self._symbol, at)

    def pass_over(self, until: int) -> None:
        """Pass over nothing: a book is what all its changes made of it."""

    def catch_up(self, time: int) -> None:
        """Have nothing to catch up with: see above."""

    def _skip_to(self, begins: int) -> None:
        """Work the book out as it stands at the beginning, and show it."""
        skipped = SilentBook()
        while self._upcoming is not None and self.next_at < begins:
            if not isinstance(self._upcoming, RecordedTrade):
                self._pass_on(self._upcoming, skipped, self.next_at)
            self._advance()
        if skipped.shown:
            self._exchange.set_book(self._symbol, *skipped.sides, begins)

    def _pass_on(self, captured: Captured, market: Market, time: int) -> None:
        match captured:
            case DepthSnapshot() | DepthDiff():
                self._sync.feed(captured, market, time)
            case RecordedTrade(symbol, price=price, quantity=quantity, buyer_is_maker=maker):
                if self._sync.in_step:
                    market.market_trade(symbol, price, quantity, buyer_is_maker=maker, time=time)
            case _:
                pass  # best prices follow from the book

    def _advance(self) -> None:
        self._upcoming = next(self._source, None)
        came = FAR if self._upcoming is None else self._upcoming.received_at
        self.next_at = max(self.next_at, came)


class Sync:
    """Joins snapshots and changes of one book as Binance says; knows when one is missing."""

    def __init__(self) -> None:
        self._last: int | None = None  # the update the book has come to
        self._held: deque[DepthDiff] = deque(maxlen=HELD_MAX)

    @property
    def in_step(self) -> bool:
        """Say whether the book is known."""
        return self._last is not None

    def feed(self, captured: DepthSnapshot | DepthDiff, market: Market, time: int) -> None:
        """Take the next line of a book."""
        if isinstance(captured, DepthSnapshot):
            self._last = captured.last_update_id
            market.set_book(captured.symbol, captured.bids, captured.asks, time)
            held, self._held = self._held, deque(maxlen=HELD_MAX)
            for change in held:
                self.feed(change, market, time)
        elif self._last is None or captured.first_update_id > self._last + 1:
            self._last = None
            self._held.append(captured)
        elif captured.last_update_id > self._last:
            self._last = captured.last_update_id
            market.apply_depth(captured.symbol, captured.bids, captured.asks, time)


class SilentBook:
    """A book that nobody trades in, while a recording is read up to its beginning."""

    def __init__(self) -> None:
        self._sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})

    @property
    def shown(self) -> bool:
        """Say whether anything stands in it."""
        return any(self._sides)

    @property
    def sides(self) -> tuple[Levels, Levels]:
        """Answer bids and asks, each from the best price outwards."""
        bids, asks = self._sides
        return tuple(sorted(bids.items(), reverse=True)), tuple(sorted(asks.items()))

    def set_book(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        self._sides = (dict(bids), dict(asks))

    def apply_depth(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        for side, changes in zip(self._sides, (bids, asks), strict=True):
            for price, quantity in changes:
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)

    def market_trade(
        self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool, time: int
    ) -> None:
        raise AssertionError("trades before the beginning are not played")


def captures_of(folder: Path, symbol: str) -> list[Path]:
    """Find a symbol's capture files, if there are any."""
    return sorted(folder.glob(f"{symbol.lower()}_*.jsonl.gz"))
