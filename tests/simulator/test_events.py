from typing import Any

import pytest

from lib.simulator.exchange import Options
from tests.simulator.venue import START, SYMBOL, Venue


def test_an_order_that_takes_tells_new_its_trades_and_then_the_account() -> None:
    venue = Venue().with_market()

    venue.market("BUY", 8)

    assert venue.reports() == [
        ("NEW", "NEW"),
        ("TRADE", "PARTIALLY_FILLED"),
        ("TRADE", "PARTIALLY_FILLED"),
        ("EXPIRED", "EXPIRED"),
    ]
    assert venue.kinds() == ["executionReport"] * 4 + ["outboundAccountPosition"]


def test_an_execution_report_of_a_trade_has_binances_fields() -> None:
    venue = Venue().with_market()

    venue.limit("BUY", "0.5", 101, newClientOrderId="a1")

    assert venue.user_events[1] == (
        "alice",
        {
            "e": "executionReport",
            "E": START,
            "s": SYMBOL,
            "c": "a1",
            "S": "BUY",
            "o": "LIMIT",
            "f": "GTC",
            "q": "0.50000000",
            "p": "101.00000000",
            "P": "0.00000000",
            "F": "0.00000000",
            "g": -1,
            "C": "",
            "x": "TRADE",
            "X": "FILLED",
            "r": "NONE",
            "i": 1,
            "l": "0.50000000",
            "z": "0.50000000",
            "L": "101.00000000",
            "n": "0.00050000",
            "N": "BTC",
            "T": START,
            "t": 2,
            "I": 2,
            "w": False,
            "m": False,
            "M": True,
            "O": START,
            "Z": "50.50000000",
            "Y": "50.50000000",
            "Q": "0.00000000",
            "W": START,
            "V": "EXPIRE_MAKER",
        },
    )


def test_a_cancel_tells_its_own_id_and_that_of_the_order() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="a1")
    venue.deaf()

    venue.cancel(origClientOrderId="a1", newClientOrderId="c1")

    (_, report), (_, position) = venue.user_events
    assert (report["x"], report["X"], report["c"], report["C"]) == (
        "CANCELED",
        "CANCELED",
        "c1",
        "a1",
    )
    assert position["B"] == [{"a": "USDT", "f": "100000.00000000", "l": "0.00000000"}]


def test_both_sides_of_a_trade_hear_of_it_under_one_trade_id() -> None:
    venue = Venue()
    venue.limit("BUY", 1, 100)
    venue.limit("SELL", 1, 100, "bob")

    trades = [(who, event) for who, event in venue.user_events if event.get("x") == "TRADE"]

    assert [(who, event["m"], event["t"]) for who, event in trades] == [
        ("alice", True, 1),
        ("bob", False, 1),
    ]
    assert trades[0][1]["I"] != trades[1][1]["I"]


def test_a_waiting_stop_is_not_on_the_book_until_it_fires() -> None:
    venue = Venue().with_market()
    sent: dict[str, Any] = {"quantity": 1, "price": 90, "stopPrice": 95, "timeInForce": "GTC"}

    venue.place("TAKE_PROFIT_LIMIT", "BUY", **sent)
    venue.last(95)

    placed, fired = [event for _, event in venue.user_events if event.get("x") == "NEW"]
    assert (placed["w"], "W" in placed, placed["P"]) == (False, False, "95.00000000")
    assert (fired["w"], fired["W"]) == (True, START)


def test_a_listener_may_ask_and_trade_while_it_is_told() -> None:
    venue = Venue().with_market()
    heard: list[tuple[str, str, int]] = []

    def answer_a_fill_with_a_sell(who: str, event: dict[str, Any]) -> None:
        if event["e"] == "executionReport":
            heard.append((event["S"], event["X"], event["i"]))
        if event.get("X") == "FILLED" and event["S"] == "BUY":
            assert venue.order(event["i"])["status"] == "FILLED"
            venue.limit("SELL", 1, 105, who)

    venue.exchange.on_user_event = answer_a_fill_with_a_sell
    venue.market("BUY", 1)

    assert heard == [("BUY", "NEW", 1), ("BUY", "FILLED", 1), ("SELL", "NEW", 2)]


def test_a_listener_that_raises_does_not_silence_the_rest() -> None:
    venue = Venue().with_market()
    heard: list[str] = []

    def stumble(_who: str, event: dict[str, Any]) -> None:
        heard.append(event.get("x", event["e"]))
        if event.get("x") == "TRADE":
            raise LookupError

    venue.exchange.on_user_event = stumble
    with pytest.raises(LookupError):
        venue.market("BUY", 1)
    venue.ask("GET ping", None)

    assert heard == ["NEW", "TRADE", "outboundAccountPosition"]
    assert venue.order(1)["status"] == "FILLED"


def test_a_refused_order_changes_nothing_and_tells_nothing() -> None:
    venue = Venue().with_market()

    venue.limit("BUY", 100_000, 90)

    assert venue.user_events == []
    assert venue.market_events == []


def test_a_venue_nobody_listens_to_answers_the_same() -> None:
    heard, deaf = Venue().with_market(), Venue().with_market()
    deaf.exchange.on_user_event = lambda _who, _event: None
    deaf.exchange.on_market_event = lambda _symbol, _kind, _event: None

    assert heard.market("BUY", 3) == deaf.market("BUY", 3)
    assert heard.balances() == deaf.balances()


# --- what is undocumented, both ways


@pytest.mark.parametrize("told", [True, False])
def test_a_plain_refusal_is_told_on_the_user_stream_or_not(told: bool) -> None:
    venue = Venue(Options(announce_refusals=told)).with_market()

    venue.limit("BUY", 1200, 90)

    assert venue.reports() == ([("REJECTED", "REJECTED")] if told else [])
    if told:
        assert venue.user_events[0][1]["r"] == "INSUFFICIENT_BALANCES"


@pytest.mark.parametrize("told", [True, False])
def test_a_stop_tells_that_it_fires_or_only_what_it_then_does(told: bool) -> None:
    venue = Venue(Options(announce_trigger=told)).with_market()
    venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=95)

    venue.last(95)

    assert venue.reports().count(("NEW", "NEW")) == (2 if told else 1)
    assert venue.reports()[-1] == ("TRADE", "FILLED")


@pytest.mark.parametrize(("after", "positions"), [("request", 1), ("fill", 2)])
def test_the_account_is_told_once_a_request_or_once_a_fill(after: Any, positions: int) -> None:
    venue = Venue(Options(position_after=after)).with_market()

    venue.market("BUY", 3)

    assert venue.kinds().count("outboundAccountPosition") == positions
    assert venue.kinds()[-1] == "outboundAccountPosition"
