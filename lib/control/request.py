"""What a person asks the running program for."""

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What can be asked for."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    START = "start"
    FLATTEN = "flatten"
    CANCEL = "cancel"
    RELEASE = "release"
    KILL = "kill"
    UNKILL = "unkill"
    RELOAD = "reload"
    SIGNAL = "signal"


class Removed(StrEnum):
    """What becomes of the open orders of a bot that conf.json has no more."""

    KEEP = "keep"  # they rest, and are found again when the bot comes back
    CANCEL = "cancel"  # all of them are canceled, nothing is sold


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for. `id` is theirs: who repeats a request repeats its id."""

    id: str
    verb: Verb
    bots: tuple[str, ...]  # none named: all
    by: str  # who asks, in a person's words
    asked_at: int  # ms, by the asker's clock
    flatten: bool = False  # of a kill: sell as well
    signal: str = ""  # of a signal: its name, or NAME=VALUE
    removed: Removed = Removed.KEEP  # of a reload
