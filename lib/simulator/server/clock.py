"""The exchange's clock as its clients see it: it may run ahead, lag behind, and jump."""

from collections.abc import Callable


class ShiftedClock:
    """Another clock, moved by some milliseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self.offset_ms = 0

    def __call__(self) -> int:
        return self._clock() + self.offset_ms

    def jump(self, ms: int) -> None:
        """Move it, forwards or backwards, from where it is."""
        self.offset_ms += ms
