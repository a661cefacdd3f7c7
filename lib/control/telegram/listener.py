"""Hears what is said to the bot: fetches, gives each to who does it, and forgets it only then.

Telegram keeps what was said until it is asked for what comes after it. So the offset moves past a
command once that is saved and answered; after a power cut the same comes again, and is known.
While something takes its time (a disk that refuses), what comes after it is fetched and done all
the same: a kill waits for nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from lib.control.request import Verb
from lib.control.telegram.chats import Chats, Strangers
from lib.control.telegram.deeds import Deeds, Turn
from lib.control.telegram.reach import Reach
from lib.control.telegram.readings import Readings
from lib.control.telegram.speaker import Speaker
from lib.control.telegram.wire import LONG_POLL, Heard, Trouble, Wire
from lib.control.telegram.words import ACTING, HELP, READING, help_text, offered, read_command

log = logging.getLogger(__name__)

LOOK_AGAIN: Final = 2.0  # seconds, while something is still being done
UNKNOWN: Final = "I do not know that; /help shows what I do"


class Listener:
    """One task: `listen`."""

    def __init__(
        self,
        wire: Wire,
        chats: Chats,
        reach: Reach,
        speaker: Speaker,
        deeds: Deeds,
        readings: Readings,
        redact: Callable[[str], str],
    ) -> None:
        self._wire = wire
        self._chats = chats
        self._reach = reach
        self._speaker = speaker
        self._deeds = deeds
        self._readings = readings
        self._redact = redact
        self._strangers = Strangers(asyncio.get_running_loop().time)
        self._own_name = ""
        self._offset: int | None = None
        self._newest_turn: Turn | None = None
        self._begun: dict[int, asyncio.Task[None]] = {}  # by the update's number

    async def listen(self) -> None:
        """Hear and answer for ever."""
        while True:
            try:
                await self._introduce()
                await self._hear()
            except Trouble as wrong:
                await self._reach.wait(wrong)
            else:
                self._reach.note_success()

    async def _introduce(self) -> None:
        """Learn our own name, and have the app offer our commands; once."""
        if not self._own_name:
            name = await self._wire.name()
            await self._wire.offer(offered())
            self._own_name = name

    async def _hear(self) -> None:
        """Fetch once, begin what is new, and give it a moment."""
        under_way = any(not task.done() for task in self._begun.values())
        for heard in await self._wire.updates(self._offset, 0 if under_way else LONG_POLL):
            if heard.update not in self._begun and heard.update >= (self._offset or 0):
                self._begun[heard.update] = asyncio.create_task(self._take(heard))
        pending = [task for task in self._begun.values() if not task.done()]
        if pending:
            await asyncio.wait(pending, timeout=LOOK_AGAIN)
        self._move_on()

    def _move_on(self) -> None:
        """Forget what is done; what comes after something unfinished stays known."""
        for number in sorted(self._begun):
            if not self._begun[number].done():
                return
            del self._begun[number]
            self._offset = number + 1

    async def _take(self, heard: Heard) -> None:
        """Do what was said. What breaks here breaks one command, and nothing after it."""
        try:
            if not self._chats.allow(heard):
                self._strangers.note(heard)
            elif heard.pressed:
                await self._in_turn(partial(self._deeds.press, heard))
            else:
                await self._answer(heard)
        except Exception as wrong:  # noqa: BLE001 - the next command may be a kill
            text = self._redact(f"{type(wrong).__name__}: {wrong}")
            log.warning("Telegram: %s could not be answered: %s", self._redact(heard.text), text)
            await self._speaker.say(heard.chat, f"that went wrong: {text}")

    async def _in_turn(self, act: Callable[[Turn], Awaitable[None]]) -> None:
        """Give what acts its place in the order; whatever becomes of it, the next one comes."""
        turn = self._newest_turn = Turn(self._newest_turn)
        try:
            await act(turn)
        finally:
            turn.over()

    async def _answer(self, heard: Heard) -> None:
        command = read_command(heard.text, self._own_name)
        if command is None:
            if heard.chat == heard.sender:  # in a group people talk about other things
                await self._speaker.say(heard.chat, UNKNOWN)
        elif command.word in ACTING:
            assert command.word in set(Verb)
            await self._in_turn(partial(self._deeds.command, heard, command))
        elif command.word in READING:
            await self._speaker.say(heard.chat, await self._readings.answer(command))
        else:
            await self._speaker.say(heard.chat, help_text() if command.word == HELP else UNKNOWN)
