"""What the faults and the commands did, so that a test can say what happened. Bounded."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

LENGTH: Final = 10_000
SECRETS: Final = frozenset({"signature", "apiKey", "secret"})


class FaultLog:
    """The last ten thousand disturbances, the oldest first."""

    def __init__(self, length: int = LENGTH) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=length)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Each with its time, what was done, to what, by which rule if by one."""
        return list(self._entries)

    def add(
        self,
        time: int,
        done: str,
        what: str,
        content: Mapping[str, Any],
        *,
        rule: Mapping[str, Any] | None = None,
    ) -> None:
        """Note what was done at an exchange time to a request, an event or the whole venue."""
        shown = {name: value for name, value in content.items() if name not in SECRETS}
        self._entries.append({
            "time": time,
            "done": str(done),
            "to": what,
            "content": shown,
            "rule": rule,
        })

    def clear(self) -> None:
        self._entries.clear()
