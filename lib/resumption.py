"""One paragraph after each start that found contexts: what happened while the program was away."""

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Protocol

from lib.context_file.generation import Generation
from lib.exchange import OrderRecord
from lib.floor import Floor
from lib.mirror import advance
from lib.money import plain
from lib.orders import FINAL, LIVE, UNSETTLED, Order

PATIENCE: Final = 20.0  # seconds after which what is still in doubt is said to be
GLANCE: Final = 0.25


class Resumed(Protocol):
    """A bot as this paragraph sees it."""

    @property
    def generation(self) -> Generation: ...

    @property
    def orders(self) -> Iterable[Order]: ...


class Resumption:
    """Remembers how the contexts were found and compares with how things stand."""

    def __init__(self, away_ms: int | None = None) -> None:
        self._away_ms = away_ms
        self._began: float | None = None
        self._bots = 0
        self._saved_at = 0
        self._orders: dict[str, Order] = {}
        self._seen: dict[str, OrderRecord] = {}

    def remember(self, bots: Iterable[Resumed], began: float | None = None) -> None:
        """Keep what the contexts said before anybody was asked; `began` by the loop's clock."""
        self._began = began
        for bot in bots:
            self._bots += 1
            self._saved_at = max(self._saved_at, bot.generation.saved_at)
            for order in bot.orders:
                if order.id and order.state not in FINAL:
                    self._orders[order.id] = order

    def on_record(self, record: OrderRecord) -> None:
        """Take in what the exchange says of an order that was found unfinished."""
        if record.client_order_id in self._orders:
            known = self._seen.get(record.client_order_id)
            self._seen[record.client_order_id] = advance(known, record)

    async def report(self, floor: Floor, bots: Iterable[Resumed]) -> str:
        """Wait for the doubts to be settled, a while at most; empty without contexts."""
        if not self._bots:
            return ""
        loop = asyncio.get_running_loop()
        since = 0 if self._began is None else loop.time() - self._began
        began = floor.clock.now() - int(since * 1000)
        for _ in range(int(PATIENCE / GLANCE)):
            if all(self._settled(order) for order in self._orders.values()):
                break
            await asyncio.sleep(GLANCE)
        return " ".join((
            f"Resumed {_count(self._bots, 'bot')} {self._pause(began)}.",
            self._filled(),
            self._doubts(),
            _open_now(floor, bots),
        ))

    def _pause(self, began: int) -> str:
        if self._away_ms is not None:
            return f"after {duration(self._away_ms)} away"
        return f"last saved {duration(began - self._saved_at)} before this start"

    def _settled(self, order: Order) -> bool:
        return order.id in self._seen or order.state not in UNSETTLED

    def _filled(self) -> str:
        fills = [
            f"{order.side} {plain(executed)} {order.symbol}"
            for order in self._orders.values()
            if (executed := self._executed(order) - order.executed) > 0
        ]
        return f"Filled meanwhile: {', '.join(fills)}." if fills else "Nothing filled meanwhile."

    def _executed(self, order: Order) -> Decimal:
        record = self._seen.get(order.id)
        return record.executed if record else order.executed

    def _doubts(self) -> str:
        doubts = [order for order in self._orders.values() if order.state in UNSETTLED]
        if not doubts:
            return "Nothing was in doubt."
        ends = [f"{order.side} {order.symbol} {self._end(order)}" for order in doubts]
        return f"In doubt was: {', '.join(ends)}."

    def _end(self, order: Order) -> str:
        record = self._seen.get(order.id)
        if record is not None:
            return f"was found: {record.status.lower()}"
        return "is still being looked for, no answer yet shows it"


def _open_now(floor: Floor, bots: Iterable[Resumed]) -> str:
    open_orders = [order for bot in bots for order in bot.orders if _is_open(floor, order)]
    if not open_orders:
        return "Nothing is open now."
    return f"Open now: {', '.join(map(_short, open_orders))}."


def _is_open(floor: Floor, order: Order) -> bool:
    """Say whether the exchange has it open, by what it said last rather than by the context."""
    record = floor.mirror.record(order.id)
    if record is not None:
        return not record.status.final
    return order.state in LIVE


def _short(order: Order) -> str:
    amount = plain(order.quantity or order.quote_quantity or Decimal(0))
    price = f" at {plain(order.price)}" if order.price else ""
    return f"{order.side} {amount} {order.symbol}{price}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration(ms: int) -> str:
    """Write a duration for a person: 12 s, 3 min, 5 h, 2 days."""
    seconds = max(0, ms) // 1000
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
