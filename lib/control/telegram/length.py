"""How long a text may be: Telegram counts UTF-16 units, and takes 4096 of them in a message."""

from collections.abc import Iterator
from typing import Final

LENGTH_MAX: Final = 4096


def length(text: str) -> int:
    """Count the units of a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """Shorten a text to so many units."""
    text = sound(text)
    if length(text) <= most:
        return text
    return text.encode("utf-16-le")[: 2 * (most - 1)].decode("utf-16-le", "ignore") + "…"


def split(text: str, most: int = LENGTH_MAX) -> Iterator[str]:
    """Divide a text into messages, between lines where that is possible."""
    part = ""
    for line in sound(text).split("\n"):
        for piece in _pieces(line, most):
            longer = f"{part}\n{piece}" if part else piece
            if length(longer) > most:
                yield part
                longer = piece
            part = longer
    if part.strip():
        yield part


def sound(text: str) -> str:
    """Replace what is no valid Unicode."""
    return text.encode("utf-8", "replace").decode()


def _pieces(line: str, most: int) -> Iterator[str]:
    """Divide one line; signs of two units stay whole."""
    piece, size = "", 0
    for sign in line:
        width = 2 if ord(sign) > 0xFFFF else 1
        if size + width > most:
            yield piece
            piece, size = "", 0
        piece, size = piece + sign, size + width
    yield piece
