"""Answers Prometheus at 127.0.0.1 and nobody else.

One question a connection, `GET /metrics`. Who asks under another name than this machine's own is
refused: a page in a browser could have its name lead here.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from lib.control.metrics_text import CONTENT_TYPE

LOOPBACK: Final = "127.0.0.1"
PATH: Final = "/metrics"
HEAD_MAX: Final = 8 << 10  # bytes
PATIENCE: Final = 5  # seconds for a question, and for taking its answer
CONNECTIONS_MAX: Final = 8
OWN_NAMES: Final = frozenset({"127.0.0.1", "localhost"})
REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
}


class MetricsServer:
    """Serves one page."""

    def __init__(self, text: Callable[[], str], port: int) -> None:
        self._text = text
        self._port = port
        self._connections = 0

    async def serve(self) -> None:
        """Answer for ever. Raises OSError if the port is taken."""
        server = await asyncio.start_server(self._meet, LOOPBACK, self._port, limit=HEAD_MAX)
        async with server:
            await server.serve_forever()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= CONNECTIONS_MAX:
                async with asyncio.timeout(PATIENCE):
                    writer.write(self._answer(await _head(reader)))
                    await writer.drain()
        except (OSError, TimeoutError, EOFError):
            pass  # who asked has gone, or never asked
        finally:
            self._connections -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        request, *lines = head.decode("latin-1").split("\r\n")
        words = request.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _reply(400, "this speaks HTTP/1.1\n")
        if _host(lines) not in OWN_NAMES:
            return _reply(403, "ask by the name localhost or 127.0.0.1\n")
        if words[1].partition("?")[0] != PATH:
            return _reply(404, f"there is {PATH} alone\n")
        if words[0] not in {"GET", "HEAD"}:
            return _reply(405, "GET it\n", "Allow: GET, HEAD\r\n")
        reply = _reply(200, self._text())
        return reply if words[0] == "GET" else reply[: reply.index(b"\r\n\r\n") + 4]


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Read a request's head. One that is too long reads as none."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return b""


def _host(lines: list[str]) -> str:
    """Answer the name that was asked for, without its port; HTTP/1.0 need not give one."""
    named = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("host:")]
    if not named:
        return LOOPBACK
    return named[0].rpartition(":")[0] if ":" in named[0] else named[0]


def _reply(status: int, text: str, more: str = "") -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n"
        f"X-Content-Type-Options: nosniff\r\nConnection: close\r\n{more}\r\n"
    )
    return head.encode("ascii") + body
