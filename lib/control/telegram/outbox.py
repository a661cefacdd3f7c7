"""What waits to be told in the chat: bounded, oldest first, many lines to a message.

The page is what is on disk of it. A line leaves it once Telegram confirmed the message it was in;
lines that were on their way when the program or the connection ended are sent `again: …`. When
too many wait, small ones make room, and are counted; what a person must know is never dropped:
of many such lines the older ones of the same bot and kind are folded into one.
"""

import asyncio
from collections.abc import Callable
from datetime import tzinfo
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from lib.control.telegram.length import LENGTH_MAX, cut, length
from lib.time_zones import local

SMALL_MAX: Final = 200  # lines that wait; beyond them the oldest are dropped
GRAVE_MAX: Final = 200  # beyond them the oldest of the same bot and kind are folded
TEXT_MAX: Final = 600  # of a line, in UTF-16 units
ANSWERS_MAX: Final = 50  # presses of buttons that are remembered
DAY: Final = 86_400_000  # ms


class Line(BaseModel):
    """One piece of news."""

    model_config = ConfigDict(extra="forbid")

    at: int  # exchange ms
    bot: str
    kind: str
    text: str
    grave: bool = False  # never dropped
    times: int = 1


class Page(BaseModel):
    """What is on disk."""

    model_config = ConfigDict(extra="forbid")

    lines: list[Line] = []  # oldest first
    under_way: int = 0  # how many of the first a message has that is not confirmed
    dropped: int = 0  # since the last message
    weather: Line | None = None  # the newest, until it may be told
    daily: str = ""  # the day whose beginning was told, as 2026-11-21
    accepted: list[str] = []  # requests that were confirmed by a button, oldest first
    declined: list[str] = []  # and those that were not to be done


class Again(StrEnum):
    """Whether a message may have been delivered before."""

    NO = ""
    MAYBE = "again: "


class Outbox:
    """Owns the page while the program runs. `on_change` is called after each change of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.again = Again.MAYBE if page.under_way else Again.NO
        self.on_change: Callable[[], None] = lambda: None
        self._dropped: int | None = None  # as the message that is under way says it
        self._filled = asyncio.Event()
        self._grave = asyncio.Event()
        self._note_what_waits()

    # --- coming in

    def put(self, line: Line) -> None:
        """Add a line; one said before is counted, and if too many wait, one makes room."""
        line.text = cut(line.text, TEXT_MAX)
        waiting = self.page.lines[self.page.under_way :]
        if waiting and _same(waiting[-1], line):
            waiting[-1].times += 1
        else:
            self.page.lines.append(line)
            self._make_room()
        self._note_what_waits()
        self.on_change()

    def _make_room(self) -> None:
        page = self.page
        waiting = page.lines[page.under_way :]
        small = [line for line in waiting if not line.grave]
        if len(small) > SMALL_MAX:
            self._remove(small[0])
            page.dropped += small[0].times
        if len(waiting) - len(small) > GRAVE_MAX:
            self._fold([line for line in waiting if line.grave])

    def _fold(self, grave: list[Line]) -> None:
        """Fold the oldest line into the next of its bot and kind, which names how many it is."""
        for index, line in enumerate(grave):
            later = (each for each in grave[index + 1 :] if _akin(each, line))
            into = next(later, None)
            if into is not None:
                into.times += line.times
                self._remove(line)
                return

    def _remove(self, line: Line) -> None:
        self.page.lines[:] = [each for each in self.page.lines if each is not line]

    # --- going out

    async def filled(self) -> None:
        """Wait until a line is there."""
        await self._filled.wait()

    @property
    def waits(self) -> bool:
        """Say whether a line is there."""
        return self._filled.is_set()

    async def grave(self) -> None:
        """Wait until a line is there that should not wait."""
        await self._grave.wait()

    def message(self, heading: str, zone: tzinfo) -> str:
        """Choose as many lines as one message holds, write it, and note that it is under way.

        A message whose confirmation was lost has the same lines again.
        """
        page = self.page
        if not page.under_way or self._dropped is None:
            self._dropped = page.dropped
        dropped = f"\n({self._dropped} older lines were dropped)" if self._dropped else ""
        text = head = f"{self.again}{heading}{dropped}"
        most = page.under_way or len(page.lines)
        count = 0
        for line in page.lines[:most]:
            longer = f"{text}\n{self._written(line, zone)}"
            if count and length(longer) > LENGTH_MAX:
                break
            text, count = longer, count + 1
        assert text != head, "called with lines waiting"
        if page.under_way != count:
            page.under_way = count
            self._note_what_waits()
            self.on_change()
        return cut(text, LENGTH_MAX)

    def _written(self, line: Line, zone: tzinfo) -> str:
        """Write a line with the time it happened at, and the day if that was another one."""
        newest = max(each.at for each in self.page.lines)
        form = "%d %b %H:%M:%S" if newest - line.at >= DAY else "%H:%M:%S"
        times = f" ({line.times} times)" if line.times > 1 else ""
        return f"{local(line.at, zone):{form}} {line.text}{times}"

    def confirm(self) -> None:
        """Forget what was delivered, or refused for good."""
        page = self.page
        del page.lines[: page.under_way]
        page.dropped -= self._dropped or 0
        page.under_way, self._dropped, self.again = 0, None, Again.NO
        self._note_what_waits()
        self.on_change()

    def _note_what_waits(self) -> None:
        waiting = self.page.lines[self.page.under_way :]
        for event, rings in (
            (self._filled, bool(self.page.lines)),
            (self._grave, any(line.grave for line in waiting)),
        ):
            if rings:
                event.set()
            else:
                event.clear()

    # --- what else is remembered

    def accept(self, request_id: str) -> None:
        """Remember that a person confirmed a request in time."""
        self.page.accepted = self._remembered(self.page.accepted, request_id)

    def was_accepted(self, request_id: str) -> bool:
        """Say whether a person confirmed a request in time."""
        return request_id in self.page.accepted

    def decline(self, request_id: str) -> None:
        """Remember that a person said no to a request."""
        self.page.declined = self._remembered(self.page.declined, request_id)

    def was_declined(self, request_id: str) -> bool:
        """Say whether a person said no to a request."""
        return request_id in self.page.declined

    def _remembered(self, known: list[str], request_id: str) -> list[str]:
        if request_id in known:
            return known
        self.on_change()
        return [*known, request_id][-ANSWERS_MAX:]


def _akin(one: Line, other: Line) -> bool:
    return (one.bot, one.kind, one.grave) == (other.bot, other.kind, other.grave)


def _same(one: Line, other: Line) -> bool:
    return _akin(one, other) and one.text == other.text
