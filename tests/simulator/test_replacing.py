"""Cancel-replace: both steps have outcomes of their own, and nothing is undone."""

from typing import Any

import pytest

from lib.simulator.exchange import Answer, Options
from tests.simulator.venue import SYMBOL, Venue, exchange_info, refusal, symbol_entry

UNKNOWN = {"code": -2011, "msg": "Unknown order sent."}
TAKES = {"code": -2010, "msg": "Order would immediately match and take."}
TOO_MANY = {"code": -1015, "msg": "Too many new orders; current limit is 1 orders per 10 SECOND."}
PARTLY = (-2021, "Order cancel-replace partially failed.")
WHOLLY = (-2022, "Order cancel-replace failed.")
ONE_ORDER = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 1},
]


def replace(venue: Venue, mode: str = "STOP_ON_FAILURE", **params: Any) -> Answer:
    sent = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": 1,
        "price": 91,
        "cancelReplaceMode": mode,
        **params,
    }
    return venue.ask("POST order/cancelReplace", **sent)


def resting(options: Options | None = None, info: dict[str, Any] | None = None) -> Venue:
    """Rest a buy of 1 at 90 as order 1, named "old"."""
    venue = Venue(options or Options(), info or exchange_info()).with_market()
    venue.limit("BUY", 1, 90, newClientOrderId="old")
    return venue.deaf()


def maker(price: int = 101) -> dict[str, Any]:
    """A new order that is refused if it would take, as it would at the default price."""
    return {"type": "LIMIT_MAKER", "timeInForce": None, "price": price}


def outcomes(answer: Answer) -> tuple[str, str]:
    told = answer.body.get("data", answer.body)
    return told["cancelResult"], told["newOrderResult"]


def test_both_steps_succeed_and_both_answers_are_told() -> None:
    venue = resting()

    answer = replace(
        venue, cancelOrderId=1, cancelNewClientOrderId="gone", newClientOrderId="fresh"
    )

    assert (answer.status, *outcomes(answer)) == (200, "SUCCESS", "SUCCESS")
    canceled, placed = answer.body["cancelResponse"], answer.body["newOrderResponse"]
    assert (canceled["orderId"], canceled["clientOrderId"]) == (1, "gone")
    assert (canceled["origClientOrderId"], canceled["status"]) == ("old", "CANCELED")
    assert (placed["orderId"], placed["clientOrderId"], placed["fills"]) == (2, "fresh", [])
    assert venue.reports() == [("CANCELED", "CANCELED"), ("NEW", "NEW")]


@pytest.mark.parametrize("response", ["ACK", "RESULT", "FULL"])
def test_the_new_order_is_answered_as_much_as_was_wanted(response: str) -> None:
    venue = resting()

    body = replace(venue, cancelOrderId=1, newOrderRespType=response).body["newOrderResponse"]

    assert ("status" in body, "fills" in body) == {
        "ACK": (False, False),
        "RESULT": (True, False),
        "FULL": (True, True),
    }[response]


def test_a_failed_cancel_stops_the_new_order() -> None:
    venue = resting()

    answer = replace(venue, cancelOrderId=7)

    assert refusal(answer) == (400, *WHOLLY)
    assert answer.body["data"] == {
        "cancelResult": "FAILURE",
        "newOrderResult": "NOT_ATTEMPTED",
        "cancelResponse": UNKNOWN,
        "newOrderResponse": None,
    }
    assert len(venue.ask("GET openOrders").body) == 1


def test_a_failed_cancel_does_not_stop_the_new_order_if_failure_is_allowed() -> None:
    venue = resting()

    answer = replace(venue, "ALLOW_FAILURE", cancelOrderId=7)

    assert refusal(answer) == (409, *PARTLY)
    assert outcomes(answer) == ("FAILURE", "SUCCESS")
    assert answer.body["data"]["cancelResponse"] == UNKNOWN
    assert answer.body["data"]["newOrderResponse"]["orderId"] == 2
    assert len(venue.ask("GET openOrders").body) == 2


@pytest.mark.parametrize("mode", ["STOP_ON_FAILURE", "ALLOW_FAILURE"])
def test_the_cancel_stands_although_the_new_order_is_refused(mode: str) -> None:
    venue = resting()

    answer = replace(venue, mode, cancelOrderId=1, **maker())

    assert refusal(answer) == (409, *PARTLY)
    assert outcomes(answer) == ("SUCCESS", "FAILURE")
    assert answer.body["data"]["newOrderResponse"] == TAKES
    assert venue.order(1)["status"] == "CANCELED"
    assert venue.ask("GET openOrders").body == []


def test_a_new_order_refused_after_its_cancel_is_reported_as_rejected() -> None:
    venue = resting()

    replace(venue, cancelOrderId=1, **maker())

    assert venue.reports() == [("CANCELED", "CANCELED"), ("REJECTED", "REJECTED")]
    (rejected,) = [event for _, event in venue.user_events if event.get("x") == "REJECTED"]
    assert (rejected["r"], rejected["i"]) == ("WOULD_MATCH_IMMEDIATELY", -1)


def test_both_steps_may_fail() -> None:
    venue = resting()

    answer = replace(venue, "ALLOW_FAILURE", cancelOrderId=7, **maker())

    assert refusal(answer) == (400, *WHOLLY)
    assert outcomes(answer) == ("FAILURE", "FAILURE")
    assert answer.body["data"]["cancelResponse"] == UNKNOWN
    assert answer.body["data"]["newOrderResponse"] == TAKES
    assert venue.reports() == []


def test_the_new_order_may_spend_what_the_cancel_set_free() -> None:
    venue = Venue().with_market()
    venue.limit("BUY", 1000, 100, newClientOrderId="all")

    answer = replace(venue, cancelOrigClientOrderId="all", quantity=1000, price=99)

    assert answer.status == 200


def test_the_new_order_may_have_the_id_of_the_canceled_one() -> None:
    venue = resting()

    answer = replace(venue, cancelOrigClientOrderId="old", newClientOrderId="old")

    assert answer.status == 200
    assert venue.ask("GET order", symbol=SYMBOL, origClientOrderId="old").body["orderId"] == 2


@pytest.mark.parametrize(
    ("asked", "response"),
    [
        ({"cancelOrigClientOrderId": "old"}, None),
        ({"cancelOrderId": 1, "cancelOrigClientOrderId": "old"}, None),
        (
            {"cancelOrderId": 1, "cancelOrigClientOrderId": "other"},
            {"code": -2039, "msg": "Client order ID is not correct for this order ID."},
        ),
        (
            {"cancelOrderId": 1, "cancelRestrictions": "ONLY_PARTIALLY_FILLED"},
            {"code": -2011, "msg": "Order was not canceled due to cancel restrictions."},
        ),
        ({"cancelOrderId": 1, "cancelRestrictions": "ONLY_NEW"}, None),
        ({"cancelOrigClientOrderId": "never"}, UNKNOWN),
    ],
)
def test_the_order_to_cancel_is_meant_as_in_a_plain_cancel(
    asked: dict[str, Any], response: dict[str, Any] | None
) -> None:
    venue = resting()

    answer = replace(venue, **asked)

    if response is None:
        assert answer.status == 200
    else:
        assert refusal(answer) == (400, *WHOLLY)
        assert answer.body["data"]["cancelResponse"] == response


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (
            {"cancelReplaceMode": None, "cancelOrderId": 1},
            "Mandatory parameter 'cancelReplaceMode' was not sent, was empty/null, or malformed.",
        ),
        (
            {"cancelReplaceMode": "MAYBE", "cancelOrderId": 1},
            "Data sent for parameter 'cancelReplaceMode' is not valid.",
        ),
        (
            {},
            "Param 'cancelOrigClientOrderId' or 'cancelOrderId' must be sent, "
            "but both were empty/null!",
        ),
        (
            {"cancelOrderId": 1, "orderRateLimitExceededMode": "WAIT"},
            "Data sent for parameter 'orderRateLimitExceededMode' is not valid.",
        ),
        ({"cancelOrderId": 1, "cancelRestrictions": "MINE"}, "Invalid cancelRestrictions"),
        (
            {"cancelOrderId": 1, "cancelNewClientOrderId": "a.b"},
            "Illegal characters found in parameter 'cancelNewClientOrderId'; "
            "legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
        ),
        ({"cancelOrderId": 1, "quantity": "0.000001"}, "Filter failure: LOT_SIZE"),
        (
            {"cancelOrderId": 1, "price": None},
            "Mandatory parameter 'price' was not sent, was empty/null, or malformed.",
        ),
    ],
)
def test_what_is_wrong_before_both_steps_leaves_the_old_order_alone(
    params: dict[str, Any], expected: str
) -> None:
    venue = resting()

    answer = replace(venue, **params)

    assert answer.status == 400
    assert answer.body["msg"] == expected
    assert venue.order(1)["status"] == "NEW"


@pytest.mark.parametrize("told", ["plain", "whole"])
def test_a_count_filter_still_counts_the_order_to_be_canceled(told: Any) -> None:
    full = symbol_entry(filters=[{"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 1}])
    venue = resting(Options(replace_filter_answer=told), exchange_info(full))
    failure = {"code": -2010, "msg": "Filter failure: MAX_NUM_ORDERS"}

    answer = replace(venue, cancelOrderId=1)

    assert answer.status == 400
    if told == "plain":
        assert answer.body == failure
    else:
        assert refusal(answer) == (400, *WHOLLY)
        assert answer.body["data"]["cancelResponse"] == failure
    assert venue.order(1)["status"] == "NEW"


def test_a_symbol_may_not_take_cancel_replace_at_all() -> None:
    venue = resting(info=exchange_info(symbol_entry(cancelReplaceAllowed=False)))

    answer = replace(venue, cancelOrderId=1)

    text = "Order cancel-replace is not supported for this symbol."
    assert refusal(answer) == (400, -2010, text)


def used(venue: Venue) -> list[int]:
    return [row["count"] for row in venue.ask("GET rateLimit/order").body]


def test_a_new_order_that_was_not_attempted_counts_all_the_same() -> None:
    venue = resting()
    before = used(venue)

    replace(venue, cancelOrderId=7)

    assert used(venue) == [count + 1 for count in before]


def test_too_many_orders_do_nothing_by_default() -> None:
    venue = resting(info=exchange_info(rateLimits=ONE_ORDER))

    answer = replace(venue, cancelOrderId=1)

    assert answer.status == 429
    assert answer.body == TOO_MANY
    assert venue.order(1)["status"] == "NEW"


@pytest.mark.parametrize(
    ("mode", "order_id", "status", "error", "results"),
    [
        ("STOP_ON_FAILURE", 1, 429, PARTLY, ("SUCCESS", "FAILURE")),
        ("STOP_ON_FAILURE", 7, 429, WHOLLY, ("FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", 1, 409, PARTLY, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", 7, 400, WHOLLY, ("FAILURE", "FAILURE")),
    ],
)
def test_too_many_orders_may_leave_the_cancel(
    mode: str, order_id: int, status: int, error: tuple[int, str], results: tuple[str, str]
) -> None:
    venue = resting(info=exchange_info(rateLimits=ONE_ORDER))

    answer = replace(venue, mode, cancelOrderId=order_id, orderRateLimitExceededMode="CANCEL_ONLY")

    assert refusal(answer) == (status, *error)
    assert outcomes(answer) == results
    inner = answer.body["data"]["newOrderResponse"]
    assert inner == (None if results[1] == "NOT_ATTEMPTED" else TOO_MANY)
    assert ("Retry-After" in answer.headers) == (status == 429)
    assert venue.order(1)["status"] == ("CANCELED" if order_id == 1 else "NEW")


def test_replacing_a_leg_cancels_its_whole_list() -> None:
    venue = Venue().with_market()
    legs: dict[str, Any] = {
        "aboveType": "LIMIT_MAKER",
        "abovePrice": 110,
        "belowType": "STOP_LOSS",
        "belowStopPrice": 90,
    }
    venue.ask("POST orderList/oco", symbol=SYMBOL, side="SELL", quantity=1, **legs)

    answer = replace(venue, cancelOrderId=2)

    assert answer.status == 200
    reports = answer.body["cancelResponse"]["orderReports"]
    assert [report["status"] for report in reports] == ["CANCELED", "CANCELED"]
    assert [row["orderId"] for row in venue.ask("GET openOrders").body] == [3]


def test_a_replacement_is_free_only_if_it_succeeds() -> None:
    venue = resting()
    before = int(venue.ask("GET ping", None).headers["X-MBX-USED-WEIGHT-1M"])

    good = replace(venue, cancelOrderId=1)
    bad = replace(venue, cancelOrderId=7)

    assert int(good.headers["X-MBX-USED-WEIGHT-1M"]) == before
    assert int(bad.headers["X-MBX-USED-WEIGHT-1M"]) == before + 1
