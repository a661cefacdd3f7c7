"""Asking the exchange whether a context on disk is the newest there ever was.

A bot with a context is proven current before its first intent: the history since its last save
holds no order of its tag beyond its counter. A bot without one is proven new: no order of its
tag, from whichever installation, is open or a day young.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from lib.context_file.generation import Generation
from lib.errors import BooksDisagree
from lib.exchange import OrderRecord
from lib.floor import Floor
from lib.ids import bot_tag, parse_id
from lib.orders import orders_inside

BEFORE_SAVE: Final = 60_000  # ms before the last save at which the history is searched from
DAY: Final = 86_400_000
PAPER: Final = "paper"


async def prove_current(
    floor: Floor,
    past: "Past",
    generation: Generation,
    symbols: Iterable[str],
    *,
    suspect: bool,
) -> None:
    """Show every order since the last save to the witness, who halts a bot that went back.

    A suspect context, one whose newest generation may be lost, waits first until whatever that
    generation announced can no longer be accepted. Raises Unavailable.
    """
    if suspect:
        await _outlive_requests(floor)
    since = generation.saved_at - BEFORE_SAVE
    wanted = sorted({*_symbols(generation), *symbols})
    for record in await (Past(floor) if suspect else past).of(wanted, since):
        floor.mirror.merge(record)
        await asyncio.sleep(0)  # the witness's verdict cancels us here


async def prove_new(floor: Floor, bot: str, symbols: Iterable[str]) -> None:
    """Raise BooksDisagree if a bot without a context has orders at the exchange already.

    It waits first until whatever a former life sent can be seen; not on paper, whose books are
    in the same folder as the contexts and were lost with them. Raises Unavailable.
    """
    if floor.venue.name != PAPER:
        await _outlive_requests(floor)
    since = floor.clock.now() - DAY
    for record in await Past(floor).of(sorted(set(symbols)), since):
        own = parse_id(record.client_order_id)
        if own is not None and own.bot == bot_tag(bot):
            raise BooksDisagree(
                f"there is no context for {bot}, but the exchange shows its order "
                f"{record.order_id} ({record.side} {record.symbol}, {record.status}): was ctx/ "
                f"lost or not mounted? `afresh {bot}` begins anew without it"
            )


async def _outlive_requests(floor: Floor) -> None:
    """Wait until no request sent before now can be accepted any more, nor be too young to see."""
    limits = floor.limits
    start = await floor.venue.server_time()
    dead_at = start + limits.recv_window + limits.engine_margin + limits.slack
    while await floor.venue.server_time() <= dead_at:
        await asyncio.sleep(limits.intervals[-1] / 1000)


class Past:
    """What the exchange shows of each symbol, asked once for all bots that begin together."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._known: dict[str, tuple[int, list[OrderRecord]]] = {}
        self._asking = asyncio.Lock()

    async def of(self, symbols: Iterable[str], since: int) -> list[OrderRecord]:
        """Answer open orders and history since an exchange time, ms. Raises Unavailable."""
        shown: list[OrderRecord] = []
        async with self._asking:
            for symbol in symbols:
                if symbol in self._floor.rules:
                    shown += await self._of_symbol(symbol, since)
        return shown

    async def _of_symbol(self, symbol: str, since: int) -> list[OrderRecord]:
        known_since, known = self._known.get(symbol, (since + 1, []))
        if known_since <= since:
            return known
        venue = self._floor.venue
        shown = [*await venue.open_orders(symbol), *await venue.history(symbol, since=since)]
        self._known[symbol] = (since, shown)
        return shown


def _symbols(generation: Generation) -> list[str]:
    ordered = {order.symbol for order in orders_inside(generation.context)}
    return sorted(ordered | set(generation.symbols))
