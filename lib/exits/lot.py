"""What is to end a part of a position, and how far that is: facts alone, nothing is done here.

A lot is so much of the base asset, bought to be sold again or sold to be bought back. `profit`,
`stop` and `mini` say at which prices it is closed, and how. One thing at a time stands for it at
the exchange: a pair of orders, a single one, or the order that closes it.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from pydantic import Field

from lib.amounts import EXACT, remainder
from lib.exchange import ZERO, Side
from lib.exits.confirming import Confirmation
from lib.exits.levels import Level
from lib.exits.protection import Ending
from lib.machine import Context
from lib.money import SymbolRules
from lib.order_lists import GUARDS, OrderList
from lib.orders import LIVE, Order, OrderState
from lib.quotes import Base
from lib.trailing import Trail

BASIS_POINT: Final = Decimal("0.0001")  # the finest that a trail at the exchange knows
OVERDUE: Final = 5_000  # ms that the exchange may take for what stands there to be done


class Way(Context):
    """How a lot is closed once it is time: at market, or by a limit."""

    offset: Decimal | None = None  # of a limit, from the price that counts: 0 at it; None: market
    price: Decimal | None = None  # of a limit: this one, whatever the price
    patience: int | None = None  # ms that a limit may rest; then the rest goes at market

    @property
    def is_limit(self) -> bool:
        """Say whether it is closed by a limit order."""
        return self.offset is not None or self.price is not None

    def limit(self, sign: int, at: Decimal) -> Decimal:
        """Answer the price of the limit, for a price that counts."""
        if self.price is not None:
            return self.price
        return EXACT.multiply(at, 1 + sign * (self.offset or ZERO))


class Rule(Context):
    """A price at which a lot is closed, at or beyond it."""

    # what we want
    level: Level
    base: Base = "last"  # the exchange itself knows the last price only
    confirm: int = Field(default=0, ge=0)  # ms that the price must stay there
    ticks: int = Field(default=0, ge=0)  # updates of it in a row that must have it there
    way: Way = Way()
    distance: Decimal | None = None  # of a profit's trail: it begins at the price, or that later
    follows: bool = False  # a stop that keeps its distance from the best price

    # what we know
    price: Decimal | None = None  # once the price of the entry is known
    trail: Trail | None = None
    since: int | None = None  # exchange ms: the price has been there since
    counted: int = 0  # ticks since then
    tick: int = 0  # the one that was counted last

    @property
    def fits_exchange(self) -> bool:
        """Say whether the exchange can watch for it."""
        return self.base == "last" and not self.confirmation

    @property
    def confirmation(self) -> Confirmation:
        """Answer how the price is confirmed."""
        return Confirmation(self.confirm, self.ticks)


class Mini(Context):
    """A small profit that is kept: once the price stayed above it, a fall below closes."""

    step: Decimal  # a fraction: of the entry, and of each level to the next
    timeout: int  # ms that the price must stay there
    ratchet: bool = False  # one level after the other
    level: Decimal | None = None  # the next to be confirmed
    since: int | None = None  # exchange ms
    kept: Decimal | None = None  # the last that was confirmed
    lost_since: int | None = None  # exchange ms: the price has been below that since
    counted: int = 0  # ticks since then
    tick: int = 0  # the one that was counted last


class Lot(Context):
    """A part of a position, and what ends it."""

    # what we want
    symbol: str
    side: Side  # of what closes it: SELL for what was bought
    base_asset: str
    step: Decimal  # of the lot
    profit: Rule | None = None
    stop: Rule | None = None
    mini: Mini | None = None
    at_exchange: bool = True  # False: the profit is watched from here, to spare an order
    close_at: int | None = None  # exchange ms: then it is closed at market

    # what its position says
    quantity: Decimal = ZERO  # of base to be closed in all; may grow
    complete: bool = False  # it grows no more

    # what we know
    pair: OrderList | None = None
    single: Order | None = None
    sale: Order | None = None  # what closes it: at market, or by a limit
    done: list[Order] = []  # ended orders that closed something
    entry: Order | None = None  # of a list that brought this lot along, once that has ended
    ending: Ending | None = None
    because: str = ""
    way: Way | None = None  # in which it is being closed
    at: Decimal = ZERO  # the price that counted
    way_at: int = 0  # exchange ms: since then
    trouble: str = ""  # what became of what stood for it, if that was not meant to be
    retry_at: int = 0  # exchange ms before which nothing is placed after a refusal
    sell_at: int = 0  # exchange ms before which nothing is tried after what nobody took
    stopped: str = ""  # why a person is to look before anything else is done
    stopped_at: int = 0  # how many releases there had been; another one lets it go on
    missing: Decimal = ZERO  # of base, as it stopped; what a release accepts as gone
    gone: Decimal = ZERO  # of base: moved by somebody else
    over: bool = False

    @property
    def sign(self) -> int:
        """Answer 1 where a higher price is better, -1 where a lower one is."""
        return 1 if self.side == "SELL" else -1

    @property
    def has_end(self) -> bool:
        """Say whether anything is to end it, or does."""
        return any((self.profit, self.stop, self.close_at, self.ending))

    @property
    def closed(self) -> Decimal:
        """Answer how much base was sold, or came back, fees in it counted."""
        return sum((self._closed_by(order) for order in self.closing_orders), ZERO)

    @property
    def held(self) -> Decimal:
        """Answer what is still to be closed."""
        return max(ZERO, self.quantity - self.gone - self.closed)

    @property
    def left(self) -> Decimal:
        """Answer what of that is in whole lots; the rest is dust."""
        return EXACT.subtract(self.held, remainder(self.held, self.step))

    @property
    def closing_orders(self) -> Iterator[Order]:
        """Go through all orders that close or closed something."""
        yield from self.done
        yield from self.exits
        if self.sale is not None:
            yield self.sale

    @property
    def exits(self) -> list[Order]:
        """The orders that stand for it at the exchange, or are to."""
        if self.pair is not None:
            return self.pair.exits
        return [] if self.single is None else [self.single]

    @property
    def working(self) -> Order | None:
        """The entry that brings this lot along, as far as one does."""
        return self.entry or (self.pair.working if self.pair is not None else None)

    @property
    def guarded(self) -> Decimal:
        """Answer for how much a stop stands at the exchange."""
        if not self.begun:
            return ZERO
        standing = [order for order in self.exits if order.type in GUARDS and order.state in LIVE]
        return sum(((order.whole or ZERO) - order.executed for order in standing), ZERO)

    @property
    def begun(self) -> bool:
        """Say whether what is to stand for it could already."""
        if self.pair is None or self.pair.working is None:
            return True
        return self.pair.working.state is OrderState.FILLED

    @property
    def standing(self) -> bool:
        """Say whether something stands at the exchange and nothing was decided about it yet."""
        what = self.pair or self.single
        return what is not None and what.state is OrderState.OPEN and not what.give_up

    @property
    def unprotected_because(self) -> str:
        """Say why not all of it has a stop at the exchange; empty if it has."""
        if self.over or self.left <= self.guarded:
            return ""
        if self.ending is not None:
            return f"it is being closed: {self.because}"
        if self.trouble:
            return self.trouble
        if self.stop is None:
            return "it has no stop"
        if (self.pair or self.single) is None or self.standing:
            return f"its stop is watched here{_beside(self.stop)}"
        return "its orders are being placed"

    def _closed_by(self, order: Order) -> Decimal:
        fee = order.commission(self.base_asset)
        return order.executed + fee if self.side == "SELL" else order.executed - fee


def _beside(stop: Rule) -> str:
    why = [f"by the {stop.base}"] if stop.base != "last" else []
    why += [f"confirmed {stop.confirmation.words}"] if stop.confirmation else []
    return f": {', '.join(why)}" if why else ""


def beyond(sign: int, price: Decimal, than: Decimal) -> bool:
    """Say whether a price is better than another."""
    return price > than if sign > 0 else price < than


def resolve(rules: SymbolRules, lot: Lot, entry: Decimal, quantity: Decimal) -> None:
    """Fix the prices of a lot, now that it is known what was paid for the whole position."""
    for rule in (lot.profit, lot.stop):
        if rule is not None and rule.price is None:
            rule.price = rules.round_price(rule.level.price(lot.sign, entry, quantity), lot.side)
    profit, stop, mini = lot.profit, lot.stop, lot.mini
    if profit is not None and profit.distance is not None and profit.trail is None:
        assert profit.price is not None
        later = max(ZERO, profit.distance)  # a trail of +1 % begins one percent later
        begins = EXACT.multiply(profit.price, 1 + lot.sign * later)
        begins = rules.round_price(begins, lot.side)
        profit.trail = _trail(lot, abs(profit.distance), profit.base, begins)
    if stop is not None and stop.follows and stop.trail is None:
        stop.trail = _trail(lot, _distance(stop, entry), stop.base, None)
    if mini is not None and mini.level is None:
        mini.level = _next_level(rules, lot, entry, mini.step)


def raise_mini(rules: SymbolRules, lot: Lot, mini: Mini) -> None:
    """Keep the level that was confirmed, and go on to the next where there is one."""
    assert mini.level is not None
    mini.kept, mini.since = mini.level, None
    if mini.ratchet:
        mini.level = _next_level(rules, lot, mini.level, mini.step)


def _next_level(rules: SymbolRules, lot: Lot, price: Decimal, step: Decimal) -> Decimal:
    return rules.round_price(EXACT.multiply(price, 1 + lot.sign * step), lot.side)


def _distance(stop: Rule, entry: Decimal) -> Decimal:
    """Answer how far behind the best price a stop is to follow, a fraction."""
    if stop.level.relative:
        return abs(stop.level.amount)
    assert stop.price is not None
    away = (abs(entry - stop.price) / entry).quantize(BASIS_POINT)
    return min(max(away, BASIS_POINT), 1 - BASIS_POINT)


def _trail(lot: Lot, distance: Decimal, base: Base, begins: Decimal | None) -> Trail:
    return Trail(symbol=lot.symbol, side=lot.side, distance=distance, base=base, activation=begins)
