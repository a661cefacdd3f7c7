"""Plays recorded candles to a market, as if they happened now.

A replay knows positions, not clocks: `play(until=...)` does everything recorded up to a position
(ms of recorded time since the recording's beginning) and dates it with the exchange time it is
given. The same recording, seed and positions give the same market, whatever the machine.

Candles are endless: at the end of the recording time turns around and they run backwards to the
beginning, then forwards again. So the price never jumps and never drifts.

Who trades against it: the book is as recorded, or made up around the price (lib/market/ladder.py),
and is shown before each trade. What a market order takes is gone until the recording shows that
level again. A resting order waits until recorded trades at its price have taken what stood there
before it (lib/simulator/engine/book.py), or the price passes it; it gets no more than was traded
or stood across. The recording never answers to what a bot does: nobody follows its orders, and
its trades move nobody's price.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from lib.exchange import Candle
from lib.market.candle_path import STEPS_MIN, Grid, Step, candle_path, reverse
from lib.market.ladder import Ladder
from lib.market.recordings import BrokenRecording, CandleTable, Levels

REAL_STEP = 250  # ms of real time between two steps
STEPS_MAX = 300


class Market(Protocol):
    """What a replay moves: the simulated exchange, or a test's own."""

    def set_book(self, symbol: str, bids: Levels, asks: Levels, time: int) -> object: ...

    def apply_depth(self, symbol: str, bids: Levels, asks: Levels, time: int) -> object: ...

    def market_trade(
        self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool, time: int
    ) -> object: ...


class Replay(Protocol):
    """A recording that is played bit by bit."""

    @property
    def next_at(self) -> int:
        """The position of what happens next."""
        ...

    @property
    def resume_at(self) -> int:
        """The position at which a replay of the next life begins."""
        ...

    def play(self, *, until: int, market: Market, time: int) -> None:
        """Do what lies before or at `until` and is not yet done, dated `time`."""
        ...

    def begin_anew(self) -> None:
        """Show the whole book again, to a market that has forgotten it."""
        ...


class Tape:
    """One symbol's candles as an endless tape: forwards, backwards, forwards."""

    def __init__(self, table: CandleTable, *, first: int, count: int) -> None:
        """Take `count` rows of the table, from row `first` on."""
        self.interval = table.interval
        self._table = table
        self._first = first
        self._count = count

    def candle(self, place: int) -> Candle:
        """Return the candle at a place of the tape; its times are those of the recording."""
        assert place >= 0
        lap, row = divmod(place, self._count)
        if lap % 2 == 0:
            return self._table[self._first + row]
        return reverse(self._table[self._first + self._count - 1 - row])

    def place_at(self, time: int) -> int:
        """Return the first place at which the recorded `time` is reached."""
        row = self._table.index_at(time) - self._first
        return max(0, min(row, self._count - 1))


def align_tapes(tables: Mapping[str, CandleTable]) -> dict[str, Tape]:
    """Cut tables to the time all of them cover, so that one place is one time for all."""
    intervals = {table.interval for table in tables.values()}
    if len(intervals) != 1:
        raise BrokenRecording(f"candles of different intervals: {sorted(intervals)}")
    first = max(table.first_open_time for table in tables.values())
    last = min(table[-1].open_time for table in tables.values())
    if last < first:
        raise BrokenRecording("the candles have no common time")
    count = (last - first) // intervals.pop() + 1
    return {
        symbol: Tape(table, first=table.index_at(first), count=count)
        for symbol, table in tables.items()
    }


def steps_per_candle(interval: int, speed: int) -> int:
    """Choose how finely a candle is played: a step each 250 ms of real time, within bounds."""
    return max(STEPS_MIN, min(STEPS_MAX, interval // (REAL_STEP * speed)))


class CandleReplay:
    """Plays candles of several symbols in common time, with a made-up book around each price."""

    def __init__(
        self,
        tapes: Mapping[str, Tape],
        grids: Mapping[str, Grid],
        *,
        steps: int,
        seed: int,
        position: int = 0,
    ) -> None:
        """Stand at `position`, recorded ms since the tapes' beginning."""
        self._lanes = [_Lane(symbol, tapes[symbol], grids[symbol], seed) for symbol in tapes]
        self._interval = next(iter(tapes.values())).interval
        self._steps = steps
        place, rest = divmod(position, self._interval)
        self._place = place
        self._step = -(-rest * steps // self._interval)
        self._carry()

    @property
    def next_at(self) -> int:
        return self._place * self._interval + self._step * self._interval // self._steps

    @property
    def resume_at(self) -> int:
        return self.next_at

    def play(self, *, until: int, market: Market, time: int) -> None:
        while self.next_at <= until:
            for lane in self._lanes:
                lane.play(self._place, self._step, self._steps, market, time)
            self._step += 1
            self._carry()

    def begin_anew(self) -> None:
        """Do nothing: each step shows the whole book."""

    def _carry(self) -> None:
        if self._step >= self._steps:
            self._place, self._step = self._place + 1, 0


class _Lane:
    """One symbol's part of a replay: the way through its present candle."""

    def __init__(self, symbol: str, tape: Tape, grid: Grid, seed: int) -> None:
        self._symbol = symbol
        self._tape = tape
        self._grid = grid
        self._chance = f"{seed}:{symbol}".encode()
        self._place = -1
        self._path: Sequence[Step] = ()
        self._ladder: Ladder | None = None

    def play(self, place: int, number: int, steps: int, market: Market, time: int) -> None:
        if place != self._place:
            self._enter(place, steps)
        assert self._ladder is not None
        step, tick = self._path[number], self._grid.tick
        bid = step.price - tick if step.rising else step.price
        bids, asks = self._ladder.below(bid), self._ladder.above(bid + tick)
        market.set_book(self._symbol, bids, asks, time)
        if step.quantity:
            market.market_trade(
                self._symbol,
                step.price,
                step.quantity,
                buyer_is_maker=not step.rising,
                time=time,
            )

    def _enter(self, place: int, steps: int) -> None:
        candle = self._tape.candle(place)
        self._place = place
        self._path = candle_path(candle, self._grid, steps=steps, chance=self._chance)
        self._ladder = Ladder(self._grid, price=candle.open, volume=candle.volume)
