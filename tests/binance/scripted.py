"""A Binance that does what a test tells it to: answer, be late, drop, lie, fall silent."""

import asyncio
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qsl, unquote

from aiohttp import WSMsgType, web

from lib.binance.addresses import Addresses, resolve
from lib.binance.transport import Reply
from lib.clock import read_boottime

KEY = "the-api-key"
SECRET = "the-api-secret"
EPOCH = 1_700_000_000_000

Move: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Word: TypeAlias = Callable[["Line", dict[str, Any]], Awaitable[None]]


@dataclass
class Seen:
    """One request as it arrived; `signed` is the text its signature covers."""

    method: str
    path: str
    params: dict[str, str]
    signed: str
    headers: dict[str, str]

    @property
    def signature_is_ours(self) -> bool:
        expected = hmac.new(SECRET.encode(), self.signed.encode(), hashlib.sha256).hexdigest()
        return self.params.get("signature") == expected


@dataclass
class Line:
    """One WebSocket a client opened."""

    socket: web.WebSocketResponse
    request: web.Request
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, *frames: object) -> None:
        for frame in frames:
            await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def close(self, code: int = 1001) -> None:
        await self.socket.close(code=code)

    def cut(self) -> None:
        """Reset the connection, without a word of farewell."""
        transport = self.request.transport
        assert transport is not None
        transport.abort()

    def methods(self) -> list[str]:
        return [each["method"] for each in self.heard]


class ScriptedExchange:
    """Answers `time` by itself, everything else by the next move of its script."""

    def __init__(self) -> None:
        self.script: deque[Move] = deque()
        self.seen: list[Seen] = []
        self.lines: list[Line] = []
        self.word: Word = answer_word
        self.ahead = 0  # how far this exchange's time is off its usual one
        self.autoping = True
        self.port = 0
        self._opened = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def addresses(self) -> Addresses:
        return resolve(f"http://127.0.0.1:{self.port}")

    @property
    def asked(self) -> list[Seen]:
        """All requests but those for the time."""
        return [each for each in self.seen if each.path != "/api/v3/time"]

    @property
    def open_lines(self) -> list[Line]:
        return [line for line in self.lines if not line.socket.closed]

    def now(self) -> int:
        return EPOCH + read_boottime() + self.ahead

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_get("/ws-api/v3", self._socket)
        app.router.add_get("/stream", self._socket)
        app.router.add_route("*", "/{path:.*}", self._request)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port or self.port, reuse_address=True)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        for line in self.lines:
            if line.request.transport is not None:
                line.cut()
        if self._runner:
            await self._runner.cleanup()

    async def line(self, number: int) -> Line:
        """Wait until so many connections were opened; answer that one."""
        async with asyncio.timeout(5):
            while len(self.lines) < number:
                self._opened.clear()
                await self._opened.wait()
        return self.lines[number - 1]

    async def _request(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        text = request.url.raw_query_string or body
        params = dict(parse_qsl(text, keep_blank_values=True))
        signed = text.partition("&signature=")[0]
        self.seen.append(Seen(request.method, request.path, params, signed, dict(request.headers)))
        if request.path == "/api/v3/time":
            return web.json_response({"serverTime": self.now()})
        move = self.script.popleft() if self.script else answer({})
        return await move(request)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=self.autoping, timeout=0.05)
        await socket.prepare(request)
        line = Line(socket, request)
        self.lines.append(line)
        self._opened.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                said = json.loads(message.data)
                line.heard.append(said)
                await self.word(line, said)
        return socket

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Self]:
        exchange = cls()
        await exchange.start()
        try:
            yield exchange
        finally:
            await exchange.stop()


# --- what it may do with a request


def answer(body: object, status: int = 200, **headers: str) -> Move:
    async def move(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=named)

    return move


def answer_text(text: str, status: int, kind: str = "text/html") -> Move:
    async def move(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type=kind)

    return move


def redirect(to: str) -> Move:
    async def move(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": to})

    return move


def drop() -> Move:
    """Take the request, then cut the connection without an answer."""

    async def move(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return move


def stall(seconds: float = 30) -> Move:
    """Take the request and answer too late."""

    async def move(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.json_response({})

    return move


def cut_short() -> Move:
    """Begin an answer and break off in the middle of it."""

    async def move(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"orderId": 1')
        assert request.transport is not None
        request.transport.close()
        return response

    return move


# --- what it may do with a message


async def answer_word(line: Line, said: dict[str, Any]) -> None:
    """Answer as Binance does, on both kinds of socket."""
    result: object = None
    if said["method"] == "time":
        result = {"serverTime": EPOCH + read_boottime()}
    if said["method"].startswith("userDataStream"):
        result = {"subscriptionId": 0}
    await line.say({"id": said["id"], "status": 200, "result": result})


async def stay_silent(_: Line, __: dict[str, Any]) -> None:
    """Hear everything and answer nothing."""


def signature_of(params: dict[str, Any]) -> str:
    text = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
    return hmac.new(SECRET.encode(), unquote(text).encode(), hashlib.sha256).hexdigest()


# --- the same without sockets


class ScriptedTransport:
    """Answers in process; keeps what was asked."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self.replies: deque[Reply | Exception] = deque()
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.times_asked = 0
        self.closed = False

    async def request(self, method: str, path: str, params: Any, *, signed: bool) -> Reply:
        if path == "/api/v3/time":
            self.times_asked += 1
            return Reply(200, {"serverTime": self._now()})
        assert signed == ("timestamp" in params)
        self.asked.append((method, path, dict(params)))
        reply = self.replies.popleft()
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def close(self) -> None:
        self.closed = True
