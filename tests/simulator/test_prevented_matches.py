"""What is remembered of trades with oneself that did not happen."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.exchange import Books
from tests.simulator.self_trades import INFO, empty_venue, meet
from tests.simulator.venue import START, SYMBOL, Venue, refusal


@pytest.fixture
def venue() -> Venue:
    return empty_venue()


@pytest.fixture
def group() -> Venue:
    """A venue where alice and bob belong to one trade group."""
    return empty_venue(trade_group=1)


def test_a_prevented_match_can_be_asked_for_by_both_accounts(group: Venue) -> None:
    meet(group, "EXPIRE_BOTH", made=2, maker="bob")

    asked: dict[str, Any] = {"symbol": SYMBOL, "preventedMatchId": 1}

    assert group.ask("GET myPreventedMatches", "bob", **asked).body == [
        {
            "symbol": SYMBOL,
            "preventedMatchId": 1,
            "takerOrderId": 2,
            "makerSymbol": SYMBOL,
            "makerOrderId": 1,
            "tradeGroupId": 1,
            "selfTradePreventionMode": "EXPIRE_BOTH",
            "price": "100.00000000",
            "takerPreventedQuantity": "1.00000000",
            "makerPreventedQuantity": "2.00000000",
            "transactTime": START + 1,
        }
    ]
    assert group.ask("GET myPreventedMatches", **asked).body != []


def test_nobody_hears_of_the_prevented_matches_of_others(venue: Venue) -> None:
    meet(venue, "EXPIRE_BOTH")

    for asked in ({"preventedMatchId": 1}, {"orderId": 1}):
        assert venue.ask("GET myPreventedMatches", "bob", symbol=SYMBOL, **asked).body == []


def test_the_matches_of_an_order_come_in_pages(venue: Venue) -> None:
    venue.limit("BUY", 6, 100)
    for _ in range(4):
        venue.limit("SELL", 1, 100, selfTradePreventionMode="DECREMENT")

    def ids(**asked: Any) -> list[int]:
        answer = venue.ask("GET myPreventedMatches", symbol=SYMBOL, **asked)
        return [found["preventedMatchId"] for found in answer.body]

    assert ids(orderId=1) == [1, 2, 3, 4]
    assert ids(orderId=3) == [2]
    assert ids(orderId=1, fromPreventedMatchId=2) == [2, 3, 4]
    assert ids(orderId=1, fromPreventedMatchId=2, limit=2) == [2, 3]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"fromPreventedMatchId": 1},
        {"preventedMatchId": 1, "orderId": 1},
        {"orderId": 1, "limit": 5},
        {"preventedMatchId": 1, "limit": 5},
    ],
)
def test_prevented_matches_are_asked_for_in_few_ways(venue: Venue, asked: dict[str, Any]) -> None:
    answer = venue.ask("GET myPreventedMatches", symbol=SYMBOL, **asked)

    assert refusal(answer) == (400, -1128, "Combination of optional parameters invalid.")


@pytest.mark.parametrize(
    ("symbol", "asked", "weight"),
    [
        (SYMBOL, {"preventedMatchId": 1}, 2),
        (SYMBOL, {"orderId": 1}, 20),
        ("NOSUCH", {"orderId": 1}, 2),
    ],
)
def test_an_order_s_matches_weigh_more_than_one_match(
    venue: Venue, symbol: str, asked: dict[str, Any], weight: int
) -> None:
    answer = venue.ask("GET myPreventedMatches", symbol=symbol, **asked)

    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


def test_prevented_matches_are_the_same_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    first = Venue(info=INFO, books=Books.open(path))
    meet(first, "DECREMENT", made=5, taken=2)
    asked: dict[str, Any] = {"symbol": SYMBOL, "orderId": 1}
    before = first.ask("GET myPreventedMatches", **asked).body
    first.books.close()

    again = Venue(info=INFO, books=Books.open(path), now=first.now)

    assert again.ask("GET myPreventedMatches", **asked).body == before != []
    assert again.depth()["bids"] == [(Decimal(100), Decimal(3))]
    again.books.close()
