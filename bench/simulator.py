"""Order operations of the simulator against a bare order book, in one run on one machine.

60 % orders that rest, 30 % cancels, 10 % orders that cross and whose remainder is dropped (IOC),
the same for all: a cancel of what was traded meanwhile finds nothing in any. Asked by texts the
simulator checks and answers everything it would over a socket, its books in memory; what it answers
is complete, nothing is put off until somebody looks. By hand the same engine takes orders as
values, with every rule, and nothing is parsed or written. The engine's book alone is given orders
that are made already, and knows no rule, no money and no trade. Each round runs all, so that what
else the machine does weighs on all; shown are medians. Run: `python -m bench.simulator`.
"""

import gc
import heapq
import random
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from operator import truediv
from typing import Any

from lib.simulator.books.account import Account
from lib.simulator.books.orders import Order
from lib.simulator.engine.book import Book, BookSide
from lib.simulator.exchange import Books, Exchange, Options, Request
from lib.simulator.refusals import Refusal
from lib.simulator.units import UNIT

OPERATIONS = 50_000
ROUNDS = 7
SEED = 7
NOW = 1_700_000_000_000
MIDDLE = 60_000_00  # in ticks of 0.01

Trade = tuple[str, int, int]  # the maker's name, price, quantity


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: place (bid or ask, ticks, lots) or cancel what an earlier one placed."""

    kind: str  # rest, cross, cancel
    is_bid: bool
    price: int
    quantity: int
    name: str


class BareBook:
    """What a book costs without any rule: integer prices, queues per level, lazy heaps."""

    def __init__(self) -> None:
        self.levels: tuple[dict[int, dict[str, int]], dict[int, dict[str, int]]] = ({}, {})
        self.heaps: tuple[list[int], list[int]] = ([], [])
        self.where: dict[str, tuple[int, int]] = {}

    def add(self, name: str, price: int, quantity: int, *, is_bid: bool) -> list[Trade]:
        trades, quantity = self.match(price, quantity, is_bid=is_bid)
        if not quantity:
            return trades
        side, key = (0, -price) if is_bid else (1, price)
        level = self.levels[side].get(key)
        if level is None:
            level = self.levels[side][key] = {}
            heapq.heappush(self.heaps[side], key)
        level[name] = quantity
        self.where[name] = (side, key)
        return trades

    def match(self, price: int, quantity: int, *, is_bid: bool) -> tuple[list[Trade], int]:
        trades: list[Trade] = []
        side, limit = (1, price) if is_bid else (0, -price)
        heap, levels = self.heaps[side], self.levels[side]
        while quantity and heap and heap[0] <= limit:
            level = levels.get(heap[0])
            if not level:
                levels.pop(heapq.heappop(heap), None)
                continue
            name, there = next(iter(level.items()))
            part = min(quantity, there)
            quantity -= part
            trades.append((name, abs(heap[0]), part))
            if part == there:
                del level[name], self.where[name]
            else:
                level[name] = there - part
        return trades, quantity

    def cancel(self, name: str) -> None:
        found = self.where.pop(name, None)
        if found is not None:
            side, key = found
            del self.levels[side][key][name]


def scenario() -> list[Step]:
    """Draw the same operations for both books."""
    chance = random.Random(SEED)
    steps: list[Step] = []
    resting: list[str] = []
    for number in range(OPERATIONS):
        drawn, is_bid = chance.random(), chance.random() < 0.5
        quantity, away = chance.randint(1, 50), chance.randint(1, 500)
        if drawn < 0.3 and resting:
            name = resting.pop(chance.randrange(len(resting)))
            steps.append(Step("cancel", is_bid, 0, 0, name))
            continue
        kind = "cross" if drawn > 0.9 else "rest"
        sign = (1 if is_bid else -1) * (1 if kind == "cross" else -1)
        name = f"b{number:x}"
        steps.append(Step(kind, is_bid, MIDDLE + sign * away, quantity, name))
        if kind == "rest":
            resting.append(name)
    return steps


def symbol_entry() -> dict[str, Any]:
    """A symbol with all filters, wide enough for the whole scenario."""
    return {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "baseAssetPrecision": 8,
        "quoteAsset": "USDT",
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": "0.01",
                "maxPrice": "1000000",
                "tickSize": "0.01",
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": "0.00001",
                "maxQty": "9000",
                "stepSize": "0.00001",
            },
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "88", "stepSize": "0"},
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
                "minNotional": "5",
                "applyMinToMarket": True,
                "maxNotional": "9000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 10 * OPERATIONS},
        ],
    }


def requests(steps: list[Step]) -> list[Request]:
    """Write the scenario as two accounts would send it: one rests and cancels, one crosses."""
    return [_cancel(step) if step.kind == "cancel" else _place(step) for step in steps]


def _place(step: Step) -> Request:
    params = {
        "symbol": "BTCUSDT",
        "side": "BUY" if step.is_bid else "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC" if step.kind == "rest" else "IOC",
        "quantity": str(Decimal(step.quantity) / 1000),
        "price": str(Decimal(step.price) / 100),
        "newClientOrderId": step.name,
        "timestamp": str(NOW),
        "recvWindow": "5000",
    }
    return Request("POST", "/api/v3/order", params, "maker" if step.kind == "rest" else "taker")


def _cancel(step: Step) -> Request:
    params = {
        "symbol": "BTCUSDT",
        "origClientOrderId": step.name,
        "newClientOrderId": "x" + step.name,
        "timestamp": str(NOW),
        "recvWindow": "5000",
    }
    return Request("DELETE", "/api/v3/order", params, "maker")


def new_exchange() -> Exchange:
    books = Books.in_memory()
    for uid, name in enumerate(("maker", "taker"), start=1):
        books.open_account(name, uid, {"BTC": 10_000_000, "USDT": 10_000_000_000})
    rate_limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160_000},
    ]
    info = {"timezone": "UTC", "rateLimits": rate_limits, "symbols": [symbol_entry()]}
    exchange = Exchange(info, clock=lambda: NOW, books=books, options=Options(enforce_limits=False))
    middle = Decimal(MIDDLE) / 100
    exchange.market_trade("BTCUSDT", middle, 1, buyer_is_maker=True, time=NOW)
    return exchange


def listened_to() -> Exchange:
    exchange = new_exchange()
    exchange.on_user_event = lambda _account, _event: None
    exchange.on_market_event = lambda _symbol, _kind, _event: None
    return exchange


def run_bare(steps: list[Step]) -> None:
    book = BareBook()
    for step in steps:
        if step.kind == "cancel":
            book.cancel(step.name)
        elif step.kind == "rest":
            book.add(step.name, step.price, step.quantity, is_bid=step.is_bid)
        else:
            book.match(step.price, step.quantity, is_bid=step.is_bid)


def run_simulator(sent: list[Request], exchange: Exchange) -> None:
    for request in sent:
        exchange.answer(request)


def run_by_hand(steps: list[Step], exchange: Exchange) -> None:
    """Take amounts as they are in the engine: ticks of 0.01 and lots of 0.001 in units."""
    maker, taker = exchange.hand("maker"), exchange.hand("taker")
    for step in steps:
        if step.kind == "cancel":
            with suppress(Refusal):
                maker.cancel("BTCUSDT", step.name, "x" + step.name)
            continue
        hand, lasting = (maker, "GTC") if step.kind == "rest" else (taker, "IOC")
        hand.place(
            "BTCUSDT",
            "BUY" if step.is_bid else "SELL",
            "LIMIT",
            step.quantity * (UNIT // 1000),
            step.price * (UNIT // 100),
            client_order_id=step.name,
            time_in_force=lasting,
        )


def orders_of(steps: list[Step]) -> dict[str, Order]:
    """Make the orders that rest, by name, in units as the engine has them."""
    owner, resting = Account("maker", 1), [step for step in steps if step.kind == "rest"]
    orders = {}
    for number, step in enumerate(resting, start=1):
        amounts = (step.quantity * (UNIT // 1000), step.price * (UNIT // 100), 0, 0)
        order = Order(
            "BTCUSDT", owner, step.name, step.is_bid, "LIMIT", "GTC", *amounts, "NONE", NOW
        )
        order.id = number
        orders[step.name] = order
    return orders


def run_book(steps: list[Step], orders: dict[str, Order]) -> None:
    """Rest, remove and take in the engine's book, whose orders are made already."""
    book = Book()
    for step in steps:
        if step.kind == "cancel":
            order = orders[step.name]
            if order.executed < order.quantity:
                book.side_of(order).remove(order)
        elif step.kind == "rest":
            order = orders[step.name]
            book.side_of(order).rest(order)
        else:
            against = book.asks if step.is_bid else book.bids
            take(against, step.price * (UNIT // 100), step.quantity * (UNIT // 1000))


def take(against: BookSide, price: int, quantity: int) -> None:
    """Take from the best levels, first come first served."""
    while quantity and against.reaches(price):
        maker = next(iter(against.levels[against.keys[-1]].orders.values()))
        there = maker.remaining
        part = min(quantity, there)
        quantity -= part
        if part == there:
            against.remove(maker)
        else:
            against.shrink(maker, part)
        maker.executed += part


def timed(work: Callable[[], None]) -> float:
    """Give the CPU seconds of some work; what else runs on the machine does not count.

    The garbage collector is off meanwhile, as timeit has it: when it runs is chance.
    """
    gc.collect()
    gc.disable()
    began = time.process_time()
    work()
    took = time.process_time() - began
    gc.enable()
    return took


def measure() -> list[tuple[str, float]]:
    """Answer how fast the simulator is, in bare books and in operations."""
    steps = scenario()
    sent = requests(steps)
    bare, plain, heard, by_hand, book = [], [], [], [], []
    for _ in range(ROUNDS):
        bare.append(timed(partial(run_bare, steps)))
        plain.append(timed(partial(run_simulator, sent, new_exchange())))
        heard.append(timed(partial(run_simulator, sent, listened_to())))
        by_hand.append(timed(partial(run_by_hand, steps, new_exchange())))
        book.append(timed(partial(run_book, steps, orders_of(steps))))
    return [
        ("simulator, nobody listening", statistics.median(map(truediv, bare, plain))),
        ("simulator, all streams heard", statistics.median(map(truediv, bare, heard))),
        ("simulator, orders as values", statistics.median(map(truediv, bare, by_hand))),
        ("simulator, thousand operations/s", OPERATIONS / statistics.median(plain) / 1000),
        ("the same, orders as values", OPERATIONS / statistics.median(by_hand) / 1000),
        ("the engine's book alone", OPERATIONS / statistics.median(book) / 1000),
    ]


if __name__ == "__main__":
    for name, figure in measure():
        print(f"{name:<34} {figure:8.3f}")
