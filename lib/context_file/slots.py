"""What the slots of a context file look like, and how one is judged.

The file is a JSON list of two slots of equal size: `[` at the start, `,` in the middle, `]` at the
end, white space between, `null` for a slot never written. A slot holds a generation: a JSON object
that begins with our format and the sequence number and ends with a hash over the exact bytes
before the hash's own field; what lies between is the caller's.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Self, TypeAlias

import orjson

from lib.errors import CorruptContext, LaterContext

FORMAT = 1
SLOT_UNIT = 16 * 1024  # the largest memory page we meet: two slots never share one
RESERVED = ("format", "sequence", "hash")  # members of a generation that are not the caller's

_FRAMES = (b"[", b",")
_ENDINGS = (b"\n", b"\n]")
_HEAD = re.compile(rb'\{"format":(\d{1,9}),')
_SEQUENCE = re.compile(rb'\{"format":\d{1,9},"sequence":(\d{1,18})(?=,)')
_TAIL = re.compile(rb'"hash":"([0-9a-f]{64})"\}')
_TAIL_LENGTH = len('"hash":""}') + 64


@dataclass(frozen=True, slots=True)
class Generation:
    """One state of a context, as the bytes in its slot."""

    sequence: int
    text: bytes
    head_length: int

    @classmethod
    def of(cls, sequence: int, members: bytes) -> Self:
        head = b'{"format":%d,"sequence":%d,' % (FORMAT, sequence)
        hashed = b"%b%b," % (head, members) if members else head
        text = b'%b"hash":"%b"}' % (hashed, hash_of(hashed))
        return cls(sequence, text, len(head))

    @property
    def members(self) -> bytes:
        return self.text[self.head_length : -_TAIL_LENGTH].removesuffix(b",")

    def has(self, members: bytes) -> bool:
        comma = len(b",") if members else 0
        same_length = len(self.text) == self.head_length + len(members) + comma + _TAIL_LENGTH
        return same_length and self.text.startswith(members, self.head_length)

    def decoded(self) -> dict[str, Any]:
        """Read the object; of members of one name, ours count."""
        value: dict[str, Any] = orjson.loads(self.text)
        return value | {"format": FORMAT, "sequence": self.sequence}


class Unwritten(Enum):
    """What a slot holds that holds no whole generation."""

    NEVER = "never written"
    BROKEN = "broken"


Slot: TypeAlias = Generation | Unwritten


def judge(region: bytes, path: Path) -> Slot:
    """Say what one slot holds, looking at nothing else. Raises LaterContext."""
    text = region[1:].removesuffix(b"]").strip(b" \n")
    if text == b"null":
        return Unwritten.NEVER
    head, sequence = _HEAD.match(text), _SEQUENCE.match(text)
    if head is None or not _hash_holds(text):
        return Unwritten.BROKEN
    if int(head[1]) > FORMAT:
        raise LaterContext(f"{path} was written by a later version of this program")
    if sequence is None:
        return Unwritten.BROKEN
    return Generation(int(sequence[1]), text, sequence.end() + len(b","))


def _hash_holds(text: bytes) -> bool:
    tail = _TAIL.fullmatch(text, max(0, len(text) - _TAIL_LENGTH))
    return tail is not None and hash_of(text[:-_TAIL_LENGTH]) == tail[1]


def hash_of(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def judge_all(content: bytes, path: Path) -> tuple[int, list[Slot]]:
    slot_size, odd = divmod(len(content), 2)
    if odd or slot_size == 0 or slot_size % SLOT_UNIT:
        raise CorruptContext(f"{path} is {len(content)} bytes long, which no context file is")
    return slot_size, [judge(content[:slot_size], path), judge(content[slot_size:], path)]


def newest_of(slots: list[Slot], path: Path) -> int:
    first, second = slots
    if isinstance(first, Generation) and isinstance(second, Generation):
        if abs(first.sequence - second.sequence) != 1:
            found = f"{first.sequence} and {second.sequence}"
            raise CorruptContext(f"{path} holds generations {found}, which never lie side by side")
        return int(second.sequence > first.sequence)
    if isinstance(first, Unwritten) and isinstance(second, Unwritten):
        raise CorruptContext(f"{path} holds no whole generation: {first.value}, {second.value}")
    return int(isinstance(second, Generation))


# --- laying out


def members_of(fields: bytes) -> bytes:
    """Take the braces off a JSON object. That it is one is its author's word: to parse it again
    would cost more than the hash."""
    if not (fields.startswith(b"{") and fields.endswith(b"}")):
        raise ValueError("fields are not a JSON object as orjson writes it")
    return fields[1:-1]


def refuse_reserved(fields: bytes) -> None:
    """Raise ValueError for what is no JSON object, or has a member of the name of one of ours."""
    members = orjson.loads(b"{%b}" % members_of(fields))
    for name in RESERVED:
        if name in members:
            raise ValueError(f'"{name}" is a member of every generation and not its author\'s')


def extent(text: bytes) -> int:
    return 1 + len(text)


def fits(text: bytes, slot_size: int) -> bool:
    return extent(text) + len(_ENDINGS[1]) <= slot_size


def slot_size_for(generation: Generation) -> int:
    """A quarter full at most, so that growing stays rare."""
    slot_size = SLOT_UNIT
    while 4 * extent(generation.text) > slot_size:
        slot_size *= 2
    return slot_size


def file_content(slot_size: int, first: bytes, second: bytes) -> bytes:
    texts = enumerate((first, second))
    return b"".join(slot_content(slot, text, slot_size, slot_size) for slot, text in texts)


def slot_content(slot: int, text: bytes, slot_size: int, length: int) -> bytes:
    """Lay out the first `length` bytes of a slot: its frame, the text, white space."""
    framed = _FRAMES[slot] + text
    if length < slot_size:
        return framed.ljust(length)
    assert fits(text, slot_size)
    return framed.ljust(slot_size - len(_ENDINGS[slot])) + _ENDINGS[slot]
