"""A deal: bought at once or in parts as the price falls, sold as a whole.

    ctx.deal = ctx.deal or plan_deal(desk, base, purchases, terms, ...)
    async for ctx.deal in hold_deal(desk, ctx.deal):
        yield ctx

A base order begins it. Once that has ended, averaging orders rest below, the nearest first, as a
grid whose fills are followed by nothing. Beside them one way out stands for all that was bought;
with every fill it moves to what the new average asks for. Everything a decision needs is in the
deal: its terms, its orders and the trail.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, Literal

from lib import results
from lib.closing_order import is_dust
from lib.deals.averaging import ONE, Purchase, profit_price
from lib.desk import Desk
from lib.exchange import ZERO
from lib.exits.looking import known_price, stir
from lib.exits.way_out import Aim, WayOut, leave, review_way
from lib.grid import Grid, Rung, run_grid, stop_grid
from lib.machine import Context, Machine, together
from lib.money import SymbolRules, plain
from lib.news import Kind
from lib.orders import Order, add_order
from lib.quotes import Bounds
from lib.results import booked
from lib.sizes import quantity_of
from lib.trailing import PAUSE, Trail, bounds_of, moved_enough, take_price
from lib.turnover import Turnover

STOP_STEP: Final = Decimal("0.25")  # of a trail's distance, by which its stop at least moves
SETTLING: Final = (
    10_000  # ms that an order filled in part may bring more before its part is sold for
)


class Terms(Context):
    """What a deal began with. Fractions: 0.02 is two percent."""

    take_profit: Decimal
    measured_from: Literal["average", "base"] = "average"
    trailing: Decimal | None = None  # how far the price may fall back once the profit was reached
    stop_loss: Decimal | None = None  # how far below the base order
    active: int = 1  # averaging orders that rest at once
    close_after: int | None = None  # ms after the first fill: then it is sold at market
    close_signal: str = ""  # the signal that has it sold at market


class Planned(Context):
    """An averaging order that is yet to be placed."""

    deviation: Decimal
    quantity: Decimal | None = None  # base; else it buys for `paid`
    paid: Decimal | None = None


class Deal(Context):
    """One deal. `closing` is the decision to end it; `way.over` that it is over."""

    symbol: str
    base_asset: str
    quote_asset: str
    terms: Terms
    base: Order
    planned: list[Planned]
    ladder: Grid | None = None  # once the base order has ended
    trail: Trail | None = None
    floor: Decimal | None = None  # where the stop stands that follows the trail
    closing: str = ""  # why what is left is sold at market
    way: WayOut

    # --- what was bought

    @property
    def entries(self) -> list[Order]:
        """Answer the orders that buy, but those whose sums are all that is left of them."""
        rungs = [] if self.ladder is None else self.ladder.rungs
        ladder = [[*rung.parts, *([rung.order] if rung.order else [])] for rung in rungs]
        return [self.base, *(order for orders in ladder for order in orders)]

    @property
    def bought(self) -> Decimal:
        """Answer what was bought so far in base, less the fees taken in coins."""
        live = (o.executed - o.commission(self.base_asset) for o in self.entries)
        return sum(live, self._averaged.position)

    @property
    def paid(self) -> Decimal:
        """Answer what that cost in quote, fees taken in quote included."""
        live = (o.executed_quote + o.commission(self.quote_asset) for o in self.entries)
        return sum(live, self._averaged.cost)

    @property
    def average(self) -> Decimal:
        """Answer what a coin cost, fees included; zero without any."""
        return self.paid / self.bought if self.bought else ZERO

    @property
    def averaged(self) -> int:
        """Count the averaging orders that were filled."""
        return sum(
            rung.turnover.turns for rung in ([] if self.ladder is None else self.ladder.rungs)
        )

    @property
    def settled_at(self) -> int:
        """Answer until when more is expected of an order filled in part; exchange ms."""
        partial = [o.fills[-1].time for o in self.entries if o.fills and not o.final]
        return max(partial, default=-SETTLING) + SETTLING

    @property
    def complete(self) -> bool:
        """Say whether nothing more will be bought."""
        if not self.base.final:
            return False
        if self.ladder is None:
            return bool(self.closing) or not self.base.filled
        return all(rung.order is None or rung.order.final for rung in self.ladder.rungs)

    @property
    def _averaged(self) -> Turnover:
        return Turnover() if self.ladder is None else self.ladder.turnover

    # --- what is wanted of it

    @property
    def profit_price(self) -> Decimal:
        """Answer the price at which the profit is reached; zero before anything was bought."""
        if not self.bought:
            return ZERO
        of = self.base.executed_quote if self.terms.measured_from == "base" else None
        held, paid = self.bought, self.paid
        return profit_price(held=held, paid=paid, fraction=self.terms.take_profit, of=of)

    @property
    def stop_price(self) -> Decimal | None:
        """Answer where a loss ends, or what a trail has secured if that is more."""
        if self.terms.stop_loss is None or not self.base.filled:
            return self.floor
        stop = self.base.average_price * (ONE - self.terms.stop_loss)
        return max(stop, self.floor or ZERO)

    @property
    def close_at(self) -> int | None:
        """Answer when it is to be sold at market at the latest; exchange ms."""
        after, fills = self.terms.close_after, self.base.fills
        return None if after is None or not fills else fills[0].time + after

    @property
    def aim(self) -> Aim:
        """Answer what is wanted now of what was bought."""
        profit = self.profit_price if self.terms.trailing is None else None
        return Aim(profit or None, self.stop_price, self.closing)

    # --- what came of it

    @property
    def over(self) -> bool:
        """Say whether all is sold and nothing more is bought."""
        return self.way.over

    @property
    def stopped_out(self) -> bool:
        """Say whether its stop ended it, and not one that followed a trail."""
        return self.way.done_by == "stop" and self.floor is None

    @property
    def why(self) -> str:
        """Say why it ended, for a person."""
        return self.way.done_by or self.closing or "nothing to be sold"

    @property
    def held(self) -> Decimal:
        """Answer what is bought and not sold, in base."""
        return max(ZERO, self.bought - self.way.sold)

    @property
    def result(self) -> results.Position:
        """Answer what is left, what it cost, and what was realised, fees included."""
        averaged, assets = self._averaged, (self.base_asset, self.quote_asset)
        exact = results.Position(quantity=averaged.position, cost=averaged.cost)
        for order in (*self.entries, *self.way.sales):
            exact = booked(exact, order.fills, order.side, assets)
        return exact


def plan_deal(
    rules: SymbolRules,
    base: Order,
    purchases: Sequence[Purchase],
    terms: Terms,
    first_price: Decimal,
) -> Deal:
    """Plan a deal; sizes in coins or money. Raises Halt for an asset the symbol does not have."""
    return Deal(
        symbol=rules.symbol,
        base_asset=rules.base_asset,
        quote_asset=rules.quote_asset,
        terms=terms,
        base=base,
        planned=[_planned(rules, each, first_price) for each in purchases],
        way=WayOut(symbol=rules.symbol),
    )


def _planned(rules: SymbolRules, purchase: Purchase, first_price: Decimal) -> Planned:
    price = first_price * (ONE - purchase.deviation)
    quantity = quantity_of(purchase.size, rules, side="BUY", price=price, free=ZERO)
    in_coins = purchase.size.unit not in {"quote", rules.quote_asset}
    if in_coins:
        return Planned(deviation=purchase.deviation, quantity=quantity)
    return Planned(deviation=purchase.deviation, paid=purchase.size.amount)


def too_small(rules: SymbolRules, deal: Deal, first_price: Decimal) -> list[str]:
    """Say which averaging orders of a plan the exchange would not take."""
    return [
        f"averaging order {number}, {plain(order.quantity or ZERO)} at {plain(order.price or ZERO)}"
        for number, order in enumerate(_orders(rules, deal, first_price), 1)
        if is_dust(rules, "BUY", order.quantity or ZERO, order.price or ZERO)
    ]


async def hold_deal(desk: Desk, deal: Deal) -> Machine[Deal]:
    """Buy, average, sell; ends with `over`. Raises Halt where what was bought cannot be sold."""
    if deal.over:
        return
    machines = (_buy(desk, deal), leave(desk, deal.way, deal), _watch(desk, deal))
    async for _ in together(*machines):
        yield deal


# --- buying


async def _buy(desk: Desk, deal: Deal) -> Machine[Deal]:
    async for deal.base in add_order(desk.exchange, deal.base):
        if not deal.base.final:
            yield deal
    if deal.ladder is None:
        if deal.base.filled and not deal.closing:
            deal.ladder = _ladder(desk.rules(deal.symbol), deal)
        yield deal
    if deal.ladder is not None:
        async for deal.ladder in run_grid(desk, deal.ladder, _nothing_follows):
            yield deal


def _nothing_follows(_: Rung, __: Order) -> None:
    """Answer what follows a fill on a rung: an averaging order is bought once."""


def _ladder(rules: SymbolRules, deal: Deal) -> Grid:
    price = deal.base.average_price
    orders = [order for order in _orders(rules, deal, price) if order.quantity]
    rungs = [Rung(name=f"{number}", order=order) for number, order in enumerate(orders, 1)]
    return Grid(symbol=deal.symbol, rungs=rungs, nearest=deal.terms.active)


def _orders(rules: SymbolRules, deal: Deal, first_price: Decimal) -> Iterator[Order]:
    for planned in deal.planned:
        price = rules.round_price(first_price * (ONE - planned.deviation), "BUY")
        wanted = planned.quantity
        if wanted is None:
            wanted = (planned.paid or ZERO) / price
        yield Order(
            symbol=deal.symbol,
            side="BUY",
            type="LIMIT",
            time_in_force="GTC",
            quantity=rules.round_quantity(wanted, "LIMIT"),
            price=price,
            comment=f"averaging, {plain(planned.deviation * 100)} % below the base order",
        )


# --- deciding


async def _watch(desk: Desk, deal: Deal) -> Machine[Deal]:
    """Decide what only this program can see: the trail, the time, a signal, that it is over."""
    pause, saved = 0, None if deal.trail is None else deal.trail.mark
    while not deal.over:
        before = _decisions(deal)
        if deal.terms.trailing is not None and deal.held and not deal.closing:
            await _step_trail(desk, deal, pause)
            pause = PAUSE
        _decide(desk, deal)
        review_way(desk, deal.way, deal)
        moved = deal.trail is not None and moved_enough(deal.trail, saved)
        if moved or _decisions(deal) != before:
            saved = None if deal.trail is None else deal.trail.mark
            yield deal
        else:
            await _stir(desk, deal)


def _decisions(deal: Deal) -> object:
    """Answer all that `_watch` decides, to see whether it did."""
    standing = [order.give_up for order in deal.way.standing]
    pair = deal.way.pair and deal.way.pair.give_up
    ladder = deal.ladder and deal.ladder.stop
    activation = deal.trail and deal.trail.activation
    return (deal.closing, deal.base.give_up, ladder, standing, pair, deal.floor, activation)


def _decide(desk: Desk, deal: Deal) -> None:
    terms = deal.terms
    if deal.close_at is not None and desk.now() >= deal.close_at:
        close_deal(deal, "its time is over")
    if terms.close_signal and desk.signal(terms.close_signal) is not None:
        desk.take_signal(terms.close_signal)
        close_deal(deal, f"the signal {terms.close_signal} came")
    if deal.trail is not None and deal.trail.turned_at is not None:
        close_deal(deal, f"the trail turned at {plain(deal.trail.turned_at)}")
    if deal.way.done_by:
        close_deal(deal, deal.way.done_by)
    if deal.closing or deal.way.profit_taken or deal.way.stopped:
        _buy_no_more(deal, deal.closing or deal.way.stopped or "the profit is being taken")


def close_deal(deal: Deal, why: str) -> None:
    """Decide to end it: what is open of its buys is canceled, what is left sold at market."""
    deal.closing = deal.closing or why


def _buy_no_more(deal: Deal, why: str) -> None:
    if not deal.base.final and not deal.base.give_up:
        deal.base.give_up = why
    if deal.ladder is not None and not deal.ladder.stop and not deal.complete:
        stop_grid(deal.ladder, why)


async def _step_trail(desk: Desk, deal: Deal, pause: int) -> None:
    """Begin the trail where the profit is reached, move its line, secure it by the stop."""
    price = await known_price(desk, deal.symbol)
    if not price:
        return
    rules, distance = desk.rules(deal.symbol), deal.terms.trailing or ZERO
    activation = rules.round_price(deal.profit_price, "SELL")
    if deal.trail is None:
        deal.trail = Trail(
            symbol=deal.symbol,
            side="SELL",
            distance=distance,
            activation=activation,
            slack=STOP_STEP,
        )
    elif deal.trail.mark is None:
        deal.trail.activation = activation
    began = deal.trail.mark is not None
    await take_price(desk, deal.trail, price, pause=pause)
    _secure(desk, rules, deal, deal.trail, began=began)


def _secure(desk: Desk, rules: SymbolRules, deal: Deal, trail: Trail, *, began: bool) -> None:
    """Have the stop at the exchange follow the line, in steps of a part of its distance."""
    if trail.mark is None or trail.line is None or trail.turned_at is not None:
        return
    if not began:
        desk.tell(Kind.PLAN, f"the profit is reached at {plain(trail.mark)}; following it")
    if deal.floor is None or trail.line >= deal.floor + trail.distance_now * trail.slack:
        deal.floor = rules.round_price(trail.line, "SELL")


async def _stir(desk: Desk, deal: Deal) -> None:
    """Wait for a price that matters, a save, a signal or the time; ten seconds at most."""
    times = [] if deal.closing else [deal.close_at or 0]
    await stir(desk, deal.symbol, times, _bounds(desk.rules(deal.symbol), deal))


def _bounds(rules: SymbolRules, deal: Deal) -> Iterator[Bounds]:
    """Answer where the trail begins, moves on or turns."""
    if deal.closing or deal.terms.trailing is None:
        return
    if deal.trail is None:
        yield Bounds(above=deal.profit_price if deal.held else None)
    elif deal.trail.turned_at is None:
        yield bounds_of(deal.trail, rules.tick)
