"""How orders work: what they take, where they rest, who trades, who is prevented, what expires.

A step lower than the market: nothing is refused here, and stops that a trade has reached only
become due.
"""

from typing import Final

from lib.simulator.books.account import Balance
from lib.simulator.books.books import last_price_counter
from lib.simulator.books.orders import OPEN, PRICELESS, Fill, Order, Prevention
from lib.simulator.books.spans import Print
from lib.simulator.books.tape import Tape
from lib.simulator.engine import events
from lib.simulator.engine.book import Book, BookSide
from lib.simulator.engine.execution_rules import PriceRange, price_range
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.lists import Lists
from lib.simulator.engine.prints import Prints
from lib.simulator.engine.reference_price import ReferencePrice
from lib.simulator.engine.register import Register
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.engine.self_trades import losses, mode_between, prevented, transfers
from lib.simulator.engine.settlement import Settlement
from lib.simulator.engine.sizing import fillable
from lib.simulator.engine.stops import Stops
from lib.simulator.units import quote_of

NO_LIQUIDITY: Final = "INSUFFICIENT_LIQUIDITY"
IOC_REMAINDER: Final = "UNFILLED_IOC_QUANTITY_EXPIRED"
FOK_UNFILLED: Final = "UNFILLED_FOK_ORDER_EXPIRED"
RANGE_EXCEEDED: Final = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
NO_LIMIT: Final = -(1 << 127)  # below every key of a book


class Matching:
    """The orders of one symbol that work, and the trades they make."""

    def __init__(self, rules: SymbolRules, floor: Floor, tape: Tape, register: Register) -> None:
        books, options = floor.books, floor.options
        self.book = Book()
        self.stops = Stops(books.change, self._trail_from)
        self.settlement = Settlement(rules, books, options)
        self.lists = Lists(rules, floor, self)
        self._symbol = rules.symbol
        self.prints = Prints(rules.symbol, tape, books, floor.announcer)
        self.ranges = rules.execution.ranges
        self.reference = ReferencePrice(rules.execution.calculation)
        self._symbol = rules.symbol
        self._register = register
        self._last = last_price_counter(rules.symbol)
        books.counters.setdefault("rank", 0)
        self._fills = books.fills.setdefault(rules.symbol, [])
        self._books = books
        self._change = books.change
        self._touched = books.change.orders
        self._new_fills = books.change.fills
        self._options = options
        self._announcer = floor.announcer
        self._limits = floor.limits

    def change_rules(self, rules: SymbolRules) -> None:
        """Hold what is taken from now on to other rules."""
        self.ranges = rules.execution.ranges
        if rules.execution.calculation != self.reference.calculation:
            self.reference = ReferencePrice(rules.execution.calculation)

    def work(self, order: Order, now: int) -> None:
        """Let an order take what it may; what is left of it rests or expires."""
        if order.time_in_force == "FOK" and not self._fillable(order, now):
            self.expire(order, FOK_UNFILLED, now)
            return
        against = self.book.asks if order.is_buy else self.book.bids
        limit = NO_LIMIT if order.type in PRICELESS else against.sign * order.price
        if against.keys and against.keys[-1] >= limit:
            if self.ranges is None:
                self._take(order, against, limit, now)
            else:
                self._take_in_range(order, against, limit, now)
            if order.status not in OPEN:
                return
        if limit == NO_LIMIT:
            self.expire(order, NO_LIQUIDITY, now)
        elif order.time_in_force == "IOC":
            self.expire(order, IOC_REMAINDER, now)
        else:
            self.rest(order)

    def _take(self, order: Order, against: BookSide, limit: int, now: int) -> None:
        keys = against.keys
        while keys and keys[-1] >= limit:
            self._take_best(order, against, now)
            if order.status not in OPEN or order.quantity == order.executed + order.prevented:
                return

    def _fillable(self, order: Order, now: int) -> bool:
        if self.ranges is None:
            return fillable(order, self.book)
        return fillable(order, self.book, self._range(self.ranges, order, now))

    def _range(self, rule: PriceRange, order: Order, now: int) -> tuple[int, int]:
        return price_range(rule, self.reference.price(now), is_buy=order.is_buy)

    def _take_in_range(self, order: Order, against: BookSide, limit: int, now: int) -> None:
        """Take as far as the execution rule allows; beyond that the order expires.

        The range is that of the moment the order begins to take.
        """
        assert self.ranges is not None, "a symbol without the rule has no range"
        low, high = self._range(self.ranges, order, now)
        while against.keys and against.keys[-1] >= limit:
            if not low <= against.sign * against.keys[-1] <= high:
                self.expire(order, RANGE_EXCEEDED, now)
                return
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
            self.trade(price, quantity, now, taker=order)
            return
        maker = next(iter(level.orders.values()))
        if prevented(order, maker):
            self._prevent(order, maker, now)
            return
        wanted = order.quantity - order.executed - order.prevented
        offered = maker.shown or maker.quantity - maker.executed - maker.prevented
        self.trade(price, min(wanted, offered), now, taker=order, maker=maker)

    def rest(self, order: Order) -> None:
        counters = self._books.counters
        order.rank = counters["rank"] = counters["rank"] + 1
        if order.iceberg:
            order.shown = min(order.iceberg, order.remaining)
        side = self.book.bids if order.is_buy else self.book.asks
        side.rest(order)

    def shrink(self, order: Order, quantity: int) -> None:
        """Take from what a resting order shows; an iceberg then shows its next part."""
        side = self.book.side_of(order)
        side.shrink(order, quantity)
        if order.shown:
            order.shown -= quantity
            if not order.shown and order.remaining:
                order.rank = self._books.count("rank")
                side.refill(order)

    def _prevent(self, taker: Order, maker: Order, now: int) -> None:
        """Let two orders that would trade with each other lose quantity instead."""
        mode = mode_between(taker, maker)
        taker_loss, maker_loss = losses(mode, taker, maker)
        matched = min(taker.remaining, maker.visible)
        prevention = Prevention(
            self._books.count("prevention"),
            taker,
            maker,
            maker.price,
            taker_loss,
            maker_loss,
            mode,
            taker.account.trade_group,
            now,
        )
        self._books.preventions.setdefault(self._symbol, []).append(prevention)
        self._change.note_prevention(prevention)
        if transfers(taker, maker):
            quote = quote_of(maker.price, matched)
            self.settlement.transfer(maker, matched, quote)
            self.settlement.transfer(taker, matched, quote)
        if maker_loss:
            self._lose(maker, taker, prevention, maker_loss, matched)
        if taker_loss:
            self._lose(taker, maker, prevention, taker_loss, matched)

    def _lose(
        self, order: Order, counter: Order, prevention: Prevention, quantity: int, matched: int
    ) -> None:
        """Take a prevented quantity from an order; one that has nothing left expires."""
        now = prevention.time
        order.prevented_id = prevention.id
        if quantity == order.remaining:
            self.close(order, "EXPIRED_IN_MATCH", now)
            order.prevented += quantity
        else:
            order.prevented += quantity
            if order.rank:
                self.shrink(order, quantity)
            self.loosen(order)
            self.touch(order, now)
        if self._announcer.on_user is not None:
            execution = self._books.count("execution")
            event = events.prevented(
                order, counter, prevention, lost=quantity, matched=matched, execution=execution
            )
            self._announcer.tell_user(order.account.name, event)
        if order.order_list is not None:
            if not order.open:
                self.lists.ended(order, now)
            elif prevention.mode == "TRANSFER" and counter.account is not order.account:
                self.lists.transferred(order, now)

    def reduce(self, order: Order, quantity: int) -> None:
        """Make an order smaller where it stands; an iceberg shows less only if it must."""
        before = order.visible
        order.quantity = quantity
        order.shown = min(order.shown, order.remaining)
        if order.rank and order.visible < before:
            self.book.side_of(order).shrink(order, before - order.visible)

    def loosen(self, order: Order) -> None:
        """Give back what an order that became smaller need not hold any more."""
        price = order.price or (order.stop_price if order.waiting else 0)
        if order.is_buy and not price:
            return  # what it holds is not worked out from a price of its own
        keep = quote_of(price, order.remaining) if order.is_buy else order.remaining
        if order.order_list is not None:
            keep = max(keep, self.lists.kept_for_partner(order))
        if keep < order.locked:
            self.settlement.release(order, keep=keep)

    def expire(self, order: Order, reason: str, now: int) -> None:
        """Expire an order and what cannot go on without it."""
        self.drop(order, reason, now)
        if order.order_list is not None:
            self.lists.ended(order, now)

    def drop(self, order: Order, reason: str, now: int) -> None:
        """Expire an order alone."""
        order.reason = reason
        self.close(order, "EXPIRED", now)
        if self._announcer.on_user is not None:
            self.report(order, "EXPIRED", now)

    def withdraw(self, order: Order, cancel_id: str, now: int) -> None:
        """Cancel an order alone."""
        order.cancel_id = cancel_id
        self.close(order, "CANCELED", now)
        if self._announcer.on_user is not None:
            event = events.canceled(order, self._books.count("execution"), now)
            self._announcer.tell_user(order.account.name, event)

    def close(self, order: Order, status: str, now: int) -> None:
        """Make an order final: out of the book or the stops, its locks released."""
        if order.rank:
            (self.book.bids if order.is_buy else self.book.asks).remove(order)
        elif order.working_time < 0 and not order.pending:
            self.stops.remove(order)
        self._end(order, status, now)

    def _end(self, order: Order, status: str, now: int) -> None:
        """Make an order final that rests and waits no more."""
        order.status = status
        if order.locked:
            self.settlement.release(order)
        order.update_time = order.account.updated_at = now
        self._touched.append(order)
        self._register.close(order)

    # --- trades

    def trade(
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
        taker_id = taker.id if taker is not None else 0
        trade = self.print_trade(
            price, quantity, time, taker=taker_id, buyer_is_maker=buyer_is_maker
        )
        if maker is not None:
            self._fill(maker, trade, is_maker=True)
        if taker is not None:
            self._fill(taker, trade, is_maker=False)

    def print_trade(
        self, price: int, quantity: int, time: int, *, taker: int = 0, buyer_is_maker: bool
    ) -> Print:
        """Put a trade on the tape and tell the public."""
        self.set_last(price, time)
        if self.reference.moving:
            self.reference.add(price, time)
        return self.prints.add(price, quantity, time, taker=taker, buyer_is_maker=buyer_is_maker)

    def set_last(self, price: int, time: int) -> None:
        self._books.counters[self._last] = price
        if self.stops.waiting:
            self.stops.reach(price, time)

    def _trail_from(self) -> int | None:
        """Give the price from which a stop without a stop price trails, None = that to come."""
        if self._options.trailing_begins == "trade":
            return None
        return self._books.counters.get(self._last)

    def _fill(self, order: Order, trade: Print, *, is_maker: bool) -> None:
        """Book one half of a trade."""
        if not order.executed:
            self._limits.relieve(order.account.name, is_maker=is_maker)
        number, price, quantity, quote, time, _ = trade
        commission, asset = self.settlement.settle(order, quantity, quote, price, is_maker=is_maker)
        remaining = order.quantity - order.executed - order.prevented - quantity
        if is_maker and not remaining:
            (self.book.bids if order.is_buy else self.book.asks).remove(order)
            order.shown = 0
        order.executed += quantity
        order.executed_quote += quote
        if not remaining and not order.starved:
            self._end(order, "FILLED", time)
        else:
            self._fill_partly(order, quantity, remaining, time, is_maker=is_maker)
        fill = Fill(number, order, price, quantity, quote, commission, asset, time, is_maker)
        self._fills.append(fill)
        self._new_fills.append(fill)
        if self._announcer.on_user is not None:
            event = events.traded(fill, self._books.count("execution"))
            self._announcer.tell_user(order.account.name, event)
            if self._options.position_after == "fill":
                self.tell_positions(time)
        if order.order_list is not None:
            self.lists.filled(fill)

    def _fill_partly(
        self, order: Order, quantity: int, remaining: int, now: int, *, is_maker: bool
    ) -> None:
        """Let an order go on of which some is filled."""
        order.status = "PARTIALLY_FILLED"
        if is_maker:
            self.shrink(order, quantity)
        self.touch(order, now)
        if order.is_buy and order.price:  # a better price left something over
            self.settlement.release(order, keep=quote_of(order.price, remaining))

    def uncross(self, time: int) -> None:
        """Let our resting orders that the recording has crossed trade with it, at their price."""
        bids, asks = self.book.bids, self.book.asks
        while bids.keys and asks.keys and bids.keys[-1] + asks.keys[-1] >= 0:
            ours, theirs = (bids, asks) if bids.levels[bids.keys[-1]].orders else (asks, bids)
            maker = next(iter(ours.levels[ours.keys[-1]].orders.values()))
            available = theirs.levels[theirs.keys[-1]].foreign
            assert available, "two orders of our own cross each other"
            part = min(available, maker.visible)
            theirs.set_foreign(theirs.sign * theirs.keys[-1], available - part)
            self.trade(maker.price, part, time, maker=maker)

    # --- what is noted and told

    def touch(self, order: Order, now: int) -> None:
        order.update_time = now
        order.account.updated_at = now
        self._touched.append(order)

    def announce(self, order: Order, now: int) -> None:
        """Tell its owner of a new order."""
        if self._announcer.on_user is not None:
            self.report(order, "NEW", now)

    def report(self, order: Order, kind: str, now: int) -> None:
        event = events.execution_report(order, kind, self._books.count("execution"), now)
        self._announcer.tell_user(order.account.name, event)

    def tell_positions(self, now: int) -> None:
        """Tell each account of the balances that changed since it was last told."""
        untold: dict[str, list[Balance]] = {}
        for held in self._change.untold_balances():
            untold.setdefault(held.account, []).append(held)
        for name, balances in untold.items():
            account = self._books.accounts[name]
            self._announcer.tell_user(name, events.account_position(account, balances, now))
