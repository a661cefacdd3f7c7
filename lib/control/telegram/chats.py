"""Who may speak to the program, and where it speaks."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from lib.control.telegram.wire import Heard

log = logging.getLogger(__name__)

SAID_EVERY: Final = 60.0  # seconds between two lines about strangers


class NoSuchChat(Exception):
    """The chat that is to be told is none of those that are known."""


@dataclass(slots=True)
class Chats:
    """The chats of TELEGRAM_CHAT_ID. A private chat has the number of the person in it."""

    ids: list[int | str]
    told: int | str  # the one that is told what happens
    senders: frozenset[int]

    @classmethod
    def parse(cls, text: str, *, notify: int | None = None, senders: Iterable[int] = ()) -> "Chats":
        """Read TELEGRAM_CHAT_ID. Raises NoSuchChat."""
        parts = [part.strip() for part in text.split(",")]
        ids: list[int | str] = [part if part.startswith("@") else int(part) for part in parts]
        if notify is not None and notify not in ids:
            raise NoSuchChat(f"chat.notify is {notify}, and TELEGRAM_CHAT_ID does not name it")
        people = {chat for chat in ids if isinstance(chat, int) and chat > 0}
        told = ids[0] if notify is None else notify
        return cls(ids, told, frozenset(people | set(senders)))

    def allow(self, heard: Heard) -> bool:
        """Say whether this was said in one of the chats by one of the people."""
        return heard.chat in self.ids and heard.sender in self.senders

    def moved(self, old: int | str, new: int) -> None:
        """Take note that a group has another number now."""
        self.ids = [new if chat == old else chat for chat in self.ids]
        self.told = new if self.told == old else self.told


@dataclass(slots=True)
class Strangers:
    """Counts what others say; a line a minute at most tells of it, and nobody is answered."""

    time: Callable[[], float]  # seconds, monotonic
    _count: int = 0
    _said_at: float | None = None

    def note(self, heard: Heard) -> None:
        """Count one; say so if a minute has passed since the last time."""
        self._count += 1
        now = self.time()
        if self._said_at is not None and now - self._said_at < SAID_EVERY:
            return
        what = (
            "a message of a stranger was"
            if self._count == 1
            else f"{self._count} messages of strangers were"
        )
        where = f"the last by user {heard.sender} in chat {heard.chat}"
        log.warning("Telegram: %s ignored, %s", what, where)
        self._count, self._said_at = 0, now
