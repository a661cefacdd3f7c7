"""Puts the outbox on disk in the background: soon, not often, and never in anybody's way.

A change is on disk FLUSHED_WITHIN seconds later, and the time that one flush takes. Changes come
together to one write; a page that is long is written less often, so that an outage with much to
tell wears no SD card: BYTES_A_SECOND over time, but never less often than every REST_MAX. Only a
message on its way out and the press of a button do not wait for that.
"""

import asyncio
import logging
from typing import Final

from lib.control.telegram.outbox import Outbox, Page
from lib.errors import DiskFailed
from lib.kept import Kept

log = logging.getLogger(__name__)

FLUSHED_WITHIN: Final = 0.3  # seconds, while little waits
BYTES_A_SECOND: Final = 16_384
REST_MAX: Final = 8.0  # seconds: with that much waiting nothing is older than this on disk
AGAIN: Final = 10.0  # seconds until a disk that refused is tried again


class Keeper:
    """Writes the page of one outbox."""

    def __init__(self, file: Kept[Page], outbox: Outbox, *, gather: float = FLUSHED_WITHIN) -> None:
        self._file = file
        self._outbox = outbox
        self._gather = gather
        self._changes = 0
        self._saved = 0  # of the changes
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._progress = asyncio.Condition()
        self._refused = False
        outbox.on_change = self._note

    def _note(self) -> None:
        self._changes += 1
        self._changed.set()

    async def run(self) -> None:
        """Write whatever changes, for ever."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._gather)
            self._changed.clear()
            self._wanted.clear()
            await self._rest(await self._write())

    async def _rest(self, seconds: float) -> None:
        """Leave the disk alone for a while, unless somebody waits for it."""
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            pass

    async def saved(self, patience: float) -> bool:
        """Wait until what is so by now is on disk, but no longer than so many seconds."""
        wanted = self._changes
        if self._saved < wanted:
            self._wanted.set()
        try:
            async with asyncio.timeout(patience), self._progress:
                await self._progress.wait_for(lambda: self._saved >= wanted)
        except TimeoutError:
            return False
        return True

    async def _write(self) -> float:
        """Write once; answer the seconds until the next time."""
        changes = self._changes
        try:
            written = await self._file.save(self._outbox.page)
        except DiskFailed as wrong:
            self._changed.set()
            if not self._refused:
                log.warning("what Telegram has to tell is not on disk: %s", wrong)
            self._refused = True
            return AGAIN
        self._refused = False
        async with self._progress:
            self._saved = changes
            self._progress.notify_all()
        return min(REST_MAX, max(0.0, written / BYTES_A_SECOND - self._gather))
