"""The commands of the chat: their names, what the app shows beside them, how one is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

READING: Final[Mapping[str, str]] = MappingProxyType({
    "status": "how all stand",
    "bots": "a line for each bot",
    "bot": "NAME: all about one",
    "orders": "what is open",
    "balance": "coins and wallets",
    "profit": "what it brought so far",
    "daily": "what each day brought",
    "trades": "the newest fills",
    "log": "[NAME] the newest news",
    "mode": "real money or not",
})
ACTING: Final[Mapping[str, str]] = MappingProxyType({
    "pause": "[NAME] no new entries",
    "resume": "[NAME] go on",
    "stop": "[NAME] and cancel entries",
    "start": "[NAME] after a stop",
    "release": "[NAME] after it parked",
    "cancel": "[NAME] cancel entries, once",
    "flatten": "[NAME] cancel all, sell",
    "kill": "nothing new, of any bot",
    "unkill": "after a kill",
})
HELP: Final = "help"
LEFT_OUT: Final = ("At once: pause, stop, kill.", "All else asks first.")
"""What helps that the table does not show."""


@dataclass(frozen=True, slots=True)
class Command:
    """One word and what follows it."""

    word: str
    rest: tuple[str, ...]


def read_command(text: str, own_name: str) -> Command | None:
    """Read a command; None for what is none, or is meant for another bot of the group."""
    first, *rest = text.split() or [""]
    if not first.startswith("/"):
        return None
    word, _, addressee = first[1:].partition("@")
    if addressee and addressee.lower() != own_name.lower():
        return None
    return Command(word.lower(), tuple(rest))


def offered() -> list[tuple[str, str]]:
    """Answer the commands that the app offers while a person types."""
    return [*READING.items(), *ACTING.items(), (HELP, "what each word means")]


def help_text() -> str:
    """Explain every command in a short line."""
    lines = [f"/{word} {words}" for word, words in {**READING, **ACTING}.items()]
    return "\n".join([*lines, "", "Without NAME: all, or it asks.", *LEFT_OUT])
