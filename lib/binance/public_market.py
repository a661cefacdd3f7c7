"""The market as anybody may see it: a fixed list of public questions, and public streams.

No key gets in here. The library's client is stopped at its deepest point: whatever is not a GET
of a listed path raises before a byte leaves, its WebSocket API and all else it knows included.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from lib.binance.addresses import MARKET_DATA, NOWHERE, Addresses, refuse_real
from lib.binance.client import PREFIX, GuardedClient, RestTransport
from lib.binance.connection import Patience
from lib.binance.market_stream import MarketStream
from lib.binance.transport import Frame, Reply
from lib.errors import Halt, OutcomeUnknown, Unavailable

PUBLIC_PATHS: Final = frozenset({
    "ping",
    "time",
    "exchangeInfo",
    "depth",
    "trades",
    "aggTrades",
    "klines",
    "uiKlines",
    "ticker",
    "ticker/24hr",
    "ticker/tradingDay",
})
STREAMS: Final = ("depth@100ms", "trade", "miniTicker")
"""Of each symbol followed; the last comes every second and tells quiet from dead."""

LIMITED: Final = frozenset({418, 429})
LIMITED_S: Final = 60  # without a Retry-After


class NotPublic(Halt):
    """A request that only an account can make, or that we do not make: stopped before it left."""


class PublicClient(GuardedClient):
    """python-binance without a key, able to read the public market and nothing else."""

    async def _request(
        self,
        method: str,
        uri: str,
        signed: bool,  # noqa: FBT001 - the library's signature
        *rest: Any,
        **kwargs: Any,
    ) -> Reply:
        base = self.API_URL + "/v3/"
        listed = uri.startswith(base) and uri.removeprefix(base) in PUBLIC_PATHS
        if method != "get" or signed or not listed or self.API_KEY or self.API_SECRET:
            raise NotPublic(f"{method.upper()} {urlsplit(uri).path} is no public question")
        reply: Reply = await super()._request(method, uri, signed, *rest, **kwargs)
        return reply

    async def _ws_api_request(self, method: str, *_: Any) -> None:
        raise NotPublic(f"{method} of the WebSocket API is no public question")

    async def _ws_futures_api_request(self, method: str, *_: Any) -> None:
        raise NotPublic(f"{method} of the futures' WebSocket API is no public question")


class PublicMarket:
    """The public market of one exchange. Make it in the running loop; owns its connections."""

    def __init__(
        self,
        addresses: Addresses = MARKET_DATA,
        *,
        patience: Patience | None = None,
        seconds: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000_000,
    ) -> None:
        """Reach the market at these addresses. Raises Halt for an exchange with accounts."""
        refuse_real(addresses.name, (addresses.rest, addresses.streams))
        assert urlsplit(addresses.ws_api).netloc == urlsplit(NOWHERE).netloc, "an account's door"
        self._client = PublicClient.build(addresses, "", "")
        self._transport = RestTransport(self._client)
        self._session = aiohttp.ClientSession(trust_env=False)
        self._addresses = addresses
        self._patience = patience or Patience()
        self._streams: MarketStream | None = None
        self._seconds = seconds
        self._shut_until = 0  # asked too much: silent until then

    async def get(self, path: str, params: Mapping[str, str]) -> tuple[int, object]:
        """Ask one public question; answer HTTP status and JSON. Raises Unavailable."""
        if path not in PUBLIC_PATHS:
            raise NotPublic(f"{path} is no public question")
        if self._seconds() < self._shut_until:
            raise Unavailable(f"{path} must wait: too much was asked")
        try:
            reply = await self._transport.request("GET", PREFIX + path, params, signed=False)
        except OutcomeUnknown as lost:
            raise Unavailable(str(lost)) from None
        if reply.status in LIMITED:
            self._fall_silent(reply)
        if reply.body is None:
            raise Unavailable(f"{path} was answered with {reply.status} and no JSON")
        return reply.status, reply.body

    def start(
        self,
        *,
        on_frame: Callable[[Frame], None],
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        """Open the streams and keep them open; every loss is told, and every return."""
        self._streams = MarketStream(
            self._session,
            self._addresses.streams,
            patience=self._patience,
            kinds=STREAMS,
            on_ready=on_ready,
            on_lost=on_lost,
        )
        self._streams.start(on_frame)

    def follow(self, symbol: str) -> None:
        """Subscribe to a symbol's book and trades, before or after `start`."""
        assert self._streams is not None, "start comes first"
        self._streams.follow(symbol)

    async def close(self) -> None:
        if self._streams is not None:
            await self._streams.close()
        await self._transport.close()
        await self._session.close()

    def _fall_silent(self, reply: Reply) -> None:
        written = str(reply.headers.get("Retry-After", ""))
        self._shut_until = self._seconds() + (int(written) if written.isdigit() else LIMITED_S)


def market_addresses(rest: str | None = None, streams: str | None = None) -> Addresses:
    """Find where the public market is: Binance's market data hosts, or those given.

    Without `streams` they are where `rest` is. Raises Halt for what is no address.
    """
    if rest is None and streams is None:
        return MARKET_DATA
    rest = (rest or MARKET_DATA.rest).rstrip("/").removesuffix("/api")
    parts = urlsplit(rest)
    sockets = "wss" if parts.scheme == "https" else "ws"
    streams = (streams or f"{sockets}://{parts.netloc}").rstrip("/")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Halt(f"{rest!r} is no address of a REST API")
    if urlsplit(streams).scheme not in {"ws", "wss"} or not urlsplit(streams).hostname:
        raise Halt(f"{streams!r} is no address of market streams, as in wss://HOST:PORT")
    return Addresses(name=MARKET_DATA.name, rest=f"{rest}/api", streams=streams, ws_api=NOWHERE)
