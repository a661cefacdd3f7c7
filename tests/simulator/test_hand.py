"""Orders as values: the hand in process and the calls with texts are one exchange."""

import random
from decimal import Decimal
from typing import Any

import pytest

from lib.simulator.refusals import Refusal
from lib.simulator.units import units
from tests.simulator.venue import SYMBOL, Venue


def test_an_order_placed_by_hand_is_the_one_that_rest_shows() -> None:
    venue = Venue().with_market()
    hand = venue.exchange.hand("alice")
    order = hand.place(SYMBOL, "BUY", "LIMIT", units("1"), units("99"), client_order_id="mine")
    shown = venue.order(order.id)
    assert (shown["clientOrderId"], shown["status"], shown["price"]) == (
        "mine",
        "NEW",
        "99.00000000",
    )
    assert hand.cancel(SYMBOL, "mine").status == "CANCELED"
    assert venue.order(order.id)["status"] == "CANCELED"


def test_an_order_that_takes_is_answered_with_what_became_of_it() -> None:
    venue = Venue().with_market()
    order = venue.exchange.hand("alice").place(SYMBOL, "BUY", "MARKET", units("0.5"))
    assert (order.status, order.executed, order.executed_quote) == (
        "FILLED",
        units("0.5"),
        units("50.5"),
    )


@pytest.mark.parametrize(
    ("wanted", "code", "text"),
    [
        ({"price": units("99.001")}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": units("0.000001")}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": units("0.01")}, -1013, "Filter failure: NOTIONAL"),
        (
            {"quantity": units("5000")},
            -2010,
            "Account has insufficient balance for requested action.",
        ),
        ({"symbol": "NONE"}, -1121, "Invalid symbol."),
        ({"kind": "STOP_LOSS"}, -1116, "Invalid orderType."),
        ({"kind": "PEGGED"}, -1116, "Invalid orderType."),
        ({"stop_price": units("98")}, -1116, "Invalid orderType."),
        (
            {"quote_quantity": units("99")},
            -1106,
            "Parameter 'quoteOrderQty' sent when not required.",
        ),
    ],
)
def test_what_the_rules_forbid_is_refused_by_hand_too(
    wanted: dict[str, Any], code: int, text: str
) -> None:
    venue = Venue().with_market()
    usual = {"symbol": SYMBOL, "side": "BUY", "kind": "LIMIT", "quantity": units("1")}
    with pytest.raises(Refusal) as refused:
        venue.exchange.hand("alice").place(**{**usual, "price": units("99"), **wanted})
    assert (refused.value.code, refused.value.text) == (code, text)


def test_the_same_story_by_hand_and_by_text_leaves_the_same_books() -> None:
    by_hand, by_text = Venue().with_market(), Venue().with_market()
    chance = random.Random(3)
    for number in range(300):
        side = chance.choice(["BUY", "SELL"])
        quantity, price = Decimal(chance.randint(1, 200)) / 100, Decimal(chance.randint(97, 103))
        name = f"n{chance.randrange(number + 1)}"
        placed = chance.random() < 0.7
        _tell_by_hand(by_hand, placed, side, quantity, price, name)
        _tell_by_text(by_text, placed, side, quantity, price, name)
        by_hand.now = by_text.now = by_hand.now + 1_000
    assert by_hand.ask("GET allOrders", symbol=SYMBOL, limit=1000).body == (
        by_text.ask("GET allOrders", symbol=SYMBOL, limit=1000).body
    )
    assert by_hand.balances() == by_text.balances()
    assert by_hand.user_events == by_text.user_events


def _tell_by_hand(
    venue: Venue, placed: bool, side: Any, quantity: Decimal, price: Decimal, name: str
) -> None:
    hand = venue.exchange.hand("alice")
    try:
        if placed:
            hand.place(SYMBOL, side, "LIMIT", units(quantity), units(price), client_order_id=name)
        else:
            hand.cancel(SYMBOL, name, "x" + name)
    except Refusal:
        pass


def _tell_by_text(
    venue: Venue, placed: bool, side: Any, quantity: Decimal, price: Decimal, name: str
) -> None:
    if placed:
        venue.limit(side, quantity, price, newClientOrderId=name)
    else:
        venue.cancel(origClientOrderId=name, newClientOrderId="x" + name)
