"""Scripts of what people and the recording may do, and who plays them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from hypothesis import strategies as st

from lib.simulator.exchange import Books, Exchange, Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry

Step: TypeAlias = tuple[Any, ...]

PEOPLE = ("alice", "bob")
ZERO = Decimal(0)
UNLIMITED = Options(enforce_limits=False)
STOPS_MAX = {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 20}

prices = st.integers(192, 208).map(lambda halves: str(Decimal(halves) / 2))
quantities = st.integers(1, 50).map(lambda lots: str(Decimal(lots) / 10 + Decimal("0.00001")))
people = st.sampled_from(PEOPLE)
sides = st.sampled_from(["BUY", "SELL"])
levels = st.lists(st.tuples(prices, quantities), max_size=4)
MODES = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"]
INFO = exchange_info(symbol_entry(filters=[STOPS_MAX], allowedSelfTradePreventionModes=MODES))
modes = st.sampled_from(MODES)
deltas = st.integers(10, 300)
steps = st.one_of(
    st.tuples(
        st.just("limit"),
        people,
        sides,
        quantities,
        prices,
        st.sampled_from(["GTC", "IOC", "FOK"]),
        modes,
    ),
    st.tuples(st.just("market"), people, sides, quantities),
    st.tuples(st.just("quote"), people, sides, st.integers(5, 900).map(str)),
    st.tuples(
        st.just("stop"),
        people,
        sides,
        st.sampled_from(["STOP_LOSS", "TAKE_PROFIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"]),
        quantities,
        prices,
        prices,
    ),
    st.tuples(st.just("iceberg"), people, sides, quantities, prices, st.integers(1, 10), modes),
    st.tuples(
        st.just("trail"),
        people,
        sides,
        st.sampled_from(["STOP_LOSS", "TAKE_PROFIT", "STOP_LOSS_LIMIT"]),
        quantities,
        st.none() | prices,
        prices,
        deltas,
    ),
    st.tuples(st.just("amend"), people, st.integers(0, 9), st.integers(1, 10)),
    st.tuples(st.just("cancel"), people, st.integers(0, 9)),
    st.tuples(st.just("trade"), prices, quantities, st.booleans()),
    st.tuples(st.just("book"), levels, levels),
    st.tuples(st.just("depth"), levels, levels),
)
scripts = st.lists(steps, min_size=5, max_size=30)

RECORDED: Step = ("book", [("99.5", "2"), ("98", "3")], [("100.5", "2"), ("102", "3")])


def ground(books: Books | None = None) -> Venue:
    """A venue whose limits are off, with something to trade with and a last price of 100."""
    venue = Venue(UNLIMITED, INFO, books=books or Books.in_memory())
    venue.last(100)
    play(venue, RECORDED)
    return venue


def play(venue: Venue, step: Step) -> None:
    venue.now += 1
    kind, *rest = step
    if kind in {"trade", "book", "depth"}:
        play_market(venue.exchange, venue.now, kind, rest)
        return
    who, *rest = rest
    if kind == "limit":
        side, quantity, price, time_in_force, mode = rest
        sent = {"timeInForce": time_in_force, "selfTradePreventionMode": mode}
        venue.limit(side, quantity, price, who, **sent)
    elif kind == "market":
        venue.market(rest[0], rest[1], who)
    elif kind == "quote":
        venue.place("MARKET", rest[0], who, quoteOrderQty=rest[1])
    elif kind == "stop":
        side, name, quantity, stop, price = rest
        limited = {"price": price, "timeInForce": "GTC"} if name.endswith("LIMIT") else {}
        venue.place(name, side, who, quantity=quantity, stopPrice=stop, **limited)
    elif kind == "iceberg":
        side, quantity, price, parts, mode = rest
        part = round(Decimal(quantity) / parts, 4)
        sent = {"icebergQty": str(part), "selfTradePreventionMode": mode}
        venue.limit(side, quantity, price, who, **sent)
    elif kind == "trail":
        side, name, quantity, stop, price, delta = rest
        limited = {"price": price, "timeInForce": "GTC"} if name.endswith("LIMIT") else {}
        limited |= {"stopPrice": stop, "trailingDelta": delta}
        venue.place(name, side, who, quantity=quantity, **limited)
    elif (order := an_open_order(venue, who, rest[0])) is None:
        assert venue.cancel(who, orderId=10**9).status == 400
    elif kind == "amend":
        quantity = round(Decimal(order["origQty"]) * rest[1] / 10, 5)
        sent = {"symbol": SYMBOL, "orderId": order["orderId"], "newQty": quantity}
        venue.ask("PUT order/amend/keepPriority", who, **sent)
    else:
        assert venue.cancel(who, orderId=order["orderId"]).status == 200


def an_open_order(venue: Venue, who: str, number: int) -> dict[str, Any] | None:
    orders: list[dict[str, Any]] = venue.ask("GET openOrders", who, symbol=SYMBOL).body
    return orders[number % len(orders)] if orders else None


def play_market(exchange: Exchange, now: int, kind: str, rest: Sequence[Any]) -> None:
    if kind == "trade":
        price, quantity, seller = rest
        exchange.market_trade(SYMBOL, price, quantity, buyer_is_maker=seller, time=now)
    elif kind == "book":
        exchange.set_book(SYMBOL, rest[0], rest[1], now)
    else:
        bids, asks = rest
        exchange.apply_depth(SYMBOL, bids, [(price, "0") for price, _ in asks], now)
