"""Tables and lines that fit: columns as wide as needed, clipped by what a terminal really shows."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column. The first to go when there is no room is the one with the highest `spare`."""

    title: str
    spare: int = 0  # 0: never left out
    right: bool = False


def lay_out(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Lay out a title line and the rows within `width`; no line is wider."""
    table = [[column.title for column in columns], *rows]
    kept = list(range(len(columns)))
    widths = [max(width_of(row[index]) for row in table) for index in range(len(columns))]
    while _total(widths, kept) > width and any(columns[index].spare for index in kept):
        kept.remove(max(kept, key=lambda index: columns[index].spare))
    return [
        clip(
            GAP.join(_cell(row[index], widths[index], columns[index]) for index in kept).rstrip(),
            width,
        )
        for row in table
    ]


def clip(text: str, width: int) -> str:
    """Cut a text to a number of terminal cells; what is cut ends with an ellipsis."""
    if width_of(text) <= width:
        return text
    kept, used = "", 0
    for sign in text:
        used += width_of(sign)
        if used > width - 1:
            break
        kept += sign
    return f"{kept}…" if width > 0 else ""


def width_of(text: str) -> int:
    """Count the cells a terminal needs: wide letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_cells(sign) for sign in text)


def _cells(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in {"W", "F"} else 1


def _total(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[index] for index in kept) + len(GAP) * (len(kept) - 1)


def _cell(text: str, width: int, column: Column) -> str:
    padding = " " * (width - width_of(text))
    return f"{padding}{text}" if column.right else f"{text}{padding}"
