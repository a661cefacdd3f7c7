"""The account's own events, over the WebSocket API, subscribed again after every loss."""

import secrets
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import aiohttp

from lib.binance import payloads
from lib.binance.connection import Connection, Keeper, Patience, connect
from lib.binance.payloads import Unreadable
from lib.binance.refusals import CLOCK_OFF, UNAUTHORIZED
from lib.binance.transport import Frame
from lib.clock import ExchangeClock
from lib.errors import Unavailable

SUBSCRIBE: Final = "userDataStream.subscribe.signature"
RECV_WINDOW: Final = 5_000

Sign: TypeAlias = Callable[[Mapping[str, str | int]], Mapping[str, str | int]]


class UserStream:
    """Binance's user data stream as a `UserSource`. Owns its connection."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        sign: Sign,
        clock: ExchangeClock,
        patience: Patience | None = None,
        chance: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._session = session
        self._url = url
        self._sign = sign
        self._clock = clock
        self._patience = patience or Patience()
        self._chance = chance
        self._keeper: Keeper | None = None
        self._on_event: Callable[[Frame], None] = _ignore

    def start(
        self,
        *,
        on_event: Callable[[Frame], None],
        on_ready: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        """Subscribe and stay subscribed. Every loss is told, and every return."""
        assert self._keeper is None, "the user stream was started before"
        self._on_event = on_event
        self._keeper = Keeper(
            "user",
            self._subscribed,
            on_ready=on_ready,
            on_lost=on_lost,
            patience=self._patience,
            chance=self._chance,
        )

    async def close(self) -> None:
        if self._keeper:
            await self._keeper.close()

    async def _subscribed(self) -> Connection:
        """Open one connection with events flowing. Raises Unavailable."""
        connection = await connect(self._session, self._url, self._patience)
        connection.listen(lambda frame: self._take(connection, frame))
        try:
            await self._measure(connection)
            await self._subscribe(connection)
        except BaseException:
            await connection.hang_up()
            raise
        return connection

    async def _measure(self, connection: Connection) -> None:
        """Learn the exchange's time from this very server: it judges our time stamp next."""
        sent = self._clock.ticks()
        answer = await connection.ask("time", {})
        try:
            server_time = payloads.server_time(answer.get("result"))
        except Unreadable as wrong:
            raise Unavailable(f"the stream did not tell its time: {wrong}") from None
        self._clock.expect(server_time)
        self._clock.measured(server_time, sent, self._clock.ticks())

    async def _subscribe(self, connection: Connection) -> None:
        stamp = {"timestamp": self._clock.now(), "recvWindow": RECV_WINDOW}
        answer = await connection.ask(SUBSCRIBE, self._sign(stamp))
        if answer.get("status") != 200:
            if _code_of(answer) == CLOCK_OFF:
                self._clock.doubt()
            raise Unavailable(f"the user stream was refused: {_error_of(answer)}")

    def _take(self, connection: Connection, frame: Frame) -> None:
        event = frame.get("event")
        if not isinstance(event, dict):
            self._take_error(connection, frame)
            return
        match event.get("e"):
            case "serverShutdown":
                connection.retire()
            case "eventStreamTerminated":
                connection.end("the exchange ended the subscription")
            case _:
                self._on_event(event)

    def _take_error(self, connection: Connection, frame: Frame) -> None:
        """An error that answers nothing: with 401 the key fell, and the subscription with it."""
        if frame.get("status") == UNAUTHORIZED:
            connection.end(f"refused: {_error_of(frame)}")
        else:
            connection.complain(f"a frame of no known kind: {_error_of(frame)}")


def _code_of(answer: Frame) -> object:
    error = answer.get("error")
    return error.get("code") if isinstance(error, dict) else None


def _error_of(answer: Frame) -> str:
    error = answer.get("error")
    if not isinstance(error, dict):
        return f"status {answer.get('status')}"
    return f"{error.get('code')} {error.get('msg')}"


def _ignore(_: Frame) -> None:
    """Hear nothing before the start."""
