"""How far a collection has come, on the terminal: bars that move, or a line now and then.

Where nobody looks (a file, the journal) a line comes every ten seconds and at the end of each
series; on a terminal the last lines are painted anew four times a second.
"""

import asyncio
import os
import shutil
import sys
from typing import Final

import click

from lib.control.columns import clip
from lib.control.market_words import count_text, duration_text
from lib.control.spoken import known_secrets, say
from lib.data.progress import Advance, Progress

FRAME: Final = 0.25  # seconds
LINE_EVERY: Final = 10.0
SHOWN: Final = 8  # series at once
BAR: Final = 24  # cells
WORTH_TELLING: Final = 1_000  # rows, once the past is there
STDOUT: Final = 1


class CollectLines:
    """Shows a progress until it is canceled."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._moves = os.isatty(STDOUT) and os.environ.get("TERM", "dumb") != "dumb"
        self._painted = 0
        progress.finished = self._finished
        progress.complain = self.tell

    def tell(self, text: str) -> None:
        """Say something that stays, above what moves."""
        self._wipe()
        say(text)

    async def keep_shown(self) -> None:
        """Paint for ever, or write a line now and then."""
        while True:
            await asyncio.sleep(FRAME if self._moves else LINE_EVERY)
            if self._moves:
                self._paint()
            else:
                say(summary(self._progress))

    def leave(self) -> None:
        """Leave the terminal with a last line that tells what was done."""
        self._wipe()
        say(f"{count_text(self._progress.rows)} new rows")

    def _finished(self, advance: Advance) -> None:
        if not self._progress.caught_up or advance.done > WORTH_TELLING:
            self.tell(f"{advance.series}: complete, {count_text(advance.done)} rows asked for")

    def _paint(self) -> None:
        width = shutil.get_terminal_size().columns
        lines = [clip(known_secrets().redact(line), width - 1) for line in bars(self._progress)]
        self._wipe()
        click.echo("\n".join(lines))
        self._painted = len(lines)

    def _wipe(self) -> None:
        if self._painted:
            sys.stdout.write(f"\x1b[{self._painted}A\x1b[J")
            sys.stdout.flush()
        self._painted = 0


def bars(progress: Progress) -> list[str]:
    """Lay out the series that are being filled, and all of them together."""
    moving = [each for each in progress.active.values() if each.done or each.weather]
    lines = [_bar(each) for each in moving[:SHOWN]]
    waiting = len(progress.active) - len(lines)
    if waiting:
        lines.append(f"… and {waiting} more")
    return [*lines, summary(progress)]


def summary(progress: Progress) -> str:
    """Say in one line what was done and what is left."""
    parts = [f"{count_text(progress.rows)} rows"]
    if progress.live:
        parts.append(f"{count_text(progress.live)} of them live")
    if progress.left:
        parts.append(f"{count_text(progress.left)} left in {len(progress.active)} series")
        if progress.time_left is not None:
            parts.append(f"about {duration_text(progress.time_left)}")
    weather = progress.weather or next(
        (each.weather for each in progress.active.values() if each.weather), ""
    )
    return ", ".join([*parts, *([f"waiting: {weather}"] if weather else [])])


def _bar(advance: Advance) -> str:
    filled = BAR * advance.percent // 100
    bar = "#" * filled + "-" * (BAR - filled)
    rest = advance.weather or f"{count_text(advance.done)} of {count_text(advance.wanted)}"
    return f"{advance.series!s:<18} [{bar}] {advance.percent:3} %  {rest}"
