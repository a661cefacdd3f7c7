"""Answers in the chat: at once, in as many messages as it takes, patient for a little while."""

import logging
from collections.abc import Callable
from typing import Final

from lib.control.telegram.length import LENGTH_MAX, sound, split
from lib.control.telegram.outbox import Line, Outbox
from lib.control.telegram.reach import Sleep
from lib.control.telegram.wire import Buttons, Heard, Refusal, SlowDown, Trouble, Wire

log = logging.getLogger(__name__)

PAUSES: Final = (1.0, 3.0, 10.0)  # seconds between tries
SLOW_MAX: Final = 60.0  # seconds: whoever must wait longer gets it later, if it matters


class Speaker:
    """Speaks to whoever asked."""

    def __init__(
        self,
        wire: Wire,
        outbox: Outbox,
        *,
        heading: str,
        redact: Callable[[str], str],
        now: Callable[[], int],
        sleep: Sleep,
    ) -> None:
        self._wire = wire
        self._outbox = outbox
        self._heading = f"{heading}\n" if heading else ""
        self._redact = redact
        self._now = now
        self._sleep = sleep

    async def say(self, chat: int, text: str, buttons: Buttons = ()) -> bool:
        """Answer; say whether it arrived, as far as is known."""
        parts = list(split(sound(self._redact(self._heading + text)), LENGTH_MAX))
        for number, part in enumerate(parts, 1):
            if not await self._send(chat, part, buttons if number == len(parts) else ()):
                return False
        return True

    async def report(self, chat: int, text: str) -> None:
        """Answer what must not get lost: what does not arrive now is told when it can be."""
        if not await self.say(chat, text):
            text = self._redact(text)
            self._outbox.put(Line(at=self._now(), bot="", kind="answer", text=text, grave=True))

    async def close_question(self, heard: Heard, text: str) -> None:
        """Take the buttons away; where that fails, pressing them again does no harm."""
        try:
            await self._wire.close_question(heard, text)
        except Trouble as wrong:
            log.debug("a question stays open: %s", self._redact(str(wrong)))

    async def _send(self, chat: int, text: str, buttons: Buttons) -> bool:
        for pause in (*PAUSES, None):
            try:
                await self._wire.send(chat, text, buttons)
            except Refusal as wrong:
                log.warning("Telegram refused an answer: %s", self._redact(str(wrong)))
                return True
            except SlowDown as wrong:
                pause = None if wrong.seconds > SLOW_MAX or pause is None else wrong.seconds
            except Trouble:
                pass
            else:
                return True
            if pause is None:
                return False
            await self._sleep(pause)
        return False
