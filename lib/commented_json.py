"""JSON as people write it: comments, trailing commas, exact numbers, and where everything stands.

Comments are `//` and `#` to the end of the line and `/* */`; one comma may trail the last
element. A number with a point or an exponent becomes a Decimal, all others stay integers; no
number is ever a float. Everything else is JSON to the letter. Every value and key keeps its
place, so that whoever finds a mistake later can say where it is. A key given twice is noted:
who reads the document decides how far that reaches.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from lib.mistakes import Path, shown

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | Decimal | bool | None"

DEPTH_MAX = 64
DIGITS_MAX = 64  # of a number as written, and how far its point may be moved by an exponent


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the text; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key given twice in one object; the first one counts."""

    path: Path
    first: Position
    second: Position


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed text. `keys` and `values` tell where the key and the value of a path stand."""

    value: Value
    keys: dict[Path, Position]
    values: dict[Path, Position]
    duplicates: tuple[Duplicate, ...]


class NotJson(ValueError):
    """The text ends being JSON at `position`."""

    def __init__(self, position: Position, found: str, expected: str) -> None:
        super().__init__(f"line {position.line}, column {position.column}: found {found}, "
                         f"expected {expected}")  # fmt: skip
        self.position = position
        self.found = found
        self.expected = expected


def parse(content: bytes) -> Document:
    """Read a whole document, UTF-8 with or without a byte order mark. Raises NotJson."""
    return _Reader(_decode(content)).document()


_IDLE = re.compile(r"(?:[ \t\r\n]|//[^\n]*|\#[^\n]*|/\*(?s:.*?)\*/)*+")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[^\s,:\[\]{}\"#/]+")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


@dataclass(slots=True)
class _Reader:
    """One pass over a text, from left to right."""

    text: str
    at: int = 0
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    duplicates: list[Duplicate] = field(default_factory=list)
    lines: list[int] = field(init=False)  # where each line starts

    def __post_init__(self) -> None:
        self.lines = [0, *(found.end() for found in re.finditer("\n", self.text))]

    def document(self) -> Document:
        value = self.value(())
        if self.peek():
            raise self.wrong("the end of the file")
        return Document(value, self.keys, self.values, tuple(self.duplicates))

    def value(self, path: Path) -> Value:
        sign = self.peek()
        self.values[path] = self.position(self.at)
        if sign and sign in "{[" and len(path) >= DEPTH_MAX:
            raise self.wrong(f"at most {DEPTH_MAX} levels of nesting")
        if sign == "{":
            return self.object(path)
        if sign == "[":
            return self.array(path)
        if sign == '"':
            return self.string()
        return self.scalar()

    def object(self, path: Path) -> Value:
        members: dict[str, Value] = {}
        self.elements("}", lambda: self.member(path, members))
        return members

    def member(self, path: Path, members: dict[str, Value]) -> None:
        if self.peek() != '"':
            raise self.wrong('a key in double quotes, or "}"')
        place = self.position(self.at)
        key = self.string()
        if self.peek() != ":":
            raise self.wrong(f'":" after the key {shown(key)}')
        self.at += 1
        if key in members:
            self.duplicates.append(Duplicate((*path, key), self.keys[(*path, key)], place))
            self.aside((*path, key))
        else:
            self.keys[(*path, key)] = place
            members[key] = self.value((*path, key))

    def aside(self, path: Path) -> None:
        """Read a value whose places are not to be kept."""
        aside = _Reader(self.text, self.at)
        aside.value(path)
        self.at = aside.at

    def array(self, path: Path) -> Value:
        elements: list[Value] = []
        self.elements("]", lambda: elements.append(self.value((*path, len(elements)))))
        return elements

    def elements(self, end: str, read: Callable[[], None]) -> None:
        """Read elements up to the closing bracket; one comma may trail the last."""
        self.at += 1
        while self.peek() != end:
            read()
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != end:
                raise self.wrong(f'"," or "{end}"')
        self.at += 1

    def string(self) -> str:
        start = self.at
        body = _STRING.match(self.text, start)
        assert body is not None
        self.at = body.end()
        if not self.text.startswith('"', self.at):
            raise self.wrong(_string_advice(self.text[self.at : self.at + 1]))
        self.at += 1
        text = str(json.loads(self.text[start : self.at]))
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            self.at = start
            raise self.wrong("characters, not halves of surrogate pairs")
        return text

    def scalar(self) -> Value:
        found = _WORD.match(self.text, self.at)
        word = found[0] if found else ""
        if word in _WORDS:
            self.at += len(word)
            return _WORDS[word]
        number = _NUMBER.fullmatch(word)
        if number:
            return self.number(number)
        raise self.wrong(_advice(word))

    def number(self, number: re.Match[str]) -> int | Decimal:
        text, fraction, exponent = number[0], number[1], number[2]
        if len(text) > DIGITS_MAX or (exponent and abs(int(exponent[1:])) > DIGITS_MAX):
            raise self.wrong("a number of a sensible size")
        self.at += len(text)
        return Decimal(text) if fraction or exponent else int(text)

    def peek(self) -> str:
        """Skip white space and comments; answer the next sign, empty at the end."""
        found = _IDLE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        if self.text.startswith("/*", self.at):
            raise self.wrong('"*/" at the end of the comment')
        return self.text[self.at : self.at + 1]

    def position(self, at: int) -> Position:
        line = bisect_right(self.lines, at)
        return Position(line, at - self.lines[line - 1] + 1)

    def wrong(self, expected: str) -> NotJson:
        word = _WORD.match(self.text, self.at)
        found = word[0] if word else self.text[self.at : self.at + 1]
        return NotJson(self.position(self.at), shown(found) if found else "the end", expected)


def _advice(word: str) -> str:
    lower = word.lower()
    if lower in {"true", "false"}:
        return f"{lower}, in small letters"
    if lower in {"none", "nil", "undefined"}:
        return "null"
    if "nan" in lower or "inf" in lower:
        return "a number, which NaN and Infinity are not"
    if re.match(r"[-+.]?[0-9]", word):
        return "a number like 1, -0.5 or 1e-8"
    if word[:1] in {"'", "‘", "“", "”", "„", "«"}:
        return 'a value; strings stand in straight double quotes ("…")'
    return "a value"


def _string_advice(sign: str) -> str:
    if sign == "\\":
        return r"an escape that JSON knows; a backslash itself is written \\"
    return "a double quote at the end of the string"


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        before = content[: wrong.start].decode("utf-8-sig")
        position = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        found = f"byte 0x{content[wrong.start]:02x}"
        raise NotJson(position, found, "a text saved as UTF-8") from wrong
