"""Order lists over HTTP and over the WebSocket API, as a client sends them."""

from typing import Any

import pytest

from tests.simulator_server.client import paper_client

pytestmark = pytest.mark.asyncio

WORKING = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "50000",
    "workingQuantity": "0.001",
    "workingTimeInForce": "GTC",
}
PENDING = {
    "pendingType": "LIMIT",
    "pendingSide": "SELL",
    "pendingPrice": "90000",
    "pendingTimeInForce": "GTC",
}
PAIR = {
    "pendingSide": "SELL",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "90000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "40000",
}
QUANTITY = {"pendingQuantity": "0.001"}
OCO = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "quantity": "0.001",
    "aboveType": "STOP_LOSS_LIMIT",
    "aboveStopPrice": "200000",
    "abovePrice": "200000",
    "aboveTimeInForce": "GTC",
    "belowType": "LIMIT_MAKER",
    "belowPrice": "50000",
}
OLD_OCO = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "quantity": "0.001",
    "price": "50000",
    "stopPrice": "200000",
}
EVERY_KIND = {
    "symbol": "BTCUSDT",
    "changes": {"ocoAllowed": True, "otoAllowed": True, "opoAllowed": True},
}
METHODS: dict[str, dict[str, Any]] = {
    "orderList.place": OLD_OCO,
    "orderList.place.oco": OCO,
    "orderList.place.oto": {**WORKING, **PENDING, **QUANTITY},
    "orderList.place.otoco": {**WORKING, **PAIR, **QUANTITY},
    "orderList.place.opo": {**WORKING, **PENDING},
    "orderList.place.opoco": {**WORKING, **PAIR},
}
CALLS = {
    "order/oco": OLD_OCO,
    "orderList/oco": OCO,
    "orderList/oto": METHODS["orderList.place.oto"],
    "orderList/otoco": METHODS["orderList.place.otoco"],
    "orderList/opo": METHODS["orderList.place.opo"],
    "orderList/opoco": METHODS["orderList.place.opoco"],
}


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_a_list_goes_through_its_life_by_websocket(method: str) -> None:
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        await client.command("POST", "symbol", EVERY_KIND)
        placed = await socket.signed(method, **METHODS[method], listClientOrderId="mine")
        status = await socket.signed("orderList.status", origClientOrderId="mine")
        resting = await socket.signed("openOrderLists.status")
        canceled = await socket.signed(
            "orderList.cancel", symbol="BTCUSDT", listClientOrderId="mine"
        )
        history = await socket.signed("allOrderLists")

        assert placed["status"] == 200, placed
        assert status["result"]["listOrderStatus"] == "EXECUTING"
        assert [row["listClientOrderId"] for row in resting["result"]] == ["mine"]
        assert canceled["result"]["listOrderStatus"] == "ALL_DONE"
        assert [row["listOrderStatus"] for row in history["result"]] == ["ALL_DONE"]


@pytest.mark.parametrize("call", sorted(CALLS))
async def test_a_list_goes_through_its_life_over_http(call: str) -> None:
    async with paper_client() as (_, client):
        await client.command("POST", "symbol", EVERY_KIND)
        placed = await client.call("POST", call, **CALLS[call])
        number = placed[1]["orderListId"]
        found = await client.call("GET", "orderList", orderListId=number)
        canceled = await client.call("DELETE", "orderList", symbol="BTCUSDT", orderListId=number)
        resting = await client.call("GET", "openOrderList")

        assert [answer[0] for answer in (placed, found, canceled, resting)] == [200] * 4
        assert found[1]["orders"] == placed[1]["orders"] == canceled[1]["orders"]
        assert resting[1] == []


async def test_the_user_stream_tells_of_lists() -> None:
    async with paper_client() as (_, client), client.socket("/ws-api/v3") as socket:
        await socket.signed("userDataStream.subscribe.signature")
        status, placed = await client.call("POST", "orderList/oco", **OCO)
        events = [(await socket.receive())["event"] for _ in range(4)]

        assert status == 200
        assert [event["e"] for event in events] == [
            "executionReport",
            "executionReport",
            "listStatus",
            "outboundAccountPosition",
        ]
        assert events[2]["C"] == placed["listClientOrderId"]
