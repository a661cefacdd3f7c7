"""The market of a back-test: recordings, played to the exchange as time passes.

Nothing is played that nobody could notice. While no order of ours is open and no bot follows a
price, bars are passed over; and so is a bar that comes near no order of ours and no price that
somebody waits for. The last minutes before a question, or before a bar that matters, are played
late: the exchange answers as if it had seen all of them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from lib.backtest.bar_path import PathModel, Resting, low_comes_first
from lib.backtest.extents import Alert, alert_of
from lib.backtest.feed import Bars
from lib.backtest.lane import BarLane, Market
from lib.backtest.liquidity import Costs, MakeLiquidity
from lib.market.candle_path import Grid
from lib.quotes import ANY, Bounds
from lib.simulator.engine.past import Past


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

    def pass_over(self, until: int) -> None:
        """Leave out what happens up to a moment, exchange ms, as far as nobody could notice."""
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
        self.waited_for: Callable[[str], Bounds] = lambda _: ANY
        self.played = 0  # bars begun
        self._choose()

    @property
    def next_at(self) -> int:
        return self._next_at

    def play(self) -> None:
        lane = self._next
        if not lane.enters or self._enters(lane):
            at = lane.next_at
            if lane.play(self._exchange):
                self.on_step(lane.symbol, at)
        self._choose()

    def pass_over(self, until: int) -> None:
        """Pass over the bars that open up to a moment and before one that concerns somebody."""
        free, skipping = until + 1, []
        for lane in self._lanes:
            if lane.next_at >= free:
                continue
            if lane.may_skip:
                free = min(free, lane.free_until(free - 1, self._alert(lane)))
                skipping.append(lane)
            else:
                free = min(free, lane.next_at)
        for lane in skipping:
            if lane.opens_at < free:
                lane.skip_to(free)
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
        if lane.passes(self._alert(lane)):
            lane.pass_over()
            return False
        if lane.passing:
            lane.catch_up(lane.opens_at)
            return False
        self._enter(lane)
        return True

    def _alert(self, lane: BarLane) -> Alert:
        """Answer what prices of a symbol concern an order of ours, or somebody who waits."""
        symbol = lane.symbol
        return alert_of(self.waited_for(symbol), self._positions.resting(symbol))

    def _enter(self, lane: BarLane) -> None:
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
