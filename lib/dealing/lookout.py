"""Waiting for what concerns a live order: news of it, its deadline, its price, a decision.

Nobody polls here: an order's bell rings with each news of it, and whoever has another reason to
look (an alarm on the price, a timer, a bot that decided) rings the same bell.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

from lib.errors import Unavailable
from lib.exchange import OrderRecord
from lib.floor import Floor
from lib.last_prices import LastPrices
from lib.money import plain
from lib.orders import Order, all_trades_known
from lib.quotes import Alarm


class Lookout:
    """Looks out for one bot's live orders."""

    def __init__(self, floor: Floor, prices: LastPrices) -> None:
        self._floor = floor
        self._prices = prices
        self._waiting: dict[str, Order] = {}
        self._at_save: dict[asyncio.Event, None] = {}  # the bells of those who wait for a save
        self.first_reason: Callable[[Order], str] = lambda _: ""
        """Answers a reason to cancel an order that comes before all others."""
        self.told: Callable[[Order], str] = lambda _: ""
        """Answers what the person said against an order."""
        self.holds: Callable[[Order], bool] = lambda _: False
        """Answers whether an order rests as it is, whatever speaks against it."""

    async def next_report(self, order: Order) -> OrderRecord | str | Decimal:
        """Wait for news of a followed order; or answer why to cancel it, or how small to be."""
        self._waiting[order.id] = order
        by_price = _by_price(order)
        if by_price:
            self._floor.quotes.open(order.symbol)
        try:
            return await self._report_or_reason(order, by_price=by_price)
        finally:
            del self._waiting[order.id]
            if by_price:
                self._floor.quotes.close(order.symbol)

    async def why_give_up(self, order: Order) -> str:
        """Answer why an order is to be canceled now; empty if it is not."""
        if self.holds(order):
            return ""
        decided = self.first_reason(order) or order.give_up or self.told(order)
        if decided:
            return decided
        if order.give_up_at is not None and self._floor.clock.now() >= order.give_up_at:
            return "it waited long enough"
        return await self._reason_by_price(order) if _by_price(order) else ""

    def wake_decided(self) -> None:
        """Wake the machines whose order the bot has decided about, and who waits for a save."""
        for client_order_id, order in self._waiting.items():
            if order.give_up or order.amend_to is not None or self.first_reason(order):
                self._floor.mirror.bell(client_order_id).set()
        for bell in self._at_save:
            bell.set()

    def wake_all(self) -> None:
        """Wake the machine of every live order, and who waits for a save."""
        for client_order_id in self._waiting:
            self._floor.mirror.bell(client_order_id).set()
        for bell in self._at_save:
            bell.set()

    async def next_save(self, bell: asyncio.Event) -> None:
        """Wait until something of this bot was saved, or the bell rings for another reason."""
        self._at_save[bell] = None
        try:
            await bell.wait()
        finally:
            self._at_save.pop(bell, None)

    async def _report_or_reason(
        self, order: Order, *, by_price: bool
    ) -> OrderRecord | str | Decimal:
        mirror = self._floor.mirror
        bell = mirror.bell(order.id)
        while True:
            bell.clear()
            record = mirror.record(order.id)
            if record is not None and _says_more(record, order):
                return await completed(self._floor, record)
            why = await self.why_give_up(order)
            if why:
                return why
            held = self.holds(order)
            if order.amend_to is not None and not held:
                return order.amend_to
            alarm = self._set_alarm(order, bell) if by_price and not held else None
            await self._wait_until(None if held else order.give_up_at, bell, glance=by_price)
            if alarm:
                self._floor.quotes.dismiss(alarm)

    async def _reason_by_price(self, order: Order) -> str:
        try:
            last = await self._prices.ask(order.symbol)
        except Unavailable:  # a stop is not judged by a price of yesterday
            return ""
        if order.give_up_below is not None and last <= order.give_up_below:
            return f"the price fell to {plain(last)}"
        if order.give_up_above is not None and last >= order.give_up_above:
            return f"the price rose to {plain(last)}"
        return ""

    def _set_alarm(self, order: Order, bell: asyncio.Event) -> Alarm:
        below, above = order.give_up_below, order.give_up_above
        return self._floor.quotes.alarm(order.symbol, bell.set, below=below, above=above)

    async def _wait_until(self, at: int | None, bell: asyncio.Event, *, glance: bool) -> None:
        """Wait for the bell or a deadline; a timer that slept through a suspend is short."""
        limits = self._floor.limits
        seconds = (limits.glance if glance else limits.timer) / 1000
        if at is not None:
            seconds = min(seconds, max(0, at - self._floor.clock.now()) / 1000)
        await _rings(bell, seconds)


async def news_of(floor: Floor, order: Order, ms: int) -> None:
    """Wait for news of a followed order, but no longer than this."""
    bell = floor.mirror.bell(order.id)
    bell.clear()
    await _rings(bell, ms / 1000)


async def completed(floor: Floor, record: OrderRecord) -> OrderRecord:
    """Ask until every trade of what was executed is known."""
    intervals, turn = floor.limits.intervals, 0
    while not all_trades_known(record.fills, record.executed):
        with suppress(Unavailable):
            record = await floor.mirror.complete(record)
        if not all_trades_known(record.fills, record.executed):
            await asyncio.sleep(intervals[turn] / 1000)
            turn = min(turn + 1, len(intervals) - 1)
    return record


async def _rings(bell: asyncio.Event, seconds: float) -> None:
    timer = asyncio.get_running_loop().call_later(seconds, bell.set)
    await bell.wait()
    timer.cancel()


def _by_price(order: Order) -> bool:
    return order.give_up_below is not None or order.give_up_above is not None


def _says_more(record: OrderRecord, order: Order) -> bool:
    return record.executed > order.executed or record.status.final
