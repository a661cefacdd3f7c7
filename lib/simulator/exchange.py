"""A Binance Spot of our own: requests in, answers and events out, no socket and no clock.

Everything that happened is durable in the books before `answer` returns or an event is told.
Deterministic: the same requests, market events and times give the same answers and ids.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from lib.simulator.books import Books
from lib.simulator.drafting import ORDER_NAMES
from lib.simulator.events import Announcer, Event, MarketListener, UserListener
from lib.simulator.floor import Floor
from lib.simulator.limits import Limits
from lib.simulator.market import Market
from lib.simulator.options import Options
from lib.simulator.parameters import check_names, required
from lib.simulator.protocol import Answer, Request
from lib.simulator.public import Klines, Public, weigh_days, weigh_depth, weigh_prices
from lib.simulator.questions import Questions
from lib.simulator.refusals import (
    Refusal,
    illegal,
    invalid_symbol,
    key_refused,
    not_supported,
)
from lib.simulator.routes import Call, Route, private, public, trading
from lib.simulator.rules import exchange_counts, read_rules
from lib.simulator.timing import check_receipt
from lib.simulator.trading import Trading
from lib.simulator.units import units

__all__ = ["Answer", "Books", "Exchange", "Options", "Request"]

PREFIX: Final = "/api/v3/"
GONE: Final = "<html>\r\n<head><title>410 Gone</title></head>\r\n</html>\r\n"

# Calls that Binance has and this venue has not: refused in so many words instead of a 404.
KNOWN_ELSEWHERE: Final = frozenset({
    "account/commission",
    "aggTrades",
    "allOrderList",
    "executionRules",
    "historicalTrades",
    "myAllocations",
    "myFilters",
    "myPreventedMatches",
    "openOrderList",
    "order/amend/keepPriority",
    "order/amendments",
    "order/cancelReplace",
    "order/oco",
    "orderList",
    "orderList/oco",
    "orderList/opo",
    "orderList/opoco",
    "orderList/oto",
    "orderList/otoco",
    "rateLimit/order",
    "sor/order",
    "sor/order/test",
    "ticker",
    "ticker/tradingDay",
    "uiKlines",
})

Amount: TypeAlias = Decimal | str | int
Levels: TypeAlias = Iterable[tuple[Amount, Amount]]  # price, quantity


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
        self._klines: Klines | None = None
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
                limits.refuse_weight(now)
            body, status = self._respond(route, request, now), 200
        except Refusal as refusal:
            body, status, extra = refusal.body, refusal.status, refusal.headers
        if status != 200 or not route.trades or not self._options.orders_weigh_nothing:
            self._charge(route, request, status)
        headers = limits.order_headers(request.account or "") if route.trades else limits.headers()
        self._finish()
        return Answer(status, body, {**headers, **extra} if extra else headers)

    # --- the market, driven by a recording

    def set_book(self, symbol: str, bids: Levels, asks: Levels, time: int) -> None:
        """Replace all that others have; our resting orders that it crosses fill as makers."""
        self._books.check()
        self._markets[symbol].set_book(_levels(bids), _levels(asks), time)
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
        self._limits = Limits(self._info["rateLimits"], self._options)
        self._open()

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
    def klines(self) -> Klines:
        """Who answers GET /klines: (symbol, interval, start, end, limit) to rows."""
        return self._public.klines

    @klines.setter
    def klines(self, klines: Klines) -> None:
        self._klines = self._public.klines = klines

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
            self._limits.weigh(route.weigh(request.params))

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
        change = self._books.change
        if change.orders or change:
            self._books.commit()
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
        self._markets = {
            entry["symbol"]: Market(read_rules(entry), floor) for entry in self._info["symbols"]
        }
        self._public = Public(self._info, self._markets, self._find_market)
        if self._klines is not None:
            self._public.klines = self._klines
        questions = Questions(floor, self._find_market, self._markets)
        engine = Trading(floor, self._find_market, self._clock)
        self._routes = _routes(self._public, questions, engine)


def _routes(shown: Public, asked: Questions, engine: Trading) -> dict[tuple[str, str], Route]:
    symbols = ("symbol", "symbols", "symbolStatus")
    order = ("symbol", "orderId", "origClientOrderId")
    page = ("symbol", "orderId", "startTime", "endTime", "limit")
    by_path = {
        "GET ping": public(shown.ping, 1),
        "GET time": public(shown.time, 1),
        "GET exchangeInfo": public(
            shown.exchange_info, 20, *symbols, "permissions", "showPermissionSets"
        ),
        "GET depth": public(shown.depth, weigh_depth, "symbol", "limit"),
        "GET trades": public(shown.trades, 25, "symbol", "limit"),
        "GET klines": public(
            shown.candles, 2, "symbol", "interval", "startTime", "endTime", "limit", "timeZone"
        ),
        "GET avgPrice": public(shown.average_price, 2, "symbol"),
        "GET ticker/price": public(shown.price, weigh_prices, *symbols),
        "GET ticker/bookTicker": public(shown.book_ticker, weigh_prices, *symbols),
        "GET ticker/24hr": public(shown.day, weigh_days, *symbols, "type"),
        "GET account": private(asked.account, 20, "omitZeroBalances"),
        "GET order": private(asked.order, 4, *order),
        "GET openOrders": private(asked.open_orders, _weigh_open_orders, "symbol"),
        "GET allOrders": private(asked.all_orders, 20, *page),
        "GET myTrades": private(asked.my_trades, _weigh_my_trades, *page, "fromId"),
        "POST order/test": private(engine.test, 1, *ORDER_NAMES),
        "POST order": trading(engine.place, *ORDER_NAMES),
        "DELETE order": trading(engine.cancel, *order, "newClientOrderId", "cancelRestrictions"),
    }
    routes: dict[tuple[str, str], Route] = {}
    for name, route in by_path.items():
        method, path = name.split()
        routes[method, PREFIX + path] = route
    return routes


def _weigh_open_orders(params: Mapping[str, str]) -> int:
    return 6 if "symbol" in params else 80


def _weigh_my_trades(params: Mapping[str, str]) -> int:
    return 5 if "orderId" in params else 20


def _deaf_user(_account: str, _event: Event) -> None:
    """Hear nothing."""


def _deaf_market(_symbol: str, _kind: str, _event: Event) -> None:
    """Hear nothing."""


def _levels(levels: Levels) -> list[tuple[int, int]]:
    return [(units(price), units(quantity)) for price, quantity in levels]
