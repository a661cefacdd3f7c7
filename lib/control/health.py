"""Asks the runner at work for its health: exit code and one line why.

The answer comes from the running loop, so one that hangs gives none and is not well. Only the
standard library is imported here: Docker asks every minute, also on a small computer.
"""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lib.control.runner_place import runner_at_work, short_path

PATIENCE: Final = 5.0  # seconds in which a loop that turns has answered
QUESTION: Final = b'{"show":"health"}\n'


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the runner is well, and why or why not, in a line."""

    well: bool
    line: str


def ask_health(folder: Path, patience: float = PATIENCE) -> Health:
    """Ask the runner on a folder. Raises nothing: no answer is an answer as well."""
    try:
        answer = _answer(folder, patience)
        said = json.loads(answer)
        return Health(well=said["well"] is True, line=str(said["answer"]))
    except TimeoutError:
        return _ill(f"not well: the runner did not answer within {patience:g} s")
    except OSError as wrong:
        if not runner_at_work(folder):
            return _ill(f"no runner is at work on {folder}")
        return _ill(f"a runner is at work on {folder} and does not listen yet ({wrong})")
    except (ValueError, KeyError, TypeError):
        return _ill("the runner's answer cannot be read: it ended, or is another version")


def _ill(line: str) -> Health:
    return Health(well=False, line=line)


def _answer(folder: Path, patience: float) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(patience)
        with short_path(folder) as path:
            connection.connect(path)
        return _said(connection)


def _said(connection: socket.socket) -> bytes:
    try:
        connection.sendall(QUESTION)
        with connection.makefile("rb") as answers:
            return answers.readline()
    except ConnectionError:
        return b""  # it ended over the question
