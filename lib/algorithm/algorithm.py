"""A strategy as callbacks: what it is told, and what it may ask for.

Callbacks are plain functions. They are called in one step with the save of what they change, so
each is told once, whatever fails. They know what they are given and nothing else: no network, no
clock, no exchange. The object is made anew for each call: what is to be remembered is in `ctx`.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Generic, TypeVar

from lib.algorithm.course import AlgorithmCtx, AlgorithmSettings
from lib.algorithm.wish import OpenWish, OrderEnded, OrderFilled, Wish, opened
from lib.errors import Halt
from lib.exchange import Candle, PublicTrade, Side
from lib.money import plain
from lib.sizes import Size

ConfT = TypeVar("ConfT", bound=AlgorithmSettings)
CtxT = TypeVar("CtxT", bound=AlgorithmCtx)

HISTORY_MAX: Final = 500  # candles


class Algorithm(Generic[ConfT, CtxT]):
    """Base of every algorithm. Override what it is to be told."""

    def __init__(
        self,
        conf: ConfT,
        ctx: CtxT,
        *,
        now: int,
        candles: Sequence[Candle] = (),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.conf = conf
        self.ctx = ctx
        self.now = now  # exchange ms of what is told: when the candle closed, the trade was made
        self.candles = candles  # the newest that have closed, oldest first: as many as wanted
        self.tell = say

    # --- what it is told

    def wants_history(self) -> int:
        """Answer how many candles `candles` is to hold, at most HISTORY_MAX."""
        return 0

    def on_start(self) -> None:
        """Hear that it begins; once, before anything else."""

    def on_history(self, candle: Candle) -> None:
        """Hear a candle of before it began, in order. What is asked for here is refused."""

    def on_candle(self, candle: Candle) -> None:
        """Hear a candle that has closed; each once, in order."""

    def on_trade(self, trade: PublicTrade) -> None:
        """Hear what anybody traded; each once, in order."""

    def on_fill(self, filled: OrderFilled) -> None:
        """Hear one trade of its own orders; each once."""

    def on_bought(self, filled: OrderFilled) -> None:
        """Hear the same of a purchase, after `on_fill`."""

    def on_sold(self, filled: OrderFilled) -> None:
        """Hear the same of a sale, after `on_fill`."""

    def on_filled(self, ended: OrderEnded) -> None:
        """Hear that an order was executed entirely."""

    def on_canceled(self, ended: OrderEnded) -> None:
        """Hear that an order was canceled or expired; it may have been executed in part."""

    def on_rejected(self, ended: OrderEnded) -> None:
        """Hear that an order never came to be: refused, or too late to be sent."""

    # --- what it knows

    @property
    def position(self) -> Decimal:
        """Base asset bought and not sold, less fees, as far as it was told."""
        return self.ctx.course.held

    @property
    def holds_coins(self) -> bool:
        """Say whether that is more than dust: enough to be sold."""
        return self.position > 0 and self.position >= self.ctx.course.least

    @property
    def open_wishes(self) -> tuple[OpenWish, ...]:
        """What it asked for that is not over, oldest first."""
        return tuple(opened(wish) for wish in self.ctx.course.wishes)

    # --- what it may ask for

    def buy(
        self,
        size: Size | Decimal | str,
        *,
        price: Decimal | None = None,
        take_profit: Decimal | None = None,
        stop: Decimal | None = None,
        wait: int | None = None,
        label: str = "",
        because: str = "",
    ) -> int:
        """Ask for a purchase, at market or at a limit; answer the number of the wish.

        With `take_profit` or `stop` (quote per base) orders rest at the exchange against what was
        bought until all of it is sold. `wait` is how long a limit may rest, ms. Raises Halt.
        """
        if take_profit is not None and stop is not None and take_profit <= stop:
            raise Halt(f"the take profit {plain(take_profit)} is not above the stop {plain(stop)}")
        wish = self._wish("BUY", Size.read(size), price, wait, label, because)
        wish.take_profit, wish.stop = take_profit, stop
        wish.good_until = self.now + self.conf.freshness
        return wish.number

    def sell(
        self,
        size: Size | Decimal | str,
        *,
        price: Decimal | None = None,
        wait: int | None = None,
        label: str = "",
        because: str = "",
    ) -> int:
        """Ask for a sale of what was bought without a take profit or a stop of its own."""
        return self._wish("SELL", Size.read(size), price, wait, label, because).number

    def close_all(self, because: str = "") -> None:
        """Ask for all to be canceled, and all that is held to be sold at market."""
        wishes = self.ctx.course.wishes
        self.cancel_all(because)
        for wish in wishes:
            wish.sell_now = wish.sell_now or because or "told to close"
        if not (wishes and wishes[-1].closes):
            self._wish("SELL", None, None, None, "", because)

    def cancel(self, which: int | str, because: str = "") -> None:
        """Ask for orders to be canceled: one by its number, or all of a label.

        What was bought keeps its take profit and its stop.
        """
        for wish in self._named(which):
            if not wish.closes:
                _give_up(wish, because or "told to cancel")

    def cancel_all(self, because: str = "") -> None:
        """Ask for every order to be canceled, but for those that end a position."""
        for wish in self.ctx.course.wishes:
            self.cancel(wish.number, because)

    def move(
        self, which: int | str, *, take_profit: Decimal | None = None, stop: Decimal | None = None
    ) -> None:
        """Ask for the take profit or the stop of a purchase to stand elsewhere."""
        for wish in self._named(which):
            if wish.take_profit is None and wish.stop is None:
                raise Halt(f"wish {wish.number} has no take profit and no stop to be moved")
            wish.take_profit = take_profit if take_profit is not None else wish.take_profit
            wish.stop = stop if stop is not None else wish.stop

    def sell_out(self, which: int | str, because: str = "") -> None:
        """Ask for what a purchase with a take profit or a stop bought to be sold at market."""
        for wish in self._named(which):
            _give_up(wish, because or "told to sell")
            wish.sell_now = wish.sell_now or because or "told to sell"

    def finish(self, because: str) -> None:
        """Ask for nothing more to be told but what becomes of what was asked for."""
        self.ctx.course.finished = self.ctx.course.finished or because

    def _named(self, which: int | str) -> list[Wish]:
        wishes = self.ctx.course.wishes
        if isinstance(which, int):
            return [wish for wish in wishes if wish.number == which]
        return [wish for wish in wishes if which and wish.label == which]

    def _wish(
        self,
        side: Side,
        size: Size | None,
        price: Decimal | None,
        wait: int | None,
        label: str,
        because: str,
    ) -> Wish:
        course = self.ctx.course
        course.asked += 1
        wish = Wish(
            number=course.asked,
            label=label,
            side=side,
            size=size,
            price=price,
            give_up_at=None if wait is None else self.now + wait,
            because=because,
        )
        course.wishes.append(wish)
        return wish


def _give_up(wish: Wish, why: str) -> None:
    wish.given_up = wish.given_up or why
    if wish.order is not None and not wish.order.final:
        wish.order.give_up = wish.order.give_up or why
