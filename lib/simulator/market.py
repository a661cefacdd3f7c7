"""The matching engine of one symbol: what it takes, matches, triggers, cancels and expires.

Every public method leaves the market quiet: nothing crossed, no stop due. A refusal is raised
before anything was changed.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from lib.simulator import events
from lib.simulator.account import Balance
from lib.simulator.book import Book, BookSide
from lib.simulator.books import last_price_counter
from lib.simulator.counts import Counts
from lib.simulator.depth import Depth
from lib.simulator.drafting import Drafting
from lib.simulator.filters import Filters
from lib.simulator.floor import Floor
from lib.simulator.ledger import Ledger
from lib.simulator.orders import OPEN, PRICELESS, STOPS, Fill, Order, Prevention
from lib.simulator.refusals import (
    Refusal,
    duplicate,
    filter_failed,
    illiquid,
    would_take,
    would_trigger,
)
from lib.simulator.register import Register
from lib.simulator.rules import SymbolRules
from lib.simulator.settlement import Settlement
from lib.simulator.sizing import fillable, quantity_for_quote, taking_cost
from lib.simulator.stops import Stops, fires
from lib.simulator.tape import Print, Tape
from lib.simulator.units import quote_of

NO_LIQUIDITY: Final = "INSUFFICIENT_LIQUIDITY"
IOC_REMAINDER: Final = "UNFILLED_IOC_QUANTITY_EXPIRED"
FOK_UNFILLED: Final = "UNFILLED_FOK_ORDER_EXPIRED"
ACTIVATION_REFUSED: Final = "REJECTED"
NO_LIMIT: Final = -(1 << 127)  # below every key of a book

Levels: TypeAlias = Sequence[tuple[int, int]]  # price, quantity


class Market:
    """One symbol: its book, its waiting stops, its tape."""

    def __init__(self, rules: SymbolRules, floor: Floor) -> None:
        books, options = floor.books, floor.options
        self.rules = rules
        self.book = Book()
        self._last = last_price_counter(rules.symbol)
        self.tape = Tape(rules.average_minutes, books.counters.get(self._last))
        self.drafting = Drafting(rules, options.unsupported_type_code)
        self.filters = Filters(rules, self.tape, options)
        self.register = Register(rules.symbol, books, options, floor.shared_ids)
        self.depth = Depth(rules.symbol, self.book, books, floor.announcer)
        self._fills = books.fills.setdefault(rules.symbol, [])
        self.ledger = Ledger(self._fills)
        self._counts = Counts(rules, self.register, floor)
        self._stops = Stops()
        self._settlement = Settlement(rules, books, options)
        self._books = books
        self._change = books.change
        self._options = options
        self._announcer = floor.announcer
        self._limits = floor.limits
        self._trade_ids = f"trade:{rules.symbol}"
        floor.registers.append(self.register)
        self._resume()

    @property
    def last(self) -> int | None:
        """Give the last price, None before the first trade."""
        return self._books.counters.get(self._last)

    def place(self, order: Order, now: int) -> None:
        """Take a new order into the matching engine."""
        self._refuse(order)
        if order.quote_quantity:
            self._size(order)
        self._settlement.lock(order, self._needed(order))
        order.id = self._books.count("order")
        self.register.add(order)
        self._touch(order, now)
        if order.type in STOPS:
            self._stops.add(order)
        else:
            order.working_time = now
        if self._announcer.on_user is not None:
            self._report(order, "NEW", now)
        if not order.waiting:
            self._work(order, now)
        self._quiet(now)

    def cancel(self, order: Order, cancel_id: str, now: int) -> None:
        """Cancel an open order under the cancel's own id."""
        order.cancel_id = cancel_id
        self._close(order, "CANCELED", now)
        if self._announcer.on_user is not None:
            event = events.canceled(order, self._books.count("execution"), now)
            self._announcer.tell_user(order.account.name, event)
        self._quiet(now)

    def set_book(self, bids: Levels, asks: Levels, time: int) -> None:
        """Replace all that others have in the book."""
        self.book.bids.clear_foreign()
        self.book.asks.clear_foreign()
        self.apply_depth(bids, asks, time)

    def apply_depth(self, bids: Levels, asks: Levels, time: int) -> None:
        """Set what others have at these prices; of levels that cross, the newer stays."""
        for side, other, levels in (
            (self.book.bids, self.book.asks, bids),
            (self.book.asks, self.book.bids, asks),
        ):
            for price, quantity in levels:
                side.set_foreign(price, quantity)
            other.clear_foreign_reached_by(price for price, quantity in levels if quantity)
        self._uncross(time)
        self._quiet(time)

    def trade(self, price: int, quantity: int, time: int, *, buyer_is_maker: bool) -> None:
        """Print a recorded trade; our orders at its price or better get it first."""
        makers = self.book.bids if buyer_is_maker else self.book.asks
        left = quantity
        for order in list(makers.reached_orders(price)):
            if not left:
                break
            part = min(left, order.remaining)
            left -= part
            self._trade(order.price, part, time, maker=order)
        if left:
            self._print(price, left, time, buyer_is_maker=buyer_is_maker)
        self._set_last(price)
        self._quiet(time)

    # --- what is refused, and what is set aside

    def _refuse(self, order: Order) -> None:
        """Raise what the matching engine says of an order it does not take."""
        if self.register.holds(order.account, order.client_order_id):
            raise duplicate()
        self._counts.refuse(order)
        if order.type in STOPS:
            if self.last is not None and fires(order, self.last):
                raise would_trigger()
        elif order.type == "LIMIT_MAKER" and self.book.side_against(order).reaches(order.price):
            raise would_take()

    def _size(self, order: Order) -> None:
        """Turn a quote quantity into a quantity the lots allow."""
        raw, enough = quantity_for_quote(order, self.book)
        order.starved = not enough
        step = max(self.rules.lots.step, self.rules.market_lots.step, 1)
        order.quantity = raw - raw % step
        if order.quantity == 0 or order.quantity < self.rules.lots.low:
            raise filter_failed("LOT_SIZE") if enough else illiquid("LOT_SIZE")
        if order.quantity < self.rules.market_lots.low:
            raise filter_failed("MARKET_LOT_SIZE") if enough else illiquid("MARKET_LOT_SIZE")
        self.filters.refuse_lot(order)

    def _needed(self, order: Order) -> int:
        """Work out what a new order may give."""
        if not order.is_buy:
            return order.quantity
        if order.type == "MARKET":
            return taking_cost(order, self.book)
        return quote_of(order.price or order.stop_price, order.quantity)

    # --- how an order works

    def _work(self, order: Order, now: int) -> None:
        """Let an order take what it may; what is left of it rests or expires."""
        if order.time_in_force == "FOK" and not fillable(order, self.book):
            self._expire(order, FOK_UNFILLED, now)
            return
        against = self.book.asks if order.is_buy else self.book.bids
        self._take(order, against, now)
        if order.status not in OPEN:
            return
        if order.type in PRICELESS:
            self._expire(order, NO_LIQUIDITY, now)
        elif order.time_in_force == "IOC":
            self._expire(order, IOC_REMAINDER, now)
        else:
            self._rest(order)

    def _take(self, order: Order, against: BookSide, now: int) -> None:
        limit = NO_LIMIT if order.type in PRICELESS else against.sign * order.price
        while against.keys and against.keys[-1] >= limit:
            self._take_best(order, against, now)
            if order.status not in OPEN or not order.remaining:
                return

    def _take_best(self, order: Order, against: BookSide, now: int) -> None:
        """Trade once with the best level: others stand before our own orders."""
        key = against.keys[-1]
        price, level = against.sign * key, against.levels[key]
        if level.foreign:
            quantity = min(order.remaining, level.foreign)
            against.set_foreign(price, level.foreign - quantity)
            self._trade(price, quantity, now, taker=order)
            return
        maker = next(iter(level.orders.values()))
        if maker.account is order.account and order.stp_mode != "NONE":
            self._prevent(order, maker, now)
        else:
            quantity = min(order.remaining, maker.remaining)
            self._trade(price, quantity, now, taker=order, maker=maker)

    def _rest(self, order: Order) -> None:
        order.rank = self._books.count("rank")
        side = self.book.bids if order.is_buy else self.book.asks
        side.rest(order)

    def _prevent(self, taker: Order, maker: Order, now: int) -> None:
        """Expire one or both of two orders that would trade with each other."""
        number = self._books.count("prevention")
        expire_maker = taker.stp_mode != "EXPIRE_TAKER"
        expire_taker = taker.stp_mode != "EXPIRE_MAKER"
        prevention = Prevention(
            number,
            taker,
            maker,
            maker.price,
            taker_quantity=taker.remaining if expire_taker else 0,
            maker_quantity=maker.remaining if expire_maker else 0,
        )
        self._change.preventions.append(prevention)
        if expire_maker:
            self._lose(maker, taker, prevention, prevention.maker_quantity, now)
        if expire_taker:
            self._lose(taker, maker, prevention, prevention.taker_quantity, now)

    def _lose(
        self, order: Order, counter: Order, prevention: Prevention, quantity: int, now: int
    ) -> None:
        order.prevented_id = prevention.id
        self._close(order, "EXPIRED_IN_MATCH", now)
        order.prevented += quantity
        if self._announcer.on_user is not None:
            execution = self._books.count("execution")
            event = events.prevented(
                order, counter, prevention.price, quantity, execution=execution, time=now
            )
            self._announcer.tell_user(order.account.name, event)

    def _expire(self, order: Order, reason: str, now: int) -> None:
        order.reason = reason
        self._close(order, "EXPIRED", now)
        if self._announcer.on_user is not None:
            self._report(order, "EXPIRED", now)

    def _close(self, order: Order, status: str, now: int) -> None:
        """Make an order final: out of the book or the stops, its locks released."""
        if order.rank:
            self.book.side_of(order).remove(order)
        elif order.waiting:
            self._stops.remove(order)
        order.status = status
        if order.locked:
            self._settlement.release(order)
        self._touch(order, now)
        self.register.close(order)

    # --- trades

    def _trade(
        self,
        price: int,
        quantity: int,
        time: int,
        *,
        taker: Order | None = None,
        maker: Order | None = None,
    ) -> None:
        """Let two trade; None is someone of the recording."""
        buyer_is_maker = maker.is_buy if maker is not None else not (taker and taker.is_buy)
        trade = self._print(price, quantity, time, buyer_is_maker=buyer_is_maker)
        if maker is not None:
            self._fill(maker, trade, is_maker=True)
        if taker is not None:
            self._fill(taker, trade, is_maker=False)

    def _print(self, price: int, quantity: int, time: int, *, buyer_is_maker: bool) -> Print:
        """Put a trade on the tape and tell the public."""
        number = self._books.count(self._trade_ids)
        self._set_last(price)
        trade = Print(number, price, quantity, quote_of(price, quantity), time, buyer_is_maker)
        self.tape.add(trade)
        if self._announcer.on_market is not None:
            symbol = self.rules.symbol
            self._announcer.tell_market(symbol, "trade", events.public_trade(symbol, trade))
            aggregate = events.aggregate_trade(symbol, number, trade)
            self._announcer.tell_market(symbol, "aggTrade", aggregate)
        return trade

    def _set_last(self, price: int) -> None:
        self._books.counters[self._last] = price
        self._stops.reach(price)

    def _fill(self, order: Order, trade: Print, *, is_maker: bool) -> None:
        """Book one half of a trade."""
        if not order.executed:
            self._limits.relieve(order.account.name, is_maker=is_maker)
        number, price, quantity, quote, time, _ = trade
        commission, asset = self._settlement.settle(order, trade, is_maker=is_maker)
        order.executed += quantity
        order.executed_quote += quote
        if is_maker:
            self.book.side_of(order).shrink(order, quantity)
        remaining = order.remaining
        if remaining or order.starved:
            order.status = "PARTIALLY_FILLED"
            self._touch(order, time)
            if order.is_buy and order.price:  # a better price left something over
                self._settlement.release(order, keep=quote_of(order.price, remaining))
        else:
            self._close(order, "FILLED", time)
        fill = Fill(number, order, price, quantity, quote, commission, asset, time, is_maker)
        self._fills.append(fill)
        self._change.fills.append(fill)
        if self._announcer.on_user is not None:
            event = events.traded(fill, self._books.count("execution"))
            self._announcer.tell_user(order.account.name, event)
            if self._options.position_after == "fill":
                self._tell_positions(time)

    def _uncross(self, time: int) -> None:
        """Let our resting orders that the recording has crossed trade with it, at their price."""
        bids, asks = self.book.bids, self.book.asks
        while bids.keys and asks.keys and bids.keys[-1] + asks.keys[-1] >= 0:
            ours, theirs = (bids, asks) if bids.levels[bids.keys[-1]].orders else (asks, bids)
            maker = next(iter(ours.levels[ours.keys[-1]].orders.values()))
            available = theirs.levels[theirs.keys[-1]].foreign
            assert available, "two orders of our own cross each other"
            part = min(available, maker.remaining)
            theirs.set_foreign(theirs.sign * theirs.keys[-1], available - part)
            self._trade(maker.price, part, time, maker=maker)

    # --- stops

    def _quiet(self, now: int) -> None:
        """Fire the stops that are due, one after another, then tell what changed."""
        due = self._stops.due
        while due:
            self._activate(due.popleft(), now)
        self.depth.tell(now)
        if self._announcer.on_user is not None:
            self._tell_positions(now)

    def _activate(self, order: Order, now: int) -> None:
        order.working_time = now
        self._touch(order, now)
        try:
            self._lock_more(order)
        except Refusal:
            self._expire(order, ACTIVATION_REFUSED, now)
            return
        if self._options.announce_trigger and self._announcer.on_user is not None:
            self._report(order, "NEW", now)
        self._work(order, now)

    def _lock_more(self, order: Order) -> None:
        """Set aside what a triggered market buy costs above its stop price."""
        if order.is_buy and order.type in PRICELESS:
            missing = taking_cost(order, self.book) - order.locked
            if missing > 0:
                self._settlement.lock(order, missing)

    # --- what is noted and told

    def _touch(self, order: Order, now: int) -> None:
        order.update_time = now
        order.account.updated_at = now
        self._change.orders[order] = None

    def _report(self, order: Order, kind: str, now: int) -> None:
        event = events.execution_report(order, kind, self._books.count("execution"), now)
        self._announcer.tell_user(order.account.name, event)

    def _tell_positions(self, now: int) -> None:
        """Tell each account of the balances that changed since it was last told."""
        untold: dict[str, list[Balance]] = {}
        for held, told in self._change.balances.items():
            if not told:
                untold.setdefault(held.account, []).append(held)
                self._change.balances[held] = True
        for name, balances in untold.items():
            account = self._books.accounts[name]
            self._announcer.tell_user(name, events.account_position(account, balances, now))

    def _resume(self) -> None:
        """Put the open orders of reopened books back where they were."""
        orders = [order for order in self.register.orders.values() if order.open]
        for order in sorted(orders, key=lambda order: order.rank):
            if order.waiting:
                self._stops.add(order)
            else:
                self.book.side_of(order).rest(order)
