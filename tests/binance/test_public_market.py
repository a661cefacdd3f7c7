"""The public market: what it may ask, and that nothing else leaves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from lib.binance.addresses import LIVE, MARKET_DATA, NOWHERE, Addresses
from lib.binance.public_market import (
    PUBLIC_PATHS,
    NotPublic,
    PublicClient,
    PublicMarket,
    market_addresses,
)
from lib.errors import Halt, Unavailable

pytestmark = pytest.mark.asyncio

Call = Callable[[PublicClient], Coroutine[Any, Any, object]]


class Wire:
    """A server that notes every connection made to it, whatever comes over it."""

    def __init__(self) -> None:
        self.connections = 0
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.reply = web.json_response({"serverTime": 5})
        self.address = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Wire"]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path_qs, dict(request.headers)))
        reply = self.reply
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


@asynccontextmanager
async def market_at(wire: Wire) -> AsyncIterator[PublicMarket]:
    market = PublicMarket(market_addresses(wire.address))
    try:
        yield market
    finally:
        await market.close()


async def test_a_public_question_carries_no_key_and_no_signature() -> None:
    async with Wire().listening() as wire, market_at(wire) as market:
        assert await market.get("time", {}) == (200, {"serverTime": 5})
        await market.get("depth", {"symbol": "BTCUSDT", "limit": "5000"})

    (method, path, headers), (_, depth, _) = wire.asked
    assert (method, path) == ("GET", "/api/v3/time")
    assert depth == "/api/v3/depth?limit=5000&symbol=BTCUSDT"
    assert "X-MBX-APIKEY" not in headers
    assert not any("signature" in asked or "timestamp" in asked for _, asked, _ in wire.asked)


OTHER_CALLS: dict[str, Call] = {
    "place": lambda c: c.create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1"),
    "test an order": lambda c: c.create_test_order(symbol="BTCUSDT", side="BUY", type="MARKET"),
    "cancel": lambda c: c.cancel_order(symbol="BTCUSDT", orderId=1),
    "cancel all": lambda c: c.cancel_all_open_orders(symbol="BTCUSDT"),
    "account": lambda c: c.get_account(),
    "open orders": lambda c: c.get_open_orders(),
    "my trades": lambda c: c.get_my_trades(symbol="BTCUSDT"),
    "withdraw": lambda c: c.withdraw(coin="BTC", address="x", amount=1),
    "futures": lambda c: c.futures_create_order(symbol="BTCUSDT"),
    "margin": lambda c: c.create_margin_order(symbol="BTCUSDT"),
    "order by WebSocket": lambda c: c.ws_create_order(symbol="BTCUSDT", side="BUY"),
    "public by WebSocket": lambda c: c.ws_get_order_book(symbol="BTCUSDT"),
    "futures by WebSocket": lambda c: c.ws_futures_get_order_book(symbol="BTCUSDT"),
    "listen key": lambda c: c.stream_get_listen_key(),
    "a public path not listed": lambda c: c.get_historical_trades(symbol="BTCUSDT"),
    "a public path posted": lambda c: c.fetch("POST", "time", {}, signed=False),
    "a public path signed": lambda c: c.fetch("GET", "time", {}, signed=True),
    "a path beside the listed ones": lambda c: c.fetch("GET", "time/../order", {}, signed=False),
}


@pytest.mark.parametrize("name", OTHER_CALLS)
async def test_any_other_call_of_the_library_raises_before_a_byte_leaves(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = watch_the_way_out(monkeypatch)
    client = PublicClient.build(market_addresses("http://127.0.0.1:9"), "", "")
    try:
        with pytest.raises(NotPublic):
            await OTHER_CALLS[name](client)
    finally:
        await client.close()

    assert left == []


async def test_a_listed_question_is_seen_on_its_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    left = watch_the_way_out(monkeypatch)
    market = PublicMarket(market_addresses("http://127.0.0.1:9"))
    with pytest.raises(Unavailable):
        await market.get("time", {})
    await market.close()

    assert left


def watch_the_way_out(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Let nothing leave this process; list what tried to."""
    left: list[object] = []

    async def refuse(*to: object, **_: object) -> None:
        left.append(to)
        raise OSError("no way out")

    loop = asyncio.get_running_loop()
    for way in ("create_connection", "getaddrinfo", "sock_connect"):
        monkeypatch.setattr(loop, way, refuse)
    return left


async def test_a_client_that_got_a_key_asks_nothing_any_more() -> None:
    async with Wire().listening() as wire:
        client = PublicClient.build(market_addresses(wire.address), "key", "secret")
        with pytest.raises(NotPublic):
            await client.fetch("GET", "time", {}, signed=False)
        await client.close()

        assert wire.asked == []


@pytest.mark.parametrize(
    "path", ["order", "account", "openOrders", "../sapi", "", "userDataStream"]
)
async def test_a_path_that_is_not_listed_is_not_asked(path: str) -> None:
    async with Wire().listening() as wire, market_at(wire) as market:
        with pytest.raises(NotPublic):
            await market.get(path, {})

        assert wire.asked == []


async def test_no_listed_path_belongs_to_an_account() -> None:
    private = {"order", "account", "openOrders", "allOrders", "myTrades", "userDataStream"}

    assert not {path.split("/")[0] for path in PUBLIC_PATHS} & private


async def test_the_real_exchange_is_refused_as_a_market() -> None:
    with pytest.raises(Halt):
        PublicMarket(replace(LIVE, name="market data", ws_api=NOWHERE))
    with pytest.raises(Halt):
        PublicMarket(market_addresses("https://api.binance.com"))


async def test_an_account_s_door_beside_the_market_is_refused() -> None:
    with pytest.raises(AssertionError):
        PublicMarket(replace(MARKET_DATA, ws_api=LIVE.ws_api))


async def test_who_asked_too_much_falls_silent_until_the_exchange_said() -> None:
    seconds = [0]
    async with Wire().listening() as wire:
        market = PublicMarket(market_addresses(wire.address), seconds=lambda: seconds[0])
        wire.reply = web.json_response({"code": -1003}, status=429, headers={"Retry-After": "7"})
        assert (await market.get("time", {}))[0] == 429
        with pytest.raises(Unavailable):
            await market.get("time", {})
        seconds[0] = 7
        await market.get("time", {})
        await market.close()

        assert len(wire.asked) == 2


async def test_an_answer_that_is_no_json_is_no_answer() -> None:
    async with Wire().listening() as wire, market_at(wire) as market:
        wire.reply = web.Response(status=502, text="<html>")

        with pytest.raises(Unavailable):
            await market.get("time", {})


async def test_a_market_that_is_not_there_is_unavailable() -> None:
    market = PublicMarket(market_addresses("http://127.0.0.1:9"))
    with pytest.raises(Unavailable):
        await market.get("time", {})
    await market.close()


@pytest.mark.parametrize(
    ("rest", "streams", "expected"),
    [
        (None, None, MARKET_DATA),
        (
            "http://h:1",
            None,
            Addresses("market data", "http://h:1/api", "ws://h:1", NOWHERE),
        ),
        (
            "https://h/api/",
            "wss://s:9443/",
            Addresses("market data", "https://h/api", "wss://s:9443", NOWHERE),
        ),
        (None, "ws://s:1", replace(MARKET_DATA, streams="ws://s:1")),
    ],
)
async def test_addresses_are_those_given_or_the_market_data_hosts(
    rest: str | None, streams: str | None, expected: Addresses
) -> None:
    assert market_addresses(rest, streams) == expected


@pytest.mark.parametrize(
    ("rest", "streams"), [("ftp://h", None), ("h:1", None), (None, "http://h"), ("http://", None)]
)
async def test_what_is_no_address_is_said(rest: str | None, streams: str | None) -> None:
    with pytest.raises(Halt):
        market_addresses(rest, streams)
