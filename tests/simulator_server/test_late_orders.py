"""An order on its way arrives, whether who sent it is still there or not."""

import asyncio

import aiohttp
import pytest

from lib.simulator.server import faults
from lib.simulator.server.faults import FaultPlan, Rule
from tests.simulator_server.client import ORDER, STILL, paper_client

pytestmark = pytest.mark.asyncio

LATE = Rule(fault=faults.delay_request(60), path="/api/v3/order", times=1)


async def test_an_order_delayed_on_a_websocket_is_accepted_after_the_connection_has_ended() -> None:
    async with paper_client(STILL, FaultPlan(0, [LATE])) as (paper, client):
        async with client.socket("/ws-api/v3") as socket:
            await socket.send_signed("order.place", **ORDER)
            await socket.ask(id=1, method="ping")
        before = list(paper.state["orders"])
        await asyncio.sleep(0.1)

        assert before == []
        assert [order["clientOrderId"] for order in paper.state["orders"]] == ["a"]


async def test_an_order_delayed_over_http_is_accepted_after_its_sender_has_gone() -> None:
    async with paper_client(STILL, FaultPlan(0, [LATE])) as (paper, client):
        sending = asyncio.create_task(client.place("a"))
        while not paper.plan.log.entries:
            await asyncio.sleep(0.001)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        before = list(paper.state["orders"])
        await asyncio.sleep(0.1)

        assert before == []
        assert [order["clientOrderId"] for order in paper.state["orders"]] == ["a"]


async def test_nothing_late_reaches_an_exchange_that_was_closed() -> None:
    async with paper_client(STILL, FaultPlan(0, [LATE])) as (paper, client):
        async with client.socket("/ws-api/v3") as socket:
            await socket.send_signed("order.place", **ORDER)
            await socket.ask(id=1, method="ping")
            await paper.close()
        await asyncio.sleep(0.1)

        assert paper.state["orders"] == []
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get("ping")
