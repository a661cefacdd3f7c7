"""What an address may ask for, over HTTP and WebSockets together."""

from typing import Any

import aiohttp
import pytest

from lib.simulator.exchange import Options
from tests.simulator.venue import RATE_LIMITS, exchange_info
from tests.simulator_server.served import Served, served

pytestmark = pytest.mark.asyncio


def limited(kind: str, limit: int) -> dict[str, Any]:
    """The usual limits, but this one."""
    others = [entry for entry in RATE_LIMITS if entry["rateLimitType"] != kind]
    entry = {"rateLimitType": kind, "interval": "MINUTE", "intervalNum": 1, "limit": limit}
    return exchange_info(rateLimits=[*others, entry])


async def test_each_address_has_a_weight_of_its_own() -> None:
    async with served(info=limited("REQUEST_WEIGHT", 10)) as exchange:
        mine = [(await exchange.send("GET", "/api/v3/ping")).status for _ in range(11)]
        theirs = await _from("127.0.0.2", exchange)

        assert mine == [200] * 10 + [429]
        assert theirs == 200


async def test_weight_is_shared_by_http_and_websockets() -> None:
    async with served() as exchange, exchange.socket() as socket:
        await exchange.send("GET", "/api/v3/depth?symbol=BTCUSDT")
        answer = await socket.call("ping")

        assert answer["rateLimits"][0]["count"] == 2 + 5 + 1


async def test_raw_requests_are_refused_when_there_were_too_many() -> None:
    async with served(info=limited("RAW_REQUESTS", 2)) as exchange:
        replies = [await exchange.send("GET", "/api/v3/nowhere") for _ in range(3)]

        assert [reply.status for reply in replies] == [404, 404, 429]
        assert "Retry-After" in replies[2].headers


async def test_a_websocket_is_refused_to_who_tried_too_often() -> None:
    async with served() as exchange:
        exchange.server._gate.limits._attempts[0].limit = 2
        for _ in range(2):
            async with exchange.socket():
                pass

        refused = await exchange.send("GET", "/ws-api/v3")

        assert (refused.status, refused.code) == (429, -1034)


async def test_a_ban_by_too_much_weight_ends_the_websockets_of_the_address() -> None:
    options = Options(ban_after=1)
    async with served(options=options, info=limited("REQUEST_WEIGHT", 3)) as exchange:
        async with exchange.socket() as socket:
            answers = [await socket.call("ping") for _ in range(3)]

            assert [answer["status"] for answer in answers] == [200, 429, 418]
            data = answers[2]["error"]["data"]
            assert data == {
                "serverTime": exchange.clock(),
                "retryAfter": exchange.clock() + 120_000,
            }
            assert await socket.ended()
        assert (await exchange.send("GET", "/api/v3/ping")).status == 418


async def test_a_ban_over_http_ends_the_websockets_of_the_address_alone() -> None:
    options = Options(ban_after=0)
    async with (
        served(options=options, info=limited("REQUEST_WEIGHT", 3)) as exchange,
        exchange.socket() as socket,
    ):
        await exchange.send("GET", "/api/v3/ping")
        assert (await exchange.send("GET", "/api/v3/ping")).status == 418

        assert await socket.ended()
        assert await _from("127.0.0.2", exchange) == 200


async def test_an_order_too_many_says_when_to_come_back() -> None:
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "limit": 6000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 1},
    ]
    async with served(info=exchange_info(rateLimits=limits)) as exchange:
        placed = await exchange.place()
        refused = await exchange.place()

        assert placed.headers["X-MBX-ORDER-COUNT-10S"] == "1"
        assert (refused.status, refused.code) == (429, -1015)
        assert 0 < int(refused.headers["Retry-After"]) <= 10


async def test_a_market_stream_may_say_five_things_a_second() -> None:
    async with served() as exchange, exchange.socket("/ws") as socket:
        for number in range(5):
            answer = await socket.ask(id=number, method="LIST_SUBSCRIPTIONS")
            assert answer["id"] == number
        await socket.raw.ping()

        assert await socket.ended()


async def _from(address: str, exchange: Served) -> int:
    """Ask from another address of this machine; answer the status."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"{exchange.address}/api/v3/ping") as response,
    ):
        return response.status
