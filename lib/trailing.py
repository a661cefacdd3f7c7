"""A price followed at a distance: sell once it fell so far from its peak, or the mirror image.

The mark is the best price seen since the trail began; it only moves on. It is on disk before
anything rests on it: with the turn, in the save before which nothing is sold. In between, a tick
is no save: the mark is saved when it moved by `slack` of the distance. So what a crash can take
from the mark is less than `slack` of the distance, and the line is lower by no more than that.

After a restart, and after a minute without news, the highs and lows of the candles since are
looked up (`look_back`, on unless said otherwise), so that a peak slept through counts; nothing is
decided by a price of the past. Only candles that began after the trail did are believed: a peak
slept through in the very minute in which it began stays unseen.

`base` says which price is followed. Candles know trades alone: no bid was ever above what was
traded meanwhile for certain, so a sale that follows the bid (and a buy that follows the ask) looks
nothing up, and what it slept through stays unseen.

A trail at the exchange itself is an order: a stop with a `trailing_delta`, through `add_order`;
`trail_at_exchange` makes the stop of a planned list one.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from lib.desk import Desk
from lib.errors import Unavailable
from lib.exchange import ZERO, Candle, Side
from lib.machine import Context, Machine
from lib.money import EXACT
from lib.order_lists import OrderList, guards
from lib.quotes import ANY, Base, Bounds

LOOK_BACKS: Final = (("1m", 60_000), ("5m", 300_000), ("1h", 3_600_000), ("1d", 86_400_000))
CANDLES_MAX: Final = 1_000
PAUSE: Final = 60_000  # ms without news that are looked up; after a restart any are


class Trail(Context):
    """A trail as it was begun, and how far it came. Prices are quote per base."""

    symbol: str
    side: Side  # SELL: trails below the highest price; BUY: above the lowest
    distance: Decimal = Field(gt=0)  # in quote; or a fraction of the mark: 0.02 is two percent
    unit: Literal["quote", "fraction"] = "fraction"
    activation: Decimal | None = None  # begin once the price is here; None: at once
    slack: Decimal = Field(default=Decimal("0.1"), ge=0, le=1)
    look_back: bool = True
    base: Base = "last"  # the price that is followed

    began_at: int = 0  # exchange ms at which it became active
    mark: Decimal | None = None  # the best price since then
    seen_at: int = 0  # exchange ms up to which the saved mark includes what was to be seen
    turned_at: Decimal | None = None  # the price that crossed the line: it is over

    @model_validator(mode="after")
    def _trails_by_less_than_all(self) -> Self:
        if self.unit == "fraction" and self.distance >= 1:
            raise ValueError("a trail by a fraction needs one below 1")
        return self

    @property
    def line(self) -> Decimal | None:
        """Answer the price at which it turns; None while it is not active."""
        if self.mark is None:
            return None
        away = self.distance_now
        return self.mark - away if self.side == "SELL" else self.mark + away

    @property
    def distance_now(self) -> Decimal:
        """Answer the distance in quote."""
        if self.unit == "quote":
            return self.distance
        return EXACT.multiply(self.mark or ZERO, self.distance)


async def follow_trail(desk: Desk, trail: Trail) -> Machine[Trail]:
    """Follow the price until it turned; `turned_at` is then on disk, and the bot acts on it."""
    saved, pause = trail.mark, 0
    while trail.turned_at is None:
        price = await (_next_price(desk, trail) if pause else _price(desk, trail))
        await take_price(desk, trail, price, pause=pause)
        pause = PAUSE
        if trail.turned_at is not None or moved_enough(trail, saved):
            saved = trail.mark
            yield trail


async def take_price(desk: Desk, trail: Trail, price: Decimal, *, pause: int) -> None:
    """Take the newest price in, and first what was slept through for longer than `pause` ms.

    For who waits for prices himself; what came of it is his to save.
    """
    if turns(trail, price) or await _look_back(desk, trail, pause):
        trail.seen_at = desk.now()
    _take(trail, price, desk.now())


def turns(trail: Trail, price: Decimal) -> bool:
    """Say whether a price is at or beyond the line."""
    line = trail.line
    return line is not None and not _better(trail.side, price, line)


def _take(trail: Trail, price: Decimal, now: int) -> None:
    """Take a price in: it activates, moves the mark, or turns the trail; never two of them."""
    if trail.mark is None:
        if _activates(trail, price):
            trail.mark, trail.began_at = price, now
    elif _better(trail.side, price, trail.mark):
        trail.mark = price
    elif turns(trail, price):
        trail.turned_at = price


def _activates(trail: Trail, price: Decimal) -> bool:
    return trail.activation is None or not _better(trail.side, trail.activation, price)


def _better(side: Side, price: Decimal, than: Decimal) -> bool:
    return price > than if side == "SELL" else price < than


def moved_enough(trail: Trail, saved: Decimal | None) -> bool:
    """Say whether a crash would lose too much of the mark."""
    if trail.mark is None or saved is None:
        return trail.mark is not saved
    moved = abs(trail.mark - saved)
    return moved > 0 and moved >= EXACT.multiply(trail.distance_now, trail.slack)


def bounds_of(trail: Trail, tick: Decimal) -> Bounds:
    """Answer the prices at which a trail begins, or else moves on or turns."""
    falling = trail.side == "BUY"
    if trail.mark is None or trail.line is None:
        at = trail.activation
        if at is None:
            return replace(ANY, base=trail.base)
        return Bounds(below=at, base=trail.base) if falling else Bounds(above=at, base=trail.base)
    if falling:
        return Bounds(trail.mark - tick, trail.line, trail.base)
    return Bounds(trail.line, trail.mark + tick, trail.base)


async def _next_price(desk: Desk, trail: Trail) -> Decimal:
    """Wait for a price that means something: a better one, or one at the line."""
    if trail.mark is None and trail.activation is None:
        return await _price(desk, trail)
    at = bounds_of(trail, desk.rules(trail.symbol).tick)
    return await desk.crossing(trail.symbol, below=at.below, above=at.above, base=at.base)


async def _price(desk: Desk, trail: Trail) -> Decimal:
    return await desk.price(trail.symbol, base=trail.base)


# --- what was slept through


async def _look_back(desk: Desk, trail: Trail, pause: int) -> bool:
    """Look up what happened while nobody looked; say whether nothing is left to be looked up.

    What cannot be had now is asked for again with the next price: the trail goes on meanwhile.
    """
    asleep_since = trail.seen_at
    if not _believes_candles(trail) or not asleep_since or desk.now() - asleep_since <= pause:
        return True
    try:
        candles = await _candles_since(desk, trail, asleep_since)
    except Unavailable:
        return False
    for candle in candles:
        _take_candle(trail, candle)
    return True


def _believes_candles(trail: Trail) -> bool:
    """Say whether the extremes of trades are none that the followed price did not reach."""
    return trail.look_back and trail.base != ("bid" if trail.side == "SELL" else "ask")


async def _candles_since(desk: Desk, trail: Trail, since: int) -> Iterable[Candle]:
    gap = desk.now() - since
    interval, length = next(
        (each for each in LOOK_BACKS if gap < each[1] * (CANDLES_MAX - 2)), LOOK_BACKS[-1]
    )
    many = min(CANDLES_MAX, gap // length + 2)
    candles = await desk.candles(trail.symbol, interval, many)
    return [candle for candle in candles if candle.close_time >= since]


def _take_candle(trail: Trail, candle: Candle) -> None:
    """Move the mark by a candle, or begin with one. The past never turns a trail."""
    best = candle.high if trail.side == "SELL" else candle.low
    if trail.mark is None:
        if trail.seen_at <= candle.open_time and _activates(trail, best):
            trail.mark, trail.began_at = best, candle.open_time
    elif trail.began_at <= candle.open_time and _better(trail.side, best, trail.mark):
        trail.mark = best


# --- a trail at the exchange


def trail_at_exchange(order_list: OrderList, delta: int) -> None:
    """Have the stop of a planned list trail at the exchange by `delta`, 1/100 of a percent.

    It begins at the price at which the exchange takes it, needs nobody here, and has no stop price
    of its own any more. A list that takes the place of another begins anew.
    """
    guard = guards(order_list)[0]
    guard.trailing_delta, guard.stop_price = delta, None
