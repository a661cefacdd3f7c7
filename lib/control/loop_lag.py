"""How late the event loop wakes whoever sleeps: the one number that says it is overburdened."""

import asyncio
from collections import deque
from typing import Final

EVERY: Final = 1.0  # seconds
REMEMBERED: Final = 60  # looks


class LoopLag:
    """Measures it once a second."""

    def __init__(self) -> None:
        self._looks: deque[int] = deque([0], maxlen=REMEMBERED)

    @property
    def newest_ms(self) -> int:
        """How late the last look was."""
        return self._looks[-1]

    @property
    def worst_ms(self) -> int:
        """How late the latest of the last minute's looks was."""
        return max(self._looks)

    async def keep(self) -> None:
        """Measure for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            self._looks.append(max(0, round((loop.time() - due) * 1_000)))
