"""Orders that sell what another one has bought."""

from decimal import Decimal
from typing import Any

import pytest

from lib.simulator.exchange import Options
from tests.simulator.order_lists import (
    ask_list,
    list_status,
    place_list,
    reasons,
    statuses,
    told,
)
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

MARKET_SELL: dict[str, Any] = {
    "pendingType": "MARKET",
    "pendingPrice": None,
    "pendingTimeInForce": None,
}


def rich() -> Venue:
    """A venue at which alice can pay commissions from what she has."""
    return Venue().with_market()


def poor() -> Venue:
    """A venue at which alice owns no bitcoin."""
    venue = Venue().with_market()
    venue.exchange.set_book(SYMBOL, [("99", "50")], [("101", "1"), ("102", "5")], venue.now)
    venue.market("SELL", 10)
    assert venue.balances()["BTC"] == (Decimal(0), Decimal(0))
    return venue.deaf()


@pytest.mark.parametrize(("kind", "legs"), [("opo", 2), ("opoco", 3)])
def test_what_is_pending_has_no_quantity_yet_and_needs_no_funds(kind: str, legs: int) -> None:
    venue = poor()

    placed = place_list(venue, kind)

    assert placed["contingencyType"] == "OTO"
    shown = ["origQty" in row for row in placed["orderReports"]]
    assert shown == [True, *[False] * (legs - 1)]
    assert statuses(venue, placed) == ["NEW", *["PENDING_NEW"] * (legs - 1)]
    assert venue.balances()["BTC"] == (Decimal(0), Decimal(0))


def test_what_is_received_stays_locked_until_the_working_order_is_filled() -> None:
    venue = poor()
    place_list(venue, "opo")

    venue.last(97, "0.4", seller=True)

    assert venue.balances()["BTC"] == (Decimal(0), Decimal("0.3996"))


def test_a_pending_order_sells_what_was_received_without_the_commission() -> None:
    venue = poor()
    placed = place_list(venue, "opo")

    venue.last(97, 1, seller=True)

    assert statuses(venue, placed) == ["FILLED", "NEW"]
    assert venue.order(placed["orders"][1]["orderId"])["origQty"] == "0.99900000"
    assert venue.balances()["BTC"] == (Decimal(0), Decimal("0.999"))


def test_whoever_can_pays_the_commission_from_free_funds_and_sells_all_that_was_bought() -> None:
    venue = rich()
    placed = place_list(venue, "opo")

    venue.last(97, 1, seller=True)

    assert venue.order(2)["origQty"] == "1.00000000"
    assert statuses(venue, placed) == ["FILLED", "NEW"]
    assert venue.balances()["BTC"] == (Decimal("9.999"), Decimal(1))


def test_a_commission_in_bnb_leaves_all_that_was_bought() -> None:
    info = exchange_info(symbol_entry(), symbol_entry("BNB"))
    venue = Venue(Options(fees_in_bnb=True), info=info)
    venue.books.open_account("carol", 3, {"USDT": "1000", "BNB": "1"})
    venue.exchange.market_trade("BNBUSDT", "10", "1", buyer_is_maker=False, time=venue.now)
    venue.with_market()
    placed = place_list(venue, "opo", "carol")

    venue.last(97, 1, seller=True)

    assert venue.order(placed["orders"][1]["orderId"], "carol")["origQty"] == "1.00000000"
    assert venue.balances("carol")["BTC"] == (Decimal(0), Decimal(1))


def test_bought_bnb_pays_its_commission_itself() -> None:
    venue = Venue(info=exchange_info(symbol_entry("BNB")))
    venue.books.open_account("carol", 3, {"USDT": "1000", "BNB": "10"})
    venue.exchange.market_trade("BNBUSDT", "100", "1", buyer_is_maker=False, time=venue.now)
    placed = place_list(venue, "opo", "carol", symbol="BNBUSDT")

    venue.exchange.market_trade("BNBUSDT", "97", "1", buyer_is_maker=True, time=venue.now)

    pending = placed["orders"][1]["orderId"]
    found = venue.ask("GET order", "carol", symbol="BNBUSDT", orderId=pending)
    assert found.body["origQty"] == "0.99900000"
    assert venue.balances("carol")["BNB"] == (Decimal(10), Decimal("0.999"))


def test_what_the_lots_do_not_allow_becomes_free() -> None:
    lots = {"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "9000", "stepSize": "0.1"}
    venue = Venue(info=exchange_info(symbol_entry(filters=[lots]))).with_market()
    venue.exchange.set_book(SYMBOL, [("99", "50")], [("101", "9")], venue.now)
    venue.market("SELL", 10)
    place_list(venue, "opo")

    venue.last(97, 1, seller=True)

    assert venue.order(3)["origQty"] == "0.90000000"
    assert venue.balances()["BTC"] == (Decimal("0.099"), Decimal("0.9"))


def test_a_pending_market_order_keeps_to_the_market_lots_as_well() -> None:
    lots = {
        "filterType": "MARKET_LOT_SIZE",
        "minQty": "0",
        "maxQty": "0.5",
        "stepSize": "0.01",
    }
    venue = Venue(info=exchange_info(symbol_entry(filters=[lots]))).with_market()
    placed = place_list(venue, "opo", **MARKET_SELL)

    venue.last(97, 1, seller=True)

    assert venue.order(2)["executedQty"] == "0.50000000"
    assert list_status(venue, placed) == "ALL_DONE"
    assert venue.balances()["BTC"] == (Decimal("10.499"), Decimal(0))


def test_too_little_to_sell_expires_the_pending_order_and_becomes_free() -> None:
    least = {
        "filterType": "NOTIONAL",
        "minNotional": "150",
        "applyMinToMarket": True,
        "maxNotional": "9000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    }
    venue = Venue(info=exchange_info(symbol_entry(filters=[least]))).with_market()
    placed = place_list(venue, "opo", workingQuantity=2, pendingPrice=70)

    venue.last(97, 2, seller=True)

    assert reasons(venue, placed) == [None, "REJECTED"]
    assert list_status(venue, placed) == "ALL_DONE"
    assert venue.balances()["BTC"] == (Decimal("11.998"), Decimal(0))


def test_a_canceled_list_frees_what_was_received_so_far() -> None:
    venue = poor()
    placed = place_list(venue, "opo")
    venue.last(97, "0.4", seller=True)

    venue.ask("DELETE orderList", symbol=SYMBOL, orderListId=0)

    assert statuses(venue, placed) == ["CANCELED", "CANCELED"]
    assert venue.balances()["BTC"] == (Decimal("0.3996"), Decimal(0))


def test_a_working_order_that_expires_half_filled_frees_what_it_received() -> None:
    venue = poor()

    placed = place_list(venue, "opo", workingTimeInForce="IOC", workingPrice=101, workingQuantity=2)

    assert statuses(venue, placed) == ["EXPIRED", "EXPIRED"]
    assert reasons(venue, placed)[1] == "OTO_PHASE_ONE_EXPIRED"
    assert venue.balances()["BTC"] == (Decimal("0.999"), Decimal(0))


def test_a_pair_sells_what_was_received_once() -> None:
    venue = poor()
    placed = place_list(venue, "opoco")
    venue.last(97, 1, seller=True)

    assert statuses(venue, placed) == ["FILLED", "NEW", "NEW"]
    assert venue.balances()["BTC"] == (Decimal(0), Decimal("0.999"))
    venue.last(90)

    assert statuses(venue, placed) == ["FILLED", "FILLED", "EXPIRED"]
    assert venue.balances()["BTC"] == (Decimal(0), Decimal(0))


def test_a_pair_is_told_with_the_quantity_it_has_now() -> None:
    venue = poor()
    place_list(venue, "opoco")
    venue.deaf()

    venue.last(97, 1, seller=True)

    reports = [event for _, event in venue.user_events if event["e"] == "executionReport"]
    assert [event["q"] for event in reports] == ["1.00000000", "0.99900000", "0.99900000"]
    assert told(venue)[-2:] == [
        ("list", "EXEC_STARTED", "EXECUTING"),
        ("balances", "USDT", "BTC"),
    ]


def test_the_working_order_must_buy() -> None:
    venue = rich()

    answer = ask_list(venue, "opo", workingSide="SELL", workingPrice=103, pendingSide="SELL")

    assert refusal(answer) == (400, -1222, "Working order in an OPO list must be a bid.")


def test_the_pending_orders_must_sell() -> None:
    venue = rich()

    assert refusal(ask_list(venue, "opo", pendingSide="BUY")) == (
        400,
        -1223,
        "Pending orders in an OPO list must be asks.",
    )


def test_a_quantity_of_its_own_is_unknown_to_an_order_that_is_paid_by_another() -> None:
    answer = ask_list(rich(), "opo", pendingQuantity=1)

    assert answer.body["code"] == -1104
