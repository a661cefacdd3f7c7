"""What a bot was signaled from outside: named values, each taken once.

An inbox is part of what the desk remembers, so it is in the bot's own file. A signal is put in
before whoever gave it hears an answer. The bot takes it out in the step in which it writes down
what follows from it, and one save holds both: a crash finds the signal waiting, or its
consequence, never both and never neither. A newer signal of a name takes the place of the former.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict

NAMES_MAX: Final = 20  # that wait at once
DONE_MAX: Final = 50  # the newest ids that are known not to come again


class Signal(BaseModel):
    """A named value from outside."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str  # of the request that brought it: one that is repeated brings nothing
    name: str
    value: str = ""
    at: int = 0  # exchange ms


class Inbox(BaseModel):
    """The signals that wait, by name, and the ids of those that do not any more."""

    model_config = ConfigDict(extra="forbid")

    waiting: dict[str, Signal] = {}
    done: list[str] = []  # oldest first


def check_room(inbox: Inbox, signal: Signal) -> None:
    """Raise ValueError for one name too many; one that came before needs no room."""
    is_new = signal.name not in inbox.waiting and signal.id not in inbox.done
    if is_new and len(inbox.waiting) >= NAMES_MAX:
        raise ValueError(f"{NAMES_MAX} other signals wait already")


def deliver(inbox: Inbox, signal: Signal) -> None:
    """Put a signal in, unless it came before."""
    former = inbox.waiting.get(signal.name)
    if signal.id in inbox.done or (former is not None and former.id == signal.id):
        return
    if former is not None:
        _note_done(inbox, former)
    inbox.waiting = {**inbox.waiting, signal.name: signal}


def take(inbox: Inbox, name: str) -> Signal | None:
    """Take the signal of a name out; None if there is none."""
    signal = inbox.waiting.get(name)
    if signal is not None:
        inbox.waiting = {key: other for key, other in inbox.waiting.items() if key != name}
        _note_done(inbox, signal)
    return signal


def _note_done(inbox: Inbox, signal: Signal) -> None:
    inbox.done = [*inbox.done, signal.id][-DONE_MAX:]
