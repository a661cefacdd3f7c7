"""What goes over the control socket: one JSON object a line, a question and its answer.

    {"id": "5f0c…", "verb": "pause", "bots": ["lisa"], "by": "pi", "flatten": false}
    {"answer": "lisa: paused: no new entries, exits and protection go on"}

    {"show": "news", "bot": "lisa", "lines": 50}
    {"answer": "2026-11-21 12:04:11 lisa fill: bought …"}

    {"show": "health"}
    {"answer": "5 bots trade, 12 orders open, 0 in doubt", "well": true}

    {"refused": "verb: …"}

Whoever lost an answer sends the same id again: nothing is done twice.
"""

from typing import Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lib.control.request import Removed, Request, Verb
from lib.control.runner_place import SOCKET
from lib.control.runner_place import short_path as short_path

NAME: Final = SOCKET  # in the ctx folder
LINE_MAX: Final = 64 << 10  # bytes
LINES_MAX: Final = 1_000  # of news


class Asked(BaseModel):
    """A request as it arrives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=64)
    verb: Verb
    bots: tuple[str, ...] = ()  # none named: all
    by: str = Field(default="the command line", min_length=1, max_length=64)
    flatten: bool = False
    signal: str = Field(default="", max_length=200)
    removed: Removed = Removed.KEEP

    def request(self, asked_at: int) -> Request:
        """Make the request of it."""
        told = (self.id, self.verb, self.bots, self.by, asked_at, self.flatten)
        return Request(*told, signal=self.signal, removed=self.removed)


class Shown(BaseModel):
    """A question for the newest news, or for how the runner is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    show: Literal["news", "health"]
    bot: str = ""  # empty: of all
    lines: int = Field(default=50, ge=1, le=LINES_MAX)


def read_line(line: bytes) -> Asked | Shown:
    """Read a question. Raises ValueError in the words of the answer."""
    kind = Shown if _shows(line) else Asked
    try:
        return kind.model_validate_json(line)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from None


def _shows(line: bytes) -> bool:
    """Say whether it asks to be shown something; a bot may be called show."""
    try:
        return "show" in orjson.loads(line)
    except (TypeError, ValueError):
        return False


def write_line(**fields: object) -> bytes:
    """Write an object in a line."""
    return orjson.dumps(fields) + b"\n"
