"""How far from the reference price a taker may trade."""

from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.venue import START, SYMBOL, Venue, exchange_info, refusal, symbol_entry

NARROW = {
    "ruleType": "PRICE_RANGE",
    "bidLimitMultUp": "1.0100",
    "bidLimitMultDown": "0.9900",
    "askLimitMultUp": "1.0200",
    "askLimitMultDown": "0.9850",
}
EXTERNAL = {"calculationType": "EXTERNAL", "externalCalculationId": 2, "referencePrice": "100"}
MEAN = {"calculationType": "ARITHMETIC_MEAN", "bucketCount": 10, "bucketWidthMs": 1000}
EXCEEDED = ("EXPIRED", "EXECUTION_RULE_PRICE_RANGE_EXCEEDED")
NONE_THERE = (400, -2043, "This symbol doesn't have a reference price.")


def ruled(rule: dict[str, str] | None = NARROW, price: Any = EXTERNAL) -> Venue:
    """A venue with bids at 99, 98 and asks at 101, 102, the rule and a reference price."""
    rules: dict[str, Any] = {"executionRules": [rule]} if rule is not None else {}
    prices: dict[str, Any] = {"referencePrice": price} if price is not None else {}
    return Venue(info=exchange_info(symbol_entry(**rules, **prices))).with_market()


@pytest.mark.parametrize(("side", "price"), [("BUY", 103), ("SELL", 97)])
def test_a_taker_expires_at_the_first_price_beyond_its_range(side: str, price: int) -> None:
    venue = ruled()

    body = venue.limit(side, 3, price).body

    assert (body["status"], body["expiryReason"]) == EXCEEDED
    assert body["executedQty"] == "1.00000000"
    assert all(locked == 0 for _, locked in venue.balances().values())


def test_a_market_order_expires_with_what_it_got_within_its_range() -> None:
    venue = ruled()

    body = venue.market("BUY", 3).body

    assert (body["status"], body["expiryReason"], body["executedQty"]) == (*EXCEEDED, "1.00000000")
    told = [event for _, event in venue.user_events if event.get("x") == "EXPIRED"]
    assert told[0]["eR"] == EXCEEDED[1]


def test_a_price_at_the_very_edge_of_the_range_is_within() -> None:
    venue = ruled({**NARROW, "bidLimitMultUp": "1.0200"})

    assert venue.market("BUY", 3).body["status"] == "FILLED"


def test_a_price_too_good_is_out_of_range_as_well() -> None:
    venue = ruled({**NARROW, "bidLimitMultDown": "1.0150"})

    body = venue.limit("BUY", 1, 110).body

    assert (body["status"], body["expiryReason"]) == EXCEEDED


def test_a_fill_or_kill_order_beyond_its_range_takes_nothing() -> None:
    venue = ruled()

    body = venue.limit("BUY", 3, 110, timeInForce="FOK").body

    assert (body["status"], body["executedQty"]) == ("EXPIRED", "0.00000000")


def test_an_order_that_does_not_take_is_not_bound_by_the_range() -> None:
    venue = ruled()

    assert venue.limit("BUY", 1, 50).body["status"] == "NEW"


@pytest.mark.parametrize(
    ("rule", "price"),
    [
        (None, EXTERNAL),
        (None, None),
        (NARROW, None),
        (NARROW, {**EXTERNAL, "referencePrice": None}),
        ({"ruleType": "PRICE_RANGE", "askLimitMultUp": "1.0100"}, EXTERNAL),
        (NARROW, MEAN),
    ],
)
def test_without_rule_or_reference_price_nothing_is_enforced(
    rule: dict[str, str] | None, price: dict[str, Any] | None
) -> None:
    venue = ruled(rule, price)
    venue.now += 3_600_000

    assert venue.market("BUY", 3).body["status"] == "FILLED"


def test_the_range_of_an_order_is_that_of_the_moment_it_begins_to_take() -> None:
    venue = ruled({**NARROW, "bidLimitMultUp": "1.0150"}, MEAN)

    body = venue.market("BUY", 3).body

    assert (body["status"], body["executedQty"]) == ("EXPIRED", "1.00000000")
    assert venue.market("BUY", 3).body["status"] == "FILLED"


# --- the reference price


def reference(venue: Venue) -> str | None:
    answer = venue.ask("GET referencePrice", None, symbol=SYMBOL)
    assert answer.status == 200, answer.body
    price: str | None = answer.body["referencePrice"]
    return price


def averaging() -> Venue:
    """A venue whose window is 10 seconds, in ten buckets."""
    return Venue(info=exchange_info(symbol_entry(referencePrice=MEAN)), now=START)


def test_the_mean_is_of_trades_and_not_of_quantities() -> None:
    venue = averaging()

    venue.last(100, 1)
    venue.last(110, 50)

    assert reference(venue) == "105.00000000"


def test_a_bucket_half_out_of_the_window_counts_half() -> None:
    venue = averaging()
    venue.last(100)
    venue.now += 5_000
    venue.last(110)

    venue.now += 5_500

    expected = (Decimal(100) / 2 + 110) / Decimal("1.5")
    assert reference(venue) == str(expected.quantize(Decimal("1e-8"), rounding="ROUND_DOWN"))


def test_how_often_it_is_asked_does_not_change_the_price() -> None:
    asked, left_alone = averaging(), averaging()
    for venue in (asked, left_alone):
        venue.last(100)
        venue.now += 5_000
        venue.last(110)
    for _ in range(5):
        asked.now += 1_000
        reference(asked)
    asked.now += 700
    left_alone.now += 5_700

    assert reference(asked) == reference(left_alone)


def test_a_window_without_trades_has_no_price_any_more() -> None:
    venue = averaging()
    venue.last(100)

    venue.now += 11_000

    assert reference(venue) is None


@pytest.mark.parametrize("path", ["referencePrice", "referencePrice/calculation"])
def test_a_symbol_may_have_no_reference_price(path: str) -> None:
    venue = Venue()

    assert refusal(venue.ask(f"GET {path}", None, symbol=SYMBOL)) == NONE_THERE


def test_before_the_first_trade_there_never_was_a_price() -> None:
    assert refusal(averaging().ask("GET referencePrice", None, symbol=SYMBOL)) == NONE_THERE


@pytest.mark.parametrize(
    ("price", "told"),
    [
        (MEAN, MEAN),
        (EXTERNAL, {"calculationType": "EXTERNAL", "externalCalculationId": 2}),
    ],
)
def test_the_calculation_is_told(price: dict[str, Any], told: dict[str, Any]) -> None:
    venue = ruled(price=price)

    answer = venue.ask("GET referencePrice/calculation", None, symbol=SYMBOL)

    assert answer.body == {"symbol": SYMBOL, **told}


def test_a_reference_price_is_told_with_its_time() -> None:
    venue = ruled()

    body = venue.ask("GET referencePrice", None, symbol=SYMBOL).body

    assert body == {"symbol": SYMBOL, "referencePrice": "100.00000000", "timestamp": venue.now}


def test_filters_measure_by_the_reference_price_when_there_is_one() -> None:
    plain = Venue().with_market()
    venue = ruled(None, {**EXTERNAL, "referencePrice": "1000"})

    assert plain.limit("SELL", 1, 1000).body["msg"] == "Filter failure: PERCENT_PRICE_BY_SIDE"
    assert venue.limit("SELL", 1, 1000).status == 200
    assert venue.limit("BUY", 1, 150).body["msg"] == "Filter failure: PERCENT_PRICE_BY_SIDE"


def test_an_owner_can_change_the_reference_price_while_the_venue_runs() -> None:
    venue = ruled()

    venue.exchange.change_symbol(SYMBOL, {"referencePrice": {**EXTERNAL, "referencePrice": "103"}})

    assert reference(venue) == "103.00000000"
    assert venue.market("BUY", 3).body["status"] == "EXPIRED"
    venue.exchange.change_symbol(SYMBOL, {"executionRules": []})
    assert venue.market("BUY", 3).body["status"] == "FILLED"


@pytest.mark.parametrize(
    "price",
    [
        {"calculationType": "MEDIAN"},
        {**MEAN, "bucketCount": 0},
        {**MEAN, "bucketWidthMs": 0},
    ],
)
def test_a_calculation_that_cannot_be_is_no_rule(price: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="reference price"):
        ruled(price=price)


# --- what is told of the rules


def rules(venue: Venue, **asked: Any) -> dict[str, list[dict[str, str]]]:
    answer = venue.ask("GET executionRules", None, **asked)
    assert answer.status == 200, answer.body
    return {found["symbol"]: found["rules"] for found in answer.body["symbolRules"]}


def two() -> Venue:
    entries = (symbol_entry(executionRules=[NARROW]), symbol_entry("ETH", status="BREAK"))
    return Venue(info=exchange_info(*entries))


def test_execution_rules_are_told_as_binance_does() -> None:
    venue = two()

    assert rules(venue) == {SYMBOL: [NARROW], "ETHUSDT": []}
    assert rules(venue, symbol=SYMBOL) == {SYMBOL: [NARROW]}
    assert rules(venue, symbols='["ETHUSDT"]') == {"ETHUSDT": []}
    assert rules(venue, symbolStatus="BREAK") == {"ETHUSDT": []}


def test_a_multiplier_that_is_not_set_is_not_told() -> None:
    only = {"ruleType": "PRICE_RANGE", "askLimitMultUp": "1.5000"}

    assert rules(ruled(only)) == {SYMBOL: [only]}


def test_execution_rules_are_chosen_in_one_way_at_a_time() -> None:
    answer = two().ask("GET executionRules", None, symbol=SYMBOL, symbolStatus="TRADING")

    assert refusal(answer) == (400, -1128, "Combination of optional parameters invalid.")


@pytest.mark.parametrize(
    ("asked", "weight"),
    [
        ({}, 40),
        ({"symbolStatus": "TRADING"}, 40),
        ({"symbol": SYMBOL}, 2),
        ({"symbols": f'["{SYMBOL}","ETHUSDT"]'}, 4),
    ],
)
def test_execution_rules_weigh_by_the_symbols_asked_for(asked: dict[str, Any], weight: int) -> None:
    answer = two().ask("GET executionRules", None, **asked)

    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


def test_exchange_info_does_not_show_what_is_asked_for_elsewhere() -> None:
    (entry,) = ruled().ask("GET exchangeInfo", None).body["symbols"]

    assert {"executionRules", "referencePrice"}.isdisjoint(entry)
