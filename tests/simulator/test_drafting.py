"""What an order's words mean is remembered; memory must never change the answer."""

from itertools import islice, permutations

from lib.simulator.calls.drafting import MOST_FORMS
from tests.simulator.venue import START, SYMBOL, Venue, refusal

PARAMS = {
    "symbol": SYMBOL,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "90",
    "newOrderRespType": "ACK",
    "timestamp": str(START),
}


def test_parameters_mean_the_same_in_every_order_they_come_in() -> None:
    venue = Venue().with_market()

    for names in islice(permutations(PARAMS), 2 * MOST_FORMS):
        answer = venue.ask("POST order/test", **{name: PARAMS[name] for name in names})
        assert answer.status == 200, answer.body


def test_a_known_form_with_new_words_is_read_anew() -> None:
    venue = Venue().with_market()
    assert venue.ask("POST order", **PARAMS).status == 200

    sold = venue.ask("POST order", **{**PARAMS, "side": "SELL", "newOrderRespType": "RESULT"})
    wrong = venue.ask("POST order", **{**PARAMS, "side": "HOLD"})

    assert (sold.body["side"], sold.body["status"]) == ("SELL", "FILLED")
    assert refusal(wrong) == (400, -1117, "Invalid side.")


def test_a_price_that_fitted_once_is_refused_when_the_market_has_gone_away() -> None:
    venue = Venue().with_market()
    assert venue.limit("BUY", 1, 90).status == 200

    venue.now += 3_600_000
    venue.last(1000)

    assert refusal(venue.limit("BUY", 1, 90))[1:] == (
        -1013,
        "Filter failure: PERCENT_PRICE_BY_SIDE",
    )


def test_a_price_and_a_quantity_that_fitted_apart_are_refused_when_together_too_small() -> None:
    venue = Venue().with_market()
    assert venue.limit("BUY", "0.05", 101).status == 200
    assert venue.limit("BUY", 1, 90).status == 200

    assert refusal(venue.limit("BUY", "0.05", 90))[1:] == (-1013, "Filter failure: NOTIONAL")


def test_an_order_is_read_by_the_rules_of_its_symbol_as_they_are_now() -> None:
    venue = Venue().with_market()
    assert venue.ask("POST order", **PARAMS).status == 200

    venue.exchange.change_symbol(SYMBOL, {"orderTypes": ["MARKET"]})

    answer = venue.ask("POST order", **PARAMS)
    assert answer.body["msg"] == "Limit orders are not supported for this symbol."
