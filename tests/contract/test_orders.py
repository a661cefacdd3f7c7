"""Placing and canceling: rest-api.md, "New order" and "Cancel order"; enums.md; errors.md."""

from decimal import Decimal

import pytest

from tests.contract.trader import SYMBOL, Trader

pytestmark = pytest.mark.asyncio

ACK = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
RESULT = ACK | {
    *("price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status"),
    *("timeInForce", "type", "side", "workingTime", "selfTradePreventionMode"),
}
CANCELED = (RESULT | {"origClientOrderId"}) - {"workingTime"}


@pytest.mark.parametrize(
    ("kind", "keys"), [("ACK", ACK), ("RESULT", RESULT), ("FULL", RESULT | {"fills"})]
)
async def test_an_answer_is_as_long_as_was_asked(trader: Trader, kind: str, keys: set[str]) -> None:
    placed = await trader.resting(newOrderRespType=kind)

    assert placed.keys() == keys


async def test_a_limit_order_is_answered_in_full_unless_asked(trader: Trader) -> None:
    placed = await trader.resting()

    assert (placed["status"], placed["fills"], placed["orderListId"]) == ("NEW", [], -1)
    assert placed["workingTime"] == placed["transactTime"]


async def test_an_order_that_rests_is_found_on_the_book(trader: Trader) -> None:
    placed = await trader.resting()
    found = (await trader.find(orderId=placed["orderId"])).accepted

    assert (found["status"], found["isWorking"], found["executedQty"]) == (
        "NEW",
        True,
        "0.00000000",
    )
    assert found["time"] == found["updateTime"] == placed["transactTime"]
    assert placed["orderId"] in await trader.open_ids()


@pytest.mark.parametrize(
    ("time_in_force", "reason"),
    [("IOC", "UNFILLED_IOC_QUANTITY_EXPIRED"), ("FOK", "UNFILLED_FOK_ORDER_EXPIRED")],
)
async def test_what_must_fill_at_once_and_does_not_expires(
    trader: Trader, time_in_force: str, reason: str
) -> None:
    placed = await trader.resting(timeInForce=time_in_force)

    assert (placed["status"], placed["executedQty"]) == ("EXPIRED", "0.00000000")
    assert placed["expiryReason"] == reason
    assert placed["orderId"] not in await trader.open_ids()


async def test_a_maker_that_would_take_is_refused(trader: Trader) -> None:
    refused = await trader.place("LIMIT_MAKER", "BUY", price=trader.price(trader.ask_price))

    assert refused.refusal == (400, -2010, "Order would immediately match and take.")


async def test_a_market_order_tells_each_fill(trader: Trader) -> None:
    bought = (await trader.place("MARKET", "BUY")).accepted
    trades = (await trader.ask("GET myTrades", symbol=SYMBOL, orderId=bought["orderId"])).accepted
    sold = (await trader.place("MARKET", "SELL")).accepted

    assert (bought["status"], sold["status"]) == ("FILLED", "FILLED")
    assert (bought["price"], bought["timeInForce"]) == ("0.00000000", "GTC")
    assert [fill["tradeId"] for fill in bought["fills"]] == [trade["id"] for trade in trades]
    assert sum(Decimal(fill["qty"]) for fill in bought["fills"]) == Decimal(bought["executedQty"])
    spent = sum(Decimal(trade["quoteQty"]) for trade in trades)
    assert spent == Decimal(bought["cummulativeQuoteQty"])


async def test_a_market_order_spends_at_most_what_was_said(trader: Trader) -> None:
    limit = 3 * trader.notional_min
    bought = await trader.place("MARKET", "BUY", quantity=None, quoteOrderQty=limit)
    answer = bought.accepted
    await trader.place("MARKET", "SELL", quantity=answer["executedQty"])

    assert Decimal(answer["origQuoteOrderQty"]) == limit
    assert 0 < Decimal(answer["cummulativeQuoteQty"]) <= limit


async def test_a_stop_is_acknowledged_and_waits_off_the_book(trader: Trader) -> None:
    stop, price = trader.low, trader.price(Decimal(trader.low) * Decimal("0.99"))
    placed = await trader.place(
        "STOP_LOSS_LIMIT", "SELL", timeInForce="GTC", price=price, stopPrice=stop
    )
    found = (await trader.find(orderId=placed.accepted["orderId"])).accepted

    assert placed.accepted.keys() == ACK
    assert (found["status"], found["isWorking"], found["workingTime"]) == ("NEW", False, -1)
    assert Decimal(found["stopPrice"]) == Decimal(stop)


async def test_a_stop_on_the_wrong_side_is_refused(trader: Trader) -> None:
    price = trader.high
    refused = await trader.place(
        "STOP_LOSS_LIMIT", "SELL", timeInForce="GTC", price=price, stopPrice=price
    )

    assert refused.refusal[:2] == (400, -2010)
    assert refused.refusal[2].endswith("would trigger immediately.")


async def test_a_canceled_order_answers_under_the_id_of_the_cancel(trader: Trader) -> None:
    placed = await trader.resting()
    cancel_id = trader.fresh_id()
    canceled = await trader.cancel(orderId=placed["orderId"], newClientOrderId=cancel_id)
    again = await trader.cancel(orderId=placed["orderId"])
    found = (await trader.find(orderId=placed["orderId"])).accepted

    assert canceled.accepted.keys() == CANCELED
    assert canceled.accepted["clientOrderId"] == cancel_id
    assert canceled.accepted["origClientOrderId"] == placed["clientOrderId"]
    assert (canceled.accepted["status"], found["status"]) == ("CANCELED", "CANCELED")
    assert again.refusal == (400, -2011, "Unknown order sent.")


async def test_an_open_id_is_taken_and_free_again_after_a_cancel(trader: Trader) -> None:
    placed = await trader.resting()
    duplicate = await trader.limit(newClientOrderId=placed["clientOrderId"])
    await trader.cancel(origClientOrderId=placed["clientOrderId"])
    again = await trader.limit(newClientOrderId=placed["clientOrderId"])

    assert duplicate.refusal == (400, -2010, "Duplicate order sent.")
    assert again.accepted["orderId"] != placed["orderId"]


async def test_two_ids_must_name_the_same_order(trader: Trader) -> None:
    one, other = await trader.resting(), await trader.resting()
    mixed = {"orderId": one["orderId"], "origClientOrderId": other["clientOrderId"]}

    refused = await trader.find(**mixed)

    text = "Client order ID is not correct for this order ID."
    assert refused.refusal == (400, -2039, text)
    assert (await trader.cancel(**mixed)).refusal == (400, -2039, text)


async def test_a_cancel_may_insist_on_a_status(trader: Trader) -> None:
    placed = await trader.resting()
    restricted = {"orderId": placed["orderId"], "cancelRestrictions": "ONLY_PARTIALLY_FILLED"}

    refused = await trader.cancel(**restricted)

    text = "Order was not canceled due to cancel restrictions."
    assert refused.refusal == (400, -2011, text)
    assert placed["orderId"] in await trader.open_ids()


async def test_a_test_order_leaves_nothing_behind(trader: Trader) -> None:
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    order |= {"quantity": trader.quantity, "price": trader.low}
    order["newClientOrderId"] = trader.fresh_id()

    tested = await trader.ask("POST order/test", **order)

    assert tested.accepted == {}
    assert await trader.open_ids() == []
