"""One life of an algorithm: whoever has something to tell it does so here, in one step.

Nothing here awaits. What a callback changed and what it asked for are in the context once it
returned, beside the note that it was told; the next save has all of it or nothing.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Final

from lib.algorithm.algorithm import HISTORY_MAX, Algorithm
from lib.algorithm.course import (
    AlgorithmCtx,
    AlgorithmSettings,
    CandleSettings,
    Course,
    TradeSettings,
)
from lib.algorithm.wish import (
    NEVER_THERE,
    OrderEnded,
    OrderFilled,
    Wish,
    is_on_its_way,
    net_of,
    take_end,
    take_fills,
)
from lib.closed_candles import Interval
from lib.desk import Desk
from lib.errors import Halt
from lib.exchange import ZERO, Candle
from lib.exits.way_out import review_way
from lib.money import SymbolRules
from lib.news import Kind
from lib.orders import OrderState

REFUSALS_MAX: Final = 100  # within one call: an algorithm that asks again for ever is wrong

Call = Callable[[Algorithm[Any, Any]], None]


@dataclass(slots=True)
class Session:
    """What a life of an algorithm consists of. The candles are asked for anew in each."""

    desk: Desk
    conf: AlgorithmSettings
    ctx: AlgorithmCtx
    kind: type[Algorithm[Any, Any]]
    candles: deque[Candle] = field(default_factory=deque)

    @property
    def course(self) -> Course:
        """How far it is."""
        return self.ctx.course

    @property
    def is_busy(self) -> bool:
        """Say whether something at market is on its way: what is told next waits for it."""
        now = self.desk.now()
        return any(is_on_its_way(wish, now) for wish in self.course.wishes)

    @property
    def interval(self) -> Interval:
        """Of which candles it hears. Raises Halt where its Conf does not say."""
        if not isinstance(self.conf, CandleSettings):
            raise Halt("an algorithm that hears candles needs a Conf(CandleSettings)")
        return self.conf.interval

    @property
    def every(self) -> int:
        """How often it is told public trades, at most, ms. Raises Halt as `interval` does."""
        if not isinstance(self.conf, TradeSettings):
            raise Halt("an algorithm that hears trades needs a Conf(TradeSettings)")
        return self.conf.every

    @property
    def history(self) -> int:
        """How many candles the algorithm looks back on. Raises Halt for more than there can be."""
        wanted = self._voice(0).wants_history()
        if not 0 <= wanted <= HISTORY_MAX:
            raise Halt(f"it wants {wanted} candles of history, at most {HISTORY_MAX} can be had")
        return wanted

    def hears(self, callback: str) -> bool:
        """Say whether the algorithm wants to be told something."""
        return getattr(self.kind, callback) is not getattr(Algorithm, callback)

    def tell(self, call: Call, at: int) -> None:
        """Tell the algorithm something that happened at a time, exchange ms."""
        before = self.course.asked
        call(self._voice(at))
        self._refuse_late(before, at)
        for wish in self.course.wishes:
            if wish.way is not None:
                review_way(self.desk, wish.way, wish)

    def tell_history(self, candle: Candle) -> None:
        """Tell a candle of before the beginning. Raises Halt if that leads to an order."""
        asked = self.course.asked
        self._voice(candle.close_time + 1).on_history(candle)
        if self.course.asked != asked:
            raise Halt("on_history asked for an order: the past cannot be traded")

    def hear(self, wish: Wish) -> None:
        """Tell what came of a wish since it was looked at last."""
        for filled in take_fills(wish):
            net = net_of(filled, self.course.base_asset)
            wish.net += net
            self.course.held += net
            self.course.least = least_sale(self.desk.rules(self.course.symbol), filled.price)
            self.tell(partial(_tell_fill, filled=filled), filled.time)
        ended = take_end(wish)
        if ended is not None:
            self.tell(partial(_tell_end, ended=ended), self.desk.now())

    def _voice(self, at: int) -> Algorithm[Any, Any]:
        say = lambda text: self.desk.tell(Kind.PLAN, text)  # noqa: E731
        return self.kind(self.conf, self.ctx, now=at, candles=tuple(self.candles), say=say)

    def _refuse_late(self, before: int, at: int) -> None:
        """Refuse entries that are too late already: told before the next thing is."""
        now, refused = self.desk.now(), 0
        while late := next(self._late(before, now), None):
            refused += 1
            if refused > REFUSALS_MAX:
                raise Halt(f"it asked {REFUSALS_MAX} times for an entry that is too late")
            refuse(late, too_late(late, now))
            self.course.wishes.remove(late)
            ended = take_end(late)
            assert ended is not None, "it was refused just now"
            _tell_end(self._voice(at), ended)

    def _late(self, before: int, now: int) -> Iterator[Wish]:
        return (
            wish
            for wish in self.course.wishes
            if wish.number > before and wish.good_until is not None and now > wish.good_until
        )


def least_sale(rules: SymbolRules, price: Decimal) -> Decimal:
    """Answer how little base asset the exchange takes at market, at a price."""
    lots = max(rules.lot.smallest, rules.market_lot.smallest)
    value = rules.notional.smallest if rules.notional.smallest_for_market else ZERO
    return max(lots, value / price)


def refuse(wish: Wish, why: str) -> None:
    """Note that no order is made of a wish."""
    wish.refused = why


def too_late(wish: Wish, now: int) -> str:
    """Say how late an entry is."""
    assert wish.good_until is not None, "only an entry can be late"
    return f"it is {(now - wish.good_until) // 1000} s too late to enter"


def _tell_fill(voice: Algorithm[Any, Any], filled: OrderFilled) -> None:
    voice.on_fill(filled)
    if filled.side == "BUY":
        voice.on_bought(filled)
    else:
        voice.on_sold(filled)


def _tell_end(voice: Algorithm[Any, Any], ended: OrderEnded) -> None:
    if ended.state is OrderState.FILLED:
        voice.on_filled(ended)
    elif ended.state in NEVER_THERE:
        voice.on_rejected(ended)
    else:
        voice.on_canceled(ended)
