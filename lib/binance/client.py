"""python-binance's REST client under guard, and the transport on top of it.

The library keeps what it does well: addresses, signing, one session. What it gets wrong for
money is overridden here: it stamps requests itself and overwrites recvWindow, follows a 302 of an
order as a GET, takes an empty answer for success, and puts signed addresses into its exceptions.
aiohttp below it repeats a DELETE on its own when a kept-alive connection drops.
"""

import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
from binance.async_client import AsyncClient

from lib.binance.addresses import NOWHERE, Addresses, refuse_real
from lib.binance.names import ADDRESS_AGE_MAX, PatientResolver
from lib.binance.transport import Reply
from lib.errors import BotError, NotSent, OutcomeUnknown, Unreached

PREFIX: Final = "/api/v3/"
TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=3)
QUESTION_TIMEOUT: Final = aiohttp.ClientTimeout(total=5, sock_connect=3)
"""For signed questions: they can be asked again, and a dead connection must not hold them up."""
"""Longer than the 10 s in which Binance itself gives up, so that its -1007 can reach us."""

PLAIN: Final = re.compile(r"[A-Za-z0-9._-]+")
"""What a parameter may hold: signed, encoded and decoded it is the same text."""

TEXT_MAX: Final = 200


@dataclass(slots=True)
class Attempt:
    """One request under way: what must be signed, and whether its bytes may have left."""

    timestamp: str = ""
    recv_window: str = ""
    connected: bool = False


ATTEMPT: ContextVar[Attempt] = ContextVar("ATTEMPT")


class MarkingConnector(aiohttp.TCPConnector):
    """Notes when a request gets its connection: before that, none of its bytes can have left."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> Any:
        connection = await super().connect(req, traces, timeout)
        ATTEMPT.get().connected = True
        return connection

    def forget_idle(self) -> None:
        """Close what is kept for later: when one connection died silently, its like did too."""
        for kept in self._conns.values():
            for protocol, _ in kept:
                protocol.close()  # what is closed is not taken again


class Dropped(aiohttp.ClientError):
    """The connection broke under a request that must not be repeated unseen."""


async def send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a changing request (it does so for OSError and disconnects)."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as drop:
        if request.method == "GET":
            raise
        name = type(drop).__name__
    raise Dropped(name)


class GuardedClient(AsyncClient):  # type: ignore[misc]
    """python-binance with its traps closed. Build it inside the running loop, by `build`."""

    REQUEST_RECVWINDOW = None  # ours is signed, not the library's 10 s

    @classmethod
    def build(
        cls, addresses: Addresses, key: str, secret: str, names: PatientResolver | None = None
    ) -> "GuardedClient":
        """Make a client for exactly these addresses. Raises Halt if any would be real money's."""
        bound = _bound(cls, addresses)
        refuse_real(addresses.name, known_urls(bound))
        client: GuardedClient = bound(
            api_key=key,
            api_secret=secret,
            requests_params={"timeout": TIMEOUT, "allow_redirects": False},
            session_params={
                "connector": MarkingConnector(
                    resolver=names or PatientResolver(), ttl_dns_cache=ADDRESS_AGE_MAX
                ),
                "middlewares": (send_once,),
                "cookie_jar": aiohttp.DummyCookieJar(),
            },
        )
        for socket in (client.ws_api, client.ws_future):
            assert urlsplit(socket._url).netloc in {  # noqa: SLF001 - no public way to see it
                urlsplit(addresses.ws_api).netloc,
                urlsplit(NOWHERE).netloc,
            }, "the library would connect elsewhere"
        return client

    async def fetch(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        """Send one request by the library's own way; answer whatever came."""
        content = {"data": dict(params)} if params else {}
        reply: Reply = await self._request_api(method.lower(), path, signed, **content)
        return reply

    def sign_socket(self, params: Mapping[str, str | int]) -> dict[str, str | int]:
        """Add our key and the signature to the parameters of a WebSocket API request."""
        signed: dict[str, str | int] = self._sign_ws_params(
            dict(params), self._generate_ws_api_signature
        )
        assert signed["timestamp"] == params["timestamp"], "the time stamp was replaced"
        return signed

    async def close(self) -> None:
        await self.session.close()

    def forget_idle(self) -> None:
        """Have the next requests open connections of their own."""
        connector = self.session.connector
        if isinstance(connector, MarkingConnector):
            connector.forget_idle()

    def _get_headers(self) -> dict[str, str]:
        return {**super()._get_headers(), "User-Agent": "auto_trading"}

    def _generate_signature(self, data: dict[str, Any], uri_encode: bool = True) -> str:  # noqa: FBT001, FBT002 - the library's signature
        """Sign our own time stamp and window instead of the library's."""
        attempt = ATTEMPT.get()
        data["timestamp"], data["recvWindow"] = attempt.timestamp, attempt.recv_window
        signature: str = super()._generate_signature(data, uri_encode)
        return signature

    def _get_request_kwargs(self, method: str, signed: bool, *rest: Any, **kwargs: Any) -> Any:  # noqa: FBT001 - the library's signature
        """Send the very text that was signed, and look once more at what it says."""
        made = super()._get_request_kwargs(method, signed, *rest, **kwargs)
        if signed and method == "get":
            made["timeout"] = QUESTION_TIMEOUT
        if isinstance(made.get("data"), list):
            made["data"] = "&".join(_pairs(made["data"])).encode("ascii")
        if signed:
            _check_stamp(made.get("params") or made["data"].decode(), ATTEMPT.get())
        return made

    @staticmethod
    def _order_params(data: dict[str, str]) -> list[tuple[str, str]]:
        """Sort the parameters, the signature last. Ours are text already, and none is None."""
        pairs = sorted(pair for pair in data.items() if pair[0] != "signature")
        return [*pairs, ("signature", data["signature"])] if "signature" in data else pairs

    async def _handle_response(self, response: aiohttp.ClientResponse) -> Reply:
        return await read_reply(response)


class RestTransport:
    """Binance over HTTP. Tells what certainly never left from what may have arrived."""

    def __init__(self, client: GuardedClient) -> None:
        self._client = client

    async def request(
        self, method: str, path: str, params: Mapping[str, str], *, signed: bool
    ) -> Reply:
        """Send one request, once. Raises NotSent or OutcomeUnknown, never with what was signed."""
        assert path.startswith(PREFIX), f"{path} is no path of the spot API"
        _check_plain(params)
        attempt = Attempt()
        if signed:
            attempt.timestamp, attempt.recv_window = params["timestamp"], params["recvWindow"]
        ATTEMPT.set(attempt)
        try:
            return await self._client.fetch(method, path[len(PREFIX) :], params, signed=signed)
        except (aiohttp.ClientError, OSError, RuntimeError, ValueError) as failure:
            error = _error_of(f"{method} {path}", attempt, failure)
        if attempt.connected:
            self._client.forget_idle()
        raise error  # outside the handler: the cause may carry the signed address

    async def close(self) -> None:
        await self._client.close()


async def read_reply(response: aiohttp.ClientResponse) -> Reply:
    """Read an answer to its end, whatever its type says it is."""
    raw = await response.read()
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        clipped = raw[:TEXT_MAX].decode("utf-8", "replace")
        return Reply(response.status, headers=response.headers, text=clipped)
    return Reply(response.status, body, response.headers)


def known_urls(client: type[AsyncClient]) -> Iterator[str]:
    """List every address the library could reach through this class."""
    for name in dir(client):
        if name.endswith("_URL"):
            url = str(getattr(client, name))
            yield url.format(*("", "com")[-url.count("{}") :])  # endpoint number, top level domain


def _bound(client: type[GuardedClient], addresses: Addresses) -> type[GuardedClient]:
    """Overwrite each address of the library's class: it knows /sapi, futures, margin and more."""
    urls = {name: NOWHERE for name in dir(client) if name.endswith("_URL")}
    urls |= {"API_URL": addresses.rest, "WS_API_URL": addresses.ws_api}
    return type("BoundClient", (client,), urls)


def _pairs(data: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in data:
        yield f"{name}={quote(value) if name == 'symbol' else value}"


def _check_plain(params: Mapping[str, str]) -> None:
    """Refuse what signing and encoding could read differently; symbols may be Unicode."""
    for name, value in params.items():
        if name != "symbol" and not PLAIN.fullmatch(value):
            raise NotSent(f"{name} holds {value!r}: only letters, digits, point, - and _ may leave")


def _check_stamp(signed: str, attempt: Attempt) -> None:
    stamps = [pair for pair in signed.split("&") if pair.startswith(("timestamp=", "recvWindow="))]
    assert stamps == [f"recvWindow={attempt.recv_window}", f"timestamp={attempt.timestamp}"], (
        "the library did not sign our time stamp and window"
    )


def _error_of(request: str, attempt: Attempt, failure: Exception) -> BotError:
    """Sort a failure by whether the request had a connection; name it without its contents."""
    name = str(failure) if isinstance(failure, Dropped) else type(failure).__name__
    if attempt.connected:
        return OutcomeUnknown(f"{request} left and no answer came: {name}")
    return Unreached(f"{request} found no connection: {name}")
