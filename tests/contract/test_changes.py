"""Replacing and amending: rest-api.md, "Cancel an Existing Order and Send a New Order", "Amend"."""

from decimal import Decimal

import pytest

from tests.contract.client import Reply
from tests.contract.trader import SYMBOL, Trader

pytestmark = pytest.mark.asyncio


async def replace(trader: Trader, mode: str, **changes: object) -> Reply:
    order = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": trader.quantity,
        "price": trader.low,
        "newClientOrderId": trader.fresh_id(),
        "cancelReplaceMode": mode,
    }
    return await trader.ask("POST order/cancelReplace", **{**order, **changes})


async def test_one_order_takes_the_place_of_another(trader: Trader) -> None:
    first = await trader.resting()

    answer = (await replace(trader, "STOP_ON_FAILURE", cancelOrderId=first["orderId"])).accepted

    assert (answer["cancelResult"], answer["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert answer["cancelResponse"]["status"] == "CANCELED"
    assert await trader.open_ids() == [answer["newOrderResponse"]["orderId"]]


async def test_nothing_is_placed_if_nothing_could_be_canceled(trader: Trader) -> None:
    never = trader.fresh_id()

    refused = await replace(trader, "STOP_ON_FAILURE", cancelOrigClientOrderId=never)

    assert refused.refusal == (400, -2022, "Order cancel-replace failed.")
    outcome = refused.body["data"]
    assert (outcome["cancelResult"], outcome["newOrderResult"]) == ("FAILURE", "NOT_ATTEMPTED")
    assert outcome["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    assert outcome["newOrderResponse"] is None
    assert await trader.open_ids() == []


async def test_a_new_order_may_be_wanted_in_any_case(trader: Trader) -> None:
    never = trader.fresh_id()

    half = await replace(trader, "ALLOW_FAILURE", cancelOrigClientOrderId=never)

    assert half.refusal == (409, -2021, "Order cancel-replace partially failed.")
    outcome = half.body["data"]
    assert (outcome["cancelResult"], outcome["newOrderResult"]) == ("FAILURE", "SUCCESS")
    assert await trader.open_ids() == [outcome["newOrderResponse"]["orderId"]]


async def test_an_order_may_be_gone_and_the_new_one_refused(trader: Trader) -> None:
    first = await trader.resting()
    taking = {"type": "LIMIT_MAKER", "timeInForce": None, "price": trader.high}

    half = await replace(trader, "STOP_ON_FAILURE", cancelOrderId=first["orderId"], **taking)

    assert half.refusal[:2] == (409, -2021)
    outcome = half.body["data"]
    assert (outcome["cancelResult"], outcome["newOrderResult"]) == ("SUCCESS", "FAILURE")
    assert outcome["newOrderResponse"]["code"] == -2010
    assert await trader.open_ids() == []


async def test_all_open_orders_of_a_symbol_are_canceled_at_once(trader: Trader) -> None:
    if (await trader.ask("GET openOrders", symbol=SYMBOL)).accepted:
        pytest.skip("orders of others are open on this account")
    placed = [(await trader.resting())["orderId"] for _ in range(2)]

    canceled = (await trader.ask("DELETE openOrders", symbol=SYMBOL)).accepted
    again = await trader.ask("DELETE openOrders", symbol=SYMBOL)

    assert {order["orderId"] for order in canceled} >= set(placed)
    assert again.refusal == (400, -2011, "Unknown order sent.")


async def amend(trader: Trader, order_id: int, quantity: Decimal) -> Reply:
    return await trader.ask(
        "PUT order/amend/keepPriority",
        symbol=SYMBOL,
        orderId=order_id,
        newQty=f"{quantity:f}",
        newClientOrderId=trader.fresh_id(),
    )


async def test_an_order_shrinks_and_keeps_its_number(trader: Trader) -> None:
    size = 4 * Decimal(trader.quantity)
    placed = await trader.resting(quantity=size)

    answer = (await amend(trader, placed["orderId"], size / 2)).accepted
    found = (await trader.find(orderId=placed["orderId"])).accepted
    history = await trader.ask("GET order/amendments", symbol=SYMBOL, orderId=placed["orderId"])

    assert Decimal(answer["amendedOrder"]["qty"]) == Decimal(found["origQty"]) == size / 2
    assert found["status"] == "NEW"
    assert [Decimal(row["origQty"]) for row in history.accepted] == [size]


async def test_an_order_does_not_grow(trader: Trader) -> None:
    placed = await trader.resting()

    refused = await amend(trader, placed["orderId"], 2 * Decimal(trader.quantity))

    text = "Order amend (quantity increase) is not supported."
    assert refused.refusal == (400, -2038, text)
