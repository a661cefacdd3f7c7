"""Which prices the legs of a pair may have, and how the deprecated call names them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.order_lists import (
    BUY_PAIR,
    PROFIT_AND_LOSS,
    ask_list,
    place_list,
    statuses,
)
from tests.simulator.venue import SYMBOL, Venue, refusal

PRICES = "The relationship of the prices for the orders is not correct."


@pytest.mark.parametrize(
    "changes",
    [
        {"abovePrice": 100},
        {"abovePrice": "99.99", "belowStopPrice": 90},
        {"belowStopPrice": 100},
        {"belowStopPrice": 105},
        {**BUY_PAIR, "belowPrice": 100},
        {**BUY_PAIR, "aboveStopPrice": 100},
        {**PROFIT_AND_LOSS, "aboveStopPrice": 100},
        {
            "aboveType": "TAKE_PROFIT_LIMIT",
            "aboveStopPrice": 110,
            "abovePrice": 99,
            "aboveTimeInForce": "GTC",
        },
    ],
)
def test_the_prices_of_a_pair_must_straddle_the_last_price(changes: dict[str, Any]) -> None:
    venue = Venue().with_market()

    assert refusal(ask_list(venue, "oco", **changes)) == (400, -2010, PRICES)
    assert venue.ask("GET openOrders", symbol=SYMBOL).body == []


def test_before_the_first_trade_a_pair_needs_only_to_be_in_order() -> None:
    venue = Venue()

    assert ask_list(venue, "oco").status == 200
    assert refusal(ask_list(venue, "oco", abovePrice=95)) == (400, -2010, PRICES)


def test_a_limit_leg_that_would_take_refuses_the_whole_pair() -> None:
    venue = Venue().with_market()
    venue.exchange.set_book(SYMBOL, [("103", "1")], [], venue.now)

    answer = ask_list(venue, "oco", abovePrice=102)

    assert refusal(answer) == (400, -2010, "Order would immediately match and take.")
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))


def test_a_pair_that_only_trails_needs_no_stop_price() -> None:
    venue = Venue().with_market()

    placed = place_list(
        venue,
        "oco",
        belowType="STOP_LOSS",
        belowStopPrice=None,
        belowPrice=None,
        belowTimeInForce=None,
        belowTrailingDelta=100,
    )
    venue.last(106)
    venue.last(104)

    assert statuses(venue, placed) == ["FILLED", "EXPIRED"]


def test_the_deprecated_call_places_the_same_pair() -> None:
    venue = Venue().with_market()

    answer = venue.ask(
        "POST order/oco",
        symbol=SYMBOL,
        side="SELL",
        quantity=1,
        price=110,
        stopPrice=95,
        stopLimitPrice=94,
        stopLimitTimeInForce="GTC",
        limitClientOrderId="high",
        stopClientOrderId="low",
    )

    assert answer.status == 200, answer.body
    reports = answer.body["orderReports"]
    assert [row["type"] for row in reports] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]
    assert [row["clientOrderId"] for row in reports] == ["low", "high"]
    assert venue.balances()["BTC"] == (Decimal(9), Decimal(1))


def test_the_deprecated_call_makes_a_market_stop_of_a_stop_without_a_limit() -> None:
    venue = Venue().with_market()

    answer = venue.ask(
        "POST order/oco", symbol=SYMBOL, side="SELL", quantity=1, price=110, stopPrice=95
    )

    assert [row["type"] for row in answer.body["orderReports"]] == ["STOP_LOSS", "LIMIT_MAKER"]


def test_the_deprecated_call_wants_a_time_in_force_with_the_limit_of_its_stop() -> None:
    venue = Venue().with_market()

    answer = venue.ask(
        "POST order/oco",
        symbol=SYMBOL,
        side="SELL",
        quantity=1,
        price=110,
        stopPrice=95,
        stopLimitPrice=94,
    )

    text = "Combination of optional parameters invalid. "
    text += "Recommendation: 'stopLimitTimeInForce' should also be sent."
    assert refusal(answer) == (400, -1128, text)
