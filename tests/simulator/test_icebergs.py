from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.exchange import Books, Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

EXCEEDS = (400, -2010, "IcebergQty exceeds QTY.")


@pytest.fixture
def venue() -> Venue:
    """A venue without liquidity of others, so that every level is our own."""
    venue = Venue()
    venue.last(100)
    return venue.deaf()


def test_the_book_shows_only_the_visible_part_of_an_iceberg(venue: Venue) -> None:
    body = venue.limit("SELL", 5, 100, icebergQty=2).body

    assert venue.depth()["asks"] == [(Decimal(100), Decimal(2))]
    assert body["icebergQty"] == "2.00000000"
    assert venue.order(body["orderId"])["icebergQty"] == "2.00000000"
    assert venue.balances()["BTC"] == (Decimal(5), Decimal(5))


def test_a_refilled_part_goes_to_the_end_of_its_level(venue: Venue) -> None:
    iceberg = venue.limit("SELL", 5, 100, icebergQty=2).body["orderId"]
    plain = venue.limit("SELL", 3, 100).body["orderId"]

    venue.limit("BUY", 2, 100, "bob")
    venue.limit("BUY", 3, 100, "bob")

    assert venue.order(iceberg)["executedQty"] == "2.00000000"
    assert venue.order(plain)["status"] == "FILLED"
    assert venue.depth()["asks"] == [(Decimal(100), Decimal(2))]


def test_a_part_that_is_not_used_up_keeps_its_place(venue: Venue) -> None:
    iceberg = venue.limit("SELL", 5, 100, icebergQty=2).body["orderId"]
    plain = venue.limit("SELL", 3, 100).body["orderId"]

    venue.limit("BUY", 1, 100, "bob")
    venue.limit("BUY", 1, 100, "bob")

    assert venue.order(iceberg)["executedQty"] == "2.00000000"
    assert venue.order(plain)["executedQty"] == "0.00000000"


def test_a_taker_reaches_the_hidden_rest_part_by_part(venue: Venue) -> None:
    venue.limit("SELL", 5, 100, icebergQty=2)
    venue.limit("SELL", 1, 100)

    body = venue.limit("BUY", 6, 100, "bob").body

    assert body["status"] == "FILLED"
    assert [fill["qty"][:1] for fill in body["fills"]] == ["2", "1", "2", "1"]
    assert venue.depth()["asks"] == []


def test_a_fill_or_kill_order_counts_what_is_hidden(venue: Venue) -> None:
    venue.limit("SELL", 5, 100, icebergQty=1)

    assert venue.limit("BUY", 5, 100, "bob", timeInForce="FOK").body["status"] == "FILLED"


def test_a_fill_or_kill_order_takes_nothing_if_its_own_order_stands_before_what_is_hidden(
    venue: Venue,
) -> None:
    venue.limit("SELL", 10, 100, "bob", icebergQty=1)
    venue.limit("SELL", 1, 100, "alice")

    sent = {"timeInForce": "FOK", "selfTradePreventionMode": "EXPIRE_TAKER"}
    body = venue.limit("BUY", 5, 100, "alice", **sent).body

    assert (body["status"], body["executedQty"]) == ("EXPIRED", "0.00000000")
    assert body["expiryReason"] == "UNFILLED_FOK_ORDER_EXPIRED"


def test_what_an_iceberg_takes_when_it_comes_is_not_hidden(venue: Venue) -> None:
    venue.limit("SELL", 3, 100)

    body = venue.limit("BUY", 5, 100, "bob", icebergQty=1).body

    assert (body["status"], body["executedQty"]) == ("PARTIALLY_FILLED", "3.00000000")
    assert venue.depth()["bids"] == [(Decimal(100), Decimal(1))]


def test_the_depth_stream_alone_tells_what_an_iceberg_shows(venue: Venue) -> None:
    venue.limit("SELL", 5, 100, icebergQty=2)
    venue.limit("BUY", 2, 100, "bob")
    venue.limit("BUY", "2.5", 100, "bob")

    told = [event["a"] for _, kind, event in venue.market_events if kind == "depthUpdate"]

    assert told == [
        [["100.00000000", "2.00000000"]],
        [["100.00000000", "2.00000000"]],
        [["100.00000000", "0.50000000"]],
    ]


def test_a_recorded_trade_fills_an_iceberg_part_by_part(venue: Venue) -> None:
    iceberg = venue.limit("SELL", 5, 100, icebergQty=2).body["orderId"]
    plain = venue.limit("SELL", 1, 100).body["orderId"]

    venue.last(100, 4)

    assert venue.order(iceberg)["executedQty"] == "3.00000000"
    assert venue.order(plain)["status"] == "FILLED"
    trades = venue.ask("GET myTrades", symbol=SYMBOL).body
    assert [trade["qty"][:1] for trade in trades] == ["2", "1", "1"]


def test_a_refilled_part_waits_behind_what_others_show_at_its_price(venue: Venue) -> None:
    venue.exchange.set_book(SYMBOL, [], [("101", "1")], venue.now)
    iceberg = venue.limit("SELL", 4, 100, icebergQty=1).body["orderId"]
    venue.exchange.apply_depth(SYMBOL, [], [("100", "3")], venue.now)

    venue.last(100, 1)
    first = venue.order(iceberg)["executedQty"]
    venue.last(100, 3)
    second = venue.order(iceberg)["executedQty"]
    venue.last(100, 1)

    assert (first, second) == ("1.00000000", "1.00000000")
    assert venue.order(iceberg)["executedQty"] == "2.00000000"


def test_a_crossing_recording_takes_the_hidden_part_as_well(venue: Venue) -> None:
    iceberg = venue.limit("SELL", 3, 100, icebergQty=1).body["orderId"]

    venue.exchange.apply_depth(SYMBOL, [("100.5", "2.5")], [], venue.now)

    assert venue.order(iceberg)["executedQty"] == "2.50000000"
    assert venue.depth()["asks"] == [(Decimal(100), Decimal("0.5"))]


def test_an_iceberg_is_the_same_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    first = Venue(books=Books.open(path))
    first.last(100)
    iceberg = first.limit("SELL", 5, 100, icebergQty=2).body["orderId"]
    plain = first.limit("SELL", 1, 100).body["orderId"]
    first.limit("BUY", 3, 100, "bob")
    first.limit("BUY", "0.5", 100, "bob")
    first.books.close()

    again = Venue(books=Books.open(path))

    assert again.order(plain)["status"] == "FILLED"
    assert again.depth()["asks"] == [(Decimal(100), Decimal("1.5"))]
    again.limit("BUY", "2.5", 100, "bob")
    assert again.order(iceberg)["status"] == "FILLED"
    again.books.close()


def test_the_user_stream_tells_the_iceberg_quantity(venue: Venue) -> None:
    venue.limit("SELL", 5, 100, icebergQty=2)

    assert [event["F"] for _, event in venue.user_events if event["e"] == "executionReport"] == [
        "2.00000000"
    ]


def test_a_canceled_iceberg_leaves_nothing_in_the_book(venue: Venue) -> None:
    iceberg = venue.limit("SELL", 5, 100, icebergQty=2).body["orderId"]
    venue.limit("BUY", 3, 100, "bob")

    canceled = venue.cancel(orderId=iceberg)

    assert canceled.body["icebergQty"] == "2.00000000"
    assert venue.depth()["asks"] == []
    assert venue.balances()["BTC"] == (Decimal(7), Decimal(0))


def test_a_triggered_stop_limit_can_be_an_iceberg(venue: Venue) -> None:
    stop: dict[str, Any] = {"quantity": 4, "price": 90, "stopPrice": 95, "icebergQty": 1}
    venue.place("STOP_LOSS_LIMIT", "SELL", **stop, timeInForce="GTC")

    venue.last(95)

    assert venue.depth()["asks"] == [(Decimal(90), Decimal(1))]


def test_a_maker_order_can_be_an_iceberg(venue: Venue) -> None:
    venue.place("LIMIT_MAKER", "SELL", quantity=4, price=101, icebergQty=1)

    assert venue.depth()["asks"] == [(Decimal(101), Decimal(1))]


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("MARKET", {"quantity": 1}),
        ("STOP_LOSS", {"quantity": 1, "stopPrice": 90}),
        ("TAKE_PROFIT", {"quantity": 1, "stopPrice": 110}),
    ],
)
def test_an_order_without_a_price_cannot_be_an_iceberg(
    venue: Venue, kind: str, sent: dict[str, Any]
) -> None:
    answer = venue.place(kind, "SELL", **sent, icebergQty=1)

    assert refusal(answer) == (400, -1106, "Parameter 'icebergQty' sent when not required.")


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(), (400, -1106, "Parameter 'icebergQty' sent when not required.")),
        (
            Options(iceberg_not_gtc_code=-1014),
            (400, -1014, "Unsupported order combination."),
        ),
    ],
)
def test_an_iceberg_is_good_till_canceled(
    time_in_force: str, options: Options, expected: tuple[int, int, str]
) -> None:
    venue = Venue(options).with_market()

    answer = venue.limit("SELL", 2, 100, icebergQty=1, timeInForce=time_in_force)

    assert refusal(answer) == expected


def test_an_iceberg_cannot_show_more_than_it_has(venue: Venue) -> None:
    assert refusal(venue.limit("SELL", 2, 100, icebergQty="2.00001")) == EXCEEDS


@pytest.mark.parametrize(("choice", "status"), [("allow", 200), ("refuse", 400)])
def test_an_iceberg_may_show_all_of_it_if_the_venue_says_so(choice: str, status: int) -> None:
    venue = Venue(Options(whole_iceberg=choice))  # type: ignore[arg-type]
    venue.last(100)

    assert venue.limit("SELL", 2, 100, icebergQty=2).status == status


def test_an_iceberg_quantity_of_nothing_is_no_iceberg(venue: Venue) -> None:
    venue.limit("SELL", 5, 100, icebergQty=0)

    assert venue.depth()["asks"] == [(Decimal(100), Decimal(5))]


def test_a_symbol_may_not_allow_icebergs() -> None:
    venue = Venue(info=exchange_info(symbol_entry(icebergAllowed=False))).with_market()

    text = "Iceberg orders are not supported for this symbol."
    assert refusal(venue.limit("SELL", 2, 100, icebergQty=1)) == (400, -2010, text)
