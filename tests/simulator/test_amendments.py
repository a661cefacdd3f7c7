"""Orders that become smaller where they stand."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.exchange import Books, Options
from tests.simulator.venue import START, SYMBOL, Venue, exchange_info, refusal, symbol_entry

FEW = exchange_info(
    symbol_entry(filters=[{"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 2}])
)


@pytest.fixture
def venue() -> Venue:
    """A venue without liquidity of others."""
    venue = Venue()
    venue.last(100)
    return venue.deaf()


def amendments(venue: Venue, order_id: int, **params: Any) -> list[dict[str, Any]]:
    answer = venue.ask("GET order/amendments", symbol=SYMBOL, orderId=order_id, **params)
    body: list[dict[str, Any]] = answer.body
    return body


def test_an_amended_order_answers_with_exactly_binances_fields(venue: Venue) -> None:
    venue.limit("BUY", 5, 90, newClientOrderId="before")
    venue.now += 3

    answer = venue.amend(4, orderId=1, newClientOrderId="after")

    assert answer.status == 200
    assert answer.body == {
        "transactTime": START + 3,
        "executionId": 2,
        "amendedOrder": {
            "symbol": SYMBOL,
            "orderId": 1,
            "orderListId": -1,
            "origClientOrderId": "before",
            "clientOrderId": "after",
            "price": "90.00000000",
            "qty": "4.00000000",
            "executedQty": "0.00000000",
            "preventedQty": "0.00000000",
            "quoteOrderQty": "0.00000000",
            "cumulativeQuoteQty": "0.00000000",
            "status": "NEW",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": "BUY",
            "workingTime": START,
            "selfTradePreventionMode": "EXPIRE_MAKER",
        },
    }


def test_an_amended_order_keeps_its_place_in_the_queue(venue: Venue) -> None:
    first = venue.limit("SELL", 5, 100).body["orderId"]
    second = venue.limit("SELL", 5, 100).body["orderId"]

    venue.amend(2, orderId=first)
    venue.limit("BUY", 3, 100, "bob")

    assert venue.order(first)["status"] == "FILLED"
    assert venue.order(second)["executedQty"] == "1.00000000"


def test_the_book_and_the_locks_shrink_with_the_order(venue: Venue) -> None:
    buy = venue.limit("BUY", 5, 90).body["orderId"]
    sell = venue.limit("SELL", 5, 110).body["orderId"]

    venue.amend(2, orderId=buy)
    venue.amend("0.5", orderId=sell)

    assert venue.depth() == {"bids": [(90, 2)], "asks": [(110, Decimal("0.5"))]}
    assert venue.balances() == {
        "BTC": (Decimal("9.5"), Decimal("0.5")),
        "USDT": (Decimal(99_820), Decimal(180)),
    }


def test_a_partly_filled_order_can_be_amended(venue: Venue) -> None:
    order_id = venue.limit("BUY", 5, 90).body["orderId"]
    venue.limit("SELL", 2, 90, "bob")

    body = venue.amend(3, orderId=order_id).body["amendedOrder"]

    assert (body["status"], body["qty"], body["executedQty"]) == (
        "PARTIALLY_FILLED",
        "3.00000000",
        "2.00000000",
    )
    assert venue.balances()["USDT"][1] == 90


@pytest.mark.parametrize("quantity", [2, 1])
def test_an_order_amended_to_what_it_has_done_expires(venue: Venue, quantity: int) -> None:
    order_id = venue.limit("BUY", 5, 90).body["orderId"]
    venue.limit("SELL", 2, 90, "bob")

    body = venue.amend(quantity, orderId=order_id).body["amendedOrder"]

    assert (body["status"], body["qty"], body["executedQty"]) == (
        "EXPIRED",
        "2.00000000",
        "2.00000000",
    )
    assert venue.depth()["bids"] == []
    assert venue.balances()["USDT"] == (Decimal(99_820), Decimal(0))
    assert venue.reports()[-2:] == [("REPLACED", "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED")]


def test_an_amendment_weighs_nothing_only_if_the_order_expires_by_it(venue: Venue) -> None:
    order_id = venue.limit("BUY", 5, 90).body["orderId"]
    venue.limit("SELL", 2, 90, "bob")

    smaller = venue.amend(4, orderId=order_id).headers["X-MBX-USED-WEIGHT-1M"]
    gone = venue.amend(2, orderId=order_id).headers["X-MBX-USED-WEIGHT-1M"]
    failed = venue.amend(1, orderId=order_id).headers["X-MBX-USED-WEIGHT-1M"]

    assert (smaller, gone, failed) == ("4", "4", "8")


def test_an_amendment_is_no_order_to_the_unfilled_order_count(venue: Venue) -> None:
    order_id = venue.limit("BUY", 5, 90).body["orderId"]
    venue.amend(4, orderId=order_id)

    headers = venue.limit("BUY", 1, 90).headers

    assert headers["X-MBX-ORDER-COUNT-10S"] == "2"


def test_a_new_id_is_made_up_if_none_is_sent(venue: Venue) -> None:
    venue.limit("BUY", 5, 90, newClientOrderId="mine")

    body = venue.amend(4, origClientOrderId="mine").body["amendedOrder"]

    assert len(body["clientOrderId"]) == 22
    assert body["origClientOrderId"] == "mine"
    assert venue.limit("BUY", 1, 90, newClientOrderId="mine").status == 200


def test_the_current_id_may_be_kept(venue: Venue) -> None:
    venue.limit("BUY", 5, 90, newClientOrderId="mine")

    venue.amend(4, origClientOrderId="mine", newClientOrderId="mine")

    assert venue.amend(3, origClientOrderId="mine").status == 200


def test_an_id_of_another_open_order_is_refused(venue: Venue) -> None:
    venue.limit("BUY", 5, 90, newClientOrderId="mine")
    venue.limit("BUY", 5, 90, newClientOrderId="other")

    answer = venue.amend(4, origClientOrderId="mine", newClientOrderId="other")

    assert refusal(answer) == (400, -2038, "Duplicate order sent.")


@pytest.mark.parametrize(("choice", "old"), [("current", 400), ("any", 200)])
def test_a_venue_may_find_an_amended_order_by_its_old_id(
    tmp_path: Path, choice: str, old: int
) -> None:
    path, options = tmp_path / "venue.db", Options(amended_id=choice)  # type: ignore[arg-type]
    venue = Venue(options, books=Books.open(path))
    venue.limit("BUY", 5, 90, newClientOrderId="old")
    venue.amend(4, origClientOrderId="old", newClientOrderId="new")

    for opened in (venue, Venue(options, books=Books.open(path))):
        found = {
            name: opened.ask("GET order", symbol=SYMBOL, origClientOrderId=name)
            for name in ("old", "new")
        }
        assert (found["old"].status, found["new"].status) == (old, 200)
        assert found["new"].body["clientOrderId"] == "new"
        opened.books.close()


def test_the_user_stream_tells_of_a_replaced_order(venue: Venue) -> None:
    venue.limit("BUY", 5, 90, newClientOrderId="before")
    venue.deaf()

    execution = venue.amend(4, orderId=1, newClientOrderId="after").body["executionId"]

    (_, report), (_, position) = venue.user_events
    assert (report["x"], report["X"], report["q"]) == ("REPLACED", "NEW", "4.00000000")
    assert (report["c"], report["C"], report["I"]) == ("after", "before", execution)
    assert position["B"] == [{"a": "USDT", "f": "99640.00000000", "l": "360.00000000"}]


def test_every_amendment_is_remembered(venue: Venue) -> None:
    venue.limit("BUY", 5, 90, newClientOrderId="a")
    for quantity, name in ((4, "b"), (3, "b"), (2, "c")):
        venue.amend(quantity, orderId=1, newClientOrderId=name)

    found = amendments(venue, 1)

    assert found[0] == {
        "symbol": SYMBOL,
        "orderId": 1,
        "executionId": 2,
        "origClientOrderId": "a",
        "newClientOrderId": "b",
        "origQty": "5.00000000",
        "newQty": "4.00000000",
        "time": START,
    }
    assert [(one["origClientOrderId"], one["newClientOrderId"]) for one in found] == [
        ("a", "b"),
        ("b", "b"),
        ("b", "c"),
    ]
    assert [one["executionId"] for one in amendments(venue, 1, fromExecutionId=3)] == [3, 4]
    assert len(amendments(venue, 1, limit=1)) == 1


def test_amendments_of_others_are_not_told(venue: Venue) -> None:
    venue.limit("BUY", 5, 90)
    venue.amend(4, orderId=1)

    answer = venue.ask("GET order/amendments", "bob", symbol=SYMBOL, orderId=1)

    assert (answer.status, answer.body) == (200, [])


def test_amendments_are_asked_for_by_order(venue: Venue) -> None:
    answer = venue.ask("GET order/amendments", symbol=SYMBOL)

    text = "Mandatory parameter 'orderId' was not sent, was empty/null, or malformed."
    assert refusal(answer) == (400, -1102, text)


def test_amendments_are_the_same_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "venue.db"
    first = Venue(info=FEW, books=Books.open(path))
    first.limit("BUY", 5, 90)
    first.amend(4, orderId=1)
    before = amendments(first, 1)
    first.books.close()

    again = Venue(info=FEW, books=Books.open(path))

    assert amendments(again, 1) == before != []
    assert again.order(1)["origQty"] == "4.00000000"
    assert [again.amend(quantity, orderId=1).status for quantity in (3, 2)] == [200, 400]
    again.books.close()


# --- kinds of orders


def test_an_iceberg_shows_less_only_when_it_must(venue: Venue) -> None:
    venue.limit("BUY", 5, 90, icebergQty=2)

    shown = []
    for quantity in (3, "1.5"):
        venue.amend(quantity, orderId=1)
        shown.append(venue.depth()["bids"])

    assert shown == [[(90, 2)], [(90, Decimal("1.5"))]]


def test_a_waiting_stop_can_be_amended(venue: Venue) -> None:
    venue.place("STOP_LOSS", "BUY", quantity=5, stopPrice=110)

    venue.amend(2, orderId=1)
    before = venue.balances()["USDT"]
    venue.exchange.set_book(SYMBOL, [], [("110", "9")], venue.now)
    venue.last(110)

    assert before == (Decimal(99_780), Decimal(220))
    assert venue.order(1)["executedQty"] == "2.00000000"


def test_a_decremented_order_can_be_amended(venue: Venue) -> None:
    venue.limit("BUY", 5, 90)
    venue.limit("SELL", 2, 90, selfTradePreventionMode="DECREMENT")

    body = venue.amend(3, orderId=1).body["amendedOrder"]

    assert (body["qty"], body["preventedQty"]) == ("3.00000000", "2.00000000")
    assert venue.depth()["bids"] == [(Decimal(90), Decimal(1))]
    assert venue.balances()["USDT"][1] == 90


def test_an_id_an_amendment_gave_is_held_after_a_restart_too(tmp_path: Path) -> None:
    venue = Venue(books=Books.open(tmp_path / "venue.db"))
    venue.last(100)
    venue.limit("BUY", 2, 90, newClientOrderId="before")
    venue.limit("BUY", 1, 90, newClientOrderId="after")
    venue.cancel(orderId=2)
    venue.now += 1
    venue.amend(1, orderId=1, newClientOrderId="after")
    venue.books.close()

    again = Venue(books=Books.open(tmp_path / "venue.db"), now=venue.now + 1)
    duplicate = again.limit("BUY", 1, 90, newClientOrderId="after")
    found = again.ask("GET order", symbol=SYMBOL, origClientOrderId="after")

    assert refusal(duplicate) == (400, -2010, "Duplicate order sent.")
    assert found.body["orderId"] == 1
    again.books.close()
