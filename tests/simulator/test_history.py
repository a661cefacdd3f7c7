"""allOrders and myTrades answer from indexes; a plain scan of the books must say the same."""

import random
from typing import Any

import pytest

from lib.simulator.books.orders import Fill, Order
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry

PEOPLE = ("alice", "bob")
WHOLE_DAY = 24 * 3_600_000


def busy_venue(seed: int) -> tuple[Venue, random.Random]:
    """Trade for some days, with a clock that goes back now and then."""
    chance = random.Random(seed)
    counts = {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 1000}
    venue = Venue(info=exchange_info(symbol_entry(filters=[counts]))).with_market()
    for _ in range(300):
        venue.now += chance.choice([0, 0, 1000, 3_600_000, -90_000])
        who = chance.choice(PEOPLE)
        price = chance.choice(["99.5", "100", "100.5"])
        if chance.random() < 0.7:
            mode = chance.choice(["NONE", "EXPIRE_MAKER"])
            venue.limit(
                chance.choice(["BUY", "SELL"]), "0.1", price, who, selfTradePreventionMode=mode
            )
        else:
            venue.cancel(who, orderId=chance.randint(1, 100))
    venue.now = max(order.update_time for order in venue.books.orders[SYMBOL].values())
    return venue, chance


def drawn_span(venue: Venue, chance: random.Random) -> dict[str, int]:
    begins = venue.now - chance.randrange(5 * WHOLE_DAY)
    times = {"startTime": begins, "endTime": begins + chance.randrange(WHOLE_DAY)}
    wanted: list[set[str]] = [set(), {"startTime"}, {"endTime"}, {"startTime", "endTime"}]
    names = chance.choice(wanted)
    return {name: time for name, time in times.items() if name in names}


def bounds(asked: dict[str, int]) -> tuple[int, int]:
    begins, ends = asked.get("startTime"), asked.get("endTime")
    if begins is None:
        return (ends - WHOLE_DAY, ends) if ends is not None else (0, 1 << 62)
    return begins, ends if ends is not None else begins + WHOLE_DAY


def page(rows: list[Any], limit: int, *, oldest_first: bool) -> list[Any]:
    return rows[:limit] if oldest_first else rows[-limit:]


@pytest.mark.parametrize("seed", range(5))
def test_all_orders_are_those_a_scan_of_the_books_finds(seed: int) -> None:
    venue, chance = busy_venue(seed)
    for _ in range(40):
        asked, who = drawn_span(venue, chance), chance.choice(PEOPLE)
        if not asked and chance.random() < 0.5:
            asked["orderId"] = chance.randint(0, 250)
        limit = chance.choice([1, 7, 1000])

        body = venue.ask("GET allOrders", who, symbol=SYMBOL, limit=limit, **asked).body

        begins, ends = bounds(asked)
        found: list[Order] = [
            order
            for order in venue.books.orders[SYMBOL].values()
            if order.account.name == who
            and begins <= order.update_time <= ends
            and order.id >= asked.get("orderId", 0)
        ]
        oldest_first = bool(asked.keys() & {"startTime", "orderId"})
        expected = page(found, limit, oldest_first=oldest_first)
        assert [row["orderId"] for row in body] == [order.id for order in expected]


@pytest.mark.parametrize("seed", range(5))
def test_own_trades_are_those_a_scan_of_the_books_finds(seed: int) -> None:
    venue, chance = busy_venue(seed)
    for _ in range(40):
        asked, who = drawn_span(venue, chance), chance.choice(PEOPLE)
        if not asked:
            names = chance.choice([("orderId",), ("fromId",), ("orderId", "fromId"), ()])
            asked = {name: chance.randint(0, 120) for name in names}
        limit = chance.choice([1, 7, 1000])

        body = venue.ask("GET myTrades", who, symbol=SYMBOL, limit=limit, **asked).body

        begins, ends = bounds(asked)
        found: list[Fill] = [
            fill
            for fill in venue.books.fills[SYMBOL]
            if fill.order.account.name == who
            and begins <= fill.time <= ends
            and fill.id >= asked.get("fromId", 0)
            and fill.order.id == asked.get("orderId", fill.order.id)
        ]
        oldest_first = bool(asked.keys() & {"startTime", "fromId"})
        expected = page(found, limit, oldest_first=oldest_first)
        assert [(row["id"], row["orderId"], row["isMaker"]) for row in body] == [
            (fill.id, fill.order.id, fill.is_maker) for fill in expected
        ]


def test_trades_made_after_a_question_are_in_the_next_answer() -> None:
    venue = Venue().with_market()
    venue.market("BUY", "0.1")
    before = venue.ask("GET myTrades", symbol=SYMBOL).body

    venue.market("BUY", "0.1")

    after = venue.ask("GET myTrades", symbol=SYMBOL).body
    assert [row["id"] for row in after] == [before[0]["id"], before[0]["id"] + 1]


def test_a_wipe_empties_the_history_and_its_indexes() -> None:
    venue = Venue().with_market()
    venue.market("BUY", "0.1")
    assert venue.ask("GET myTrades", symbol=SYMBOL).body

    venue.exchange.wipe()

    assert venue.ask("GET myTrades", symbol=SYMBOL).body == []
    assert venue.ask("GET allOrders", symbol=SYMBOL).body == []


@pytest.mark.parametrize("seed", range(5))
def test_a_levels_quantity_is_what_is_left_of_its_orders(seed: int) -> None:
    venue, _ = busy_venue(seed)
    venue.exchange.set_book(SYMBOL, [], [], venue.now)

    left: dict[tuple[str, int], int] = {}
    for order in venue.books.orders[SYMBOL].values():
        if order.open:
            side = "bids" if order.is_buy else "asks"
            left[side, order.price] = left.get((side, order.price), 0) + order.remaining
    shown = {
        (side, int(price * 10**8)): int(quantity * 10**8)
        for side, levels in venue.depth().items()
        for price, quantity in levels
    }
    assert shown == left
    assert shown
