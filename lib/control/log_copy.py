"""The copy of all that is told in a file, as conf.json wants it; and who hears when that fails."""

import asyncio
from functools import partial

from lib.conf import LogFormat, RunnerSettings
from lib.control.log_file import LogFile
from lib.control.log_lines import json_line, log_line
from lib.control.options import Options
from lib.control.outlet import Outlet
from lib.control.terminal import LogLines, machine_time
from lib.control.thread_voice import voice_through
from lib.modes import Mode
from lib.news import Kind, News, Sink


def log_format_of(options: Options, settings: RunnerSettings) -> LogFormat:
    """Choose how the log looks: by option, else by conf.json."""
    return settings.log_format if options.log_format is None else LogFormat(options.log_format)


class LogCopy:
    """A file, and the thread that writes it."""

    def __init__(self, settings: RunnerSettings, log_format: LogFormat, mode: Mode | None) -> None:
        in_json = log_format is LogFormat.JSON
        write = partial(json_line, mode=mode) if in_json else log_line
        self._file = LogFile(settings.log_file)
        self._file.note = lambda text: write(_warning(text))
        self._lines = LogLines(Outlet(self._file.write), write)

    def tell(self, news: News) -> None:
        """Keep a line."""
        self._lines.tell(news)

    def leave(self) -> None:
        """Finish what was begun."""
        self._lines.leave()

    def complain_to(self, tell: Sink) -> None:
        """Have troubles told, in the loop that runs now."""
        self._file.complain_to(voice_through(asyncio.get_running_loop(), tell))


def open_copy(
    settings: RunnerSettings, log_format: LogFormat, *, mode: Mode | None = None
) -> LogCopy | None:
    """Begin to keep the file, if one is wanted."""
    return LogCopy(settings, log_format, mode) if settings.log_file.path is not None else None


def _warning(text: str) -> News:
    return News(machine_time(), "", Kind.WARNING, text)
