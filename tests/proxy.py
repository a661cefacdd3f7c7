"""A bad line between two processes: a TCP proxy that delays, cuts, falls silent and resets.

It runs in a thread of its own. What it does wrong is asked for by the test and holds from that
moment on; connections are told apart by the path of their first request.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Kind = Literal["user", "market", "rest"]
CHUNK = 65_536
NEAR = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST


@dataclass(eq=False)
class Link:
    """One connection through the proxy, both halves."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    kind: Kind = "rest"
    silent: bool = False  # half-open: it stays, and nothing passes any more
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def reset(self) -> None:
        for half in (self.client, self.server):
            with suppress(OSError):
                half.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            half.transport.abort()


class Proxy:
    """Listens on a port of its own, or a given one, and passes everything on to another."""

    def __init__(
        self, target: int, *, host: str = NEAR, port: int = 0, target_host: str = NEAR
    ) -> None:
        self._target = (target_host, target)
        self._links: set[Link] = set()
        self._moving = asyncio.Event()
        self._moving.set()
        self._delay = 0.0
        self._replies_to_lose = 0
        self._replies_to_cut: list[int] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, host, port))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- what goes wrong

    def reset(self, kind: Kind | None = None) -> int:
        """Break all connections (of a kind) with RST; answer how many there were."""
        return self._each(kind, Link.reset)

    def half_open(self, kind: Kind | None = None) -> int:
        """Let nothing pass on the connections there are; new ones are good."""
        return self._each(kind, lambda link: setattr(link, "silent", True))

    def freeze(self) -> None:
        """Hold everything back, on these connections and on new ones, as TCP does in a gap."""
        self._loop.call_soon_threadsafe(self._moving.clear)

    def thaw(self) -> None:
        """Deliver what was held back, and go on."""
        self._loop.call_soon_threadsafe(self._moving.set)

    def delay(self, seconds: float) -> None:
        """Hold back each piece for so long."""
        self._delay = seconds

    def lose_replies(self, count: int) -> None:
        """Pass the next REST requests on, and reset the connection instead of the reply."""
        self._replies_to_lose = count

    def cut_replies(self, *lengths: int) -> None:
        """End the connection of each next REST reply after so many bytes of it."""
        self._replies_to_cut = list(lengths)

    @property
    def spent(self) -> bool:
        """Say whether all that was to be lost or cut was."""
        return not self._replies_to_lose and not self._replies_to_cut

    # --- how it passes things on

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            from_server, server = await asyncio.open_connection(*self._target)
        except OSError:
            client.transport.abort()
            return
        link = Link(client, server)
        self._links.add(link)
        link.tasks = [
            asyncio.create_task(self._pass_requests(link, reader)),
            asyncio.create_task(self._pass_replies(link, from_server)),
        ]
        await asyncio.wait(link.tasks)
        for half in (client, server):
            half.close()
        self._links.discard(link)

    async def _pass_requests(self, link: Link, reader: asyncio.StreamReader) -> None:
        first = True
        async for piece in self._pieces(reader):
            if first:
                link.kind, first = _kind_of(piece), False
            if not link.silent:
                link.server.write(piece)
        link.server.close()

    async def _pass_replies(self, link: Link, reader: asyncio.StreamReader) -> None:
        async for piece in self._pieces(reader):
            if link.silent:
                continue
            if link.kind == "rest" and self._replies_to_lose:
                self._replies_to_lose -= 1
                link.reset()
                return
            if link.kind == "rest" and self._replies_to_cut:
                link.client.write(piece[: self._replies_to_cut.pop(0)])
                with suppress(OSError):
                    await link.client.drain()
                link.client.close()
                link.server.close()
                return
            link.client.write(piece)
        link.client.close()

    async def _pieces(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        while True:
            try:
                piece = await reader.read(CHUNK)
            except OSError:
                break
            if not piece:
                break
            await asyncio.sleep(self._delay)
            await self._moving.wait()
            yield piece
        await self._moving.wait()

    # --- from the test's thread

    def _each(self, kind: Kind | None, act: Callable[[Link], None]) -> int:
        async def do() -> int:
            hit = [link for link in self._links if kind is None or link.kind == kind]
            for link in hit:
                act(link)
            return len(hit)

        hit: int = self._run(do())
        return hit

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _close(self) -> None:
        self._server.close()
        tasks = [task for link in self._links for task in link.tasks]
        for link in list(self._links):
            link.reset()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


def _kind_of(first: bytes) -> Kind:
    path = first.split(b" ", 2)[1] if first.count(b" ") > 1 else b""
    if path.startswith(b"/ws-api"):
        return "user"
    return "market" if path.startswith((b"/ws", b"/stream")) else "rest"
