import asyncio
import time

import aiohttp
import pytest

from lib.simulator.paper.paper import Paper, open_paper
from lib.simulator.server.connections import BYTES_MAX, LIFETIME, PING_EVERY, PONG_WITHIN
from tests.simulator_server.client import STILL, paper_client

pytestmark = pytest.mark.asyncio


async def test_a_client_is_pinged_in_time_and_stays_if_it_answers() -> None:
    async with paper_client() as (paper, client), client.socket("/ws-api/v3") as socket:
        await client.get("ping")
        now = asyncio.get_running_loop().time()
        _pass_time(paper, now + PING_EVERY + 1)
        ping = await socket.raw.receive()
        await socket.raw.pong(ping.data)
        await socket.ask(id=1, method="ping")
        _pass_time(paper, now + PING_EVERY + PONG_WITHIN + 2)

        assert ping.type is aiohttp.WSMsgType.PING
        assert (await socket.ask(id=2, method="ping"))["status"] == 200


async def test_a_client_that_does_not_answer_pings_is_cut_off() -> None:
    async with paper_client() as (paper, client), client.socket("/ws-api/v3") as socket:
        await client.get("ping")
        now = asyncio.get_running_loop().time()
        _pass_time(paper, now + PING_EVERY + 1)
        _pass_time(paper, now + PING_EVERY + PONG_WITHIN + 2)

        assert await socket.ended()


async def test_pongs_that_nobody_asked_for_keep_no_connection_open() -> None:
    async with paper_client() as (paper, client), client.socket("/ws-api/v3") as socket:
        await client.get("ping")
        now = asyncio.get_running_loop().time()
        _pass_time(paper, now + PING_EVERY + 1)
        await socket.raw.pong(b"")
        await socket.raw.pong(b"of another ping")
        await socket.ask(id=1, method="ping")
        _pass_time(paper, now + PING_EVERY + PONG_WITHIN + 2)

        assert await socket.ended()


async def test_a_late_pong_answers_the_pings_before_it_and_not_those_after() -> None:
    async with paper_client() as (paper, client), client.socket("/ws-api/v3") as socket:
        await client.get("ping")
        (connection,) = paper._server._connections
        now = asyncio.get_running_loop().time()
        pings = []
        for number in (1, 2, 3):
            _pass_time(paper, now + number * (PING_EVERY + 1))
            pings.append((await socket.raw.receive()).data)

        await socket.raw.pong(pings[1])
        await socket.ask(id=1, method="ping")

        assert list(connection._pings) == [bytes(pings[2])]


async def test_a_connection_ends_after_a_day() -> None:
    async with paper_client() as (paper, client), client.socket("/ws-api/v3") as socket:
        await client.get("ping")
        _pass_time(paper, asyncio.get_running_loop().time() + LIFETIME + 1)

        assert await socket.ended()


@pytest.mark.slow
async def test_a_client_that_does_not_read_is_cut_off_and_holds_up_no_other() -> None:
    async with paper_client() as (paper, client), client.user_stream() as slow:
        transport = slow.raw._response.connection.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.pause_reading()
        (server_side,) = paper._server._connections

        started = time.monotonic()
        for _ in range(50):
            await client.command("POST", "burst?count=5000")
            assert server_side._bytes <= BYTES_MAX + 1_000
            if server_side._transport.is_closing():
                break
            assert (await client.get("time"))[0] == 200

        assert server_side._transport.is_closing()
        assert time.monotonic() - started < 10
        transport.abort()


async def test_closing_takes_less_than_half_a_second_with_clients_that_do_not_listen() -> None:
    paper = await open_paper(STILL)
    async with aiohttp.ClientSession() as session:
        url = paper.address.replace("http", "ws")
        for path in ("/ws/btcusdt@trade", "/ws-api/v3", "/stream?streams=btcusdt@trade"):
            await session.ws_connect(url + path, autoclose=False)
        async with session.get(f"{paper.address}/api/v3/ping"):
            pass
        started = time.monotonic()

        await paper.close()

        assert time.monotonic() - started < 0.5
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"{paper.address}/api/v3/ping")


def _pass_time(paper: Paper, now: float) -> None:
    paper._server._connections.keep_alive(now)


async def test_a_frozen_connection_stays_half_open_for_ever() -> None:
    async with paper_client() as (paper, client), client.socket("/ws-api/v3") as socket:
        await client.command("POST", "freeze-connections")
        now = asyncio.get_running_loop().time()
        for passed in range(1, 10):
            _pass_time(paper, now + passed * (PING_EVERY + 1))

        assert await socket.silent()
        assert not socket.raw.closed


async def test_a_slash_after_stream_changes_nothing() -> None:
    path = "/stream/?streams=btcusdt@trade"
    async with paper_client() as (_, client), client.socket(path) as socket:
        await client.trade("60000")

        assert (await socket.receive())["stream"] == "btcusdt@trade"
