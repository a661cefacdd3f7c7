"""A proxy before an exchange that answers some requests with all that it was sent."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

SIGNATURE = re.compile(r"signature[\"'=: ]+([0-9a-fA-F]{64})")


@dataclass
class Echo:
    """What is to be echoed, how, and every signature that passed."""

    upstream: str
    path: str  # the end of the path that is answered with an echo
    how: str
    signatures: set[str] = field(default_factory=set)
    echoed: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    async def serve_rest(self, request: web.Request) -> web.StreamResponse:
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


@contextmanager
def echoing(upstream: str, path: str, how: str) -> Iterator[Echo]:
    """Serve, in a thread, for as long as the context lasts."""
    echo, loop, started = Echo(upstream, path, how), asyncio.new_event_loop(), threading.Event()

    async def begin() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", echo.serve_rest)
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
