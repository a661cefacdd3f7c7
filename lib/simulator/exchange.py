"""A Binance Spot of our own: requests in, answers and events out, no socket and no clock.

Everything that happened is durable in the books before `answer` returns or an event is told.
Deterministic: the same requests, market events and times give the same answers and ids.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeAlias

from lib.simulator.books.account import Standing
from lib.simulator.books.audit import audit
from lib.simulator.books.books import Books
from lib.simulator.calls.account_questions import AccountQuestions
from lib.simulator.calls.amending import Amending
from lib.simulator.calls.canceling import Canceling
from lib.simulator.calls.hand import Hand
from lib.simulator.calls.list_questions import ListQuestions
from lib.simulator.calls.list_trading import ListTrading
from lib.simulator.calls.market_data import MarketData, Shown
from lib.simulator.calls.parameters import check_names, required
from lib.simulator.calls.prevented_matches import PreventedMatches
from lib.simulator.calls.questions import Questions
from lib.simulator.calls.replacing import Replacing
from lib.simulator.calls.routes import Call, Route, Routes
from lib.simulator.calls.timing import check_receipt
from lib.simulator.calls.trading import Trading
from lib.simulator.engine.events import Announcer, Event, MarketListener, UserListener
from lib.simulator.engine.floor import Floor
from lib.simulator.engine.limits import Limits
from lib.simulator.engine.market import Market
from lib.simulator.engine.past import Past
from lib.simulator.engine.rules import changed_entry, exchange_counts, read_rules
from lib.simulator.engine.transfers import Treasury
from lib.simulator.options import Options
from lib.simulator.protocol import Answer, Request
from lib.simulator.refusals import (
    Refusal,
    illegal,
    invalid_symbol,
    key_refused,
    not_supported,
)
from lib.simulator.units import units

__all__ = ["Answer", "Books", "Exchange", "Options", "Request"]

PREFIX: Final = "/api/v3/"
LIMITS_NOTE: Final = "limits"
GONE: Final = "<html>\r\n<head><title>410 Gone</title></head>\r\n</html>\r\n"

# Calls that Binance has and this venue has not: refused in so many words instead of a 404.
KNOWN_ELSEWHERE: Final = frozenset({
    "sor/order",
    "sor/order/test",
})

Amount: TypeAlias = Decimal | str | int
Levels: TypeAlias = Iterable[tuple[Amount, Amount]]  # price, quantity
UnitLevels: TypeAlias = Sequence[tuple[int, int]]  # the same in units


class Exchange:
    """The venue. `on_user_event` and `on_market_event` may call it again."""

    def __init__(
        self,
        info: Mapping[str, Any],
        *,
        clock: Callable[[], int],
        books: Books,
        options: Options = Options(),  # noqa: B008 - frozen
    ) -> None:
        self._info = info
        self._clock = clock
        self._books = books
        self._options = options
        self._announcer = Announcer()
        self._symbol_form = re.compile(options.symbol_range)
        self._limits = Limits(info["rateLimits"], options)
        self._recall_limits()
        self._pasts: dict[str, Past] = {}
        books.counters.setdefault("order", options.first_order_id - 1)
        self._open()

    def answer(self, request: Request) -> Answer:
        """Answer one request; a client's mistake is an answer too."""
        self._books.check()
        now = self._clock()
        route = self._routes.get((request.method, request.path))
        if route is None:
            return self._answer_unrouted(request)
        limits = self._limits
        limits.turn(now)
        extra: Mapping[str, str] = {}
        try:
            if limits.enforced:
                limits.refuse_weight(now, request.address)
            body, status = self._respond(route, request, now), 200
        except Refusal as refusal:
            body, status, extra = refusal.body, refusal.status, refusal.headers
        except Exception:
            self._books.distrust()
            raise
        if status != 200 or not self._options.orders_weigh_nothing or not route.is_free(body):
            self._charge(route, request, status)
        if route.places:
            headers = limits.order_headers(request.account or "", request.address)
        else:
            headers = limits.headers(request.address)
        self._finish()
        return Answer(status, body, {**headers, **extra} if extra else headers)

    def is_signed(self, method: str, path: str) -> bool:
        """Say whether a call takes a key and a signature. A call that is not known takes none."""
        route = self._routes.get((method, path))
        return route is not None and route.private

    def turn_away(self, request: Request, refusal: Refusal) -> Answer:
        """Answer a request whose sender was not believed; it weighs what it would have."""
        limits = self._limits
        limits.turn(self._clock())
        try:
            if limits.enforced:
                limits.refuse_weight(self._clock(), request.address)
        except Refusal as heavier:
            refusal = heavier
        route = self._routes.get((request.method, request.path))
        if route is not None:
            self._charge(route, request, refusal.status)
        headers = {**limits.headers(request.address), **refusal.headers}
        return Answer(refusal.status, refusal.body, headers)

    def hand(self, account: str) -> Hand:
        """Give an account's own hand at the engine. Raises KeyError for no such account.

        Another one is needed after a wipe.
        """
        owner = self._books.accounts[account]
        return Hand(owner, self._floor, self._markets, clock=self._clock, finish=self._finish)

    # --- the market, driven by a recording

    def set_book(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        """Replace all that others have; our resting orders that it crosses fill as makers."""
        self._books.check()
        self._markets[symbol].set_book(_levels(bids), _levels(asks), time)
        self._finish()

    def play_step(
        self,
        symbol: str,
        sides: tuple[UnitLevels, UnitLevels] | None,
        trade: tuple[int, int],
        time: int,
        *,
        buyer_is_maker: bool,
    ) -> None:
        """Do `set_book` (None: it stays) and `market_trade` (of 0: none), all in units."""
        self._books.check()
        market = self._markets[symbol]
        if sides is not None:
            market.set_book(*sides, time)
            self._finish()
        price, quantity = trade
        if quantity:
            market.trade(price, quantity, time, buyer_is_maker=buyer_is_maker)
            self._finish()

    def apply_depth(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        """Set what others have at some prices, absolutely; 0 removes."""
        self._books.check()
        self._markets[symbol].apply_depth(_levels(bids), _levels(asks), time)
        self._finish()

    def market_trade(
        self, symbol: str, price: Amount, quantity: Amount, *, buyer_is_maker: bool, time: int
    ) -> None:
        """Print a recorded trade: last price, stops, and our orders it would have reached."""
        self._books.check()
        market = self._markets[symbol]
        market.trade(units(price), units(quantity), time, buyer_is_maker=buyer_is_maker)
        self._finish()

    def wipe(self) -> None:
        """Begin anew as the testnet does: no orders, first balances, ids from the start."""
        self._books.wipe()
        self._books.counters["order"] = 0
        self._announcer.forget()
        self._pasts.clear()
        self._limits = Limits(self._info["rateLimits"], self._options)
        self._open()

    # --- what its owner does to it

    @property
    def limits(self) -> Limits:
        """Who has used how much. A wipe begins new ones."""
        return self._limits

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._markets)

    def change_symbol(self, symbol: str, changes: Mapping[str, Any]) -> None:
        """Change what exchangeInfo says of a symbol, and what holds from now on.

        Filters given replace those of the same type. Open orders stay as they are. Raises KeyError
        for an unknown symbol, and ValueError for rules that cannot be read.
        """
        market = self._markets[symbol]
        entries = {entry["symbol"]: entry for entry in self._info["symbols"]}
        entries[symbol] = changed_entry(entries[symbol], changes)
        market.change_rules(read_rules(entries[symbol]), self._floor)
        self._info = {**self._info, "symbols": list(entries.values())}
        self._open_rooms()

    def set_lag(
        self, query_lag_ms: int, list_lag_ms: int = 0, trades_lag_ms: int | None = None
    ) -> None:
        """Change how far the answers of Memory and Database lag behind, from now on.

        What lags already arrives at the new pace; what was known stays known.
        """
        self._options = replace(
            self._options,
            query_lag_ms=query_lag_ms,
            list_lag_ms=list_lag_ms,
            trades_lag_ms=trades_lag_ms,
        )
        self._floor.options = self._options
        self._floor.replicas.follow(self._books, self._options)
        self._open_rooms()

    def transfer(self, account: str, asset: str, amount: Amount) -> None:
        """Deposit; or withdraw what is below zero, of what is free.

        Raises KeyError for no such account, ValueError for more than is free or for nothing.
        """
        self._books.check()
        self._treasury.transfer(account, asset, units(amount), self._clock())
        self._finish()

    def move(self, giver: str, taker: str, asset: str, amount: Amount) -> None:
        """Let one account give to another, both at once. Raises as `transfer` does."""
        self._books.check()
        self._treasury.move(giver, taker, asset, units(amount), self._clock())
        self._finish()

    def lock_externally(self, account: str, asset: str, amount: Amount) -> None:
        """Lock for another system than this venue's orders; release what is below zero.

        Raises KeyError for no such account, ValueError for more than is free, or was locked so.
        """
        self._books.check()
        self._treasury.lock(account, asset, units(amount), self._clock())
        self._finish()

    def set_standing(self, account: str, standing: Standing) -> None:
        """Change what an account may do, from now on. Raises KeyError for no such account."""
        self._books.check()
        self._books.set_standing(account, standing)

    def audit(self) -> tuple[str, ...]:
        """Say what is wrong in the books; nothing ever should be."""
        return audit(self._books)

    def note(self) -> None:
        """Write down what no order carries: the market's own trades, and who has used how much."""
        self._books.remember(LIMITS_NOTE, self._limits.snapshot())

    def _recall_limits(self) -> None:
        """Go on counting where the last note stands."""
        noted = self._books.recall(LIMITS_NOTE)
        if noted:
            self._limits.restore(noted)

    # --- who listens

    @property
    def on_user_event(self) -> UserListener:
        """Who hears of an account: (account, executionReport or outboundAccountPosition)."""
        return self._announcer.on_user or _deaf_user

    @on_user_event.setter
    def on_user_event(self, listener: UserListener) -> None:
        self._announcer.on_user = listener

    @property
    def on_market_event(self) -> MarketListener:
        """Who hears of a market: (symbol, trade|aggTrade|bookTicker|depthUpdate, payload)."""
        return self._announcer.on_market or _deaf_market

    @on_market_event.setter
    def on_market_event(self, listener: MarketListener) -> None:
        self._announcer.on_market = listener

    @property
    def shown(self) -> Mapping[str, Shown]:
        """How everybody sees the markets, by symbol; a wipe or a change of rules shows others."""
        return self._market_data.shown

    def give_past(self, pasts: Mapping[str, Past]) -> None:
        """Tell what was traded before the exchange began, by symbol. A wipe forgets it."""
        self._pasts.update(pasts)
        self._open_rooms()

    # --- how a request is answered

    def _respond(self, route: Route, request: Request, now: int) -> Any:
        params = request.params
        names = tuple(params)
        check_names(route.known, names)
        call = Call(params, names, now)
        if route.private:
            account = self._books.accounts.get(request.account or "")
            if account is None:
                raise key_refused(self._options.key_refusal_status)
            call.account = account
            received_at = now if request.received_at is None else request.received_at
            call.good_until = check_receipt(params, received_at)
        return route.respond(call)

    def _charge(self, route: Route, request: Request, status: int) -> None:
        """Count the weight of what was not refused for its weight."""
        if status not in {418, 429}:
            self._limits.weigh(route.weigh(request.params), request.address)

    def _answer_unrouted(self, request: Request) -> Answer:
        """Answer a path or method this venue does not have."""
        name = request.path.removeprefix(PREFIX)
        if name == "userDataStream":
            return Answer(410, GONE, {"Content-Type": "text/html"})
        if name in KNOWN_ELSEWHERE or any(path == request.path for _, path in self._routes):
            return Answer(400, not_supported().body)
        return Answer(404, None)

    def _finish(self) -> None:
        """Make durable what has changed, then tell it."""
        books = self._books
        if books.change.orders or books.change:
            if self._replicas.lagging:
                self._replicas.note(books.change, self._clock())
            books.commit()
        if self._announcer.pending:
            self._announcer.flush()

    def _find_market(self, params: Mapping[str, str]) -> Market:
        market = self._markets.get(params.get("symbol", ""))
        if market is None:
            name = required(params, "symbol")
            if not self._symbol_form.fullmatch(name):
                raise illegal("symbol", self._options.symbol_range)
            raise invalid_symbol()
        return market

    def _open(self) -> None:
        """Build the markets from the books."""
        counts = exchange_counts(self._info.get("exchangeFilters", ()))
        floor = Floor(self._books, self._options, self._announcer, self._limits, counts)
        self._floor = floor
        self._replicas = floor.replicas
        self._treasury = Treasury(self._books, self._announcer)
        floor.replicas.follow(self._books, self._options)
        if floor.replicas.lagging and self._books.orders:
            floor.replicas.note_young(self._books, self._clock())
        self._markets = {
            entry["symbol"]: Market(read_rules(entry), floor) for entry in self._info["symbols"]
        }
        self._open_rooms()

    def _open_rooms(self) -> None:
        """Let in who answers, as the rules and options are now."""
        floor = self._floor
        self._market_data = MarketData(
            self._info,
            self._markets,
            self._find_market,
            options=self._options,
            pasts=self._pasts,
        )
        questions = Questions(floor, self._find_market, self._markets)
        engine = Trading(floor, self._find_market, self._clock)
        canceling = Canceling(floor, self._find_market, self._clock)
        replacing = Replacing(floor, self._find_market, placing=engine, canceling=canceling)
        accounts = AccountQuestions(floor, self._find_market, self._info)
        lists = ListTrading(floor, self._find_market, placing=engine, canceling=canceling)
        self._routes = _routed(
            self._market_data.routes(),
            questions.routes(),
            accounts.routes(),
            engine.routes(),
            canceling.routes(),
            replacing.routes(),
            lists.routes(),
            ListQuestions(floor).routes(),
            Amending(floor, self._find_market, self._clock).routes(),
            PreventedMatches(floor, self._find_market, self._markets).routes(),
        )


def _routed(*rooms: Routes) -> dict[tuple[str, str], Route]:
    """Index the calls of all rooms by method and path."""
    routes: dict[tuple[str, str], Route] = {}
    for room in rooms:
        for name, route in room.items():
            method, path = name.split()
            routes[method, PREFIX + path] = route
    return routes


def _deaf_user(_account: str, _event: Event) -> None:
    """Hear nothing."""


def _deaf_market(_symbol: str, _kind: str, _event: Event) -> None:
    """Hear nothing."""


def _levels(levels: Levels) -> list[tuple[int, int]]:
    return [(units(price), units(quantity)) for price, quantity in levels]
