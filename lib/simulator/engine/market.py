"""The matching engine of one symbol: what it takes, matches, triggers, cancels and expires.

Every public method leaves the market quiet: nothing crossed, no stop due. A refusal is raised
before anything was changed.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from lib.simulator.books.account import Account
from lib.simulator.books.books import last_price_counter
from lib.simulator.books.ledger import Ledger
from lib.simulator.books.orders import PRICELESS, STOPS, Amendment, Order, OrderList
from lib.simulator.books.tape import Tape
from lib.simulator.engine.amendment import Amender
from lib.simulator.engine.counts import Counts
from lib.simulator.engine.depth import Depth
from lib.simulator.engine.filters import Filters
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.list_entry import ListEntry
from lib.simulator.engine.matching import Matching
from lib.simulator.engine.reference_price import ReferencePrice
from lib.simulator.engine.register import Register
from lib.simulator.engine.rules import SymbolRules
from lib.simulator.engine.sizing import quantity_for_quote, taking_cost
from lib.simulator.engine.stops import fires
from lib.simulator.options import Options
from lib.simulator.refusals import (
    Refusal,
    duplicate,
    filter_failed,
    illiquid,
    no_liquidity,
    would_take,
    would_trigger,
)
from lib.simulator.units import quote_of

ACTIVATION_REFUSED: Final = "REJECTED"

Levels: TypeAlias = Sequence[tuple[int, int]]  # price, quantity


class Market:
    """One symbol: its book, its waiting stops, its tape."""

    def __init__(self, rules: SymbolRules, floor: Floor) -> None:
        books, options = floor.books, floor.options
        self.rules = rules
        self._last = last_price_counter(rules.symbol)
        self.tape = Tape(rules.average_minutes, books.counters.get(self._last))
        books.keep_tape(rules.symbol, self.tape)
        self.filters = self._filters(rules, options)
        self.register = Register(rules.symbol, books, options, floor.shared_ids)
        self._matching = Matching(rules, floor, self.tape, self.register)
        self._stops = self._matching.stops
        self._settlement = self._matching.settlement
        self._prints = self._matching.prints
        self.book = self._matching.book
        self.depth = Depth(rules.symbol, self.book, books, floor.announcer)
        self.ledger = Ledger(books.fills.setdefault(rules.symbol, []))
        self.counts = Counts(rules, self.register, floor)
        self.lists = self._matching.lists
        self._amender = Amender(self, self._matching, floor)
        self._list_entry = ListEntry(self, self.lists, self._matching, floor)
        self._books = books
        self._touched = books.change.orders
        self._options = options
        self._announcer = floor.announcer
        floor.registers.append(self.register)
        self._resume()

    @property
    def last(self) -> int | None:
        """Give the last price, None before the first trade."""
        return self._books.counters.get(self._last)

    def change_rules(self, rules: SymbolRules, floor: Floor) -> None:
        """Hold what comes from now on to other rules; open orders stay."""
        self.rules = rules
        self.filters = self._filters(rules, floor.options)
        self._matching.change_rules(rules)
        self.counts = Counts(rules, self.register, floor)

    def place(self, order: Order, now: int) -> None:
        """Take a new order into the matching engine."""
        register = self.register
        shelf = register.shelf(order.account)
        if shelf.sharing is not None or order.client_order_id in shelf.newest:
            self._refuse_name(order)
        self.counts.refuse(order, shelf.open)
        if order.type != "LIMIT":
            self.refuse_price(order)
            if order.quote_quantity:
                self._size(order)
        self._settlement.lock(order, self.needed(order))
        counters = self._books.counters
        order.id = counters["order"] = counters["order"] + 1
        register.add(order, shelf)
        self.enter(order, now)
        if order.working_time >= 0:
            self._matching.work(order, now)
        self._quiet(now)

    def place_list(self, order_list: OrderList, now: int) -> list[Order]:
        """Take a new order list; answer its orders as they are before anything pending begins."""
        shown = self._list_entry.place(order_list, now)
        self._quiet(now)
        return shown

    def enter(self, order: Order, now: int) -> None:
        """Make known an order that was taken: it waits, or it is about to work."""
        order.update_time = order.account.updated_at = now
        self._touched.append(order)
        if order.type in STOPS:
            self._stops.add(order)
        else:
            order.working_time = now
        if self._announcer.on_user is not None:
            self._matching.report(order, "NEW", now)

    def cancel(self, order: Order, cancel_id: str, now: int) -> None:
        """Cancel an open order, with its list if it has one, under the cancel's own id."""
        if order.order_list is not None and not order.order_list.done:
            self.lists.cancel(order.order_list, cancel_id, now)
        else:
            self._matching.withdraw(order, cancel_id, now)
        self._quiet(now)

    def cancel_list(self, order_list: OrderList, cancel_id: str, now: int) -> list[Order]:
        """Cancel all that is open in a list; answer the orders that this has ended."""
        ended = self.lists.cancel(order_list, cancel_id, now)
        self._quiet(now)
        return ended

    def cancel_open(
        self, owner: Account, cancel_id: str, now: int
    ) -> list[tuple[OrderList | None, list[Order]]]:
        """Cancel all that an account has open here; answer the orders, by list or alone."""
        ended: list[tuple[OrderList | None, list[Order]]] = []
        for order in list(self.register.open_of(owner).values()):
            order_list = order.order_list
            if order.open and order_list is not None and not order_list.done:
                ended.append((order_list, self.lists.cancel(order_list, cancel_id, now)))
            elif order.open:
                self._matching.withdraw(order, cancel_id, now)
                ended.append((None, [order]))
        self._quiet(now)
        return ended

    def set_book(self, bids: Levels, asks: Levels, time: int) -> None:
        """Replace all that others have in the book."""
        if bids and asks and max(bids)[0] < min(asks)[0]:
            self.book.bids.replace_foreign(bids)
            self.book.asks.replace_foreign(asks)
            self._matching.uncross(time)
            self._quiet(time)
            return
        self.book.bids.clear_foreign(price for price, _ in bids)
        self.book.asks.clear_foreign(price for price, _ in asks)
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
        self._matching.uncross(time)
        self._quiet(time)

    def trade(self, price: int, quantity: int, time: int, *, buyer_is_maker: bool) -> None:
        """Print a recorded trade. What of it comes past the recorded queue is our orders' first."""
        makers = self.book.bids if buyer_is_maker else self.book.asks
        left, queued = quantity, 0
        while order := makers.first_reached(price):
            waited = min(left, makers.queue_before(order, price) - queued)
            if waited > 0:
                queued += waited
                left -= waited
                self._matching.print_trade(price, waited, time, buyer_is_maker=buyer_is_maker)
            if not left:
                break
            part = min(left, order.visible)
            left -= part
            self._matching.trade(order.price, part, time, maker=order)
        makers.advance(price, queued)
        if left:
            self._matching.print_trade(price, left, time, buyer_is_maker=buyer_is_maker)
        self._matching.set_last(price, time)
        self._quiet(time)

    def amend(self, order: Order, quantity: int, name: str, now: int) -> Amendment:
        """Make an open order, and the other leg of its pair, smaller where it stands."""
        self._amender.refuse(order, quantity, name, now)
        amendment = self._amender.amend(order, quantity, name, now)
        self._quiet(now)
        return amendment

    def average_price(self, now: int) -> int | None:
        """Give the price that others are measured by: the reference price, else the average."""
        reference = self._matching.reference.price(now)
        return self.tape.average(now) if reference is None else reference

    @property
    def reference(self) -> ReferencePrice:
        return self._matching.reference

    def _filters(self, rules: SymbolRules, options: Options) -> Filters:
        measured = self.average_price if rules.execution.calculation is not None else None
        return Filters(rules, self.tape, options, measured)

    # --- what is refused, and what is set aside

    def _refuse_name(self, order: Order) -> None:
        if self.register.holds(order.account, order.client_order_id):
            raise duplicate()

    def refuse_count(self, order: Order) -> None:
        """Raise for one more order than the account may have."""
        self.counts.refuse(order, self.register.open_of(order.account))

    def refuse_price(self, order: Order) -> None:
        """Raise for a stop that would trigger and a maker that would take."""
        if order.type in STOPS:
            if self.last is not None and fires(order, self.last):
                raise would_trigger(self._options.trigger_refusal)
        elif order.type == "LIMIT_MAKER" and self.book.side_against(order).reaches(order.price):
            raise would_take()

    def _size(self, order: Order) -> None:
        """Turn a quote quantity into a quantity the lots allow."""
        if not self.book.side_against(order).keys:
            raise no_liquidity()
        raw, enough = quantity_for_quote(order, self.book)
        order.starved = not enough
        step = max(self.rules.lots.step, self.rules.market_lots.step, 1)
        order.quantity = raw - raw % step
        if order.quantity == 0 or order.quantity < self.rules.lots.low:
            raise filter_failed("LOT_SIZE") if enough else illiquid("LOT_SIZE")
        if order.quantity < self.rules.market_lots.low:
            raise filter_failed("MARKET_LOT_SIZE") if enough else illiquid("MARKET_LOT_SIZE")
        self.filters.refuse_lot(order)
        self.counts.refuse_sized(order)

    def needed(self, order: Order) -> int:
        """Work out what a new order may give."""
        if not order.is_buy:
            return order.quantity
        if order.type == "MARKET":
            return taking_cost(order, self.book)
        return quote_of(order.price or order.stop_price or self.last or 0, order.quantity)

    # --- stops

    def _quiet(self, now: int) -> None:
        """Let begin what is due, one after another, then tell what changed."""
        if self._stops.due or self.lists.due:
            self._begin_due(now)
        if self._prints.growing is not None:
            self._prints.settle()
        self.depth.tell(now)
        if self._announcer.on_user is not None:
            self._matching.tell_positions(now)

    def _begin_due(self, now: int) -> None:
        due, lists_due = self._stops.due, self.lists.due
        while due or lists_due:
            if lists_due:
                self._list_entry.begin(lists_due.popleft(), now)
            else:
                self._activate(due.popleft(), now)

    def _activate(self, order: Order, now: int) -> None:
        if order.order_list is not None:
            self.lists.triggered(order, now)
        order.working_time = now
        self._matching.touch(order, now)
        try:
            self._lock_more(order)
        except Refusal:
            self._matching.expire(order, ACTIVATION_REFUSED, now)
            return
        if self._options.announce_trigger and self._announcer.on_user is not None:
            self._matching.report(order, "NEW", now)
        self._matching.work(order, now)

    def _lock_more(self, order: Order) -> None:
        """Set aside what a triggered market buy costs above its stop price."""
        if order.is_buy and order.type in PRICELESS:
            missing = taking_cost(order, self.book) - order.locked
            if missing > 0:
                self._settlement.lock(order, missing)

    def _resume(self) -> None:
        """Put the open orders of reopened books back where they were."""
        orders = [order for order in self.register.orders.values() if order.open]
        for order in sorted(orders, key=lambda order: order.rank):
            if order.pending:
                continue
            if order.waiting:
                self._stops.add(order)
            else:
                self.book.side_of(order).rest(order)
