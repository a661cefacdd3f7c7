"""Numbers one symbol's trades and aggregates, puts them on the tape and tells the public."""

from lib.simulator.books.books import Books
from lib.simulator.books.spans import Print
from lib.simulator.books.tape import Aggregate, Tape
from lib.simulator.engine import events
from lib.simulator.engine.events import Announcer
from lib.simulator.units import quote_of


class Prints:
    """Trades of one taker at one price in one millisecond are one aggregate.

    An aggregate is told when it can grow no more: at another price or taker's trade, or when the
    market is quiet again.
    """

    __slots__ = (
        "_aggregate_ids",
        "_announcer",
        "_counters",
        "_symbol",
        "_taker",
        "_tape",
        "_trade_ids",
        "growing",
    )

    def __init__(self, symbol: str, tape: Tape, books: Books, announcer: Announcer) -> None:
        self.growing: Aggregate | None = None
        self._taker = 0
        self._symbol = symbol
        self._tape = tape
        self._announcer = announcer
        self._trade_ids = f"trade:{symbol}"
        self._aggregate_ids = f"aggregate:{symbol}"
        self._counters = books.counters
        self._counters.setdefault(self._trade_ids, 0)
        self._counters.setdefault(self._aggregate_ids, 0)

    def add(
        self, price: int, quantity: int, time: int, *, taker: int, buyer_is_maker: bool
    ) -> Print:
        """Print a trade. `taker` is an order's id, 0 for someone of the recording."""
        counters = self._counters
        number = counters[self._trade_ids] = counters[self._trade_ids] + 1
        trade = Print(number, price, quantity, quote_of(price, quantity), time, buyer_is_maker)
        self._tape.add(trade)
        growing = self.growing
        if growing is None or not (
            taker == self._taker and price == growing.price and time == growing.time
        ):
            self._begin(trade, taker)
        else:
            growing.quantity += quantity
            growing.last_id = number
        if self._announcer.on_market is not None:
            event = events.public_trade(self._symbol, trade)
            self._announcer.tell_market(self._symbol, "trade", event)
        return trade

    def settle(self) -> None:
        """End the aggregate that grows and tell it."""
        whole, self.growing = self.growing, None
        if whole is not None and self._announcer.on_market is not None:
            event = events.aggregate_trade(self._symbol, whole)
            self._announcer.tell_market(self._symbol, "aggTrade", event)

    def _begin(self, trade: Print, taker: int) -> None:
        """Begin an aggregate with a trade that the last one has no room for."""
        if self.growing is not None:
            self.settle()
        number, price, quantity, _, time, buyer_is_maker = trade
        counters = self._counters
        whole = counters[self._aggregate_ids] = counters[self._aggregate_ids] + 1
        self._taker = taker
        self.growing = Aggregate(whole, price, quantity, number, number, time, buyer_is_maker)
        self._tape.aggregates.append(self.growing)
