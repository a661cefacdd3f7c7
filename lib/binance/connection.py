"""One WebSocket to Binance, and the keeper that always has another one.

python-binance's own WebSocket layer is not used: it gives up after five tries, never subscribes
again, and dies of one unmatched answer or of a burst of a hundred events.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
import orjson

from lib.binance.transport import Frame
from lib.errors import NotSent, Unavailable

log = logging.getLogger(__name__)

SECOND: Final = 1_000
MESSAGE_MAX: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long (ms) a stream waits for what."""

    heartbeat: int = 9_000  # a half-open socket is noticed within one and a half of it
    silence: int = 15_000  # open, alive, and nothing comes
    answer: int = 5_000  # to connect, and to be answered
    rotation: int = 23 * 3_600_000  # Binance closes after 24 h
    rotation_again: int = 60_000  # when the successor could not be opened
    linger: int = 2_000  # the old one is read on beside its successor
    farewell: int = 500
    retry_first: int = 100
    retry_last: int = 5_000
    retry_unreached: int = 1_000  # at most, where nobody was there to be bothered


class Connection:
    """One open WebSocket, read to its end by a task of its own.

    Answers to what we asked go to who asked; every other JSON object goes to who listens. No
    frame can end the reading, whatever is in it.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, patience: Patience) -> None:
        self._socket = socket
        self._patience = patience
        self._on_frame: Callable[[Frame], None] | None = None
        self._asked = 0
        self._answers: dict[int, asyncio.Future[Frame]] = {}
        self._complaints: set[str] = set()
        self._due = asyncio.Event()  # ended, or to be replaced
        self._tasks: list[asyncio.Task[None]] = []
        self.reason = ""

    @property
    def ended(self) -> bool:
        return bool(self.reason)

    def listen(self, on_frame: Callable[[Frame], None]) -> None:
        """Begin to read, and tell every frame that answers nothing."""
        assert self._on_frame is None, "somebody listens already"
        self._on_frame = on_frame
        self._tasks.append(asyncio.create_task(self._read(on_frame), name="read a WebSocket"))

    async def ask(self, method: str, params: object) -> Frame:
        """Send one request, answer its reply. Raises Unavailable when none comes."""
        self._asked += 1
        number = self._asked
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            await self._send({"id": number, "method": method, "params": params})
            async with asyncio.timeout(self._patience.answer / SECOND):
                return await answer
        except TimeoutError:
            pass
        finally:
            self._answers.pop(number, None)
        raise Unavailable(f"{method} was not answered")

    def accompany(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run something for as long as this connection lasts; its failure ends the connection."""
        self._tasks.append(asyncio.create_task(self._run(work)))

    def end(self, reason: str) -> None:
        """Give it up: the keeper opens another one."""
        self.reason = self.reason or reason
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Unavailable(reason))
        self._due.set()

    def retire(self) -> None:
        """Ask for a successor; this one is read until that is ready."""
        self._due.set()

    async def wait_due(self, patience: int) -> None:
        """Return when it ended, asked for a successor, or has lasted so long (ms)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience / SECOND):
                await self._due.wait()
        if not self.ended:
            self._due.clear()

    async def hang_up(self) -> None:
        """Close it, in bounded time. What had not been read is lost."""
        self.end("closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(aiohttp.ClientError, OSError):
            await self._socket.close()

    def complain(self, kind: str) -> None:
        """Log what we do not understand, once per connection and kind."""
        if kind not in self._complaints and len(self._complaints) < 20:
            self._complaints.add(kind)
            log.warning("stream: %s", kind)

    def _confess(self, wrong: Exception) -> None:
        """Log an error of ours with its trace, once per connection and kind."""
        kind = f"a frame could not be taken in: {type(wrong).__name__}"
        if kind not in self._complaints:
            log.error("stream: %s", kind, exc_info=wrong)
        self._complaints.add(kind)

    async def _send(self, message: object) -> None:
        try:
            await self._socket.send_str(orjson.dumps(message).decode())
        except (aiohttp.ClientError, OSError) as failure:
            reason = type(failure).__name__
        else:
            return
        raise Unavailable(f"the stream broke: {reason}")

    async def _read(self, on_frame: Callable[[Frame], None]) -> None:
        receive, loads = self._socket.receive, orjson.loads
        while True:
            message = await receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                if message.type is aiohttp.WSMsgType.BINARY:
                    continue
                break
            try:
                frame = loads(message.data)
                if isinstance(frame, dict) and frame.get("id") is None:
                    on_frame(frame)
                else:
                    self._settle(frame)
            except orjson.JSONDecodeError:
                self.complain("a frame that is no JSON")
            except Exception as wrong:  # noqa: BLE001 - a listener's bug must not stop the rest
                self._confess(wrong)
        self.end(_farewell_of(self._socket, message))

    def _settle(self, frame: object) -> None:
        if not isinstance(frame, dict):
            self.complain(f"a frame that is a {type(frame).__name__}")
            return
        number = frame["id"]
        answer = self._answers.get(number) if isinstance(number, int) else None
        if answer is None:
            self.complain("an answer to nothing we still wait for")
        elif not answer.done():
            answer.set_result(frame)

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Unavailable as weather:
            self.end(str(weather))
        except Exception:  # without its companion the connection would be half alive
            log.exception("stream: ended by an error of ours")
            self.end("an error of ours")


async def connect(session: aiohttp.ClientSession, url: str, patience: Patience) -> Connection:
    """Open one connection. Raises Unavailable, without the address; NotSent if nobody was there."""
    error = Unavailable
    try:
        async with asyncio.timeout(patience.answer / SECOND):
            socket = await session.ws_connect(
                url,
                heartbeat=patience.heartbeat / SECOND,
                max_msg_size=MESSAGE_MAX,
                timeout=aiohttp.ClientWSTimeout(ws_close=patience.farewell / SECOND),
            )
    except (aiohttp.ClientError, OSError) as failure:
        reason = type(failure).__name__
        error = NotSent if _nobody_was_there(failure) else Unavailable
    else:
        return Connection(socket, patience)
    raise error(f"no stream: {reason}")


def _nobody_was_there(failure: Exception) -> bool:
    """Say whether not even a connection came about; with a bad certificate one did."""
    connected = isinstance(failure, aiohttp.ClientSSLError)
    return isinstance(failure, aiohttp.ClientConnectorError) and not connected


class Keeper:
    """Keeps a stream open for ever. Owns the connection and the one task that replaces it.

    It tries again without limit, after delays that double from a tenth of a second to five, half
    of each by chance; what a try took is part of the delay after it, and where nobody was reached
    it is a second at most. Before Binance's 24 h are over it opens a successor and only then closes
    the old one: no event is lost, some come twice.
    """

    def __init__(
        self,
        name: str,
        open_one: Callable[[], Awaitable[Connection]],
        *,
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
        patience: Patience,
        chance: Callable[[int], int],
    ) -> None:
        self._name = name
        self._open_one = open_one
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._patience = patience
        self._chance = chance  # a number below the one it is given
        self._open: list[Connection] = []
        self._task = asyncio.create_task(self._keep(), name=f"keep the {name} stream")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(each.hang_up() for each in self._open))

    async def _keep(self) -> None:
        while True:
            connection = await self._open_at_last()
            self._tell(self._on_ready)
            log.info("%s stream: open", self._name)
            reason = await self._follow(connection)
            log.warning("%s stream: lost: %s", self._name, reason)
            self._tell(lambda: self._on_lost(reason))  # noqa: B023 - called at once

    async def _open_at_last(self) -> Connection:
        delay, loop = self._patience.retry_first, asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                return await self._opened()
            except Unavailable as weather:
                log.debug("%s stream: %s", self._name, weather)
                pause = self._pause(delay, weather)
            await asyncio.sleep(max(0.0, began + pause / SECOND - loop.time()))
            delay = min(delay * 2, self._patience.retry_last)

    def _pause(self, delay: int, weather: Unavailable) -> int:
        """Answer how long (ms) after the begin of a try that failed the next may begin."""
        if isinstance(weather, NotSent):
            delay = min(delay, self._patience.retry_unreached)
        return delay // 2 + self._chance(delay // 2 + 1)

    async def _follow(self, connection: Connection) -> str:
        """Stay with it and its successors; answer why the last one ended."""
        patience = self._patience.rotation
        while True:
            await connection.wait_due(patience)
            if connection.ended:
                await self._close(connection)
                return connection.reason
            try:
                successor = await self._opened()
            except Unavailable as weather:
                log.debug("%s stream: no successor yet: %s", self._name, weather)
                patience = self._patience.rotation_again
                continue
            await self._hand_over(connection)
            connection, patience = successor, self._patience.rotation

    async def _hand_over(self, old: Connection) -> None:
        if old.ended:  # before the successor was ready: something may be missing
            self._tell(lambda: self._on_lost(old.reason))
            self._tell(self._on_ready)
        else:
            await asyncio.sleep(self._patience.linger / SECOND)
        await self._close(old)

    async def _opened(self) -> Connection:
        connection = await self._open_one()
        self._open.append(connection)
        return connection

    async def _close(self, connection: Connection) -> None:
        await connection.hang_up()
        self._open.remove(connection)

    def _tell(self, listener: Callable[[], None]) -> None:
        try:
            listener()
        except Exception:  # a listener's bug must not cost everyone the stream
            log.exception("%s stream: a listener failed", self._name)


def _farewell_of(socket: aiohttp.ClientWebSocketResponse, last: aiohttp.WSMessage) -> str:
    if last.type is aiohttp.WSMsgType.ERROR:
        return f"broken: {type(last.data).__name__}"
    return f"closed with {socket.close_code}"
