"""Delivers the outbox to the chat, message after message, however long that takes."""

import asyncio
import logging
from collections.abc import Callable
from datetime import tzinfo
from typing import Final

from lib.control.telegram.chats import Chats
from lib.control.telegram.keeper import Keeper
from lib.control.telegram.outbox import Again, Outbox
from lib.control.telegram.reach import Reach, Sleep
from lib.control.telegram.wire import Moved, OutOfReach, Refusal, Trouble, Wire

log = logging.getLogger(__name__)

PAUSE: Final = 3  # seconds between messages: Telegram allows 20 a minute in a group
PAUSE_MAX: Final = 30  # in a flood; what is grave does not wait for it
SAVE_PATIENCE: Final = 5.0  # seconds: a disk that refuses is a thing to be told


class Mail:
    """One task: `deliver`."""

    def __init__(
        self,
        outbox: Outbox,
        keeper: Keeper,
        chats: Chats,
        *,
        heading: str,
        zone: tzinfo,
        redact: Callable[[str], str],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._keeper = keeper
        self._chats = chats
        self._heading = heading
        self._zone = zone
        self._redact = redact
        self._sleep = sleep
        self._reach = Reach("what is news waits", redact, sleep)
        self._pause = PAUSE

    async def deliver(self, wire: Wire) -> None:
        """Send whatever waits, for ever."""
        while True:
            await self._outbox.filled()
            await self._deliver_one(wire)
            await self._breathe()

    async def _deliver_one(self, wire: Wire) -> None:
        """Send one message; give up only what is refused for good."""
        while True:
            text = self._outbox.message(self._heading, self._zone)
            await self._keeper.saved(SAVE_PATIENCE)  # that it may have been delivered
            try:
                await wire.send(self._chats.told, text)
            except Refusal as wrong:
                log.warning("Telegram refused a message: %s", self._redact(str(wrong)))
                break
            except Trouble as wrong:
                await self._bear(wrong)
            else:
                self._reach.note_success()
                break
        self._outbox.confirm()

    async def _bear(self, wrong: Trouble) -> None:
        match wrong:
            case Moved(chat=chat):
                log.warning("the Telegram chat has moved: set TELEGRAM_CHAT_ID to %s", chat)
                self._chats.moved(self._chats.told, chat)
                return
            case OutOfReach(may_have_arrived=True):
                self._outbox.again = Again.MAYBE
            case _:
                pass
        await self._reach.wait(wrong)

    async def _breathe(self) -> None:
        """Leave time between messages, and more of it while each is followed by the next."""
        await self._sleep(PAUSE)
        if not self._outbox.waits:
            self._pause = PAUSE
            return
        rest, self._pause = self._pause - PAUSE, min(2 * self._pause, PAUSE_MAX)
        if rest > 0:
            await self._rest(rest)

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until something grave is there."""
        grave = asyncio.ensure_future(self._outbox.grave())
        rest = asyncio.ensure_future(self._sleep(seconds))
        try:
            await asyncio.wait({grave, rest}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            grave.cancel()
            rest.cancel()
