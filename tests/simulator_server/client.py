"""Clients of the simulated exchange for tests: signed HTTP, sockets, and python-binance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from lib.simulator.paper.paper import Paper, PaperSettings, machine_time, open_paper
from lib.simulator.server.faults import FaultPlan
from lib.simulator.server.signatures import sign, socket_payload

PATIENCE = 3.0
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "50000",
    "newClientOrderId": "a",
}
STILL = PaperSettings(market="none", control=True)


class Client:
    """Speaks to one paper exchange."""

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self.address = address
        self.session = session

    async def call(
        self, method: str, path: str, *, key: str = "paper", secret: str = "paper", **params: Any
    ) -> tuple[int, Any]:
        """Make a signed call, parameters in the query."""
        query = urlencode({"timestamp": machine_time(), **params})
        url = f"{self.address}/api/v3/{path}?{query}&signature={sign(secret, query)}"
        async with self.session.request(method, url, headers={"X-MBX-APIKEY": key}) as response:
            return response.status, await response.json()

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.session.get(f"{self.address}/api/v3/{path}") as response:
            return response.status, await response.json()

    async def command(self, method: str, name: str, body: Any = None) -> tuple[int, Any]:
        url = f"{self.address}/simulator/{name}"
        async with self.session.request(method, url, json=body) as response:
            return response.status, await response.json()

    async def place(self, id: str = "a", **params: Any) -> tuple[int, Any]:
        """Place a limit order that rests far below the market."""
        order = {**ORDER, "newClientOrderId": id}
        return await self.call("POST", "order", **{**order, **params})

    async def place_raw(self, id: str) -> tuple[int, str]:
        """Place the same order and return the answer as it came."""
        query = urlencode({**ORDER, "newClientOrderId": id, "timestamp": machine_time()})
        url = f"{self.address}/api/v3/order?{query}&signature={sign('paper', query)}"
        async with self.session.post(url, headers={"X-MBX-APIKEY": "paper"}) as response:
            return response.status, await response.text()

    async def set_book(self, bid: str = "60000", ask: str = "60000.01") -> None:
        """Make a market of one level a side, and a last price."""
        book = {"symbol": "BTCUSDT", "bids": [[bid, "5"]], "asks": [[ask, "5"]]}
        await self.command("POST", "book", book)
        await self.trade(bid)

    async def trade(self, price: str) -> None:
        trade = {"symbol": "BTCUSDT", "price": price, "quantity": "0.1", "buyer_is_maker": True}
        await self.command("POST", "trade", trade)

    @asynccontextmanager
    async def socket(self, path: str) -> AsyncIterator[Socket]:
        url = self.address.replace("http", "ws") + path
        async with self.session.ws_connect(url, autoping=False) as socket:
            yield Socket(socket)

    @asynccontextmanager
    async def raw_socket(self, path: str) -> AsyncIterator[Socket]:
        """Open a socket at a path that is sent as it stands, percent signs and all."""
        url = URL(self.address.replace("http", "ws") + path, encoded=True)
        async with self.session.ws_connect(url, autoping=False) as socket:
            yield Socket(socket)

    @asynccontextmanager
    async def user_stream(self) -> AsyncIterator[Socket]:
        async with self.socket("/ws-api/v3") as socket:
            answer = await socket.signed("userDataStream.subscribe.signature")
            assert answer["result"] == {"subscriptionId": 0}
            yield socket


class Socket:
    """One WebSocket that speaks JSON."""

    def __init__(self, raw: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = raw

    async def receive(self) -> Any:
        """Return the next text frame; answer pings on the way."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.raw.receive()
                if message.type is aiohttp.WSMsgType.PING:
                    await self.raw.pong(message.data)
                    continue
                assert message.type is aiohttp.WSMsgType.TEXT, message
                return json.loads(message.data)

    async def ended(self) -> bool:
        """Read until the connection ends."""
        async with asyncio.timeout(PATIENCE):
            while not self.raw.closed:
                await self.raw.receive()
        return True

    async def silent(self, seconds: float = 0.05) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.raw.receive()
        except TimeoutError:
            return True
        return False

    async def ask(self, **frame: Any) -> Any:
        await self.raw.send_str(json.dumps(frame))
        return await self.receive()

    async def signed(self, method: str, **params: Any) -> Any:
        await self.send_signed(method, **params)
        return await self.receive()

    async def send_signed(self, method: str, **params: Any) -> None:
        params = {"apiKey": "paper", "timestamp": machine_time(), **params}
        written = {name: str(value) for name, value in params.items()}
        params["signature"] = sign("paper", socket_payload(written))
        await self.raw.send_str(json.dumps({"id": method, "method": method, "params": params}))


@asynccontextmanager
async def paper_client(
    settings: PaperSettings = STILL, plan: FaultPlan | None = None
) -> AsyncIterator[tuple[Paper, Client]]:
    """Run a paper exchange with a client."""
    paper = await open_paper(settings, plan=plan)
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(paper.address, session)
            if settings.market == "none":
                await client.set_book()
            yield paper, client
    finally:
        await paper.close()
