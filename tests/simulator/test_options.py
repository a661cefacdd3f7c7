"""What Binance leaves undocumented, both ways."""

from typing import Any, Literal

import pytest

from lib.simulator.exchange import Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry

OTHER = "ETHUSDT"


@pytest.mark.parametrize(("which", "expected"), [("open", 3), ("newest", 3), ("oldest", 1)])
def test_a_reused_id_means_one_of_its_orders(which: Any, expected: int) -> None:
    venue = Venue(Options(reused_id=which)).with_market()
    venue.market("BUY", "0.1", newClientOrderId="same")
    venue.market("BUY", "0.1", newClientOrderId="same")
    venue.limit("BUY", 1, 90, newClientOrderId="same")

    body = venue.ask("GET order", symbol=SYMBOL, origClientOrderId="same").body

    assert body["orderId"] == expected


def test_an_open_order_is_meant_before_a_newer_closed_one() -> None:
    found = {}
    for which in ("open", "newest"):
        venue = Venue(Options(reused_id=which, waiting_stop_holds_id=False)).with_market()
        stop: dict[str, Any] = {"quantity": 1, "stopPrice": 95, "newClientOrderId": "same"}
        venue.place("STOP_LOSS", "SELL", **stop)
        venue.market("BUY", "0.1", newClientOrderId="same")
        asked = {"symbol": SYMBOL, "origClientOrderId": "same"}
        found[which] = venue.ask("GET order", **asked).body["orderId"]

    assert found == {"open": 1, "newest": 2}


@pytest.mark.parametrize(("scope", "status"), [("symbol", 200), ("account", 400)])
def test_an_id_is_taken_on_its_symbol_or_on_the_whole_account(scope: Any, status: int) -> None:
    info = exchange_info(symbol_entry(), symbol_entry("ETH"))
    venue = Venue(Options(id_scope=scope), info)
    order: dict[str, Any] = {
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": 1,
        "price": 90,
    }
    venue.ask("POST order", symbol=SYMBOL, newClientOrderId="same", **order)

    answer = venue.ask("POST order", symbol=OTHER, newClientOrderId="same", **order)

    assert answer.status == status
    assert status == 200 or answer.body["msg"] == "Duplicate order sent."


@pytest.mark.parametrize(("holds", "status"), [(True, 400), (False, 200)])
def test_a_waiting_stop_holds_its_id_or_not(holds: bool, status: int) -> None:
    venue = Venue(Options(waiting_stop_holds_id=holds)).with_market()
    venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=95, newClientOrderId="same")

    assert venue.limit("BUY", 1, 90, newClientOrderId="same").status == status


@pytest.mark.parametrize(
    ("found_by", "original", "cancel"), [("original", 200, 400), ("cancel", 400, 200)]
)
def test_a_canceled_order_is_found_by_its_own_id_or_its_cancels(
    found_by: Literal["original", "cancel"], original: int, cancel: int
) -> None:
    venue = Venue(Options(canceled_id=found_by)).with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="a1")
    venue.cancel(origClientOrderId="a1", newClientOrderId="c1")

    by_original = venue.ask("GET order", symbol=SYMBOL, origClientOrderId="a1")
    by_cancel = venue.ask("GET order", symbol=SYMBOL, origClientOrderId="c1")

    assert (by_original.status, by_cancel.status) == (original, cancel)
    assert venue.order(1)["clientOrderId"] == ("a1" if found_by == "original" else "c1")


@pytest.mark.parametrize(("order", "name"), [("fixed", "PRICE_FILTER"), ("listed", "NOTIONAL")])
def test_of_several_failing_filters_one_is_named(order: Any, name: str) -> None:
    entry = symbol_entry()
    entry["filters"] = list(reversed(entry["filters"]))
    venue = Venue(Options(filter_order=order), exchange_info(entry)).with_market()

    answer = venue.limit("BUY", "0.000001", "99.999")

    assert answer.body["msg"] == f"Filter failure: {name}"


@pytest.mark.parametrize(("before", "status"), [("refuse", 400), ("allow", 200)])
def test_a_market_order_before_the_first_trade_is_refused_or_not(before: Any, status: int) -> None:
    venue = Venue(Options(market_order_before_first_trade=before))
    venue.exchange.set_book(SYMBOL, [], [("101", "1")], venue.now)

    answer = venue.market("BUY", 1)

    assert answer.status == status
    assert status == 200 or answer.body["msg"] == "Filter failure: NOTIONAL"


def test_codes_and_ranges_that_differ_between_venues_can_be_set() -> None:
    options = Options(
        unsupported_type_code=-2010, key_refusal_status=400, symbol_range="^[a-z]{1,4}$"
    )
    venue = Venue(options, exchange_info(symbol_entry(orderTypes=[])))

    assert venue.market("BUY", 1).body["code"] == -2010
    assert venue.ask("GET account", "nobody").status == 400
    assert "'^[a-z]{1,4}$'" in venue.ask("GET depth", None, symbol="WRONG").body["msg"]


@pytest.mark.parametrize(("nothing", "weight"), [(True, "0"), (False, "1")])
def test_a_successful_order_weighs_nothing_or_one(nothing: bool, weight: str) -> None:
    venue = Venue(Options(orders_weigh_nothing=nothing)).with_market()

    assert venue.limit("BUY", 1, 90).headers["X-MBX-USED-WEIGHT-1M"] == weight


def test_ids_may_begin_anywhere() -> None:
    venue = Venue(Options(first_order_id=5_000))

    first = venue.limit("BUY", 1, 90).body["orderId"]
    venue.exchange.wipe()

    assert first == 5_000
    assert venue.limit("BUY", 1, 90).body["orderId"] < first
