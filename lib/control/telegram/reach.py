"""Whether Telegram can be reached and used: said once when it is lost and once when it is back."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from lib.control.telegram.wire import Conflict, OutOfReach, ShutOut, SlowDown, Trouble

log = logging.getLogger(__name__)

BACK_OFF: Final = (1, 2, 5, 10, 30, 60)  # seconds; the last one for ever
LOST_AFTER: Final = 2  # failures in a row: one lost answer is nothing to be told
SHUT_OUT: Final = 600.0  # seconds until one that refused us is asked again
CONFLICT: Final = 30.0  # seconds until it is tried again

Sleep: TypeAlias = Callable[[float], Awaitable[None]]


class Reach:
    """What one of the two ways, sending or fetching, goes through."""

    def __init__(self, what: str, redact: Callable[[str], str], sleep: Sleep) -> None:
        self._what = what
        self._redact = redact
        self._sleep = sleep
        self._failures = 0
        self._said = ""

    async def wait(self, trouble: Trouble) -> None:
        """Say what is wrong, once, and wait until it may be tried again."""
        self._failures += 1
        match trouble:
            case SlowDown():
                await self._sleep(trouble.seconds)
            case Conflict() if "webhook" in str(trouble).lower():
                self._say(
                    "Telegram sends what you say to a webhook, so no command arrives here: "
                    "remove it (deleteWebhook); it is tried again"
                )
                await self._sleep(CONFLICT)
            case Conflict():
                self._say(
                    "somebody else fetches what you say to this Telegram bot (another runner with "
                    "the same token?), so commands may not arrive; it is tried again"
                )
                await self._sleep(CONFLICT)
            case ShutOut():
                self._say(
                    f"Telegram is off, the bots go on: {self._redact(str(trouble))}; "
                    "it is tried again every ten minutes"
                )
                await self._sleep(SHUT_OUT)
            case _:
                if self._failures >= LOST_AFTER:
                    self._say(self._outage(trouble))
                await self._sleep(BACK_OFF[min(self._failures, len(BACK_OFF)) - 1])

    def _outage(self, trouble: Trouble) -> str:
        why = self._redact(str(trouble))
        if isinstance(trouble, OutOfReach):
            return f"Telegram cannot be reached, {self._what}: {why}"
        return f"Telegram refuses: {why}"

    def note_success(self) -> None:
        """Say that it is back, if it was said to be away."""
        if self._said:
            log.warning("Telegram is back (%s)", self._what)
        self._failures, self._said = 0, ""

    def _say(self, text: str) -> None:
        """Say it unless this sort of thing was said already."""
        sort = text.partition(":")[0]
        if sort != self._said:
            log.warning("%s", text)
        self._said = sort
