"""What the calls of order lists take, and what they refuse in which words."""

from typing import Any

import pytest

from lib.simulator.exchange import Options
from tests.simulator.order_lists import (
    BUY_PAIR,
    REQUESTS,
    ask_list,
    place_list,
)
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

MISSING = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("oco", "side"),
        ("oco", "quantity"),
        ("oco", "aboveType"),
        ("oco", "abovePrice"),
        ("oco", "belowType"),
        ("oco", "belowPrice"),
        ("oco", "belowTimeInForce"),
        ("oto", "workingType"),
        ("oto", "workingSide"),
        ("oto", "workingPrice"),
        ("oto", "workingQuantity"),
        ("oto", "workingTimeInForce"),
        ("oto", "pendingType"),
        ("oto", "pendingSide"),
        ("oto", "pendingQuantity"),
        ("oto", "pendingPrice"),
        ("otoco", "pendingSide"),
        ("otoco", "pendingQuantity"),
        ("otoco", "pendingAboveType"),
        ("otoco", "pendingAbovePrice"),
        ("otoco", "pendingBelowType"),
        ("opo", "workingQuantity"),
        ("opoco", "pendingSide"),
    ],
)
def test_a_missing_parameter_is_called_by_its_own_name(kind: str, name: str) -> None:
    venue = Venue().with_market()

    answer = ask_list(venue, kind, **{name: None})

    assert refusal(answer) == (400, -1102, MISSING.format(name))


def test_a_stop_leg_needs_a_stop_price_or_a_delta_by_its_own_names() -> None:
    venue = Venue().with_market()

    answer = ask_list(venue, "oco", belowStopPrice=None)

    text = "Param 'belowStopPrice' or 'belowTrailingDelta' must be sent, but both were empty/null!"
    assert refusal(answer) == (400, -1102, text)


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        (
            {"aboveTimeInForce": "GTC"},
            -1106,
            "Parameter 'aboveTimeInForce' sent when not required.",
        ),
        ({"aboveStopPrice": 1}, -1106, "Parameter 'aboveStopPrice' sent when not required."),
        ({"belowTimeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        ({"aboveType": "STOP"}, -1116, "Invalid orderType."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"abovePrice": "1.123456789"}, -1111, "Parameter 'abovePrice' has too much precision."),
        ({"belowStrategyType": 5}, -1134, "strategyType was less than 1000000."),
        ({"aboveType": "LIMIT"}, -1158, "Order type not supported in OCO."),
        ({"belowType": "MARKET"}, -1158, "Order type not supported in OCO."),
        ({"belowType": "LIMIT_MAKER"}, -1168, "At least one OCO order must be contingent."),
        (
            {"aboveType": "STOP_LOSS", "belowType": "LIMIT_MAKER"},
            -1197,
            "A stop loss order in a sell OCO must be below.",
        ),
        (
            {"aboveType": "TAKE_PROFIT", "belowType": "LIMIT_MAKER"},
            -1166,
            "A limit order in a sell OCO must be above.",
        ),
        (
            {"aboveType": "TAKE_PROFIT", "belowType": "TAKE_PROFIT_LIMIT"},
            -1199,
            "A take profit order in a sell OCO must be above.",
        ),
        (
            {**BUY_PAIR, "aboveType": "LIMIT_MAKER", "belowType": "STOP_LOSS"},
            -1165,
            "A limit order in a buy OCO must be below.",
        ),
        (
            {**BUY_PAIR, "belowType": "STOP_LOSS"},
            -1196,
            "A stop loss order in a buy OCO must be above.",
        ),
        (
            {**BUY_PAIR, "aboveType": "TAKE_PROFIT"},
            -1198,
            "A take profit order in a buy OCO must be below.",
        ),
        (
            {"belowIcebergQty": "0.5", "belowTimeInForce": "IOC"},
            -1160,
            "Parameter 'belowIcebergQty' is not supported if aboveTimeInForce/belowTimeInForce"
            " is not GTC.",
        ),
        (
            {"newOrderRespType": "ALL"},
            -1130,
            "Data sent for parameter 'newOrderRespType' is not valid.",
        ),
    ],
)
def test_an_ill_formed_pair_is_refused_in_binances_words(
    changes: dict[str, Any], code: int, text: str
) -> None:
    venue = Venue().with_market()

    assert refusal(ask_list(venue, "oco", **changes)) == (400, code, text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("abovePrice", "1e5"),
        ("quantity", "-1"),
        ("belowStopPrice", "x"),
        ("aboveClientOrderId", "a b"),
        ("belowClientOrderId", "a.b"),
        ("listClientOrderId", "a/b"),
        ("aboveStrategyId", "one"),
    ],
)
def test_illegal_characters_are_refused_with_the_name_they_were_sent_under(
    name: str, value: str
) -> None:
    venue = Venue().with_market()

    body = ask_list(venue, "oco", **{name: value}).body

    assert body["code"] == -1100
    assert body["msg"].startswith(f"Illegal characters found in parameter '{name}'; legal range")


@pytest.mark.parametrize("kind", ["oto", "opo", "otoco"])
@pytest.mark.parametrize("working", ["MARKET", "STOP_LOSS"])
def test_only_limit_orders_can_be_worked_for(kind: str, working: str) -> None:
    venue = Venue().with_market()

    answer = ask_list(venue, kind, workingType=working)

    assert refusal(answer) == (400, -1014, "Unsupported order combination.")


def test_a_pending_pair_is_held_to_the_rules_of_pairs() -> None:
    venue = Venue().with_market()

    answer = ask_list(venue, "otoco", pendingBelowType="LIMIT_MAKER")

    assert refusal(answer) == (400, -1168, "At least one OCO order must be contingent.")


def test_a_pending_pair_that_no_price_lies_between_is_refused() -> None:
    venue = Venue().with_market()

    answer = ask_list(venue, "otoco", pendingAbovePrice=90)

    assert answer.body["code"] == -2010


@pytest.mark.parametrize(
    ("kind", "changes", "name"),
    [
        ("oco", {"abovePrice": "110.001"}, "PRICE_FILTER"),
        ("oco", {"belowStopPrice": "95.001"}, "PRICE_FILTER"),
        ("oco", {"quantity": "0.000001"}, "LOT_SIZE"),
        ("oco", {"quantity": "0.00001"}, "NOTIONAL"),
        ("oto", {"workingPrice": 1}, "PERCENT_PRICE_BY_SIDE"),
        ("oto", {"pendingPrice": 1000}, "PERCENT_PRICE_BY_SIDE"),
        ("otoco", {"pendingQuantity": 10000}, "LOT_SIZE"),
        ("opo", {"workingQuantity": 10000}, "LOT_SIZE"),
    ],
)
def test_each_order_of_a_list_passes_the_filters_of_single_orders(
    kind: str, changes: dict[str, Any], name: str
) -> None:
    venue = Venue().with_market()

    answer = ask_list(venue, kind, **changes)

    assert refusal(answer) == (400, -1013, f"Filter failure: {name}")


@pytest.mark.parametrize(
    ("kind", "denied", "text"),
    [
        ("oco", "ocoAllowed", "OCO orders are not supported for this symbol"),
        ("oto", "otoAllowed", "OTO orders are not supported for this symbol."),
        ("otoco", "ocoAllowed", "OCO orders are not supported for this symbol"),
        ("opo", "otoAllowed", "OTO orders are not supported for this symbol."),
        ("opo", "opoAllowed", "OPO orders are not supported for this symbol."),
        ("opoco", "opoAllowed", "OPO orders are not supported for this symbol."),
        ("opoco", "ocoAllowed", "OCO orders are not supported for this symbol"),
    ],
)
def test_a_symbol_that_does_not_allow_a_kind_of_list_refuses_it(
    kind: str, denied: str, text: str
) -> None:
    changes: dict[str, Any] = {denied: False}
    info = exchange_info(symbol_entry(**changes))
    venue = Venue(info=info).with_market()

    assert refusal(ask_list(venue, kind)) == (400, -2010, text)
    [entry] = venue.ask("GET exchangeInfo", None).body["symbols"]
    assert entry[denied] is False


def test_exchange_info_promises_the_lists_that_the_symbol_allows() -> None:
    allowed: dict[str, Any] = {"ocoAllowed": True, "otoAllowed": True, "opoAllowed": True}
    venue = Venue(info=exchange_info(symbol_entry(**allowed)))

    [entry] = venue.ask("GET exchangeInfo", None).body["symbols"]

    assert {name: entry[name] for name in allowed} == allowed


def test_a_closed_market_takes_no_lists() -> None:
    venue = Venue(info=exchange_info(symbol_entry(status="HALT")))

    assert ask_list(venue, "oco").body["msg"] == "Market is closed."


def test_without_the_funds_no_leg_is_placed() -> None:
    venue = Venue().with_market()

    answer = ask_list(venue, "oco", quantity=11)

    assert refusal(answer)[2] == "Account has insufficient balance for requested action."
    assert venue.ask("GET openOrders", symbol=SYMBOL).body == []
    assert venue.ask("GET allOrderList").body == []


# --- client ids


def test_ids_are_made_for_who_sends_none_and_differ_from_each_other() -> None:
    venue = Venue().with_market()

    first, second = place_list(venue, "otoco"), place_list(venue, "otoco")

    names = [placed["listClientOrderId"] for placed in (first, second)]
    names += [row["clientOrderId"] for placed in (first, second) for row in placed["orders"]]
    assert len(set(names)) == 8
    assert all(len(name) == 22 for name in names)


@pytest.mark.parametrize(
    "changes",
    [
        {"aboveClientOrderId": "x", "belowClientOrderId": "x"},
        {"listClientOrderId": "x", "belowClientOrderId": "x"},
        {"aboveClientOrderId": "open"},
        {"listClientOrderId": "list"},
    ],
)
def test_an_id_that_is_used_twice_or_in_use_refuses_the_list(changes: dict[str, Any]) -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 50, newClientOrderId="open")
    place_list(venue, "oco", listClientOrderId="list")

    assert refusal(ask_list(venue, "oco", **changes)) == (400, -2010, "Duplicate order sent.")


def test_the_id_of_a_list_is_free_again_when_the_list_is_done() -> None:
    venue = Venue().with_market()
    place_list(venue, "oco", listClientOrderId="list", aboveClientOrderId="high")
    venue.ask("DELETE orderList", symbol=SYMBOL, listClientOrderId="list")

    again = place_list(venue, "oco", listClientOrderId="list", aboveClientOrderId="high")

    found = venue.ask("GET orderList", origClientOrderId="list").body
    assert found["orderListId"] == again["orderListId"] == 1


def test_a_single_order_may_not_take_the_id_of_a_pending_one() -> None:
    venue = Venue().with_market()
    place_list(venue, "oto", pendingClientOrderId="later")

    answer = venue.limit("BUY", 1, 50, newClientOrderId="later")

    assert answer.body["msg"] == "Duplicate order sent."


@pytest.mark.parametrize(("scope", "status"), [("symbol", 200), ("account", 400)])
def test_where_ids_are_unique_lists_are_too(scope: str, status: int) -> None:
    info = exchange_info(symbol_entry(), symbol_entry("ETH"))
    venue = Venue(Options(id_scope=scope), info=info).with_market()  # type: ignore[arg-type]
    place_list(venue, "oto", listClientOrderId="list")

    answer = ask_list(venue, "oto", listClientOrderId="list", symbol="ETHUSDT")

    assert answer.status == status


# --- how much is answered


@pytest.mark.parametrize("usual", ["ACK", "RESULT", "FULL"])
def test_who_does_not_say_hears_what_the_venue_usually_answers(usual: str) -> None:
    venue = Venue(Options(list_response=usual)).with_market()  # type: ignore[arg-type]

    reports = place_list(venue, "oto")["orderReports"]

    assert [("status" in row, "fills" in row) for row in reports] == [
        (usual != "ACK", usual == "FULL")
    ] * 2


@pytest.mark.parametrize("kind", sorted(REQUESTS))
@pytest.mark.parametrize("wanted", ["ACK", "RESULT", "FULL"])
def test_the_answer_is_as_long_as_wanted(kind: str, wanted: str) -> None:
    venue = Venue().with_market()

    reports = place_list(venue, kind, newOrderRespType=wanted)["orderReports"]

    assert all(("status" in row) is (wanted != "ACK") for row in reports)
    assert all(("fills" in row) is (wanted == "FULL") for row in reports)


def test_a_prevented_match_is_shown_at_the_order_that_would_have_taken() -> None:
    venue = Venue().with_market()
    venue.limit("SELL", 1, "100.5")

    working, pending = place_list(venue, "oto", workingPrice="100.5")["orderReports"]

    assert len(working["preventedMatches"]) == 1
    assert "preventedMatches" not in pending


def test_strategies_icebergs_and_prevention_modes_are_kept_per_order() -> None:
    venue = Venue().with_market()

    placed = place_list(
        venue,
        "oco",
        aboveStrategyId=7,
        aboveStrategyType=1_000_001,
        belowStrategyId=8,
        belowIcebergQty="0.25",
        selfTradePreventionMode="NONE",
    )

    low, high = placed["orderReports"]
    assert (high["strategyId"], high["strategyType"], low["strategyId"]) == (7, 1_000_001, 8)
    assert low["icebergQty"] == "0.25000000"
    assert "icebergQty" not in high
    assert low["selfTradePreventionMode"] == high["selfTradePreventionMode"] == "NONE"
