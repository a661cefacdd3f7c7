"""What the runner answers when it is asked whether it is well. To answer at all is half of it."""

from collections.abc import Callable

from lib.control.loop_lag import LoopLag
from lib.control.vitals import Signs, diagnosis


class Checkup:
    """Looks at the same signs as the watchdog."""

    def __init__(
        self, signs: Signs, lag: LoopLag, line: Callable[[], str], *, silence_max_ms: int
    ) -> None:
        self._signs = signs
        self._lag = lag
        self._line = line
        self._silence_max_ms = silence_max_ms

    def __call__(self) -> tuple[bool, str]:
        """Say whether all is well, and what goes on or what is wrong."""
        ailment = diagnosis(
            self._signs, lag_ms=self._lag.newest_ms, silence_max_ms=self._silence_max_ms
        )
        line = self._line()
        return (False, f"not well: {ailment}; {line}") if ailment else (True, line)
