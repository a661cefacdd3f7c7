"""How long ago the user stream brought anything: looked at once a second, beside the stream."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

EVERY: Final = 1.0  # seconds


class Counting(Protocol):
    """The account's mirror, as far as it is looked at here."""

    events: int


class EventAge:
    """Notes when the number of events changed."""

    def __init__(self, mirror: Counting, ticks: Callable[[], int]) -> None:
        self._mirror = mirror
        self._ticks = ticks
        self._events = mirror.events
        self._changed = ticks()

    @property
    def age_ms(self) -> int:
        """How long nothing has come; since the start, where nothing ever did."""
        self._look()
        return self._ticks() - self._changed

    async def keep(self) -> None:
        """Look for ever."""
        while True:
            self._look()
            await asyncio.sleep(EVERY)

    def _look(self) -> None:
        if self._mirror.events != self._events:
            self._events, self._changed = self._mirror.events, self._ticks()
