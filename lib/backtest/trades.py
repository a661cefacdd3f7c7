"""Aggregate trades as a back-test's market: a book made up around each of them.

Trades alone tell no book. The traded price is the ask of a buyer who took and the bid of a seller;
what stands around it is the liquidity's answer (lib/backtest/liquidity.py), sized by what was
traded in the last minute that had a trade. Of each trade our orders may have their share.
"""

from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import chain

from lib.backtest.extents import Alert, alert_of
from lib.backtest.lane import WARM_UP
from lib.backtest.liquidity import Book, Liquidity
from lib.backtest.market import Positions
from lib.backtest.ticks import Tick, Ticks
from lib.market.candle_path import Grid, Step
from lib.market.candles import FAR, Bar
from lib.market.intervals import MINUTE
from lib.market.replay import Market
from lib.quotes import ANY, Bounds
from lib.simulator.engine.past import Past
from lib.simulator.units import units


class TradePlayback:
    """One symbol's trades in [begins, ends), played once.

    While trades concern nobody they are passed over, and those of the last minutes kept: should
    somebody look, or a trade matter, they are played late. `span` is how long (ms) the candles of
    its past are, which stand for what was left out.
    """

    def __init__(
        self,
        symbol: str,
        ticks: Ticks,
        exchange: Market,
        positions: Positions,
        *,
        book: "SizedBook",
        past: Past,
        span: int,
        begins: int,
        ends: int,
    ) -> None:
        self.played = 0
        self.passing = False
        self.on_step: Callable[[str, int], None] = lambda *_: None
        self.waited_for: Callable[[str], Bounds] = lambda _: ANY
        self._symbol = symbol
        self._exchange = exchange
        self._positions = positions
        self._book = book
        self._past = past
        self._span = span
        self._passed: deque[Tick] = deque()
        self._play_until = 0  # what was before is played in any case
        self._was_far = False
        self._rest: Iterator[Tick] = ticks.between(begins, ends)
        self._upcoming = next(self._rest, None)
        if self._upcoming is not None:
            self._book.begin(ticks, begins, self._upcoming)

    @property
    def next_at(self) -> int:
        """When the next trade was, exchange ms; FAR after the last."""
        return FAR if self._upcoming is None else self._upcoming.time

    def play(self) -> None:
        """Play the next trade."""
        tick = self._upcoming
        assert tick is not None, "played beyond its end"
        step = self._book.step(tick)
        bids, asks = self._book.around(step, tick)
        self._exchange.set_book(self._symbol, bids, asks, tick.time)
        if step.quantity:
            self._exchange.market_trade(
                *(self._symbol, step.price, step.quantity),
                buyer_is_maker=tick.buyer_is_maker,
                time=tick.time,
            )
        self._upcoming = next(self._rest, None)
        self.played += 1
        self.on_step(self._symbol, tick.time)

    def pass_over(self, until: int) -> None:
        """Pass over the trades up to a moment and before one that concerns somebody."""
        alert = alert_of(self.waited_for(self._symbol), self._positions.resting(self._symbol))
        while self._play_until <= self.next_at <= until:
            far, before = self._is_far(alert), self._was_far
            self._was_far = far
            if not far:
                self._catch_up(self.next_at)
                return
            if not before:  # played: it takes the book away from what rests
                return
            self._leave_out()

    def catch_up(self, time: int) -> None:
        """Leave out what nobody looked at, but for the last minutes before `time`."""
        while self.next_at < self._start(time):
            self._leave_out()
        self._catch_up(time)

    def _is_far(self, alert: Alert) -> bool:
        assert self._upcoming is not None, "looked at beyond its end"
        price, reach = units(self._upcoming.price), units(self._book.reach)
        return alert.is_far(price - reach, price + reach)

    def _leave_out(self) -> None:
        tick = self._upcoming
        assert tick is not None, "left out beyond its end"
        self.passing = True
        self._passed.append(tick)
        self._drop_before(self._start(tick.time))
        self._upcoming = next(self._rest, None)

    def _catch_up(self, time: int) -> None:
        """Have the last of what was passed over be next."""
        if not self.passing:
            return
        self._drop_before(self._start(time))
        self._rest = chain(self._passed, self._left())
        self._passed = deque()
        self._upcoming = next(self._rest, None)
        self._play_until, self.passing = time + 1, False

    def _left(self) -> Iterator[Tick]:
        return self._rest if self._upcoming is None else chain([self._upcoming], self._rest)

    def _drop_before(self, start: int) -> None:
        """Forget trades for good; candles of the past stand for them."""
        while self._passed and self._passed[0].time < start:
            self._book.note(self._passed.popleft())
            self._past.ends = max(self._past.ends, start)

    def _start(self, time: int) -> int:
        """Answer from when on trades are played if `time` matters."""
        return (time - WARM_UP) // self._span * self._span


class SizedBook:
    """The book around trades, as deep as the last minute that had any; `share` of each is ours."""

    def __init__(self, liquidity: Liquidity, *, grid: Grid, share: Decimal) -> None:
        self._liquidity = liquidity
        self._lot = grid.lot
        self._share = share
        self._minute: GrowingMinute
        self.reach = Decimal(0)  # how far from a price it may stand

    def begin(self, ticks: Ticks, begins: int, first: Tick) -> None:
        """Size it by the minute before the beginning, or by the first one there is."""
        known = list(ticks.between(begins - MINUTE, begins))
        known = known or list(ticks.between(first.time, first.time + MINUTE))
        self._minute = GrowingMinute(known[0])
        for tick in known:
            self._minute.take(tick)
        self._enter()
        self._minute = GrowingMinute(first)

    def step(self, tick: Tick) -> Step:
        """Answer what our orders may have of a trade, in whole lots."""
        lots = int(tick.quantity * self._share / self._lot)
        return Step(tick.price, lots * self._lot, rising=not tick.buyer_is_maker)

    def around(self, step: Step, tick: Tick) -> Book:
        """Answer the book in which a trade happens."""
        self.note(tick)
        return self._liquidity.around(step)

    def note(self, tick: Tick) -> None:
        """Take a trade in: each once, in their order."""
        if self._minute.ends_before(tick):
            self._enter()
            self._minute = GrowingMinute(tick)
        self._minute.take(tick)

    def _enter(self) -> None:
        self._liquidity.enter(self._minute.bar)
        self.reach = self._liquidity.reach(self._minute.bar)


class GrowingMinute:
    """What was traded in a minute so far."""

    def __init__(self, first: Tick) -> None:
        self._opening = first.time - first.time % MINUTE
        self._first = self._high = self._low = self._last = first.price
        self._volume = Decimal(0)

    @property
    def bar(self) -> Bar:
        """Answer it as a candle."""
        return Bar(self._opening, self._first, self._high, self._low, self._last, self._volume)

    def ends_before(self, tick: Tick) -> bool:
        """Say whether a trade belongs to a later minute."""
        return tick.time >= self._opening + MINUTE

    def take(self, tick: Tick) -> None:
        """Add a trade."""
        self._high, self._low = max(self._high, tick.price), min(self._low, tick.price)
        self._last = tick.price
        self._volume += tick.quantity


__all__ = ["TradePlayback"]
