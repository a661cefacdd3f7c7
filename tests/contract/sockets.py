"""The contract's client over sockets: a paper exchange of its own, or Binance's Spot testnet."""

import asyncio
import hashlib
import hmac
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp

from lib.simulator.options import Options
from lib.simulator.paper.paper import PaperSettings, open_paper
from tests.contract.client import Reply
from tests.contract.scene import GRANT, furnish

TESTNET = os.environ.get("CONTRACT_REST", "https://testnet.binance.vision")
TESTNET_SOCKETS = os.environ.get(
    "CONTRACT_SOCKETS", "wss://ws-api.testnet.binance.vision/ws-api/v3"
)
PATIENCE = 10  # s
SILENCE = 0.5  # s
TOO_MANY = 429


class SocketClient:
    """One account, by REST for its calls and by the WebSocket API for its events."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        events: aiohttp.ClientWebSocketResponse,
        address: str,
        *,
        key: str,
        secret: str,
    ) -> None:
        self._session = session
        self._events = events
        self._address = address
        self._key = key
        self._secret = secret
        self._offset = 0
        self._patient = address == TESTNET

    async def begin(self) -> None:
        """Learn the venue's time and subscribe to the account's events."""
        told = await self.ask("GET time", {}, signed=False)
        self._offset = told.accepted["serverTime"] - _machine_time()
        params = {"apiKey": self._key, "timestamp": str(self._now())}
        params["signature"] = self._sign(
            "&".join(f"{name}={params[name]}" for name in sorted(params))
        )
        frame = {"id": 1, "method": "userDataStream.subscribe.signature", "params": params}
        await self._events.send_str(json.dumps(frame))
        answer = await self._events.receive_json(timeout=PATIENCE)
        assert answer["status"] == 200, answer

    async def ask(self, call: str, params: Mapping[str, str], *, signed: bool) -> Reply:
        """Make a call; where others set the pace, wait when told to and make it again."""
        reply = await self._ask_once(call, params, signed=signed)
        while reply.status == TOO_MANY and self._patient:
            await asyncio.sleep(int(reply.headers["Retry-After"]))
            reply = await self._ask_once(call, params, signed=signed)
        return reply

    async def _ask_once(self, call: str, params: Mapping[str, str], *, signed: bool) -> Reply:
        method, path = call.split()
        stamp = {"timestamp": str(self._now())} if signed else {}
        query = urlencode({**stamp, **params})
        if signed and "signature" not in params:
            query += f"&signature={self._sign(query)}"
        url = f"{self._address}/api/v3/{path}?{query}"
        headers = {"X-MBX-APIKEY": self._key} if signed else {}
        async with self._session.request(method, url, headers=headers) as response:
            body = await response.json(content_type=None)
            return Reply(response.status, body, response.headers)

    async def next_event(self) -> Mapping[str, Any]:
        frame: Mapping[str, Any] = await self._events.receive_json(timeout=PATIENCE)
        event: Mapping[str, Any] = frame["event"]
        return event

    async def quiet(self) -> bool:
        try:
            await self._events.receive(timeout=SILENCE)
        except TimeoutError:
            return True
        return False

    def _now(self) -> int:
        return _machine_time() + self._offset

    def _sign(self, payload: str) -> str:
        return hmac.new(self._secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


@asynccontextmanager
async def server_client(options: Options) -> AsyncIterator[SocketClient]:
    """Open a paper exchange and connect to it."""
    paper = await open_paper(PaperSettings(market="none", balances=GRANT, options=options))
    try:
        furnish(paper.exchange)
        sockets = paper.address.replace("http", "ws", 1) + "/ws-api/v3"
        async with _connected(paper.address, sockets, key="paper", secret="paper") as client:
            yield client
    finally:
        await paper.close()


@asynccontextmanager
async def testnet_client(key: str, secret: str) -> AsyncIterator[SocketClient]:
    """Connect to Binance's Spot testnet."""
    async with _connected(TESTNET, TESTNET_SOCKETS, key=key, secret=secret) as client:
        yield client


@asynccontextmanager
async def _connected(
    address: str, sockets: str, *, key: str, secret: str
) -> AsyncIterator[SocketClient]:
    async with aiohttp.ClientSession() as session, session.ws_connect(sockets) as events:
        client = SocketClient(session, events, address, key=key, secret=secret)
        await client.begin()
        yield client
        await asyncio.sleep(0)


def _machine_time() -> int:
    return time.time_ns() // 1_000_000
