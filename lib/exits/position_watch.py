"""What only this program can see of a position: the time, the trail, a pair that is not enough.

Nothing is done here: what is decided is written into the position, and is in force with the save.
"""

from collections.abc import Iterator
from decimal import Decimal

from lib.amounts import EXACT
from lib.desk import Desk
from lib.exchange import ZERO, Quote
from lib.exits.looking import look, spoken, stir
from lib.exits.protection import Ending, Position, bare_since, lost_its_stop, triggered_at
from lib.machine import Machine
from lib.money import SymbolRules, plain
from lib.order_lists import OrderList
from lib.orders import LIVE, Order, OrderState
from lib.quotes import Base, Bounds, price_of
from lib.trailing import PAUSE, Trail, bounds_of, moved_enough, take_price


def close_position(position: Position, because: str) -> None:
    """Decide to end it: entry and pair are canceled, the rest is sold at market."""
    close(position, Ending.TOLD, because)


def move_stop(rules: SymbolRules, position: Position, stop: Decimal) -> bool:
    """Decide where the stop is to be; a limit behind it keeps its distance.

    Takes effect with the next save, by a new pair. Answers whether it will: not where the
    position ends, its take profit was executed in part, its pair is on its way, or its stop
    trails at the exchange.
    """
    pair, stop = position.pair, rules.round_price(stop, "SELL")
    if position.over or position.ending is not None or not stop < position.take_profit:
        return False
    if position.trailing_delta is not None:
        return False
    if pair is not None and (not _stands(pair) or not _begun(pair)):
        return False
    if stop != position.stop:
        if position.stop_limit is not None:
            position.stop_limit += stop - position.stop
        position.stop = stop
        if pair is not None:
            pair.give_up = f"its stop moves to {plain(stop)}"
    return True


async def watch(desk: Desk, position: Position) -> Machine[Position]:
    """Decide what only this program can see: the time, the trail, a pair that is not enough."""
    pause, saved = 0, _mark(position)
    while not position.over:
        before = _decisions(position)
        if position.lots and not position.stopped and _bases_on_top(position):
            quote = await look(desk, position.symbol, _bases_on_top(position))
            await _step_trail(desk, position, quote, pause)
            _heed_triggers(position, quote)
            pause = PAUSE
        review(position, desk.now())
        if _decisions(position) != before or _trail_moved(position, saved):
            saved = _mark(position)
            yield position
        else:
            await await_news(desk, position)


def _decisions(position: Position) -> object:
    """Answer all that `watch` decides, to see whether it did."""
    pair, trail = position.pair, position.trail
    return (
        position.ending,
        position.stop,
        position.opening.give_up,
        pair and pair.give_up,
        trail and trail.turned_at,
    )


def _mark(position: Position) -> Decimal | None:
    return None if position.trail is None else position.trail.mark


def _trail_moved(position: Position, saved: Decimal | None) -> bool:
    return position.trail is not None and moved_enough(position.trail, saved)


def review(position: Position, now: int) -> None:
    """Decide what follows from the orders and the time alone."""
    pair, entry = position.pair, position.opening
    if position.close_at is not None and now >= position.close_at:
        close(position, Ending.DEADLINE, "its time is over")
    if position.exits or (pair is not None and pair.sold):
        give_entry_up(position)
    if pair is None or not _stands(pair):
        return
    if lost_its_stop(pair):
        pair.give_up = "its take profit was executed in part, which ended its stop"
    gapped_at = triggered_at(pair)
    if gapped_at is not None and now >= gapped_at + position.gap_patience:
        close(position, Ending.STOP, "its stop was gapped: the price is beyond the limit")
    elif position.unprotected and gapped_at is None and not pair.sold:
        _review_size(position, pair, entry, now)


def _review_size(position: Position, pair: OrderList, entry: Order, now: int) -> None:
    """Have a pair replaced that stands for too little, or an entry that wakes none ended."""
    if not entry.final and now < bare_since(position) + position.patience:
        return
    if pair.kind == "OTOCO":
        if entry.state in LIVE and entry.filled:
            pair.give_up = "its entry was filled in part for too long"
    elif position.guarded:
        pair.give_up = f"the entry bought more: {plain(position.lots)} in all"


def _stands(pair: OrderList) -> bool:
    """Say whether a pair is at the exchange and nothing was decided about it yet."""
    return pair.state is OrderState.OPEN and not pair.give_up


def _begun(pair: OrderList) -> bool:
    return pair.working is None or pair.working.state is OrderState.FILLED


def close(position: Position, ending: Ending, because: str) -> None:
    """Decide on the end, unless another one was decided on before."""
    if position.ending is not None or position.over:
        return
    position.ending, position.because = ending, because
    if position.pair is not None:
        position.pair.give_up = position.pair.give_up or because
    give_entry_up(position)


def give_entry_up(position: Position, why: str = "the position is being closed") -> None:
    """Decide to buy no more."""
    entry = position.entry
    if entry is not None and not entry.final and not entry.give_up:
        entry.give_up = why


async def _step_trail(desk: Desk, position: Position, quote: Quote, pause: int) -> None:
    trail = position.trail
    price = ZERO if trail is None else price_of(quote, trail.base)
    if trail is not None and trail.turned_at is None and price:
        await take_price(desk, trail, price, pause=pause)
        _heed_trail(desk.rules(position.symbol), position, trail)


def _heed_trail(rules: SymbolRules, position: Position, trail: Trail) -> None:
    if trail.turned_at is not None:
        close(position, Ending.TRAIL, f"the trail turned at {plain(trail.turned_at)}")
    elif position.on_trail == "move" and trail.line is not None:
        least = EXACT.add(position.stop, EXACT.multiply(trail.distance_now, trail.slack))
        if trail.line >= least:
            move_stop(rules, position, trail.line)


def _heed_triggers(position: Position, quote: Quote) -> None:
    """End it where the price of a trigger is at or beyond its bound."""
    for trigger in position.triggers:
        price = price_of(quote, trigger.base)
        if price and Bounds(trigger.below, trigger.above).crossed_by(price):
            words = f"the {spoken(trigger.base)} is {plain(price)}, beyond a trigger"
            close(position, Ending.TRIGGER, words)


# --- waiting


def bases_of_pair(position: Position) -> list[Base]:
    """Answer the prices that count while no pair stands; the last one says what is dust."""
    return ["last", position.stop_base, position.take_profit_base]


def _bases_on_top(position: Position) -> list[Base]:
    on_trail = [] if position.trail is None else [position.trail.base]
    return [*on_trail, *(trigger.base for trigger in position.triggers)]


async def await_news(desk: Desk, position: Position) -> None:
    """Wait until something was saved, the time or the price matters; ten seconds at most."""
    await stir(desk, position.symbol, _times(position), _bounds(desk, position))


def _times(position: Position) -> list[int]:
    """Answer when something may be due; exchange ms."""
    gapped_at = None if position.pair is None else triggered_at(position.pair)
    return [
        position.retry_at,
        position.sell_at,
        position.close_at or 0,
        0 if gapped_at is None else gapped_at + position.gap_patience,
        bare_since(position) + position.patience if position.unprotected else 0,
    ]


def _bounds(desk: Desk, position: Position) -> Iterator[Bounds]:
    """Answer the prices at which there is something to decide."""
    if not position.lots or position.stopped:
        return
    if position.ending is None:
        for trigger in position.triggers:
            yield Bounds(trigger.below, trigger.above, trigger.base)
        if position.trail is not None:
            yield bounds_of(position.trail, desk.rules(position.symbol).tick)
    if position.pair is None:
        yield Bounds(below=position.stop, base=position.stop_base)
        yield Bounds(above=position.take_profit, base=position.take_profit_base)
