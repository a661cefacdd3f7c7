"""A mistake in a file that a person edits: where it is, what was found, what was expected.

All mistakes of a file are told at once. Each fits one line and shows no more of a value than
helps to find it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

FOUND_MAX = 60  # characters of a found value that are shown


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake. `line` and `column` count from 1; 0 where a file has none.

    `found` is empty where `expected` is a whole sentence; `likely` is what was probably meant.
    """

    file: str
    line: int
    column: int
    path: str
    found: str
    expected: str
    likely: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        where = f"{place}: {self.path}" if self.path else place
        what = f"found {self.found}, expected {self.expected}" if self.found else self.expected
        return (
            f"{where}: {what}; did you mean {self.likely}?" if self.likely else f"{where}: {what}"
        )


class ConfError(Exception):
    """A file cannot be used as it is. Carries every mistake in it, in the order of the file."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column)))
        super().__init__("\n".join(map(str, self.mistakes)))


def written(path: Path) -> str:
    """Write a path as `bots[1].smart_trade_1.take_profit.price`; odd keys in quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("-", "_").isidentifier():
            text += f".{step}"
        else:
            text += f"[{shown(step)}]"
    return text.removeprefix(".")


def shown(value: object) -> str:
    """Show a found value as it would stand in the file, cut where it gets long."""
    text = json.dumps(value, ensure_ascii=False, default=str) if not _bare(value) else str(value)
    text = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)
    return text if len(text) <= FOUND_MAX else f"{text[: FOUND_MAX - 1]}…"


def likely(found: str, choices: Iterable[str]) -> str:
    """Answer the choice that was probably meant, or nothing."""
    choices = list(choices)
    by_lower = {choice.lower(): choice for choice in choices}
    close = get_close_matches(found[:FOUND_MAX].lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""


def _bare(value: object) -> bool:
    """Say whether a value is written without quotes and brackets and is no word of JSON."""
    return not isinstance(value, str | bool | dict | list | None)
