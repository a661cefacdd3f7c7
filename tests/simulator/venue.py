"""A simulated exchange with two people at it, a clock the test moves and ears on all streams."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lib.simulator.exchange import Answer, Books, Exchange, Options, Request

START = 1_700_000_000_000
SYMBOL = "BTCUSDT"
GRANT = {"BTC": "10", "USDT": "100000"}
EVERY_TYPE = [
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]
FILTERS: list[dict[str, Any]] = [
    {
        "filterType": "PRICE_FILTER",
        "minPrice": "0.01000000",
        "maxPrice": "1000000.00000000",
        "tickSize": "0.01000000",
    },
    {
        "filterType": "LOT_SIZE",
        "minQty": "0.00001000",
        "maxQty": "9000.00000000",
        "stepSize": "0.00001000",
    },
    {
        "filterType": "MARKET_LOT_SIZE",
        "minQty": "0.00000000",
        "maxQty": "88.09927941",
        "stepSize": "0.00000000",
    },
    {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": "5",
        "bidMultiplierDown": "0.2",
        "askMultiplierUp": "5",
        "askMultiplierDown": "0.2",
        "avgPriceMins": 5,
    },
    {
        "filterType": "NOTIONAL",
        "minNotional": "5.00000000",
        "applyMinToMarket": True,
        "maxNotional": "9000000.00000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    },
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
]
RATE_LIMITS: list[dict[str, Any]] = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160_000},
]


def symbol_entry(
    base: str = "BTC",
    quote: str = "USDT",
    *,
    filters: list[dict[str, Any]] | None = None,
    **changes: object,
) -> dict[str, Any]:
    """One symbol as exchangeInfo shows it; filters given replace those of the same type."""
    replaced = {found["filterType"]: found for found in [*FILTERS, *(filters or [])]}
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": EVERY_TYPE,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "filters": list(replaced.values()),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": [
            "NONE",
            "EXPIRE_TAKER",
            "EXPIRE_MAKER",
            "EXPIRE_BOTH",
            "DECREMENT",
        ],
        **changes,
    }


def exchange_info(*symbols: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "timezone": "UTC",
        "serverTime": START,
        "rateLimits": RATE_LIMITS,
        "exchangeFilters": [],
        "symbols": list(symbols) or [symbol_entry()],
        **changes,
    }


OPENED: list["Venue"] = []  # in this test; audited at its end


@dataclass
class Venue:
    """What a test speaks to. Prices are around 100, the last one is exactly 100."""

    options: Options = field(default_factory=Options)
    info: dict[str, Any] = field(default_factory=exchange_info)
    books: Books = field(default_factory=Books.in_memory)
    now: int = START
    user_events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    market_events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for uid, name in enumerate(("alice", "bob"), start=1):
            self.books.open_account(name, uid, GRANT)
        self.exchange = Exchange(
            self.info, clock=lambda: self.now, books=self.books, options=self.options
        )
        self.exchange.on_user_event = lambda account, event: self.user_events.append((
            account,
            event,
        ))
        self.exchange.on_market_event = lambda *event: self.market_events.append(event)
        OPENED.append(self)

    def with_market(self) -> "Venue":
        """Put 1 and 5 on each side, at 99, 98, 101 and 102, after a trade at 100."""
        self.last(100)
        self.exchange.set_book(
            SYMBOL, [("99", "1"), ("98", "5")], [("101", "1"), ("102", "5")], self.now
        )
        return self.deaf()

    def deaf(self) -> "Venue":
        """Forget what was heard so far."""
        self.user_events.clear()
        self.market_events.clear()
        return self

    def last(self, price: object, quantity: object = "0.001", *, seller: bool = False) -> None:
        """Print a recorded trade; `seller` = someone sold into the bids."""
        self.exchange.market_trade(
            SYMBOL, str(price), str(quantity), buyer_is_maker=seller, time=self.now
        )

    def ask(self, call: str, who: str | None = "alice", **params: object) -> Answer:
        """Send a call such as "GET order", signed unless nobody sends it."""
        method, path = call.split()
        sent = {name: str(value) for name, value in params.items() if value is not None}
        if who is not None:
            sent.setdefault("timestamp", str(self.now))
        return self.exchange.answer(Request(method, "/api/v3/" + path, sent, who))

    def place(self, kind: str, side: str, who: str = "alice", **params: object) -> Answer:
        return self.ask(
            "POST order", who, **{"symbol": SYMBOL, "side": side, "type": kind, **params}
        )

    def limit(
        self, side: str, quantity: object, price: object, who: str = "alice", **params: object
    ) -> Answer:
        sent = {"timeInForce": "GTC", "quantity": quantity, "price": price, **params}
        return self.place("LIMIT", side, who, **sent)

    def market(self, side: str, quantity: object, who: str = "alice", **params: object) -> Answer:
        return self.place("MARKET", side, who, quantity=quantity, **params)

    def cancel(self, who: str = "alice", **params: object) -> Answer:
        return self.ask("DELETE order", who, **{"symbol": SYMBOL, **params})

    def amend(self, quantity: object, **params: Any) -> Answer:
        """Make an order smaller where it stands."""
        sent = {"symbol": SYMBOL, "newQty": quantity, **params}
        return self.ask("PUT order/amend/keepPriority", **sent)

    def order(self, order_id: int, who: str = "alice") -> dict[str, Any]:
        """Give an order as GET /order shows it."""
        answer = self.ask("GET order", who, symbol=SYMBOL, orderId=order_id)
        assert answer.status == 200, answer.body
        body: dict[str, Any] = answer.body
        return body

    def balances(self, who: str = "alice") -> dict[str, tuple[Decimal, Decimal]]:
        """Give (free, locked) by asset."""
        rows = self.ask("GET account", who).body["balances"]
        return {row["asset"]: (Decimal(row["free"]), Decimal(row["locked"])) for row in rows}

    def depth(self) -> Mapping[str, list[tuple[Decimal, Decimal]]]:
        body = self.ask("GET depth", None, symbol=SYMBOL, limit=5000).body
        return {
            side: [(Decimal(price), Decimal(quantity)) for price, quantity in body[side]]
            for side in ("bids", "asks")
        }

    def reports(self, who: str = "alice") -> list[tuple[str, str]]:
        """Give (execution type, status) of every executionReport heard."""
        return [
            (event["x"], event["X"])
            for account, event in self.user_events
            if account == who and event["e"] == "executionReport"
        ]

    def kinds(self, who: str = "alice") -> list[str]:
        return [event["e"] for account, event in self.user_events if account == who]


def refusal(answer: Answer) -> tuple[int, int, str]:
    """Give HTTP status, code and text of a refused request."""
    return answer.status, answer.body["code"], answer.body["msg"]
