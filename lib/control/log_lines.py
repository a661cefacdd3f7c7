"""How news look as lines of a log: `time bot kind: text [client order id]`, or as JSON objects.

Under systemd each line begins with its priority, `<3>` (error) to `<7>`, as sd-daemon(3) has it.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from lib.modes import Mode
from lib.news import Kind, News

RUNNER: Final = "runner"  # the name under which the program itself speaks
PRIORITY: Final[Mapping[Kind, int]] = {
    Kind.PARKED: 3,
    Kind.WARNING: 4,
    Kind.WEATHER: 4,
    Kind.DOUBT: 4,
    Kind.FILL: 5,
    Kind.RESULT: 5,
    Kind.ORDER: 6,
    Kind.START: 6,
    Kind.PLAN: 6,
}
OTHERWISE: Final = 7
COLOURS: Final[Mapping[Kind, str]] = {
    Kind.PARKED: "31",
    Kind.WARNING: "33",
    Kind.WEATHER: "33",
    Kind.DOUBT: "35",
    Kind.FILL: "32",
    Kind.RESULT: "36",
}


def log_line(news: News) -> str:
    """Write news in a line; further lines of its text are indented."""
    first, *rest = printable(news.text).split("\n")
    about = f" [{printable(news.order)}]" if news.order else ""
    head = f"{local_time(news.at)} {news.bot or RUNNER} {news.kind}: {first}{about}"
    return "\n".join([head, *(f"    {line}" for line in rest)])


def json_line(news: News, *, mode: Mode | None = None) -> str:
    """Write news as one JSON object in a line; docs/logs.md has the fields."""
    fields: dict[str, Any] = {
        "time": f"{datetime.fromtimestamp(news.at // 1_000, UTC):%Y-%m-%dT%H:%M:%S}"
        f".{news.at % 1_000:03d}Z",
        "at": news.at,
        "priority": PRIORITY.get(news.kind, OTHERWISE),
        "bot": news.bot or RUNNER,
        "kind": str(news.kind),
        "text": printable(news.text),
    }
    if mode is not None:
        fields["mode"] = str(mode)
    if news.order:
        fields["client_order_id"] = printable(news.order)
    return orjson.dumps(fields).decode()


def with_priority(news: News, text: str) -> str:
    """Put the priority in front of every line, as the journal wants it."""
    priority = PRIORITY.get(news.kind, OTHERWISE)
    return "\n".join(f"<{priority}>{line}" for line in text.split("\n"))


def coloured(news: News, text: str) -> str:
    """Colour a line by the kind of its news."""
    colour = COLOURS.get(news.kind)
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def local_time(at: int) -> str:
    """Write exchange ms as the person's own date and time."""
    return f"{datetime.fromtimestamp(at // 1000, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def printable(text: str) -> str:
    """Replace what could steer a terminal; texts from outside pass through here."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


def is_journal(fd: int, environ: Mapping[str, str]) -> bool:
    """Say whether a descriptor leads to systemd's journal, as `$JOURNAL_STREAM` tells.

    The variable alone proves nothing: a terminal under a graphical session inherits it as well.
    """
    try:
        found = os.fstat(fd)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
