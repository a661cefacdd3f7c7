"""What happened in a world, line by line: for a person who wants to know why, and for a guard
that wants to know whether it happened the same way again.

Lines are kept as they were noted and made into text when somebody reads them; what is long gone is
forgotten, but counts in the digest.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from lib.ids import MARK, bot_tag, parse_id

KEPT: Final = 6_000  # lines
SHOWN: Final = 160
QUIET: Final = frozenset({
    *("open", "close", "pread", "size", "lock", "exists", "owner", "listdir", "file_system"),
    *("drop_cache", "fsync folder", "mkdir", "unlink", "fsync"),
})
_ID: Final = re.compile(rf"{MARK}[0-9a-f]{{29}}[a-f]")
_STATES: Final = re.compile(rb'"(?:id|state)":"([^"]*)"')
_SEQUENCE: Final = re.compile(rb'"sequence":(\d+),.*?"bot":"([^"]*)"')
_LEGS: Final = {"a": "", "b": " list", "c": " cancel", "d": " amend"}


class Line(NamedTuple):
    """One thing that happened. `ms` is the exchange's time; `what` may still be an object."""

    ms: int
    life: int
    who: str  # disk, wire, exchange, stream, program, power
    what: Any


class Transcript:
    """The story of one world."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lines: deque[Line] = deque(maxlen=kept)
        self._forgotten = blake2b(digest_size=16)

    def note(self, ms: int, life: int, who: str, what: Any) -> None:
        """Keep one line; the oldest goes into the digest alone once there are too many."""
        lines = self._lines
        if len(lines) == lines.maxlen:
            self._forgotten.update(repr(lines[0]).encode())
        lines.append(Line(ms, life, who, what))

    def digest(self) -> str:
        """Name the whole history: two worlds of one digest did the same at the same times."""
        everything = self._forgotten.copy()
        for line in self._lines:
            everything.update(repr(line).encode())
        return everything.hexdigest()

    def heard(self) -> str:
        """All that was said by whoever, without who and when; a disk is heard when it fails."""
        said = (_words(line.who, line.what) for line in self._lines if line.who != "disk")
        failed = (line.what for line in self._lines if line.who == "disk" and "fails" in line.what)
        return "\n".join([*said, *failed])

    def text(self, bots: Iterable[str], shown: int = SHOWN) -> str:
        """Tell the last of it to a person; ids are written as bot, counter and leg."""
        names = {bot_tag(bot): bot for bot in bots}
        if not self._lines:
            return ""
        began = self._lines[0].ms
        told = [text for line in self._lines if (text := _told(line, began, names))]
        left_out = [f"... {len(told) - shown} lines before"] if len(told) > shown else []
        return "\n".join([*left_out, *told[-shown:]])


def _told(line: Line, began: int, names: Mapping[str, str]) -> str:
    text = _words(line.who, line.what)
    if not text:
        return ""
    text = _ID.sub(lambda found: short_id(found[0], names), text)
    return f"{(line.ms - began) / 1000:9.3f} s  life {line.life}  {line.who:9} {text}"


def short_id(client_order_id: str, names: Mapping[str, str]) -> str:
    """Write an id as a person may tell it from others: dip#4, dip#5 cancel."""
    own = parse_id(client_order_id)
    if own is None:
        return client_order_id
    return f"{names.get(own.bot, own.bot)}#{own.counter}{_LEGS.get(own.leg, own.leg)}"


def _words(who: str, what: Any) -> str:
    if who == "disk":
        return "" if what in QUIET else str(what)
    return _event_words(what) if isinstance(what, dict) else str(what)


def _event_words(event: Mapping[str, Any]) -> str:
    if event.get("e") != "executionReport":
        return ""
    name = event["C"] or event["c"]
    last = f", {event['l']} at {event['L']}" if event["x"] == "TRADE" else ""
    at = f" at {event['p']}" if float(event["p"]) else ""
    return (
        f"{event['x']}: {event['S']} {event['q']} {event['s']}{at} {event['o']} {name} "
        f"is {event['X']}, executed {event['z']}{last}"
    )


def content_words(content: bytes) -> str:
    """Say in a few words what a write would save: the bot, the number, its orders' states."""
    found = _SEQUENCE.search(content)
    if found is None:
        return f"write {len(content)} bytes"
    states = _STATES.findall(content)
    orders = ", ".join(part.decode() for part in states if part)
    return f"write {found[2].decode()}.json, generation {int(found[1])}: {orders or 'no order'}"


def request_words(method: str, path: str, params: Mapping[str, str]) -> str:
    """Say what is asked of the exchange, without what every request has."""
    wanted = ("side", "type", "quantity", "price", "symbol", "origClientOrderId", "orderId")
    names = ("newClientOrderId", "listClientOrderId")
    parts = [str(params[name]) for name in (*wanted, *names) if name in params]
    return " ".join([method, path.removeprefix("/api/v3/"), *parts])
