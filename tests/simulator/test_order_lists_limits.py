"""How many order lists there may be, and who may place them."""

from decimal import Decimal

import pytest

from lib.simulator.books.account import Standing
from lib.simulator.exchange import Options
from tests.simulator.order_lists import (
    ask_list,
    list_status,
    place_list,
    statuses,
)
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry


@pytest.mark.parametrize(
    ("kind", "orders"), [("oco", 2), ("oto", 2), ("opo", 2), ("otoco", 3), ("opoco", 3)]
)
def test_every_order_of_a_list_counts_as_unfilled(kind: str, orders: int) -> None:
    venue = Venue().with_market()

    answer = ask_list(venue, kind)

    assert answer.headers["X-MBX-ORDER-COUNT-10S"] == str(orders)


def limited(name: str, field: str, limit: int) -> Venue:
    found = {"filterType": name, field: limit}
    if name.startswith("EXCHANGE"):
        return Venue(info=exchange_info(exchangeFilters=[found])).with_market()
    return Venue(info=exchange_info(symbol_entry(filters=[found]))).with_market()


@pytest.mark.parametrize("prefix", ["", "EXCHANGE_"])
@pytest.mark.parametrize(
    ("name", "field", "limit", "kind"),
    [
        ("MAX_NUM_ORDERS", "maxNumOrders", 3, "oco"),
        ("MAX_NUM_ORDERS", "maxNumOrders", 5, "otoco"),
        ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", 1, "otoco"),
        ("MAX_NUM_ORDER_LISTS", "maxNumOrderLists", 1, "oto"),
    ],
)
def test_a_list_that_would_exceed_a_count_is_refused_whole(
    prefix: str, name: str, field: str, limit: int, kind: str
) -> None:
    venue = limited(prefix + name, field, limit)
    place_list(venue, kind)

    answer = ask_list(venue, kind)

    assert refusal(answer) == (400, -2010, f"Filter failure: {prefix}{name}")
    assert len(venue.ask("GET openOrderList").body) == 1


def test_icebergs_of_lists_are_counted() -> None:
    venue = limited("MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders", 1)
    place_list(venue, "oco", aboveIcebergQty="0.5")

    answer = ask_list(venue, "oco", belowIcebergQty="0.5")

    assert answer.body["msg"] == "Filter failure: MAX_NUM_ICEBERG_ORDERS"


def test_a_list_that_is_done_makes_room_for_another() -> None:
    venue = limited("MAX_NUM_ORDER_LISTS", "maxNumOrderLists", 1)
    placed = place_list(venue, "oco")

    venue.last(110, 1)

    assert list_status(venue, placed) == "ALL_DONE"
    assert statuses(venue, place_list(venue, "oco", abovePrice=120)) == ["NEW", "NEW"]


def test_nobody_may_come_to_own_more_than_the_position_limit_through_a_list() -> None:
    limit = {"filterType": "MAX_POSITION", "maxPosition": "11.5"}
    venue = Venue(info=exchange_info(symbol_entry(filters=[limit]))).with_market()

    assert ask_list(venue, "oto").status == 200
    assert ask_list(venue, "oto").body["msg"] == "Filter failure: MAX_POSITION"


# --- refusals on the user stream


def test_a_refused_list_is_told_where_refusals_are() -> None:
    venue = Venue(Options(announce_refusals=True)).with_market()

    ask_list(venue, "oco", quantity=11, listClientOrderId="pair")

    [(_, event)] = venue.user_events
    assert (event["e"], event["l"], event["L"]) == ("listStatus", "RESPONSE", "REJECT")
    assert (event["C"], event["g"]) == ("pair", -1)


def test_a_refused_list_is_not_told_otherwise() -> None:
    venue = Venue().with_market()

    ask_list(venue, "oco", quantity=11)

    assert venue.user_events == []


# --- accounts that may not


@pytest.mark.parametrize(
    ("trading", "text"),
    [
        ("cancel_only", "This action is disabled on this account."),
        ("forbidden", "This account may not place or cancel orders."),
    ],
)
def test_an_account_that_may_not_trade_places_no_lists(trading: str, text: str) -> None:
    venue = Venue().with_market()
    venue.exchange.set_standing("alice", Standing(trading=trading))  # type: ignore[arg-type]

    assert refusal(ask_list(venue, "oco")) == (400, -2010, text)


def test_an_account_that_may_not_cancel_cancels_no_lists() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco")
    venue.exchange.set_standing("alice", Standing(trading="forbidden"))

    answer = venue.ask("DELETE orderList", symbol=SYMBOL, orderListId=0)

    text = "This account may not place or cancel orders."
    assert refusal(answer) == (400, -2011, text)
    assert statuses(venue, placed) == ["NEW", "NEW"]


def test_no_order_of_a_list_may_have_more_of_an_asset_than_a_single_one() -> None:
    venue = Venue(Options(max_assets={"BTC": Decimal(1)})).with_market()

    assert ask_list(venue, "oco").status == 200
    answer = ask_list(venue, "oto", pendingQuantity="1.5")
    assert refusal(answer) == (400, -1013, "Filter failure: MAX_ASSET")
