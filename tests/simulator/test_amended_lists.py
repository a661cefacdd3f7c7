"""Orders of lists that become smaller where they stand."""

from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.venue import SYMBOL, Venue, refusal


@pytest.fixture
def venue() -> Venue:
    """A venue without liquidity of others."""
    venue = Venue()
    venue.last(100)
    return venue.deaf()


def oco(venue: Venue) -> dict[str, Any]:
    answer = venue.ask(
        "POST orderList/oco",
        symbol=SYMBOL,
        side="SELL",
        quantity=4,
        aboveType="LIMIT_MAKER",
        abovePrice=110,
        aboveClientOrderId="above",
        belowType="STOP_LOSS",
        belowStopPrice=90,
        belowClientOrderId="below",
    )
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


@pytest.mark.parametrize("name", ["above", "below"])
def test_both_legs_of_a_pair_are_amended_together(venue: Venue, name: str) -> None:
    placed = oco(venue)
    venue.deaf()

    body = venue.amend(3, origClientOrderId=name, newClientOrderId="other").body

    legs = [venue.order(order["orderId"]) for order in placed["orders"]]
    assert [leg["origQty"] for leg in legs] == ["3.00000000", "3.00000000"]
    assert venue.balances()["BTC"] == (Decimal(7), Decimal(3))
    assert venue.depth()["asks"] == [(Decimal(110), Decimal(3))]
    assert [one["clientOrderId"] for one in body["listStatus"]["orders"]].count("other") == 1
    assert venue.kinds() == [
        "executionReport",
        "executionReport",
        "listStatus",
        "outboundAccountPosition",
    ]
    (status,) = [event for _, event in venue.user_events if event["e"] == "listStatus"]
    assert (status["l"], status["L"]) == ("UPDATED", "EXECUTING")


def test_a_list_is_not_told_of_when_the_id_stays(venue: Venue) -> None:
    oco(venue)
    venue.deaf()

    body = venue.amend(3, origClientOrderId="above", newClientOrderId="above").body

    assert "listStatus" not in venue.kinds()
    assert set(body["listStatus"]) == {
        "orderListId",
        "contingencyType",
        "listOrderStatus",
        "listClientOrderId",
        "symbol",
        "orders",
    }


def oto(venue: Venue, kind: str = "oto", **params: Any) -> None:
    sent: dict[str, Any] = {
        "symbol": SYMBOL,
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": 90,
        "workingQuantity": 5,
        "workingTimeInForce": "GTC",
        "workingClientOrderId": "working",
        "pendingType": "MARKET",
        "pendingSide": "SELL",
        "pendingClientOrderId": "pending",
        **params,
    }
    answer = venue.ask(f"POST orderList/{kind}", **sent)
    assert answer.status == 200, answer.body


def test_a_pending_order_is_amended_alone(venue: Venue) -> None:
    oto(venue, pendingQuantity=4)

    body = venue.amend(3, origClientOrderId="pending").body["amendedOrder"]

    assert (body["status"], body["qty"], body["type"]) == ("PENDING_NEW", "3.00000000", "MARKET")
    assert "workingTime" not in body
    assert venue.order(1)["origQty"] == "5.00000000"


def test_what_an_opo_list_will_sell_cannot_be_amended(venue: Venue) -> None:
    oto(venue, "opo")

    answer = venue.amend(3, origClientOrderId="pending")

    assert refusal(answer) == (400, -2038, "Order amend (pending OPO order) is not supported.")
