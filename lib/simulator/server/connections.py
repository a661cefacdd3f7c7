"""One WebSocket connection as the server sees it: a bounded outbox, pings, an end.

Nothing that is sent here ever waits: frames go into the outbox, a task of the connection's own
writes them. A listener that does not read is cut off when its outbox is full, as Binance does; the
exchange never waits for it and its memory is bounded.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

FRAMES_MAX = 20_000
BYTES_MAX = 8 * 1024 * 1024
PING_EVERY = 20  # seconds
PONG_WITHIN = 60  # seconds
LIFETIME = 24 * 3600  # seconds


class Connection:
    """A WebSocket of one client.

    `inbound_max` is how many frames a second it may send, whatever they are; None = any number.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        *,
        address: str = "",
        inbound_max: int | None = None,
    ) -> None:
        self.address = address
        self._socket = socket
        self._transport = transport
        self._inbound_max = inbound_max
        self._inbound: deque[float] = deque(maxlen=inbound_max)
        self._outbox: deque[tuple[WSMsgType, bytes]] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._frozen = False
        self._last = False  # whether the end comes after what is in the outbox
        self._opened_at = asyncio.get_running_loop().time()
        self._pinged_at = self._opened_at
        self._pings: dict[bytes, float] = {}  # unanswered, since when

    def send(self, text: bytes) -> None:
        """Put a text frame into the outbox. A full outbox ends the connection."""
        self._put(WSMsgType.TEXT, text)

    def cut(self) -> None:
        """End the connection without a word."""
        self._empty()
        self._transport.abort()

    def finish(self) -> None:
        """End the connection once everything in the outbox was sent."""
        self._last = True
        self._filled.set()

    def freeze(self) -> None:
        """Make the connection half-open: it stays, but nothing is read or written any more."""
        self._frozen = True
        self._empty()

    def keep_alive(self, now: float) -> None:
        """Ping in time; cut off who has not answered or was here too long. `now` in loop time."""
        if self._frozen:
            return
        waited = now - next(iter(self._pings.values()), now)
        if waited > PONG_WITHIN or now - self._opened_at > LIFETIME:
            self.cut()
        elif now - self._pinged_at >= PING_EVERY:
            self._pinged_at = now
            payload = b"%d" % int(now * 1000)
            self._pings[payload] = now
            self._put(WSMsgType.PING, payload)

    async def serve(self, on_text: Callable[[str], Awaitable[None]]) -> None:
        """Read and write until the connection ends."""
        writer = asyncio.create_task(self._write())
        try:
            with suppress(ConnectionError):
                await self._read(on_text)
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer

    async def close(self) -> None:
        """Say goodbye, as far as the client listens."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(0.2):
                await self._socket.close(code=WSCloseCode.GOING_AWAY, drain=False)
        self.cut()

    async def _read(self, on_text: Callable[[str], Awaitable[None]]) -> None:
        while True:
            message = await self._socket.receive()
            if message.type in {WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR}:
                return
            if self._frozen:
                continue
            if message.type is WSMsgType.CLOSE:
                await self._socket.close()
                return
            if self._talks_too_much():
                self.cut()
                return
            await self._receive(message, on_text)

    def _talks_too_much(self) -> bool:
        """Count a frame; say whether it is one too many within a second."""
        if self._inbound_max is None:
            return False
        now = asyncio.get_running_loop().time()
        full = len(self._inbound) == self._inbound_max
        first = self._inbound[0] if full else now - 1
        self._inbound.append(now)
        return now - first < 1

    async def _receive(self, message: WSMessage, on_text: Callable[[str], Awaitable[None]]) -> None:
        match message.type:
            case WSMsgType.TEXT:
                await on_text(message.data)
            case WSMsgType.PING:
                self._put(WSMsgType.PONG, message.data)
            case WSMsgType.PONG:
                self._hear_pong(bytes(message.data))
            case _:
                pass  # binary frames mean nothing here

    def _hear_pong(self, payload: bytes) -> None:
        """Count a pong as the answer to the ping it copies, and to those before it."""
        if payload not in self._pings:
            return  # nobody asked
        answered = self._pings[payload]
        self._pings = {ping: since for ping, since in self._pings.items() if since > answered}

    def _put(self, kind: WSMsgType, content: bytes) -> None:
        if self._frozen:
            return
        self._outbox.append((kind, content))
        self._bytes += len(content)
        if len(self._outbox) > FRAMES_MAX or self._bytes > BYTES_MAX:
            self.cut()
        self._filled.set()

    def _empty(self) -> None:
        self._outbox.clear()
        self._bytes = 0

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._outbox:
                kind, content = self._outbox.popleft()
                self._bytes -= len(content)
                await self._socket.send_frame(content, kind)
            if self._last:
                await self.close()


class Connections:
    """All open WebSockets of a server."""

    def __init__(self) -> None:
        self._open: set[Connection] = set()

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._open))

    @contextmanager
    def counted(self, connection: Connection) -> Iterator[None]:
        self._open.add(connection)
        try:
            yield
        finally:
            self._open.discard(connection)

    def keep_alive(self, now: float) -> None:
        for connection in self:
            connection.keep_alive(now)

    def finish_of(self, address: str) -> None:
        """End the connections of one address, as a ban does."""
        for connection in self:
            if connection.address == address:
                connection.finish()

    async def close(self) -> None:
        await asyncio.gather(*(connection.close() for connection in self))


async def accept(
    request: web.Request, *, inbound_max: int | None = None
) -> tuple[Connection, web.WebSocketResponse]:
    """Answer a WebSocket upgrade. The response is what the handler returns at the end."""
    socket = web.WebSocketResponse(
        heartbeat=None, autoping=False, autoclose=False, compress=False, timeout=0.2
    )
    await socket.prepare(request)
    assert isinstance(request.transport, asyncio.Transport)
    connection = Connection(
        socket, request.transport, address=request.remote or "", inbound_max=inbound_max
    )
    return connection, socket
