"""Where the person reads what the runner says: a live table, log lines, or the journal.

Everything shown passes the redaction. Nothing here ever makes the event loop wait.
"""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from lib.conf import LogFormat
from lib.control.board import Row
from lib.control.live_table import LiveTable
from lib.control.log_lines import coloured, is_journal, json_line, log_line, with_priority
from lib.control.outlet import Outlet, outlet_to
from lib.modes import Mode
from lib.news import Kind, News
from lib.redaction import Redactor

FRAME: Final = 0.25  # seconds between two looks at what changed
FRAMES_UNTIL_WHOLE: Final = 40  # then the screen is painted whole: somebody may have typed on it
FLUSH: Final = 0.3  # seconds a slow terminal is waited for at the end


class Face(Protocol):
    """How news are shown."""

    def tell(self, news: News) -> None: ...

    def leave(self) -> None: ...


class Copy(Protocol):
    """Who keeps what was shown."""

    def tell(self, news: News) -> None: ...

    def leave(self) -> None: ...

    def complain_to(self, tell: Callable[[News], None]) -> None: ...


class LogLines:
    """Shows news as lines, one after the other."""

    def __init__(self, outlet: Outlet, write: Callable[[News], str]) -> None:
        self._outlet = outlet
        self._write = write
        outlet.lost = self._lost

    def tell(self, news: News) -> None:
        """Write a line, after those before it."""
        self._outlet.put(f"{self._write(news)}\n")

    def leave(self) -> None:
        """Finish what was begun."""
        self._outlet.flush(FLUSH)

    def _lost(self, lines: int) -> str:
        text = f"{lines} lines were dropped: they were not taken fast enough"
        return self._write(News(machine_time(), "", Kind.WARNING, text))


class Terminal:
    """The person's window, and its copy in a file, if any. `tell` is a sink for news."""

    def __init__(
        self, outlet: Outlet, face: Face, redactor: Redactor, copy: Copy | None = None
    ) -> None:
        self._outlet = outlet
        self._face = face
        self._redactor = redactor
        self._copy = copy
        self._rows: Sequence[Row] = ()
        self._trouble = ""  # why the rows could not be read, as it was told last

    def tell(self, news: News) -> None:
        """Show news, without any secret in it."""
        text = self._redactor.redact(news.text)
        shown = replace(news, at=news.at or machine_time(), text=text)
        self._face.tell(shown)
        if self._copy is not None:
            self._copy.tell(shown)

    def announce(self, text: str) -> None:
        """Say in the first line what was started."""
        if isinstance(self._face, LiveTable):
            self._face.title = self._redactor.redact(text)
        self.tell(News(0, "", Kind.START, text))

    async def show(self, rows: Callable[[], Sequence[Row]]) -> None:
        """Keep the live table current for ever; where there is none, do nothing."""
        face = self._face
        if not isinstance(face, LiveTable):
            return
        frame = 0
        while True:
            frame += 1
            if frame % FRAMES_UNTIL_WHOLE == 0:
                face.forget()
            face.paint(self._read(rows))
            await asyncio.sleep(FRAME)

    def _read(self, rows: Callable[[], Sequence[Row]]) -> Sequence[Row]:
        """Answer the rows; where they cannot be read those of before: news are shown below them."""
        try:
            self._rows = rows()
        except Exception as wrong:  # noqa: BLE001 - the window must not freeze in silence
            trouble = f"the live table cannot be read: {type(wrong).__name__}: {wrong}"
            if trouble != self._trouble:
                self._trouble = trouble
                self.tell(News(0, "", Kind.WARNING, trouble))
        return self._rows

    def leave(self) -> None:
        """Finish: what was said is written, the terminal is as it was."""
        self._face.leave()
        self._outlet.flush(FLUSH)
        if self._copy is not None:
            self._copy.leave()

    def complain_to(self, tell: Callable[[News], None]) -> None:
        """Have it told when the copy cannot be kept."""
        if self._copy is not None:
            self._copy.complain_to(tell)

    def take_logging(self) -> None:
        """Show the warnings of libraries here as well."""
        handler = _LogHandler(self.tell)
        handler.addFilter(self._redactor)
        root = logging.getLogger()
        root.handlers[:] = [handler]
        root.setLevel(logging.WARNING)
        logging.captureWarnings(capture=True)


def open_terminal(
    fd: int,
    environ: Mapping[str, str],
    redactor: Redactor,
    log_format: LogFormat = LogFormat.LINES,
    copy: Copy | None = None,
    *,
    mode: Mode | None = None,
) -> Terminal:
    """Choose how to show news on a descriptor: a table on a terminal, else lines."""
    outlet = outlet_to(fd)
    in_json = log_format is LogFormat.JSON
    face = _json_lines(fd, environ, outlet, mode) if in_json else _face(fd, environ, outlet)
    return Terminal(outlet, face, redactor, copy)


def _json_lines(fd: int, environ: Mapping[str, str], outlet: Outlet, mode: Mode | None) -> Face:
    write = partial(json_line, mode=mode)
    if is_journal(fd, environ):
        return LogLines(outlet, lambda news: with_priority(news, write(news)))
    return LogLines(outlet, write)


def _face(fd: int, environ: Mapping[str, str], outlet: Outlet) -> Face:
    colours = os.isatty(fd) and not environ.get("NO_COLOR")
    if os.isatty(fd) and environ.get("TERM", "dumb") != "dumb":
        return LiveTable(outlet, size=lambda: _size(fd), colours=colours)
    if is_journal(fd, environ):
        return LogLines(outlet, lambda news: with_priority(news, log_line(news)))
    if colours:
        return LogLines(outlet, lambda news: coloured(news, log_line(news)))
    return LogLines(outlet, log_line)


def _size(fd: int) -> tuple[int, int]:
    """Ask the terminal for its columns and lines; 80 and 24 where it does not know."""
    try:
        columns, lines = os.get_terminal_size(fd)
    except OSError:
        columns, lines = 0, 0
    otherwise = shutil.get_terminal_size() if not (columns and lines) else (columns, lines)
    return columns or otherwise[0], lines or otherwise[1]


class _LogHandler(logging.Handler):
    """Turns log records into news of the runner."""

    def __init__(self, tell: Callable[[News], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.name}: {record.getMessage()}"
        if record.exc_text:
            text = f"{text}\n{record.exc_text}"
        self._tell(News(machine_time(), "", Kind.WARNING, text))


def machine_time() -> int:
    """Tell the machine's time, ms: for what is said before the exchange's is known."""
    return time.time_ns() // 1_000_000
