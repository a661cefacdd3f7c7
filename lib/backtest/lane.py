"""One symbol's bars on their way: where a back-test stands in them, and how their past grows."""

from collections.abc import Callable
from typing import Final, Protocol

from lib.backtest.bar_path import STEPS, step_time, way_through
from lib.backtest.bar_window import BarWindow
from lib.backtest.extents import Alert, Extents
from lib.backtest.feed import Bars
from lib.backtest.liquidity import Costs, LadderLiquidity, Liquidity, UnitLevels
from lib.market.candle_path import Grid, Step
from lib.market.candles import FAR, Bar
from lib.market.intervals import MINUTE
from lib.simulator.engine.past import Past
from lib.simulator.units import units

WARM_UP: Final = 6 * MINUTE  # what averages may look back to


class Market(Protocol):
    """What bars are played to: the simulated exchange."""

    def play_step(
        self,
        symbol: str,
        sides: tuple[UnitLevels, UnitLevels] | None,
        trade: tuple[int, int],
        time: int,
        *,
        buyer_is_maker: bool,
    ) -> object:
        """Show the book (None: it stays) and a trade of (price, quantity), in units."""
        ...


class BarLane:
    """Plays one symbol's bars to an exchange, or passes them over."""

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
        self._grid = grid
        self._liquidity = liquidity
        self._around = whole_numbers(liquidity)
        self._window = BarWindow(bars, ends=ends)
        self._extents = Extents(bars, liquidity, ends=ends)
        self._steps: tuple[Step, ...] = ()
        self._number = 0
        self._done_until = 0  # when the last bar that was begun has closed
        self._play_until = 0  # what happens before is played in any case
        self._is_far = False  # the present bar concerns nobody, or the one before, when it enters
        self.passing = False  # bars were passed over since one was played
        self.opens_at = self._extents.first_from(begins - begins % self.interval)

    # --- where it stands

    @property
    def bar(self) -> Bar:
        """The present bar. There is none after the last."""
        return self._window.at(self.opens_at)

    @property
    def next_at(self) -> int:
        """When its next step is taken; FAR after the last."""
        if self.opens_at == FAR:
            return FAR
        return step_time(self.opens_at, self.interval, self._number)

    @property
    def enters(self) -> bool:
        """Say whether the next step opens a bar."""
        return self._number == 0

    # --- what is passed over

    def passes(self, alert: Alert) -> bool:
        """Say whether the present bar may be passed over: it is far from all that matters.

        The first such bar is played: it takes the made-up book away from what rests.
        """
        was_far, self._is_far = self._is_far, self._extents.is_far(self.opens_at, alert)
        return self._is_far and was_far and self.opens_at >= self._play_until

    @property
    def may_skip(self) -> bool:
        """Say whether bars may be passed over from here on, as far as they concern nobody."""
        return self._number == 0 and self._is_far and self.opens_at >= self._play_until

    def free_until(self, last: int, alert: Alert) -> int:
        """Answer until when no bar from here to `last` comes near; it may be so for longer."""
        return self._extents.around(self.opens_at).free_until(self.opens_at, last, alert)

    def skip_to(self, time: int) -> None:
        """Pass over what opens before a time."""
        self.passing = True
        self.opens_at = self._extents.first_from(time)

    def pass_over(self) -> None:
        """Leave out the present bar."""
        self.skip_to(self.opens_at + 1)

    def catch_up(self, time: int) -> None:
        """Go back to the last minutes before `time`, unless they were played."""
        start = time - WARM_UP
        behind = self.opens_at != FAR and self.opens_at + self.interval <= start
        if self.passing or behind:
            self.opens_at = self._extents.first_from(
                max(self._done_until, self._extents.last_until(start))
            )
            self._number = 0
            self._play_until, self.passing = time + 1, False

    # --- what is played

    def enter(self, costs: Costs, *, low_first: bool) -> None:
        """Begin the present bar: everything before it is past."""
        bar = self.bar
        self._steps = way_through(bar, self._grid, costs.volume_share, low_first=low_first)
        self._liquidity.enter(bar)
        self.past.ends = max(self.past.ends, bar.open_time)
        self._done_until = bar.open_time + self.interval

    def play(self, exchange: Market) -> bool:
        """Take the next step; say whether the book around it was shown.

        Of steps that come late and concern nobody, the last one's book will do.
        """
        step, time, shown = self._steps[self._number], self.next_at, self._is_shown
        exchange.play_step(
            self.symbol,
            self._around(step) if shown else None,
            (units(step.price), units(step.quantity)),
            time,
            buyer_is_maker=not step.rising,
        )
        self._number += 1
        if self._number == STEPS:
            self._number = 0
            self.opens_at = self._extents.first_from(self.opens_at + 1)
        return shown

    @property
    def _is_shown(self) -> bool:
        following = self._number + 1
        if not self._is_far or following == STEPS:
            return True
        return step_time(self.opens_at, self.interval, following) >= self._play_until


def whole_numbers(
    liquidity: Liquidity,
) -> Callable[[Step], tuple[UnitLevels, UnitLevels]]:
    """Have a model answer in units."""
    if isinstance(liquidity, LadderLiquidity):
        return liquidity.in_units

    def around(step: Step) -> tuple[UnitLevels, UnitLevels]:
        bids, asks = liquidity.around(step)
        return (
            [(units(price), units(size)) for price, size in bids],
            [(units(price), units(size)) for price, size in asks],
        )

    return around
