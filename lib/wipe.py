"""Noticing that a test exchange was reset, or that a real one has other books than ours.

The newest order that the exchange once acknowledged must still be known under its order id and
carry our id. Exchanges archive what was canceled unfilled after 90 days, so only orders between
an hour and 80 days of age count.
"""

from collections.abc import Iterable
from typing import Any, Final

from lib.context_file.generation import Generation, Memory, Parked
from lib.errors import Refused
from lib.floor import Floor
from lib.orders import FINAL, LIVE, OrderState, is_order, orders_inside

YOUNGEST: Final = 3_600_000
OLDEST: Final = 80 * 86_400_000


async def find_wipe(floor: Floor, generations: Iterable[Generation]) -> dict[str, str]:
    """Answer each bot whose acknowledged order the exchange does not know, with the facts."""
    wiped: dict[str, str] = {}
    for generation in generations:
        newest = _newest_acknowledged(floor, generation)
        if newest is None:
            continue
        symbol, order_id, client_order_id = newest
        try:
            found = await floor.venue.find_order(
                symbol, order_id=order_id, client_order_id=client_order_id
            )
        except Refused:  # archived, or of a symbol no longer traded: it says nothing of a reset
            continue
        if found is None or found.client_order_id != client_order_id:
            shown = f"carries {found.client_order_id}" if found else "is unknown"
            wiped[generation.bot] = (
                f"order {order_id} ({symbol}, ours under {client_order_id}) {shown} at "
                f"{floor.venue.name}"
            )
    return wiped


def _newest_acknowledged(floor: Floor, generation: Generation) -> tuple[str, int, str] | None:
    now = floor.clock.now()
    known = [
        (order.sent_at, order.symbol, order.order_id, order.id)
        for order in orders_inside(generation.context)
        if order.order_id is not None and order.id and order.state in LIVE
    ]
    if generation.memory.newest_order is not None:
        symbol, order_id, client_order_id, at = generation.memory.newest_order
        known.append((at, symbol, order_id, client_order_id))
    old_enough = [fact for fact in known if now - OLDEST < fact[0] < now - YOUNGEST]
    if not old_enough:
        return None
    _, symbol, order_id, client_order_id = max(old_enough)
    assert order_id is not None
    return symbol, order_id, client_order_id


def after_wipe(generation: Generation, *, birth: int, parked: Parked | None) -> Generation:
    """Make the first generation after a reset: new birth, new memory.

    Parked, the bot keeps its context for the person to see, every unfinished order in it lost,
    and a reason it was parked for before; finished, it stays so; else it begins afresh.
    """
    parked = generation.parked or (None if generation.finished else parked)
    kept = parked is not None or generation.finished
    context = _with_orders_lost(generation.context) if kept else {}
    return generation.model_copy(
        update={"birth": birth, "memory": Memory(), "parked": parked, "context": context}
    )


def _with_orders_lost(context: Any) -> Any:
    if is_order(context):
        ended = OrderState(context["state"]) in FINAL
        return context if ended else {**context, "state": OrderState.LOST, "booked": True}
    if isinstance(context, dict):
        return {key: _with_orders_lost(value) for key, value in context.items()}
    if isinstance(context, list):
        return [_with_orders_lost(value) for value in context]
    return context
