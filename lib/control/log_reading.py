"""Reads the log file back, whatever format it was written in."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

import orjson

from lib.conf import LogFileSettings
from lib.control.log_file import generations
from lib.control.log_lines import RUNNER, log_line
from lib.news import Kind, News

TAIL: Final = 4 << 20  # bytes of each file that are looked at
HEAD: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\S+) \w+: ")


def newest_news(settings: LogFileSettings, bot: str, count: int) -> list[str]:
    """Answer the newest news of one bot or of all, the oldest of them first; [] without a file."""
    if settings.path is None:
        return []
    found = islice(_backwards(Path(settings.path), settings.files, bot), count)
    return list(found)[::-1]


def _backwards(path: Path, files: int, bot: str) -> Iterator[str]:
    for each in generations(path, files):
        yield from (text for who, text in reversed(_entries(each)) if bot in {"", who})


def _entries(path: Path) -> list[tuple[str, str]]:
    """Answer whose each piece of news is, and the news as a person reads it."""
    entries: list[tuple[str, str]] = []
    for line in _tail(path).splitlines():
        head = HEAD.match(line)
        if line.startswith("{"):
            entries += _of_json(line)
        elif head:
            entries.append((head[1], line))
        elif entries and line.startswith("    "):
            who, text = entries[-1]
            entries[-1] = who, f"{text}\n{line}"
    return entries


def _of_json(line: str) -> list[tuple[str, str]]:
    try:
        said = orjson.loads(line)
        who, order = str(said["bot"]), str(said.get("client_order_id", ""))
        bot = "" if who == RUNNER else who
        news = News(int(said["at"]), bot, Kind(said["kind"]), str(said["text"]), order)
        return [(who, log_line(news))]
    except (ValueError, KeyError, TypeError):  # half a line, or no line of ours
        return []


def _tail(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(max(0, length - TAIL))
        return file.read(TAIL).decode(errors="replace")
    return ""
