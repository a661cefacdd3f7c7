"""Many orders side by side, each on a rung of its own, one save for all that wait.

A rung has one order at a time. Once that ended it is folded into the rung's sums and the bot's
pure function says what comes next there; the next order is announced in the save that holds the
fold, so a crash finds both or neither, and a thousand fills leave a context as small as one.

Only the rungs nearest to the price rest at the exchange, as many as the grid wants and the symbol
has room for; the others wait as plans, and so does a stop that the price is beyond already: it
rests once the price is on its way to it again. A rung partly executed keeps its place, and so does
one whose stop trails: withdrawn, it would begin to trail anew. Who rests is written down (`rests`):
the warden decides, the rungs obey what was saved.
"""

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from lib.desk import Desk
from lib.errors import Unavailable
from lib.exchange import ZERO
from lib.machine import Context, Machine, together
from lib.money import EXACT, SymbolRules, plain
from lib.news import Kind
from lib.orders import (
    LIVE,
    STOP_TYPES,
    Order,
    OrderState,
    add_order,
    planned_anew,
    take_news,
    union,
)
from lib.turnover import Turnover, add_up, book

NEARER: Final = Decimal("0.8")  # a plan takes an order's place when it is at most so far away
RETRY_FIRST: Final = 60_000  # ms a refused rung waits; twice as long each time
RETRY_MAX: Final = 3_600_000
CROWDED: Final = 10_000  # ms until it is looked again whether the symbol has room


class Rung(Context):
    """One place in the grid, and what its orders brought."""

    name: str
    order: Order | None  # planned, living, or the last; None: nothing comes next
    rests: bool = False  # belongs at the exchange; else it waits as a plan
    parts: list[Order] = []  # ended with a part executed; the order is for what was left
    refusals: int = 0
    not_before: int = 0  # exchange ms; after a refusal
    aside: str = ""  # why nothing is placed here any more, until the bot says otherwise
    turnover: Turnover = Turnover()


class Grid(Context):
    """The rungs, and when it is over."""

    symbol: str
    rungs: list[Rung]
    nearest: int  # how many rest at once, at most
    stop_below: Decimal | None = None  # end it once the last price is at or below this
    stop_above: Decimal | None = None
    stop: str = ""  # the decision to end it, and why
    stopped_at: Literal["", "below", "above"] = ""  # which of the two prices ended it, if one did
    retired: Turnover = Turnover()  # of rungs that are no more

    @property
    def turnover(self) -> Turnover:
        """Answer what all rungs brought, those that are no more included."""
        return add_up([self.retired, *(rung.turnover for rung in self.rungs)])


OnFill: TypeAlias = Callable[[Rung, Order], Order | None]
"""What comes next on a rung whose order was executed; given as one order, however many it took.

Pure: the same answer for the same arguments, in whichever life it is asked.
"""


async def run_grid(desk: Desk, grid: Grid, on_fill: OnFill) -> Machine[Grid]:
    """Keep the rungs at work until the grid is stopped or nothing comes next on any.

    Ends once every order of it has; what rested is then canceled, and the plans are abandoned.
    """
    if await _catch_up(desk, grid, on_fill):
        yield grid
    rungs = (_climb(desk, grid, rung, on_fill) for rung in grid.rungs)
    async for _ in together(_keep_nearest(desk, grid), *rungs):
        yield grid


def stop_grid(grid: Grid, why: str) -> None:
    """Decide to end the grid: what is at the exchange is canceled, nothing follows."""
    grid.stop = grid.stop or why
    for rung in grid.rungs:
        if rung.order is not None and not rung.order.final:
            rung.order.give_up = rung.order.give_up or grid.stop


def withdraw(rung: Rung, why: str, *, until: int) -> None:
    """Decide that a rung waits as a plan, at least until then (exchange ms)."""
    assert rung.order is not None
    rung.rests, rung.not_before = False, until
    rung.order.give_up = rung.order.give_up or why


def is_at_rest(rung: Rung) -> bool:
    """Say whether a rung waits as a plan of which nothing is under way, so that it may change."""
    return _waits(rung) and not rung.parts and rung.order is not None and not rung.order.give_up


def move_rung(rung: Rung, name: str, plan: Order) -> None:
    """Have a rung at rest go on under another name with another plan. It keeps its sums."""
    assert is_at_rest(rung), f"rung {rung.name} is under way"
    rung.name, rung.order, rung.refusals, rung.not_before = name, plan, 0, 0


def change_rungs(grid: Grid, plans: dict[str, Order]) -> None:
    """Begin anew with these rungs once the grid has ended. Rungs of a name keep their sums."""
    known = {rung.name: rung for rung in grid.rungs}
    for rung in grid.rungs:
        assert rung.order is None or rung.order.final, f"rung {rung.name} has not ended"
    gone = [rung.turnover for name, rung in known.items() if name not in plans]
    grid.retired = add_up([grid.retired, *gone])
    grid.rungs = [
        Rung(name=name, order=plan, turnover=known[name].turnover if name in known else Turnover())
        for name, plan in plans.items()
    ]
    grid.stop, grid.stopped_at = "", ""


# --- one rung


async def _climb(desk: Desk, grid: Grid, rung: Rung, on_fill: OnFill) -> Machine[Rung]:
    """Have one order after the other on a rung, never two."""
    while rung.order is not None:
        if grid.stop and rung.order.state is OrderState.PLANNED:
            _abandon(desk, rung, grid.stop)
            yield rung
        if grid.stop and rung.order.state is OrderState.ABANDONED:
            return
        if _waits(rung) and rung.order.give_up:  # withdrawn before anything of it was sent
            assert rung.order.quantity is not None
            rung.order = planned_anew(rung.order, rung.order.quantity)
            yield rung
        if _waits(rung):
            await desk.exchange.next_save(asyncio.Event())
            continue
        async for rung in _live(desk, rung, on_fill):
            yield rung


def _abandon(desk: Desk, rung: Rung, why: str) -> None:
    """Give a plan up for good; what its turn had executed is put into the sums."""
    assert rung.order is not None
    if rung.parts:
        book(rung.turnover, _whole_turn(rung), desk.rules(rung.order.symbol))
        rung.parts = []
    rung.order.state, rung.order.reason, rung.rests = OrderState.ABANDONED, why, False


async def _live(desk: Desk, rung: Rung, on_fill: OnFill) -> Machine[Rung]:
    """Follow one order to its end. What comes next is saved with its own announcement, if any."""
    assert rung.order is not None
    async for rung.order in add_order(desk.exchange, rung.order):
        if not rung.order.final:
            yield rung
    _end_turn(desk, rung, on_fill)
    if not rung.rests:
        yield rung


def _waits(rung: Rung) -> bool:
    """Say whether a rung waits as a plan."""
    return rung.order is not None and rung.order.state is OrderState.PLANNED and not rung.rests


def _end_turn(desk: Desk, rung: Rung, on_fill: OnFill) -> None:
    """Put an ended order into the sums and the next one into its place, in one step."""
    assert rung.order is not None
    order, rules = rung.order, desk.rules(rung.order.symbol)
    if order.state is OrderState.FILLED:
        _turn(rung, rules, on_fill)
    elif order.state is OrderState.REJECTED:
        _put_off(desk, rung, order)
    elif order.state is OrderState.ABANDONED or order.cancel_id:
        _keep_remainder(rung, rules, on_fill)
    elif order.state is OrderState.EXPIRED:  # one of the same account would have met it
        _keep_remainder(rung, rules, on_fill)
        rung.rests, rung.not_before = False, desk.now() + RETRY_FIRST
    else:
        _set_aside(desk, rung, rules)


def _turn(rung: Rung, rules: SymbolRules, on_fill: OnFill) -> None:
    turn = _whole_turn(rung)
    book(rung.turnover, turn, rules)
    rung.order, rung.parts, rung.refusals = on_fill(rung, turn), [], 0
    if rung.order is None:
        rung.rests = False
    else:
        _check_plan(rules, rung.order)


def _whole_turn(rung: Rung) -> Order:
    """Answer all that was executed of a turn as one order."""
    assert rung.order is not None
    last = rung.order
    if not rung.parts:
        return last
    all_parts = [*rung.parts, last]
    executed = sum((part.executed for part in all_parts), ZERO)
    return last.model_copy(
        update={
            "quantity": executed,
            "executed": executed,
            "executed_quote": sum((part.executed_quote for part in all_parts), ZERO),
            "fills": union([], (fill for part in all_parts for fill in part.fills)),
        }
    )


def _keep_remainder(rung: Rung, rules: SymbolRules, on_fill: OnFill) -> None:
    """Plan what an order that we ended left over; dust ends the turn as if it were filled."""
    assert rung.order is not None
    order = rung.order
    assert order.quantity is not None
    left = planned_anew(order, order.quantity - order.executed)
    executed = order.filled or bool(rung.parts)
    if executed and rules.complaints(left):
        _turn(rung, rules, on_fill)
        return
    if order.filled:
        rung.parts = [*rung.parts, order]
    rung.order = left


def _put_off(desk: Desk, rung: Rung, order: Order) -> None:
    """Try a refused order again later: funds come back, and room does."""
    assert order.quantity is not None
    wait = min(RETRY_FIRST * 2 ** min(rung.refusals, 10), RETRY_MAX)
    rung.refusals, rung.not_before = rung.refusals + 1, desk.now() + wait
    rung.order, rung.rests = planned_anew(order, order.quantity), False
    desk.tell(
        Kind.WARNING,
        f"rung {rung.name} was refused: {order.reason}; trying again in {wait // 1_000} s",
    )


def _set_aside(desk: Desk, rung: Rung, rules: SymbolRules) -> None:
    """Leave a rung alone whose order somebody else ended: it is not ours to place it again."""
    assert rung.order is not None
    order = rung.order
    if order.filled or rung.parts:
        book(rung.turnover, _whole_turn(rung), rules)
    rung.aside = f"{order.state}: {order.reason or 'not by this bot'}"
    rung.order, rung.parts, rung.rests = None, [], False
    desk.tell(Kind.WARNING, f"rung {rung.name} is left alone, its order was {rung.aside}")


def _check_plan(rules: SymbolRules, plan: Order) -> None:
    """Refuse a plan that a rung cannot keep. Raises ValueError: it is the bot's mistake."""
    own_end = (plan.give_up_at, plan.give_up_below, plan.give_up_above) != (None, None, None)
    placeless = _level(plan) is None and plan.trailing_delta is None
    if plan.symbol != rules.symbol or plan.quantity is None or placeless or own_end:
        raise ValueError(
            "a rung's order has the grid's symbol, a quantity, a price or a trail, and no end"
        )


def _level(order: Order) -> Decimal | None:
    return order.price if order.stop_price is None else order.stop_price


# --- what happened while nobody looked


async def _catch_up(desk: Desk, grid: Grid, on_fill: OnFill) -> bool:
    """Learn of all orders at once; react to those that ended in the order of their trades."""
    for rung in grid.rungs:
        if rung.order is not None:
            _check_plan(desk.rules(grid.symbol), rung.order)
    orders = [rung.order for rung in grid.rungs if rung.order is not None]
    live = {order.id: order for order in orders if order.state in LIVE}
    if not live:
        return False
    for record in await desk.exchange.catch_up(live.values()):
        take_news(desk.exchange, live[record.client_order_id], record)
    ended = [rung for rung in grid.rungs if rung.order is not None and rung.order.final]
    for rung in sorted(ended, key=_last_trade):
        _end_turn(desk, rung, on_fill)
    return bool(ended)


def _last_trade(rung: Rung) -> int:
    assert rung.order is not None
    return rung.order.fills[-1].trade_id if rung.order.fills else 0


# --- who rests


async def _keep_nearest(desk: Desk, grid: Grid) -> Machine[Grid]:
    """Choose the rungs that rest as the price moves; end the grid at its bounds."""
    while not grid.stop and any(rung.order is not None for rung in grid.rungs):
        try:
            price = await desk.price(grid.symbol)
            changed = _stop_at(grid, price) or await _choose(desk, grid, price)
        except Unavailable:  # what rests, rests; nobody is moved by a price of yesterday
            await desk.stirring(grid.symbol)
            continue
        if changed:
            yield grid
        else:
            below, above = _bounds(grid, price)
            await desk.stirring(grid.symbol, below=below, above=above)


def _stop_at(grid: Grid, price: Decimal) -> bool:
    """End the grid where the price is at a bound; say whether it is."""
    if grid.stop_below is not None and price <= grid.stop_below:
        stop_grid(grid, f"the price fell to {plain(price)}")
        grid.stopped_at = "below"
    if grid.stop_above is not None and price >= grid.stop_above:
        stop_grid(grid, f"the price rose to {plain(price)}")
        grid.stopped_at = "above"
    return bool(grid.stop)


async def _choose(desk: Desk, grid: Grid, price: Decimal) -> bool:
    """Let plans rest while there is room, else have the nearest take a place; say if any moved."""
    plans = _ready_plans(grid, desk.now(), price)
    waiting = sorted(plans, key=lambda rung: _distance(rung, price))
    if not waiting:
        return False
    free = grid.nearest - sum(map(_occupies, grid.rungs))
    if free > 0:
        return _admit(waiting[:free], *await _room(desk, grid), now=desk.now())
    return _make_way(waiting[0], _withdrawable(grid), price)


def _ready_plans(grid: Grid, now: int, price: Decimal) -> Iterable[Rung]:
    return (
        rung
        for rung in grid.rungs
        if _waits(rung) and now >= rung.not_before and not _fires_at_once(rung, price)
    )


def _fires_at_once(rung: Rung, price: Decimal) -> bool:
    """Say whether the price is beyond a stop already: the exchange would refuse it."""
    order = rung.order
    if order is None or order.stop_price is None:
        return False
    return price >= order.stop_price if _fires_above(order) else price <= order.stop_price


def _fires_above(order: Order) -> bool:
    return (order.side == "BUY") == order.type.startswith("STOP_LOSS")


def _occupies(rung: Rung) -> bool:
    """Say whether a rung has, may have or will have an order at the exchange."""
    return rung.rests or not (rung.order is None or rung.order.final or _waits(rung))


def _distance(rung: Rung, price: Decimal) -> Decimal:
    assert rung.order is not None
    order = rung.order
    if (
        order.trailing_delta is not None and order.stop_price is None
    ):  # it begins where it is placed
        return EXACT.multiply(price, Decimal(order.trailing_delta).scaleb(-4))
    level = _level(order)
    assert level is not None
    return abs(level - price)


def _admit(plans: Iterable[Rung], room: int, stop_room: int, *, now: int) -> bool:
    """Let the nearest rest, as far as the symbol has room for orders and for stops."""
    for rung in plans:
        assert rung.order is not None
        is_stop = rung.order.type in STOP_TYPES
        if room > 0 and (not is_stop or stop_room > 0):
            room, stop_room = room - 1, stop_room - is_stop
            rung.rests, rung.order.planned_at = True, 0  # as good as planned now
        else:
            rung.not_before = now + CROWDED
    return True


async def _room(desk: Desk, grid: Grid) -> tuple[int, int]:
    """Answer how many more orders, and stops among them, the symbol takes from this account."""
    rules = desk.rules(grid.symbol)
    ours = [rung.order for rung in grid.rungs if rung.order is not None and _occupies(rung)]
    ids = {order.id for order in ours if order.id}
    foreign = [o for o in await desk.open_orders(grid.symbol) if o.client_order_id not in ids]
    stops = sum(each.type in STOP_TYPES for each in ours)
    stops += sum(each.type in STOP_TYPES for each in foreign)
    most = rules.orders_max if rules.orders_max is not None else grid.nearest + len(foreign)
    stops_most = stops + grid.nearest if rules.algo_orders_max is None else rules.algo_orders_max
    return most - len(ours) - len(foreign), stops_most - stops


def _withdrawable(grid: Grid) -> list[Rung]:
    return [rung for rung in grid.rungs if rung.rests and not _keeps_its_place(rung)]


def _keeps_its_place(rung: Rung) -> bool:
    order = rung.order
    return order is None or order.filled or bool(rung.parts) or order.trailing_delta is not None


def _make_way(nearest: Rung, resting: list[Rung], price: Decimal) -> bool:
    """Withdraw the farthest for a plan that is much nearer; once canceled there is room."""
    if not resting:
        return False
    farthest = max(resting, key=lambda rung: _distance(rung, price))
    if _distance(nearest, price) > NEARER * _distance(farthest, price):
        return False
    assert farthest.order is not None
    farthest.rests, farthest.order.give_up = False, "another rung is nearer to the price"
    return True


def _bounds(grid: Grid, price: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Answer the prices between which nothing is to be decided."""
    lows = [] if grid.stop_below is None else [grid.stop_below]
    highs = [] if grid.stop_above is None else [grid.stop_above]
    waiting = [rung for rung in grid.rungs if _waits(rung)]
    plans = [_distance(rung, price) for rung in waiting if not _fires_at_once(rung, price)]
    resting = [_distance(rung, price) for rung in _withdrawable(grid)]
    for stop in (rung.order for rung in waiting if _fires_at_once(rung, price)):
        assert stop is not None
        assert stop.stop_price is not None
        (lows if _fires_above(stop) else highs).append(stop.stop_price)
    if plans and resting:
        room = (min(plans) - NEARER * max(resting)) / (1 + NEARER)
        lows, highs = [*lows, price - abs(room)], [*highs, price + abs(room)]
    return max(lows, default=None), min(highs, default=None)
