"""A proxy before an exchange that answers some requests with all that it was sent."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

import aiohttp
import orjson
from aiohttp import web

SIGNATURE = re.compile(r"signature[\"'=: ]+([0-9a-fA-F]{64})")
CLOSE_REASON_MAX = 123  # bytes, RFC 6455 5.5


WAYS = (
    "farewell",
    "refused",
    "refused by a text",
    "of a strange status",
    "no JSON",
    "a list",
    "key fallen",
    "error that answers nothing",
    "event",
    "event of a strange kind",
)
"""How a signed frame is echoed; the last one tells that all were."""


@dataclass
class Echo:
    """What is to be echoed, how, and every signature that passed."""

    upstream: str
    path: str  # the end of the path that is answered with an echo
    how: str
    signatures: set[str] = field(default_factory=set)
    echoed: threading.Event = field(default_factory=threading.Event)
    address: str = ""
    _ways: Iterator[str] = field(default_factory=lambda: cycle(WAYS))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._serve_socket(request)
        return await self._serve_rest(request)

    async def _serve_socket(self, request: web.Request) -> web.WebSocketResponse:
        """Pass frames on both ways, but for the answer to what is to be echoed."""
        ours = web.WebSocketResponse()
        await ours.prepare(request)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{self.upstream}{request.raw_path}") as theirs,
        ):
            back = asyncio.create_task(_pump(theirs, ours))
            async for message in ours:
                self.signatures.update(SIGNATURE.findall(message.data))
                if orjson.loads(message.data).get("method") == self.path:
                    await self._echo_frame(ours, message.data)
                else:
                    await theirs.send_str(message.data)
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
        return ours

    async def _echo_frame(self, socket: web.WebSocketResponse, said: str) -> None:
        """Answer a signed request with itself, each time in another way, and hang up."""
        number, params = orjson.loads(said)["id"], orjson.loads(said)["params"]
        way = next(self._ways)
        for frame in _frames(way, number, said):
            await socket.send_str(frame)
        reason = f"signature={params['signature']} {params['apiKey']}".encode()
        await asyncio.sleep(0.1)
        await socket.close(code=1008, message=reason[:CLOSE_REASON_MAX])
        if way == WAYS[-1]:
            self.echoed.set()

    async def _serve_rest(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        said = f"{request.method} {request.url} {body.decode()} {dict(request.headers)}"
        self.signatures.update(SIGNATURE.findall(said))
        if request.path.endswith(self.path):
            return self._echo(said)
        return await self._pass_on(request, body)

    def _echo(self, said: str) -> web.Response:
        self.echoed.set()
        match self.how:
            case "refused":
                return web.json_response({"code": -1100, "msg": f"Illegal: {said}"}, status=400)
            case "unauthorised":
                return web.json_response({"code": -2015, "msg": f"Invalid: {said}"}, status=401)
            case "page":
                return web.Response(text=f"<html>{said}</html>", status=503)
            case "redirect":
                raise web.HTTPFound(f"http://127.0.0.1:9/?{said.replace(' ', '+')}")
            case _:
                return web.Response(text=f'{{"serverTime": "{said}"', status=200)

    async def _pass_on(self, request: web.Request, body: bytes) -> web.Response:
        headers = {"X-MBX-APIKEY": request.headers.get("X-MBX-APIKEY", "")}
        kind = request.headers.get("Content-Type")
        headers |= {"Content-Type": kind} if kind else {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method,
                f"{self.upstream}{request.raw_path}",
                data=body or None,
                headers=headers,
            ) as answer,
        ):
            text = await answer.text()
            return web.Response(text=text, status=answer.status, content_type="application/json")


def _frames(way: str, number: int, said: str) -> Iterator[str]:
    error = {"code": -1100, "msg": f"Illegal: {said}"}
    welcome = {"id": number, "status": 200, "result": {"subscriptionId": 0}}
    event = {"e": "executionReport", "E": 1, "T": 1, "c": said, "s": said, "X": said, "i": said}
    spoken: dict[str, list[object]] = {
        "refused": [{"id": number, "status": 400, "error": error}],
        "refused by a text": [{"id": number, "status": 400, "error": said}],
        "of a strange status": [{"id": number, "status": said}],
        "a list": [welcome, [said]],
        "key fallen": [welcome, {"status": 401, "error": error}],
        "error that answers nothing": [welcome, {"status": 400, "error": error}],
        "event": [welcome, {"subscriptionId": 0, "event": event}],
        "event of a strange kind": [welcome, {"subscriptionId": 0, "event": {"e": said}}],
    }
    yield from (orjson.dumps(each).decode() for each in spoken.get(way, []))
    if way == "no JSON":
        yield f"Illegal: {said}"


async def _pump(source: aiohttp.ClientWebSocketResponse, sink: web.WebSocketResponse) -> None:
    async for message in source:
        await sink.send_str(message.data)
    await sink.close()


@contextmanager
def echoing(upstream: str, path: str, how: str) -> Iterator[Echo]:
    """Serve, in a thread, for as long as the context lasts."""
    echo, loop, started = Echo(upstream, path, how), asyncio.new_event_loop(), threading.Event()

    async def begin() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", echo.serve)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        echo.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set()
        return runner

    def run() -> None:
        runner = loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(10)
    try:
        yield echo
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
