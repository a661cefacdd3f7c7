"""The market of a back-test: recordings, played to the exchange as time passes.

Nothing is played that nobody could notice. While no order of ours is open and no bot follows a
price, bars are passed over; and so is a bar that comes near no order of ours and no price that
somebody waits for. The last minutes before a question, or before a bar that matters, are played
late: the exchange answers as if it had seen all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, Protocol

from lib.backtest.bar_path import (
    STEPS,
    PathModel,
    Resting,
    low_comes_first,
    step_time,
    way_through,
)
from lib.backtest.feed import Bars
from lib.backtest.liquidity import Costs, Liquidity, MakeLiquidity
from lib.market.candle_path import Grid, Step
from lib.market.candles import FAR, Bar
from lib.market.intervals import MINUTE
from lib.market.replay import Market
from lib.simulator.engine.past import Past

WARM_UP: Final = 6 * MINUTE  # what averages may look back to


class Playback(Protocol):
    """What moves an exchange's market."""

    @property
    def next_at(self) -> int:
        """When something happens next, exchange ms; FAR if never again."""
        ...

    @property
    def played(self) -> int:
        """How many bars were begun, or moments of a capture played."""
        ...

    def play(self) -> None:
        """Let happen what is next."""
        ...

    @property
    def passing(self) -> bool:
        """Say whether something was passed over since it last caught up."""
        ...

    def catch_up(self, time: int) -> None:
        """Have what was passed over and matters at `time` be what is next."""
        ...


class Positions(Protocol):
    """What of ours is at the exchange: who plays a bar by its worst way asks."""

    def resting(self, symbol: str) -> Iterable[Resting]: ...

    def holds_coins(self, symbol: str) -> bool: ...


class BarLane:
    """One symbol's bars on their way: where it stands in them, and how its past grows."""

    def __init__(
        self,
        symbol: str,
        bars: Bars,
        *,
        grid: Grid,
        past: Past,
        liquidity: Liquidity,
        begins: int,
        ends: int,
    ) -> None:
        self.symbol = symbol
        self.interval = bars.interval
        self.past = past
        self._bars = bars
        self._grid = grid
        self._liquidity = liquidity
        self._ends = ends
        self._steps: tuple[Step, ...] = ()
        self._number = 0
        self._done_until = 0  # when the last bar that was begun has closed
        self._play_until = 0  # bars that open before are played in any case
        self._was_far = False  # the bar before concerned nobody
        self.passing = False  # bars were passed over since one was played
        self._seek(begins)

    def _seek(self, time: int) -> None:
        """Stand before the bar in which `time` lies, or the first one after it."""
        opening = time - time % self.interval
        self._rest: Iterator[Bar] = self._bars.between(opening, self._ends)
        self._take()

    def catch_up(self, time: int) -> None:
        """Go back to the last minutes before `time`, unless they were played."""
        start = time - WARM_UP - self.interval
        behind = self.bar is not None and self.bar_ends <= start
        if self.passing or behind:
            self._seek(max(self._done_until, start))
            self._play_until, self.passing = time + 1, False

    def passes(self, *, far: bool) -> bool:
        """Say whether the present bar may be passed over, which is `far` from all that matters.

        The first such bar is played: it takes the made-up book away from what rests.
        """
        assert self.bar is not None, "a lane that ended has no bar"
        may, self._was_far = far and self._was_far, far
        return may and self.bar.open_time >= self._play_until

    def pass_over(self) -> None:
        """Leave out the present bar."""
        self.passing = True
        self._take()

    def span(self) -> tuple[Decimal, Decimal]:
        """Answer how low and how high prices and the book around them may come in this bar."""
        assert self.bar is not None, "a lane that ended has no bar"
        reach = self._liquidity.reach(self.bar)
        return self.bar.low - reach, self.bar.high + reach

    @property
    def next_at(self) -> int:
        """When its next step is taken; FAR after the last."""
        if self.bar is None:
            return FAR
        return step_time(self.bar.open_time, self.interval, self._number)

    @property
    def enters(self) -> bool:
        """Say whether the next step opens a bar."""
        return self._number == 0

    @property
    def bar_ends(self) -> int:
        """When the present bar has closed."""
        assert self.bar is not None, "a lane that ended has no bar"
        return self.bar.open_time + self.interval

    def enter(self, share: Costs, *, low_first: bool) -> None:
        """Begin the present bar: everything before it is past."""
        assert self.bar is not None, "a lane that ended has no bar"
        self._steps = way_through(self.bar, self._grid, share.volume_share, low_first=low_first)
        self._liquidity.enter(self.bar)
        self.past.ends = max(self.past.ends, self.bar.open_time)
        self._done_until = self.bar_ends

    def play(self, exchange: Market) -> None:
        """Take the next step."""
        step, time = self._steps[self._number], self.next_at
        bids, asks = self._liquidity.around(step)
        exchange.set_book(self.symbol, bids, asks, time)
        if step.quantity:
            exchange.market_trade(
                *(self.symbol, step.price, step.quantity),
                buyer_is_maker=not step.rising,
                time=time,
            )
        self._number += 1
        if self._number == STEPS:
            self._take()

    def _take(self) -> None:
        self.bar: Bar | None = next(self._rest, None)
        self._number = 0


class BarPlayback:
    """The bars of several symbols in common time. Owns where each stands."""

    def __init__(
        self,
        lanes: Iterable[BarLane],
        exchange: Market,
        positions: Positions,
        *,
        model: PathModel,
        costs: Costs,
    ) -> None:
        self._lanes = tuple(lanes)
        self._exchange = exchange
        self._positions = positions
        self._model = model
        self._costs = costs
        self.on_step: Callable[[str, int], None] = lambda *_: None
        self.would_notice: Callable[[str, Decimal, Decimal], bool] = lambda *_: True
        self.played = 0  # bars begun
        self._choose()

    @property
    def next_at(self) -> int:
        return self._next_at

    def play(self) -> None:
        lane = self._next
        if not lane.enters or self._enters(lane):
            at = lane.next_at
            lane.play(self._exchange)
            self.on_step(lane.symbol, at)
        self._choose()

    @property
    def passing(self) -> bool:
        return any(lane.passing for lane in self._lanes)

    def catch_up(self, time: int) -> None:
        for lane in self._lanes:
            lane.catch_up(time)
        self._choose()

    def _enters(self, lane: BarLane) -> bool:
        """Begin a bar, unless it is passed over, or what was passed over comes first."""
        assert lane.bar is not None, "chosen because it has one"
        if lane.passes(far=self._is_far(lane)):
            lane.pass_over()
            return False
        if lane.passing:
            lane.catch_up(lane.bar.open_time)
            return False
        self._enter(lane)
        return True

    def _is_far(self, lane: BarLane) -> bool:
        """Say whether a bar concerns no order of ours, and no price that somebody waits for."""
        low, high = lane.span()
        resting = self._positions.resting(lane.symbol)
        if any(each.is_reached(low=low, high=high) for each in resting):
            return False
        return not self.would_notice(lane.symbol, low, high)

    def _enter(self, lane: BarLane) -> None:
        assert lane.bar is not None, "chosen because it has one"
        self.played += 1
        low_first = low_comes_first(
            self._model,
            lane.bar,
            self._positions.resting(lane.symbol),
            holds_coins=self._positions.holds_coins(lane.symbol),
        )
        lane.enter(self._costs, low_first=low_first)

    def _choose(self) -> None:
        """Find whose turn it is; of several at one time, the first in the order of symbols."""
        self._next = min(self._lanes, key=lambda lane: lane.next_at)
        self._next_at = self._next.next_at


def lanes_of(
    sources: Mapping[str, Bars],
    grids: Mapping[str, Grid],
    pasts: Mapping[str, Past],
    make: MakeLiquidity,
    *,
    begins: int,
    ends: int,
) -> list[BarLane]:
    """Set up a lane for each symbol, to be played in [begins, ends)."""
    return [
        BarLane(
            symbol,
            bars,
            grid=grids[symbol],
            past=pasts[symbol],
            liquidity=make(symbol, grids[symbol]),
            begins=begins,
            ends=ends,
        )
        for symbol, bars in sources.items()
    ]
