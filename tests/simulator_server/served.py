"""A simulated exchange on a socket whose clock, keys and options the test chooses."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from lib.simulator.exchange import Exchange
from lib.simulator.options import Options
from lib.simulator.server.clock import ShiftedClock
from lib.simulator.server.control import Control
from lib.simulator.server.faults import FaultPlan
from lib.simulator.server.server import Server
from lib.simulator.server.signatures import Account, Keyring, Permission, sign, socket_payload
from tests.simulator.venue import SYMBOL, Venue, exchange_info
from tests.simulator_server.client import Socket

Signer = Callable[[str], str]

PAIR = ECC.generate(curve="Ed25519")
PUBLIC = PAIR.public_key().export_key(format="PEM")
READ_ONLY = frozenset({Permission.READ})
KEYS = (
    Account("alice", "alice", "alice-secret"),
    Account("alice", "alice-reads", "alice-secret", permissions=READ_ONLY),
    Account("alice", "alice-elsewhere", "alice-secret", addresses=frozenset({"10.0.0.1"})),
    Account("alice", "alice-ed", PUBLIC),
    Account("bob", "bob", "bob-secret"),
)
LIMIT = {
    "symbol": SYMBOL,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.1",
    "price": "90",
}


def by_ed25519(payload: str) -> str:
    return b64encode(eddsa.new(PAIR, "rfc8032").sign(payload.encode())).decode()


def signer_of(key: str) -> Signer:
    if key == "alice-ed":
        return by_ed25519
    secret = key.partition("-")[0] + "-secret"
    return lambda payload: sign(secret, payload)


@dataclass
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> int:
        code: int = self.body["code"]
        return code


@dataclass
class Served:
    """One exchange, its address, and a client without manners."""

    venue: Venue
    server: Server
    clock: ShiftedClock
    plan: FaultPlan
    session: aiohttp.ClientSession
    address: str = ""
    control: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, url: str, **how: Any) -> Reply:
        headers = {**self.headers, **how.pop("headers", {})}
        async with self.session.request(
            method, self.address + url, headers=headers, allow_redirects=False, **how
        ) as response:
            is_json = response.content_type == "application/json"
            body = await (response.json() if is_json else response.text())
            return Reply(response.status, body, response.headers)

    async def call(self, call: str, key: str = "alice", **params: object) -> Reply:
        """Make a signed call such as "GET order"."""
        method, path = call.split()
        query = urlencode({"timestamp": self.clock(), **params})
        signature = urlencode({"signature": signer_of(key)(query)})
        headers = {"X-MBX-APIKEY": key}
        return await self.send(method, f"/api/v3/{path}?{query}&{signature}", headers=headers)

    async def place(self, key: str = "alice", **params: object) -> Reply:
        return await self.call("POST order", key, **{**LIMIT, **params})

    async def command(self, call: str, body: Any = None) -> Reply:
        method, name = call.split()
        async with self.session.request(
            method, f"{self.control}/simulator/{name}", json=body
        ) as response:
            return Reply(response.status, await response.json(), response.headers)

    @asynccontextmanager
    async def socket(self, path: str = "/ws-api/v3") -> AsyncIterator[Asking]:
        url = self.address.replace("http", "ws") + path
        async with self.session.ws_connect(url, autoping=False) as raw:
            yield Asking(raw, self.clock)


class Asking(Socket):
    """A WebSocket API client that signs with any key."""

    def __init__(self, raw: aiohttp.ClientWebSocketResponse, clock: Callable[[], int]) -> None:
        super().__init__(raw)
        self._clock = clock

    async def by(self, key: str, method: str, **params: object) -> Any:
        sent = {"apiKey": key, "timestamp": self._clock(), **params}
        written = {name: str(value) for name, value in sent.items()}
        sent["signature"] = signer_of(key)(socket_payload(written))
        return await self.ask(id=method, method=method, params=sent)

    async def call(self, method: str, **params: object) -> Any:
        """Ask without a signature."""
        return await self.ask(id=method, method=method, params=params)


@asynccontextmanager
async def served(
    *,
    options: Options | None = None,
    info: dict[str, Any] | None = None,
    plan: FaultPlan | None = None,
) -> AsyncIterator[Served]:
    """Run an exchange with a market at 100, with commands on an address of their own."""
    venue = Venue(options or Options(), info or exchange_info())
    clock = ShiftedClock(lambda: venue.now)
    exchange = Exchange(venue.info, clock=clock, books=venue.books, options=venue.options)
    venue.exchange = exchange
    venue.with_market()
    plan = plan or FaultPlan()
    control = Control(market=exchange, plan=plan, clock=clock, state=dict, wipe=exchange.wipe)
    server = Server(
        exchange,
        keyring=Keyring(*KEYS),
        clock=clock,
        plan=plan,
        control=control,
        options=venue.options,
    )
    async with aiohttp.ClientSession() as session:
        found = Served(venue, server, clock, plan, session)
        found.address = await server.start()
        found.control = await server.start_control()
        try:
            yield found
        finally:
            await server.close()
