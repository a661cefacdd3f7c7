"""The market's best prices and trades of many symbols over one connection.

Symbols come and go by SUBSCRIBE and UNSUBSCRIBE, never by a new connection. Binance takes five
messages a second, pings included, and 1024 streams per connection.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import aiohttp

from lib.binance.connection import SECOND, Connection, Keeper, Patience, connect
from lib.binance.transport import Frame
from lib.errors import Halt

SYMBOLS_MAX: Final = 512
SYMBOLS_AT_ONCE: Final = 100
BREATH: Final = 250
"""The pause (ms) after a control message: four a second, and room for a ping."""
SILENCE_GROWTH_MAX: Final = 16
"""A market that really is asleep is asked ever more rarely, up to so many times the patience."""


def _ignore(_: object) -> None:
    """The market is not missed event by event: the next quote holds all."""


def _nothing() -> None:
    """Nobody waits for the market stream's return."""


class MarketStream:
    """Binance's combined stream as a `MarketSource`. Owns its connection."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        patience: Patience | None = None,
        chance: Callable[[int], int] = secrets.randbelow,
        kinds: Sequence[str] = ("bookTicker", "trade"),
        on_ready: Callable[[], None] = _nothing,
        on_lost: Callable[[str], None] = _ignore,
    ) -> None:
        self._session = session
        self._kinds = kinds
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._url = f"{url}/stream"
        self._patience = patience or Patience()
        self._chance = chance
        self._keeper: Keeper | None = None
        self._on_frame: Callable[[Frame], None] = _ignore
        self._wanted: dict[str, None] = {}  # a set that keeps its order
        self._changed: set[asyncio.Event] = set()
        self._opened = 0
        self._speaking = 0  # the newest connection: an older one, read on beside it, is stale
        self._silences = 0
        self._heard = False

    def start(self, on_frame: Callable[[Frame], None]) -> None:
        assert self._keeper is None, "the market stream was started before"
        self._on_frame = on_frame
        self._keeper = Keeper(
            "market",
            self._subscribed,
            on_ready=self._on_ready,
            on_lost=self._on_lost,
            patience=self._patience,
            chance=self._chance,
        )

    def follow(self, symbol: str) -> None:
        """Subscribe to a symbol from now on. Raises Halt beyond what one connection carries."""
        if len(self._wanted) >= SYMBOLS_MAX and symbol not in self._wanted:
            raise Halt(f"{symbol}: no more than {SYMBOLS_MAX} symbols can be followed")
        self._wanted[symbol] = None
        self._tell_change()

    def leave(self, symbol: str) -> None:
        self._wanted.pop(symbol, None)
        self._tell_change()

    async def close(self) -> None:
        if self._keeper:
            await self._keeper.close()

    async def _subscribed(self) -> Connection:
        """Open one connection with all wanted symbols subscribed. Raises Unavailable."""
        self._opened += 1
        number = self._opened
        connection = await connect(self._session, self._url, self._patience)
        connection.listen(lambda frame: self._take(connection, number, frame))
        current: set[str] = set()
        try:
            await self._adjust(connection, current)
        except BaseException:
            await connection.hang_up()
            raise
        self._speaking = number
        connection.accompany(lambda: self._keep_adjusted(connection, current))
        connection.accompany(lambda: self._watch(connection))
        return connection

    async def _keep_adjusted(self, connection: Connection, current: set[str]) -> None:
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            while True:
                await self._adjust(connection, current)
                await changed.wait()
                changed.clear()
        finally:
            self._changed.discard(changed)

    async def _adjust(self, connection: Connection, current: set[str]) -> None:
        """Say what is missing and what is too much, until it is what is wanted."""
        while current != self._wanted.keys():
            joining = [symbol for symbol in self._wanted if symbol not in current]
            leaving = [symbol for symbol in current if symbol not in self._wanted]
            if joining:
                await self._say(connection, "SUBSCRIBE", joining[:SYMBOLS_AT_ONCE])
                current.update(joining[:SYMBOLS_AT_ONCE])
            if leaving:
                await self._say(connection, "UNSUBSCRIBE", leaving[:SYMBOLS_AT_ONCE])
                current.difference_update(leaving[:SYMBOLS_AT_ONCE])

    async def _say(self, connection: Connection, method: str, symbols: Sequence[str]) -> None:
        answer = await connection.ask(method, list(_streams(symbols, self._kinds)))
        if answer.get("result", answer) is not None:
            connection.complain(f"{method} was refused: {answer}")
        await asyncio.sleep(BREATH / SECOND)

    async def _watch(self, connection: Connection) -> None:
        """End a connection that answers pings and brings nothing."""
        while True:
            self._heard = False
            growth = min(1 << min(self._silences, 10), SILENCE_GROWTH_MAX)
            await asyncio.sleep(self._patience.silence * growth / SECOND)
            if self._heard:
                self._silences = 0
            elif self._wanted:
                self._silences += 1
                connection.end("nothing came any more")

    def _take(self, connection: Connection, number: int, frame: Frame) -> None:
        content = frame.get("data")
        if not isinstance(content, dict):
            connection.complain(f"a frame of no known kind: {sorted(frame)}")
        elif content.get("e") == "serverShutdown":
            connection.retire()
        elif number >= self._speaking:
            self._heard = True
            self._on_frame(content)

    def _tell_change(self) -> None:
        for changed in self._changed:
            changed.set()


def _streams(symbols: Sequence[str], kinds: Sequence[str]) -> Iterator[str]:
    for symbol in symbols:
        yield from (f"{symbol.lower()}@{kind}" for kind in kinds)
