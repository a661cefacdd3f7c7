"""The control socket in the ctx folder: how a command of its owner reaches the runner at work.

A question waits for nobody else's: each connection is served by itself, and the office puts what is
to be done in order. Whatever goes wrong here disturbs no bot.
"""

import asyncio
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from lib.control.log_lines import RUNNER, log_line
from lib.control.request import Request
from lib.control.socket_words import (
    LINE_MAX,
    LINES_MAX,
    NAME,
    Asked,
    Shown,
    read_line,
    short_path,
    write_line,
)
from lib.news import News

log = logging.getLogger(__name__)

CREDENTIALS: Final = struct.Struct("3i")  # pid, user, group: SO_PEERCRED, unix(7)
PATIENCE: Final = 60  # seconds for the next question of a connection
CONNECTIONS_MAX: Final = 16
ROOT: Final = 0

Obey = Callable[[Request], Awaitable[str]]
Look = Callable[[], tuple[bool, str]]


class RecentNews:
    """A sink that keeps the newest news."""

    def __init__(self) -> None:
        self._news: deque[News] = deque(maxlen=LINES_MAX)

    def __call__(self, news: News) -> None:
        """Take news in."""
        self._news.append(news)

    def text(self, bot: str, lines: int) -> str:
        """Answer the newest lines, of one bot or of all."""
        wanted = [news for news in self._news if bot in {"", news.bot or RUNNER}]
        return "\n".join(map(log_line, wanted[-lines:]))


class SocketServer:
    """Answers what is asked at the socket of one folder."""

    def __init__(
        self,
        obey: Obey,
        recent: RecentNews,
        folder: Path,
        now: Callable[[], int],
        *,
        health: Look = lambda: (True, "it answers"),
    ) -> None:
        self._obey = obey
        self._recent = recent
        self._folder = folder
        self._now = now
        self._health = health
        self._connections = 0

    async def serve(self) -> None:
        """Answer for ever."""
        server = await asyncio.start_unix_server(
            self._meet, sock=_bound(self._folder), limit=LINE_MAX
        )
        async with server:
            await server.serve_forever()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections > CONNECTIONS_MAX or not _is_owner(writer):
                return
            await self._converse(reader, writer)
        except (OSError, TimeoutError):
            pass  # who asked has gone
        finally:
            self._connections -= 1
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    line = await reader.readline()
            except ValueError:  # longer than any question
                writer.write(write_line(refused=f"a line has at most {LINE_MAX} bytes"))
                return await writer.drain()
            if not line.endswith(b"\n"):
                return None
            writer.write(await self._answer(line))
            await writer.drain()

    async def _answer(self, line: bytes) -> bytes:
        try:
            asked = read_line(line)
        except ValueError as wrong:
            return write_line(refused=str(wrong))
        match asked:
            case Asked():
                return await self._done(asked)
            case Shown(show="health"):
                well, told = self._health()
                return write_line(answer=told, well=well)
            case Shown():
                return write_line(answer=self._recent.text(asked.bot, asked.lines))

    async def _done(self, asked: Asked) -> bytes:
        """Have it done; what goes wrong is answered as well, or it would be asked for again."""
        try:
            return write_line(answer=await self._obey(asked.request(self._now())))
        except OSError:  # weather: whoever asked asks again, under the same id
            raise
        except Exception as wrong:  # the next request may be a kill
            log.exception("%s went wrong", asked.verb)
            return write_line(refused=f"that went wrong: {type(wrong).__name__}: {wrong}")


def _bound(folder: Path) -> socket.socket:
    """Make the socket. The folder is locked, so what lies at its name is a dead runner's."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        (folder / NAME).unlink(missing_ok=True)
        with short_path(folder) as path:
            bound.bind(path)
        (folder / NAME).chmod(0o600)
        bound.listen()
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)  # noqa: FBT003 - the standard library takes no name here
    return bound


def _is_owner(writer: asyncio.StreamWriter) -> bool:
    """Say whether the other side runs as we do, or as root."""
    connection: socket.socket = writer.get_extra_info("socket")
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _, user, _ = CREDENTIALS.unpack(found)
    return user in {os.geteuid(), ROOT}
