"""The search for an order whose outcome is unknown.

Found is certain; absent is a conclusion. It is drawn only after a server time past the fence,
enough queries by id over enough time (shorter when the user stream had no gap since before the
sending), and a look through the open orders and the history by id and by shape. A question that
could not be asked proves nothing. The last proof, a cancel by id, is an intent of its own and
the machine's to send.

An order list is in doubt as a whole: any of its ids seen means that all of it was accepted, and
only all of them missed in every way that there is means that none was.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from lib.errors import BooksDisagree, Unavailable
from lib.exchange import OrderRecord
from lib.floor import Floor
from lib.ids import parse_id
from lib.orders import Order

HISTORY_BEFORE: Final = 60_000  # ms before the sending at which the history is searched from


@dataclass(slots=True)
class _Look:
    """How long and how often an order was looked for in vain, after its fence."""

    since: int = 0
    until: int = 0
    queries: int = 0

    def count(self, server_time: int) -> None:
        self.since, self.until = self.since or server_time, server_time
        self.queries += 1


async def look_for(floor: Floor, order: Order) -> OrderRecord | None:
    """Ask until the order is found or presumed absent (None).

    Raises BooksDisagree when an order of the same shape stands under an id nobody here gave.
    """
    look, turn = _Look(), 0
    while True:
        try:
            record = floor.mirror.record(order.id) or await _look_once(floor, order, look)
            if record is not None:
                return record
            if _looked_enough(floor, order, look):
                found = await _search(floor, order)
                return found or floor.mirror.record(order.id)  # an event may have come meanwhile
        except Unavailable:
            pass  # a question without an answer proves nothing
        await _wait(floor, order, turn)
        turn += 1


async def _look_once(floor: Floor, order: Order, look: _Look) -> OrderRecord | None:
    server_time = await floor.venue.server_time()
    record = await floor.venue.find_order(order.symbol, client_order_id=order.id)
    if record is None and server_time > dead_at(floor, order):
        look.count(server_time)
    return record


def dead_at(floor: Floor, order: Order) -> int:
    """Answer the exchange ms after which the request can no longer be accepted."""
    limits = floor.limits
    return order.send_by + order.recv_window + limits.engine_margin + limits.slack


def _looked_enough(floor: Floor, order: Order, look: _Look) -> bool:
    limits, streaming = floor.limits, floor.mirror.streaming_since
    unbroken = streaming is not None and streaming < order.sent_at
    enough = limits.doubt_look_streamed if unbroken else limits.doubt_look
    return look.queries >= limits.doubt_queries and look.until - look.since >= enough


async def look_for_list(floor: Floor, list_id: str, legs: Sequence[Order]) -> bool:
    """Ask until any order of a list is found (True), or all of it is presumed absent.

    `legs` were announced together under one fence. Raises BooksDisagree as `look_for` does.
    """
    look, turn = _Look(), 0
    while True:
        try:
            if _heard(floor, legs) or await _look_at_list(floor, list_id, legs, look):
                return True
            if _looked_enough(floor, legs[0], look):
                found = [await _search(floor, leg) for leg in legs]
                return any(found) or _heard(floor, legs)
        except Unavailable:
            pass  # a question without an answer proves nothing
        await _wait(floor, legs[0], turn)
        turn += 1


async def find_leg(floor: Floor, list_id: str, leg: Order) -> OrderRecord:
    """Ask for one order of a list that was accepted, until there is an answer.

    One that is not found by its own id, as after a cancel under another, is found by order id.
    """
    turn = 0
    while True:
        with suppress(Unavailable):
            found = floor.mirror.record(leg.id)
            found = found or await floor.venue.find_order(leg.symbol, client_order_id=leg.id)
            found = found or (await _find_listed(floor, list_id, leg) if turn else None)
            if found is not None:
                return found
        await _wait(floor, leg, turn)
        turn += 1


def _heard(floor: Floor, legs: Sequence[Order]) -> bool:
    return any(floor.mirror.record(leg.id) is not None for leg in legs)


async def _look_at_list(floor: Floor, list_id: str, legs: Sequence[Order], look: _Look) -> bool:
    """Ask for every leg, then for the list, whose query lags more than theirs."""
    server_time = await floor.venue.server_time()
    for leg in legs:
        if await floor.venue.find_order(leg.symbol, client_order_id=leg.id) is not None:
            return True
    if await floor.venue.find_list(list_id) is not None:
        return True
    if server_time > dead_at(floor, legs[0]):
        look.count(server_time)
    return False


async def _find_listed(floor: Floor, list_id: str, leg: Order) -> OrderRecord | None:
    """Find a leg among the orders that the list itself names, by the leg's shape."""
    listed = await floor.venue.find_list(list_id)
    for order_id in listed.order_ids if listed else ():
        found = await floor.venue.find_order(leg.symbol, order_id=order_id, client_order_id=leg.id)
        if found is not None and _has_shape(leg, found):
            return replace(found, client_order_id=leg.id)
    return None


async def _search(floor: Floor, order: Order) -> OrderRecord | None:
    since = order.sent_at - HISTORY_BEFORE
    open_orders = await floor.venue.open_orders(order.symbol)
    past = await floor.venue.history(order.symbol, since=since)
    for record in (*open_orders, *past):
        if record.client_order_id == order.id:
            return record
    for record in (*open_orders, *past):
        if record.created_at >= since and _is_twin(floor, order, record):
            raise BooksDisagree(
                f"order {order.id} is in doubt, and order {record.order_id} of the same shape "
                f"stands under the foreign id {record.client_order_id}"
            )
    return None


def _is_twin(floor: Floor, order: Order, record: OrderRecord) -> bool:
    """Say whether a record could be our order under another name."""
    own = parse_id(record.client_order_id)
    if own is not None and own.installation == floor.installation:
        return False  # an order of ours, known under its own id
    return _has_shape(order, record)


def _has_shape(order: Order, record: OrderRecord) -> bool:
    """Say whether a record shows side, type and amounts of our order."""
    same_quantity = order.quantity is None or order.quantity == record.quantity
    same_quote = order.quote_quantity is None or order.quote_quantity == record.quote_quantity
    same_price = order.price is None or order.price == record.price
    return (
        (record.side, record.type) == (order.side, order.type)
        and same_quantity
        and same_quote
        and same_price
    )


async def _wait(floor: Floor, order: Order, turn: int) -> None:
    """Wait for the next turn, or for the user stream to bring the order."""
    intervals = floor.limits.intervals
    bell = floor.mirror.bell(order.id)
    bell.clear()
    ms = intervals[min(turn, len(intervals) - 1)]
    timer = asyncio.get_running_loop().call_later(ms / 1000, bell.set)
    await bell.wait()
    timer.cancel()
