from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.exchange import Books, Options
from tests.simulator.venue import START, SYMBOL, Venue, exchange_info, refusal, symbol_entry

LIMITED: dict[str, Any] = {"quantity": "0.01", "timeInForce": "GTC"}

# The published scenarios: type, side, parameters, the prices that do not trigger, and the one that
# does.
SCENARIOS = [
    (
        "STOP_LOSS_LIMIT",
        "BUY",
        {"stopPrice": 44_000, "trailingDelta": 500, "price": 45_000},
        [37_000, 44_000, 45_000, 46_000, 42_000, "44099.99"],
        44_100,
    ),
    (
        "STOP_LOSS_LIMIT",
        "SELL",
        {"stopPrice": 39_000, "trailingDelta": 1000, "price": 38_000},
        [41_500, 39_000, 37_000, 41_000, "36900.01"],
        36_900,
    ),
    (
        "TAKE_PROFIT_LIMIT",
        "BUY",
        {"stopPrice": 38_000, "trailingDelta": 850, "price": 38_500},
        [42_000, 38_000, 37_000, 39_000, 38_000, "40144.99"],
        40_145,
    ),
    (
        "TAKE_PROFIT_LIMIT",
        "SELL",
        {"stopPrice": 42_000, "trailingDelta": 750, "price": 41_000},
        [41_500, 39_000, 42_000, 45_000, 44_000, 46_500, "43012.51"],
        "43012.5",
    ),
    (
        "STOP_LOSS_LIMIT",
        "SELL",
        {"trailingDelta": 700, "price": 39_000},
        [42_000, 39_500, 45_500, "42315.01"],
        42_315,
    ),
]


@pytest.fixture
def venue() -> Venue:
    venue = Venue()
    venue.last(40_000)
    return venue.deaf()


def trail(venue: Venue, side: str = "SELL", **params: Any) -> dict[str, Any]:
    """Place a trailing stop loss, 1 % unless told otherwise, and give it as a query shows it."""
    sent: dict[str, Any] = {"quantity": "0.01", "trailingDelta": 100, **params}
    answer = venue.place("STOP_LOSS", side, **sent)
    assert answer.status == 200, answer.body
    return venue.order(answer.body["orderId"])


@pytest.mark.parametrize(("kind", "side", "sent", "quiet", "trigger"), SCENARIOS)
def test_a_trailing_stop_triggers_where_the_published_scenario_does(
    venue: Venue,
    kind: str,
    side: str,
    sent: dict[str, Any],
    quiet: Sequence[object],
    trigger: object,
) -> None:
    order_id = venue.place(kind, side, **LIMITED, **sent).body["orderId"]

    for price in quiet:
        venue.last(price)
        assert venue.order(order_id)["isWorking"] is False
    venue.last(trigger)

    assert venue.order(order_id)["isWorking"] is True


def test_a_trailing_stop_without_a_stop_price_trails_from_the_last_price(venue: Venue) -> None:
    order = trail(venue)

    venue.last(39_600)

    assert (order["trailingDelta"], order["trailingTime"]) == (100, START)
    assert order["stopPrice"] == "0.00000000"
    assert venue.order(order["orderId"])["isWorking"] is True


def test_a_venue_may_let_it_trail_from_the_next_trade_instead() -> None:
    venue = Venue(Options(trailing_begins="trade"))
    venue.last(40_000)
    before = trail(venue)

    venue.now += 7
    venue.last(39_600)
    after = venue.order(before["orderId"])
    venue.last(39_204)

    assert before["trailingTime"] == -1
    assert (after["trailingTime"], after["isWorking"]) == (START + 7, False)
    assert venue.order(before["orderId"])["isWorking"] is True


def test_a_trailing_stop_with_a_stop_price_trails_from_the_trade_that_reaches_it(
    venue: Venue,
) -> None:
    order = trail(venue, stopPrice=39_000)
    assert order["trailingTime"] == -1

    venue.now += 5
    venue.last(38_990)
    trailing = venue.order(order["orderId"])
    venue.last(Decimal(38_990) * Decimal("0.99"))

    assert (trailing["trailingTime"], trailing["isWorking"]) == (START + 5, False)
    assert venue.order(order["orderId"])["isWorking"] is True


def test_a_stop_price_on_the_wrong_side_is_refused_for_trailing_stops_too(venue: Venue) -> None:
    answer = venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=40_000, trailingDelta=100)

    assert refusal(answer) == (400, -2010, "Stop price would trigger immediately.")


def test_an_order_of_ours_that_trades_moves_the_stops_as_well(venue: Venue) -> None:
    order = trail(venue)
    venue.limit("SELL", "0.01", 50_000, "bob")
    venue.limit("BUY", "0.01", 50_000)

    venue.last(49_500)

    assert venue.order(order["orderId"])["isWorking"] is True


def test_one_trailing_stop_can_set_off_the_next(venue: Venue) -> None:
    venue.exchange.set_book(SYMBOL, [("39000", "0.01"), ("35000", "0.01")], [], venue.now)
    first, second = trail(venue), trail(venue, trailingDelta=200)

    venue.last(39_600)

    assert venue.order(first["orderId"])["cummulativeQuoteQty"] == "390.00000000"
    assert venue.order(second["orderId"])["cummulativeQuoteQty"] == "350.00000000"


def test_of_two_that_trigger_together_the_older_one_trades_first(venue: Venue) -> None:
    venue.exchange.set_book(SYMBOL, [("39000", "0.01"), ("38000", "0.01")], [], venue.now)
    older = trail(venue, trailingDelta=150)
    newer = trail(venue, trailingDelta=100)

    venue.last(39_000)

    assert venue.order(older["orderId"])["cummulativeQuoteQty"] == "390.00000000"
    assert venue.order(newer["orderId"])["cummulativeQuoteQty"] == "380.00000000"


def test_a_trailing_stop_can_be_canceled_before_and_while_it_trails(venue: Venue) -> None:
    waiting = trail(venue, stopPrice=39_000)["orderId"]
    trailing = trail(venue)["orderId"]

    canceled = [venue.cancel(orderId=order_id).body for order_id in (waiting, trailing)]
    venue.last(30_000)

    assert [body["status"] for body in canceled] == ["CANCELED", "CANCELED"]
    assert canceled[0]["trailingDelta"] == 100
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))


def test_the_user_stream_tells_delta_and_time(venue: Venue) -> None:
    trail(venue, stopPrice=39_000)
    venue.now += 3
    venue.last(39_000)
    venue.last(38_610)

    told = [
        (event["x"], event["d"], event["D"])
        for _, event in venue.user_events
        if event["e"] == "executionReport"
    ]

    assert told[0] == ("NEW", 100, -1)
    assert {(delta, time) for _, delta, time in told[1:]} == {(100, START + 3)}


def test_a_trailing_market_buy_locks_what_it_would_cost_at_the_last_price(venue: Venue) -> None:
    trail(venue, "BUY")

    assert venue.balances()["USDT"] == (Decimal(99_600), Decimal(400))


@pytest.mark.parametrize("noted", [True, False])
def test_what_a_stop_has_seen_survives_a_restart(tmp_path: Path, noted: bool) -> None:
    path = tmp_path / "venue.db"
    first = Venue(books=Books.open(path))
    first.last(40_000)
    order = trail(first)
    first.last(50_000)
    if noted:
        first.books.remember("recording", "here")
    else:
        first.limit("BUY", "0.01", 30_000)
    first.books.close()

    again = Venue(books=Books.open(path))
    again.last("49500.01")
    before = again.order(order["orderId"])
    again.last(49_500)

    assert before["isWorking"] is False
    assert before["trailingTime"] == START
    assert again.order(order["orderId"])["isWorking"] is True
    again.books.close()


def test_following_the_market_writes_nothing_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = Venue(books=Books.open(tmp_path / "venue.db"))
    venue.last(40_000)
    trail(venue)
    written: list[object] = []
    monkeypatch.setattr(venue.books, "commit", lambda: written.append(None))

    for price in range(40_001, 40_100):
        venue.last(price)

    assert written == []


@pytest.mark.parametrize(
    ("kind", "side", "least", "most"),
    [
        ("STOP_LOSS", "BUY", 10, 2000),
        ("TAKE_PROFIT", "SELL", 10, 2000),
        ("STOP_LOSS", "SELL", 20, 1000),
        ("TAKE_PROFIT", "BUY", 20, 1000),
    ],
)
def test_the_delta_has_limits_by_the_side_of_the_market(
    kind: str, side: str, least: int, most: int
) -> None:
    entry = symbol_entry(
        filters=[
            {
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": 10,
                "maxTrailingAboveDelta": 2000,
                "minTrailingBelowDelta": 20,
                "maxTrailingBelowDelta": 1000,
            }
        ]
    )
    venue = Venue(info=exchange_info(entry))
    venue.last(100)

    answers = {
        delta: venue.place(kind, side, quantity=1, trailingDelta=delta)
        for delta in (least - 1, least, most, most + 1)
    }

    refused = (400, -1013, "Filter failure: TRAILING_DELTA")
    assert refusal(answers[least - 1]) == refusal(answers[most + 1]) == refused
    assert answers[least].status == answers[most].status == 200


@pytest.mark.parametrize(
    ("kind", "sent", "expected"),
    [
        (
            "LIMIT",
            {"quantity": 1, "price": 100, "timeInForce": "GTC", "trailingDelta": 100},
            (-1106, "Parameter 'trailingDelta' sent when not required."),
        ),
        (
            "MARKET",
            {"quantity": 1, "trailingDelta": 100},
            (-1106, "Parameter 'trailingDelta' sent when not required."),
        ),
        (
            "STOP_LOSS",
            {"quantity": 1},
            (-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"),
        ),
        (
            "STOP_LOSS",
            {"quantity": 1, "trailingDelta": "1.5"},
            (
                -1100,
                "Illegal characters found in parameter 'trailingDelta'; "
                "legal range is '^[0-9]{1,20}$'.",
            ),
        ),
        (
            "STOP_LOSS",
            {"quantity": 1, "trailingDelta": 0},
            (-1130, "Data sent for parameter 'trailingDelta' is not valid."),
        ),
        (
            "STOP_LOSS",
            {"quantity": 1, "trailingDelta": 2**31},
            (-1108, "Parameter 'trailingDelta' overflowed."),
        ),
    ],
)
def test_a_trailing_delta_that_cannot_be_is_refused(
    venue: Venue, kind: str, sent: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert refusal(venue.place(kind, "SELL", **sent)) == (400, *expected)


def test_a_symbol_may_not_allow_trailing_stops() -> None:
    venue = Venue(info=exchange_info(symbol_entry(allowTrailingStop=False)))
    venue.last(100)

    answer = venue.place("STOP_LOSS", "SELL", quantity=1, trailingDelta=100)

    text = "Trailing stop orders are not supported for this symbol."
    assert refusal(answer) == (400, -2010, text)
