"""Plays a raw capture to a market: its snapshot, its book changes and its trades, unaltered.

At its end it starts over, and there the price jumps by what the market moved in eleven minutes. A
replay that begins in the middle first works out the book at that point and shows it at once.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

from lib.market.recordings import (
    BrokenRecording,
    Captured,
    DepthDiff,
    DepthSnapshot,
    Levels,
    RecordedBest,
    RecordedTrade,
)
from lib.market.replay import Market


class CaptureReplay:
    """Plays a capture over and over. Positions are ms of recorded time since its first line."""

    def __init__(self, read: Callable[[], Iterator[Captured]], *, position: int = 0) -> None:
        """`read` opens the capture anew, for each time it is played."""
        self._read = read
        self._offset = 0  # the position at which this round began
        self._skipped = _Books()
        self._begin_round()
        self._skip_to(position)

    @property
    def next_at(self) -> int:
        return self._offset + self.resume_at

    @property
    def resume_at(self) -> int:
        return self._upcoming.received_at - self._began_at

    def play(self, *, until: int, market: Market, time: int) -> None:
        self._show_skipped(market, time)
        while self.next_at <= until:
            self._pass_on(self._upcoming, market, time)
            self._advance()

    def begin_anew(self) -> None:
        passed = self._passed
        self._begin_round()
        while self._passed < passed:
            self._skip()

    def _pass_on(self, captured: Captured, market: Market, time: int) -> None:
        match captured:
            case DepthSnapshot() | DepthDiff():
                self._sync_of(captured.symbol).feed(captured, market, time)
            case RecordedTrade(symbol, price=price, quantity=quantity, buyer_is_maker=maker):
                market.market_trade(symbol, price, quantity, buyer_is_maker=maker, time=time)
            case RecordedBest():
                pass  # follows from the book: what tests compare it with

    def _sync_of(self, symbol: str) -> "_Sync":
        return self._syncs.setdefault(symbol, _Sync())

    def _begin_round(self) -> None:
        self._source = self._read()
        first = next(self._source, None)
        if first is None:
            raise BrokenRecording("the capture is empty")
        self._upcoming: Captured = first
        self._passed = 0
        self._began_at = first.received_at
        self._syncs: dict[str, _Sync] = {}

    def _advance(self) -> None:
        ended_at = self.next_at
        following = next(self._source, None)
        if following is None:
            self._offset = ended_at + 1
            self._begin_round()
        else:
            self._upcoming = following
            self._passed += 1

    def _skip_to(self, position: int) -> None:
        while self.next_at < position:
            self._skip()

    def _skip(self) -> None:
        if not isinstance(self._upcoming, RecordedTrade):
            self._pass_on(self._upcoming, self._skipped, 0)
        self._advance()

    def _show_skipped(self, market: Market, time: int) -> None:
        for symbol, (bids, asks) in self._skipped.sides.items():
            falling = sorted(bids.items(), reverse=True)
            market.set_book(symbol, tuple(falling), tuple(sorted(asks.items())), time)
        self._skipped.sides.clear()


class _Sync:
    """Joins the REST snapshot and the stream of one symbol, as Binance describes it."""

    def __init__(self) -> None:
        self._last_update_id: int | None = None
        self._early: list[DepthDiff] = []

    def feed(self, captured: DepthSnapshot | DepthDiff, market: Market, time: int) -> None:
        if isinstance(captured, DepthSnapshot):
            self._last_update_id = captured.last_update_id
            market.set_book(captured.symbol, captured.bids, captured.asks, time)
            for diff in self._early:
                self.feed(diff, market, time)
            self._early.clear()
        elif self._last_update_id is None:
            self._early.append(captured)
        elif captured.last_update_id > self._last_update_id:
            self._apply(captured, market, time)

    def _apply(self, diff: DepthDiff, market: Market, time: int) -> None:
        assert self._last_update_id is not None
        if diff.first_update_id > self._last_update_id + 1:
            raise BrokenRecording(f"{diff.symbol}: updates before {diff.first_update_id} missing")
        self._last_update_id = diff.last_update_id
        market.apply_depth(diff.symbol, diff.bids, diff.asks, time)


class _Books:
    """Books alone, for what is skipped."""

    def __init__(self) -> None:
        self.sides: dict[str, tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]] = {}

    def set_book(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        self.sides[symbol] = (dict(bids), dict(asks))

    def apply_depth(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        for side, changes in zip(self.sides[symbol], (bids, asks), strict=True):
            for price, quantity in changes:
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)

    def market_trade(
        self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool, time: int
    ) -> None:
        raise AssertionError("trades are not played while skipping")
