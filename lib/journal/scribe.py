"""Who takes the notes of the order journal: the writer behind its queue, or nobody."""

from typing import Protocol

from lib.journal.rows import Entry


class Scribe(Protocol):
    """Takes notes; must return at once."""

    def offer(self, entry: Entry) -> None: ...

    def lose(self, at: int, why: str) -> None:
        """Count a note that could not be made."""
        ...


class Nobody:
    """Takes notes and keeps none."""

    def offer(self, entry: Entry) -> None:
        return

    def lose(self, at: int, why: str) -> None:
        return
