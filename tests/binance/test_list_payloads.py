"""Order lists on the wire: what is said, what counts as an acceptance, which gates are passed."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lib.binance import list_payloads
from lib.binance.payloads import Unreadable
from lib.binance.transport import Reply
from lib.errors import BotError, DuplicateOrder, NotSent, OutcomeUnknown, Refused, Unavailable
from lib.exchange import ListKind, OrderStatus, PlaceListRequest, PlaceRequest
from tests.binance.test_venue import START, Stage, no, ok

AT = 1_700_000_000_000
FENCE: dict[str, Any] = {"send_by": AT + 60_000, "recv_window": 5_000}


def leg(name: str, kind: str, side: str = "SELL", **more: str) -> PlaceRequest:
    told: dict[str, Any] = {
        key: value if key == "time_in_force" else Decimal(value) for key, value in more.items()
    }
    own: dict[str, Any] = {"client_order_id": name, "symbol": "BTCUSDT", "side": side, "type": kind}
    return PlaceRequest(**own, **FENCE, quantity=Decimal("1E-2"), **told)


ABOVE = leg("a1", "LIMIT_MAKER", price="61000.00")
BELOW = leg("a2", "STOP_LOSS_LIMIT", stop_price="59000", price="58900", time_in_force="GTC")
WORKING = leg("a0", "LIMIT", "BUY", price="60000", time_in_force="GTC")


def request(kind: ListKind, *legs: PlaceRequest) -> PlaceListRequest:
    return PlaceListRequest("b1", "BTCUSDT", kind, legs, **FENCE)


OCO = request("OCO", ABOVE, BELOW)
COMMON = {"symbol": "BTCUSDT", "listClientOrderId": "b1", "newOrderRespType": "FULL"}


def report(leg: PlaceRequest, order_id: int, status: str = "NEW") -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": order_id,
        "orderListId": 7,
        "clientOrderId": leg.client_order_id,
        "transactTime": AT,
        "price": str(leg.price or 0),
        "origQty": "0.01000000",
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": status,
        "timeInForce": "GTC",
        "type": leg.type,
        "side": leg.side,
    }


def accepted(*reports: dict[str, Any], name: str = "b1") -> dict[str, Any]:
    return {"orderListId": 7, "listClientOrderId": name, "orderReports": list(reports)}


WHOLE = accepted(report(BELOW, 11), report(ABOVE, 12))


@pytest.fixture
def stage() -> Stage:
    return Stage()


# --- what is said


def test_an_oco_names_its_legs_above_and_below_and_says_side_and_quantity_once() -> None:
    assert list_payloads.path(OCO) == "orderList/oco"
    assert list_payloads.placing(OCO) == {
        **COMMON,
        "side": "SELL",
        "quantity": "0.01",
        "aboveType": "LIMIT_MAKER",
        "aboveClientOrderId": "a1",
        "abovePrice": "61000",
        "belowType": "STOP_LOSS_LIMIT",
        "belowClientOrderId": "a2",
        "belowPrice": "58900",
        "belowStopPrice": "59000",
        "belowTimeInForce": "GTC",
    }


def test_an_oto_says_side_and_quantity_of_each_of_its_legs() -> None:
    oto = request("OTO", WORKING, leg("a1", "STOP_LOSS", stop_price="59000"))

    assert list_payloads.path(oto) == "orderList/oto"
    assert list_payloads.placing(oto) == {
        **COMMON,
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingQuantity": "0.01",
        "workingPrice": "60000",
        "workingTimeInForce": "GTC",
        "workingClientOrderId": "a0",
        "pendingType": "STOP_LOSS",
        "pendingSide": "SELL",
        "pendingQuantity": "0.01",
        "pendingStopPrice": "59000",
        "pendingClientOrderId": "a1",
    }


def test_an_otoco_says_side_and_quantity_of_its_pair_once() -> None:
    otoco = request("OTOCO", WORKING, ABOVE, BELOW)
    said = list_payloads.placing(otoco)

    assert list_payloads.path(otoco) == "orderList/otoco"
    assert (said["pendingSide"], said["pendingQuantity"]) == ("SELL", "0.01")
    assert (said["pendingAboveType"], said["pendingBelowType"]) == (ABOVE.type, BELOW.type)
    assert (said["workingClientOrderId"], said["pendingAboveClientOrderId"]) == ("a0", "a1")
    assert said["pendingBelowClientOrderId"] == "a2"
    assert "pendingAboveSide" not in said


def test_a_trailing_stop_of_a_list_says_its_delta() -> None:
    trailing = replace(BELOW, trailing_delta=100)

    assert list_payloads.placing(request("OCO", ABOVE, trailing))["belowTrailingDelta"] == "100"


# --- what is heard


def test_an_acceptance_answers_the_legs_in_the_order_of_the_request() -> None:
    records = list_payloads.placed(WHOLE, OCO)

    assert [(r.client_order_id, r.order_id) for r in records] == [("a1", 12), ("a2", 11)]
    assert [record.stop_price for record in records] == [0, Decimal(59000)]
    assert {record.status for record in records} == {OrderStatus.NEW}


@pytest.mark.parametrize(
    "body",
    [
        accepted(report(BELOW, 11), report(ABOVE, 12), name="b2"),
        accepted(report(BELOW, 11)),
        accepted(report(BELOW, 11), report(ABOVE, 12), report(WORKING, 13)),
        accepted(report(BELOW, 11), {**report(ABOVE, 12), "clientOrderId": "a9"}),
        accepted(report(BELOW, 11), {**report(ABOVE, 12), "symbol": "ETHUSDT"}),
        {"orderListId": 7, "listClientOrderId": "b1"},
        [],
    ],
    ids=["another list", "a leg short", "a leg more", "a foreign leg", "symbol", "ack", "a list"],
)
def test_what_does_not_accept_every_leg_of_ours_is_no_acceptance(body: object) -> None:
    with pytest.raises(Unreadable):
        list_payloads.placed(body, OCO)


def test_the_query_of_a_list_says_which_orders_it_has() -> None:
    orders = [{"symbol": "BTCUSDT", "orderId": n, "clientOrderId": "x"} for n in (11, 12)]
    body = {"listClientOrderId": "b1", "symbol": "BTCUSDT", "orders": orders}

    found = list_payloads.listed(body)

    assert (found.client_order_id, found.order_ids) == ("b1", (11, 12))


# --- through the gates


def timely(wanted: PlaceListRequest) -> PlaceListRequest:
    return replace(wanted, send_by=START + 1_000)


def test_a_list_is_placed_within_its_fence_under_its_own_path(stage: Stage) -> None:
    stage.answers(ok(WHOLE))

    records = stage.run(stage.venue.place_list(timely(OCO)))

    ((method, path, said),) = stage.transport.asked
    assert (method, path) == ("POST", "/api/v3/orderList/oco")
    assert said["recvWindow"] == "5000"
    assert int(said["timestamp"]) <= START + 1_000
    assert [record.order_id for record in records] == [12, 11]


def test_a_list_that_had_to_leave_earlier_does_not_leave(stage: Stage) -> None:
    with pytest.raises(NotSent):
        stage.run(stage.venue.place_list(replace(OCO, send_by=START - 1)))

    assert stage.transport.asked == []


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (no(-2010, "The relationship of the prices for the orders is not correct."), Refused),
        (no(-2010, "Duplicate order sent."), DuplicateOrder),
        (no(-1166, "A limit order in a sell OCO must be above."), Refused),
        (no(-1015, "Too many new orders; current limit is 50 orders per 10 SECOND."), NotSent),
        (no(-1007, "Timeout waiting for response from backend server.", 500), OutcomeUnknown),
        (no(-1006, "An unexpected response was received from the message bus."), OutcomeUnknown),
        (Reply(502, None), OutcomeUnknown),
        (ok({"orderListId": 7}), OutcomeUnknown),
        (OutcomeUnknown("the connection was lost"), OutcomeUnknown),
        (NotSent("no route"), NotSent),
    ],
    ids=str,
)
def test_each_answer_to_a_list_has_one_meaning(
    stage: Stage, reply: Reply | Exception, error: type[BotError]
) -> None:
    stage.answers(reply)

    with pytest.raises(error) as raised:
        stage.run(stage.venue.place_list(timely(OCO)))

    assert raised.type is error


@pytest.mark.parametrize(
    ("wanted", "whole", "many"),
    [
        (OCO, WHOLE, 25),
        (
            request("OTOCO", WORKING, ABOVE, BELOW),
            accepted(report(WORKING, 10), report(BELOW, 11), report(ABOVE, 12)),
            16,
        ),
    ],
    ids=["two each", "three each"],
)
def test_every_order_of_a_list_counts_against_the_limit_of_orders(
    stage: Stage, wanted: PlaceListRequest, whole: dict[str, Any], many: int
) -> None:
    async def place_many() -> None:
        for _ in range(many):
            await stage.venue.place_list(timely(wanted))
        with pytest.raises(NotSent):
            await stage.venue.place_list(timely(wanted))

    stage.answers(*[ok(whole)] * (many + 1))
    stage.run(place_many())

    assert len(stage.transport.asked) == many


def test_a_list_that_is_not_known_is_none_and_proves_nothing(stage: Stage) -> None:
    stage.answers(no(-2018, "Order list does not exist."))

    assert stage.run(stage.venue.find_list("b1")) is None
    assert stage.transport.asked[0][1:][0] == "/api/v3/orderList"
    assert stage.transport.asked[0][2]["origClientOrderId"] == "b1"


def test_a_list_that_cannot_be_asked_for_is_neither_known_nor_unknown(stage: Stage) -> None:
    stage.answers(Reply(502, None))

    with pytest.raises(Unavailable):
        stage.run(stage.venue.find_list("b1"))
