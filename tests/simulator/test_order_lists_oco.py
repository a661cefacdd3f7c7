"""Pairs of which the one cancels the other."""

from decimal import Decimal

import pytest

from lib.simulator.exchange import Options
from tests.simulator.order_lists import (
    BUY_PAIR,
    PROFIT_AND_LOSS,
    list_status,
    place_list,
    reasons,
    statuses,
    told,
    total,
)
from tests.simulator.venue import SYMBOL, Venue, exchange_info, symbol_entry


def test_a_pair_locks_its_funds_once() -> None:
    venue = Venue().with_market()

    place_list(venue, "oco")

    assert venue.balances()["BTC"] == (Decimal(9), Decimal(1))


def test_a_pair_of_buys_locks_what_the_dearer_leg_needs() -> None:
    venue = Venue().with_market()

    place_list(venue, "oco", **{**BUY_PAIR, "abovePrice": 106, "quantity": 2})

    assert venue.balances()["USDT"] == (Decimal(100_000 - 212), Decimal(212))


def test_the_answer_has_the_stop_leg_first_and_exactly_binances_fields() -> None:
    venue = Venue().with_market()

    body = place_list(
        venue,
        "oco",
        listClientOrderId="pair",
        aboveClientOrderId="high",
        belowClientOrderId="low",
        newOrderRespType="RESULT",
    )

    assert body == {
        "orderListId": 0,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED",
        "listOrderStatus": "EXECUTING",
        "listClientOrderId": "pair",
        "transactionTime": venue.now,
        "symbol": SYMBOL,
        "orders": [
            {"symbol": SYMBOL, "orderId": 1, "clientOrderId": "low"},
            {"symbol": SYMBOL, "orderId": 2, "clientOrderId": "high"},
        ],
        "orderReports": [
            {
                "symbol": SYMBOL,
                "orderId": 1,
                "orderListId": 0,
                "clientOrderId": "low",
                "transactTime": venue.now,
                "price": "94.00000000",
                "origQty": "1.00000000",
                "executedQty": "0.00000000",
                "origQuoteOrderQty": "0.00000000",
                "cummulativeQuoteQty": "0.00000000",
                "status": "NEW",
                "timeInForce": "GTC",
                "type": "STOP_LOSS_LIMIT",
                "side": "SELL",
                "stopPrice": "95.00000000",
                "workingTime": -1,
                "selfTradePreventionMode": "EXPIRE_MAKER",
            },
            {
                "symbol": SYMBOL,
                "orderId": 2,
                "orderListId": 0,
                "clientOrderId": "high",
                "transactTime": venue.now,
                "price": "110.00000000",
                "origQty": "1.00000000",
                "executedQty": "0.00000000",
                "origQuoteOrderQty": "0.00000000",
                "cummulativeQuoteQty": "0.00000000",
                "status": "NEW",
                "timeInForce": "GTC",
                "type": "LIMIT_MAKER",
                "side": "SELL",
                "workingTime": venue.now,
                "selfTradePreventionMode": "EXPIRE_MAKER",
            },
        ],
    }


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (
            "last",
            [(1, "NEW", "NEW", ""), (2, "NEW", "NEW", ""), ("list", "EXEC_STARTED", "EXECUTING")],
        ),
        (
            "first",
            [("list", "EXEC_STARTED", "EXECUTING"), (1, "NEW", "NEW", ""), (2, "NEW", "NEW", "")],
        ),
    ],
)
def test_a_new_pair_is_told_leg_by_leg_and_as_a_list_and_the_balances_once(
    where: str, expected: list[tuple[object, ...]]
) -> None:
    venue = Venue(Options(list_status=where)).with_market()  # type: ignore[arg-type]

    place_list(venue, "oco")

    assert told(venue) == [*expected, ("balances", "BTC")]


def test_the_list_status_event_names_the_list_and_its_orders() -> None:
    venue = Venue().with_market()

    place_list(
        venue,
        "oco",
        listClientOrderId="pair",
        aboveClientOrderId="high",
        belowClientOrderId="low",
    )

    assert [event for _, event in venue.user_events if event["e"] == "listStatus"] == [
        {
            "e": "listStatus",
            "E": venue.now,
            "s": SYMBOL,
            "g": 0,
            "c": "OCO",
            "l": "EXEC_STARTED",
            "L": "EXECUTING",
            "r": "NONE",
            "C": "pair",
            "T": venue.now,
            "O": [
                {"s": SYMBOL, "i": 1, "c": "low"},
                {"s": SYMBOL, "i": 2, "c": "high"},
            ],
        }
    ]


def test_every_report_of_a_leg_carries_the_id_of_its_list() -> None:
    venue = Venue().with_market()

    venue.limit("BUY", 1, 50)
    place_list(venue, "oco")

    reports = [event for _, event in venue.user_events if event["e"] == "executionReport"]
    assert [event["g"] for event in reports] == [-1, 0, 0]


def test_the_first_fill_of_the_limit_leg_expires_the_stop_leg() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco")
    venue.deaf()

    venue.last(110, "0.4")

    assert statuses(venue, placed) == ["EXPIRED", "PARTIALLY_FILLED"]
    assert reasons(venue, placed) == ["OCO_TRIGGER", None]
    assert told(venue) == [
        (2, "TRADE", "PARTIALLY_FILLED", ""),
        (1, "EXPIRED", "EXPIRED", "OCO_TRIGGER"),
        ("balances", "BTC", "USDT"),
    ]
    assert list_status(venue, placed) == "EXECUTING"
    assert venue.balances()["BTC"] == (Decimal(9), Decimal("0.6"))


def test_a_pair_is_done_with_the_last_fill_of_its_limit_leg() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco")
    venue.last(110, "0.4")
    venue.deaf()

    venue.last(110, 1)

    assert statuses(venue, placed) == ["EXPIRED", "FILLED"]
    assert told(venue) == [
        (2, "TRADE", "FILLED", ""),
        ("list", "ALL_DONE", "ALL_DONE"),
        ("balances", "BTC", "USDT"),
    ]
    assert list_status(venue, placed) == "ALL_DONE"


def test_where_a_list_ends_with_the_choice_it_is_done_at_the_first_fill() -> None:
    venue = Venue(Options(list_ends="decided")).with_market()
    placed = place_list(venue, "oco")

    venue.last(110, "0.4")

    assert statuses(venue, placed) == ["EXPIRED", "PARTIALLY_FILLED"]
    assert list_status(venue, placed) == "ALL_DONE"
    assert venue.cancel(orderId=2).body["orderId"] == 2
    assert statuses(venue, placed) == ["EXPIRED", "CANCELED"]


def test_a_triggered_stop_expires_the_limit_leg_before_it_trades() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco", belowPrice=120)
    venue.deaf()

    venue.last(95)

    assert statuses(venue, placed) == ["NEW", "EXPIRED"]
    assert reasons(venue, placed) == [None, "OCO_TRIGGER"]
    assert told(venue) == [
        (2, "EXPIRED", "EXPIRED", "OCO_TRIGGER"),
        (1, "NEW", "NEW", ""),
    ]
    assert venue.order(1)["isWorking"] is True
    assert venue.balances()["BTC"] == (Decimal(9), Decimal(1))


def test_a_triggered_stop_sells_what_the_pair_has_locked() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco")

    venue.last(95)

    assert statuses(venue, placed) == ["FILLED", "EXPIRED"]
    assert list_status(venue, placed) == "ALL_DONE"
    assert venue.balances()["BTC"] == (Decimal(9), Decimal(0))


def test_a_triggered_buy_gives_back_what_the_other_leg_would_have_needed() -> None:
    venue = Venue().with_market()
    place_list(venue, "oco", **{**BUY_PAIR, "abovePrice": 85, "belowPrice": 90})

    assert venue.balances()["USDT"][1] == 90
    venue.last(105)

    assert venue.balances()["USDT"] == (Decimal(100_000 - 85), Decimal(85))


def test_a_triggered_market_buy_spends_more_than_the_pair_locked_if_it_must() -> None:
    venue = Venue().with_market()
    changes = {**BUY_PAIR, "aboveType": "STOP_LOSS", "abovePrice": None, "aboveTimeInForce": None}
    placed = place_list(venue, "oco", **{**changes, "aboveStopPrice": "100.5", "quantity": 3})

    venue.last(105)

    assert statuses(venue, placed) == ["FILLED", "EXPIRED"]
    assert venue.balances()["USDT"] == (Decimal(100_000 - 101 - 204), Decimal(0))


def test_a_triggered_buy_that_cannot_be_paid_is_rejected_and_the_pair_is_done() -> None:
    venue = Venue().with_market()
    changes = {**BUY_PAIR, "aboveType": "STOP_LOSS", "abovePrice": None, "aboveTimeInForce": None}
    placed = place_list(venue, "oco", **{**changes, "aboveStopPrice": "100.5"})
    venue.limit("BUY", "999.99", "99.8")
    venue.exchange.set_book(SYMBOL, [], [("300", "9")], venue.now)

    venue.last("100.5")

    assert statuses(venue, placed) == ["EXPIRED", "EXPIRED"]
    assert reasons(venue, placed) == ["REJECTED", "OCO_TRIGGER"]
    assert list_status(venue, placed) == "ALL_DONE"


def test_two_stops_can_be_a_pair_and_the_take_profit_is_paid_from_the_same_lock() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco", **PROFIT_AND_LOSS)

    assert [row["type"] for row in placed["orderReports"]] == ["STOP_LOSS", "TAKE_PROFIT"]
    assert venue.balances()["BTC"] == (Decimal(9), Decimal(1))
    venue.last(110)

    assert statuses(venue, placed) == ["EXPIRED", "FILLED"]
    assert venue.balances()["BTC"] == (Decimal(9), Decimal(0))


def test_a_stop_that_became_due_a_moment_after_the_other_leg_expires_with_it() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco", **PROFIT_AND_LOSS)
    venue.exchange.set_book(SYMBOL, [("94", "50")], [], venue.now)
    venue.place("TAKE_PROFIT", "SELL", "bob", quantity=1, stopPrice=110)
    sells_first = venue.place("TAKE_PROFIT", "SELL", "bob", quantity=1, stopPrice=105).body

    venue.last(110)

    assert venue.order(sells_first["orderId"], "bob")["status"] == "FILLED"
    assert sorted(statuses(venue, placed)) == ["EXPIRED", "FILLED"]
    assert venue.balances()["BTC"] == (Decimal(9), Decimal(0))


def test_an_immediate_or_cancel_stop_that_finds_nobody_ends_the_pair() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco", belowPrice=120, belowTimeInForce="IOC")

    venue.last(95)

    assert statuses(venue, placed) == ["EXPIRED", "EXPIRED"]
    assert reasons(venue, placed) == ["UNFILLED_IOC_QUANTITY_EXPIRED", "OCO_TRIGGER"]
    assert list_status(venue, placed) == "ALL_DONE"
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))


def test_a_limit_leg_that_would_trade_with_its_owner_takes_the_stop_leg_with_it() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco", abovePrice="100.5")

    venue.limit("BUY", 1, "100.5", selfTradePreventionMode="EXPIRE_MAKER")

    assert statuses(venue, placed) == ["EXPIRED", "EXPIRED_IN_MATCH"]
    assert reasons(venue, placed) == ["OCO_TRIGGER", None]
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))


def test_a_limit_leg_made_smaller_by_prevention_keeps_the_funds_of_the_stop_leg() -> None:
    venue = Venue().with_market()
    placed = place_list(venue, "oco", abovePrice="100.5", selfTradePreventionMode="DECREMENT")

    venue.limit("BUY", "0.4", "100.5", selfTradePreventionMode="DECREMENT")

    assert statuses(venue, placed) == ["NEW", "NEW"]
    assert venue.balances()["BTC"] == (Decimal(9), Decimal(1))
    venue.last(95)
    assert statuses(venue, placed) == ["FILLED", "EXPIRED"]
    assert total(venue, "BTC") == 9


@pytest.mark.parametrize("leg", [1, 2])
@pytest.mark.parametrize("answer", ["list", "order"])
def test_the_cancel_of_one_leg_cancels_the_pair_under_one_id(leg: int, answer: str) -> None:
    venue = Venue(Options(leg_cancel_answer=answer)).with_market()  # type: ignore[arg-type]
    placed = place_list(venue, "oco")
    venue.deaf()

    body = venue.cancel(orderId=leg, newClientOrderId="gone").body

    assert ("orderReports" in body) is (answer == "list")
    assert statuses(venue, placed) == ["CANCELED", "CANCELED"]
    canceled = [event["c"] for _, event in venue.user_events if event["e"] == "executionReport"]
    assert canceled == ["gone", "gone"]
    assert told(venue) == [
        (1, "CANCELED", "CANCELED", ""),
        (2, "CANCELED", "CANCELED", ""),
        ("list", "ALL_DONE", "ALL_DONE"),
        ("balances", "BTC"),
    ]
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))


def test_a_leg_that_lost_quantity_locks_no_more_than_it_needs_once_it_is_alone() -> None:
    venue = Venue()
    venue.last(100)
    place_list(venue, "oco", quantity=2)
    venue.limit("BUY", 1, 110, selfTradePreventionMode="DECREMENT")
    both = venue.balances()["BTC"]

    venue.limit("BUY", "0.4", 110, "bob")

    assert both == (Decimal(8), Decimal(2))
    assert venue.balances()["BTC"] == (Decimal(9), Decimal("0.6"))


def test_a_transfer_of_a_part_of_one_leg_ends_the_other() -> None:
    modes = ["NONE", "TRANSFER"]
    venue = Venue(info=exchange_info(symbol_entry(allowedSelfTradePreventionModes=modes)))
    for account in venue.books.accounts.values():
        account.trade_group = 1
    venue.last(100)
    placed = place_list(venue, "oco", quantity=2, selfTradePreventionMode="TRANSFER")

    venue.limit("BUY", 1, 110, "bob", selfTradePreventionMode="TRANSFER")
    venue.last(94)

    assert statuses(venue, placed) == ["EXPIRED", "NEW"]
    assert reasons(venue, placed) == ["OCO_TRIGGER", None]
    assert venue.balances()["BTC"] == (Decimal(8), Decimal(1))
    assert total(venue, "BTC", "bob") == Decimal(11)
