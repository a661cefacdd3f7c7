"""The store on a thread of its own, so that a slow disk does not hold up the streams."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lib.data.rows import Piece
from lib.data.series import Series, Span
from lib.data.store import Added, MarketStore

Answer = TypeVar("Answer")


class Writer:
    """Does one thing after the other with a store. Owns its thread, not the store."""

    def __init__(self, store: MarketStore) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "market data")

    async def add(self, pieces: Sequence[Piece]) -> Added:
        """Save pieces in one transaction. Raises Unstorable and sqlite3.Error."""
        return await self._run(lambda: self._store.add(pieces))

    async def missing(self, series: Series, whole: Span) -> list[Span]:
        return await self._run(lambda: self._store.missing(series, whole))

    async def wish(self, series: Series) -> tuple[int, int] | None:
        return await self._run(lambda: self._store.wish(series))

    async def note_wish(self, series: Series, since: int, first: int) -> None:
        await self._run(lambda: self._store.note_wish(series, since, first))

    async def newest_trade(self, series: Series) -> tuple[int, int] | None:
        return await self._run(lambda: self._store.newest_trade(series))

    def close(self) -> None:
        """Finish what was begun."""
        self._thread.shutdown(wait=True)

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
