"""Wait for the price to turn: an entry that follows it down, and buys once it rose again.

async for ctx.trail in await_turn(desk, ctx.trail):
    yield ctx
"""

from collections.abc import Iterator
from decimal import Decimal

from lib.amounts import EXACT
from lib.desk import Desk
from lib.exchange import Side
from lib.machine import Machine
from lib.quotes import Bounds
from lib.trailing import PAUSE, Trail, moved_enough, take_price


def plan_turn(
    symbol: str, side: Side, distance: Decimal, *, base: Decimal, fixed: bool, now: int
) -> Trail:
    """Plan to enter once the price turned by a fraction from its best since.

    Below zero it begins once the price is so far this side of `base`; else at once, and `fixed`
    says that the line is counted from `base` rather than from the first price.
    """
    trail = Trail(symbol=symbol, side=side, distance=abs(distance))
    sign = 1 if side == "SELL" else -1
    if distance < 0:
        trail.activation = EXACT.multiply(base, 1 + sign * trail.distance)
    elif fixed:
        trail.mark, trail.began_at, trail.seen_at = base, now, now
    return trail


async def await_turn(desk: Desk, trail: Trail) -> Machine[Trail]:
    """Follow the price until it is beyond the line; `turned_at` is then on disk.

    At the line it has not turned yet.
    """
    if not trail.seen_at:  # from where it counts is not to be forgotten
        trail.seen_at = desk.now()
        yield trail
    saved, pause = trail.mark, 0
    while trail.turned_at is None:
        price = await desk.price(trail.symbol, base=trail.base)
        if price != trail.line:
            await take_price(desk, trail, price, pause=pause)
            pause = PAUSE
        if trail.turned_at is not None or moved_enough(trail, saved):
            saved = trail.mark
            yield trail
        else:
            await desk.stirring(trail.symbol, *_bounds(desk, trail))


def _bounds(desk: Desk, trail: Trail) -> Iterator[Bounds]:
    """Answer the prices at which it begins, moves on, or turns."""
    tick = desk.rules(trail.symbol).tick
    falling = trail.side == "BUY"
    if trail.mark is None or trail.line is None:
        at = trail.activation
        yield Bounds(below=at, base=trail.base) if falling else Bounds(above=at, base=trail.base)
    elif falling:
        yield Bounds(trail.mark - tick, trail.line + tick, trail.base)
    else:
        yield Bounds(trail.line - tick, trail.mark + tick, trail.base)
