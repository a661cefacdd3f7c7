"""The other end of the control socket: a command that asks the runner at work."""

import getpass
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson

from lib.control.ctx_folder import runner_at_work
from lib.control.request import Removed, Verb
from lib.control.socket_words import NAME, short_path, write_line

PATIENCE: Final = 60.0  # seconds for an answer
AGAIN_FOR: Final = 10.0  # seconds for which a runner that is gone for a moment is asked again
PAUSE: Final = 0.2  # seconds between two tries


class NoRunner(Exception):
    """No runner is at work on the folder."""


class NoAnswer(Exception):
    """A runner is at work, and what became of the request is not known."""


class NotAllowed(Exception):
    """The runner did not take the request."""


def listens(folder: Path) -> bool:
    """Say whether a runner is at work that can be asked."""
    return (folder / NAME).is_socket() and runner_at_work(folder)


def tell(
    folder: Path,
    verb: Verb,
    bots: tuple[str, ...] = (),
    *,
    flatten: bool = False,
    signal: str = "",
    removed: Removed = Removed.KEEP,
) -> str:
    """Have the runner do something, once; answer what it says.

    Asks again, under the same id, when the answer was lost. Raises NoRunner, NoAnswer, NotAllowed.
    """
    asked = {"verb": verb, "bots": list(bots), "by": who(), "flatten": flatten, "signal": signal}
    return _ask(folder, write_line(id=secrets.token_hex(8), **asked, removed=removed))


def recent_news(folder: Path, bot: str, lines: int) -> str:
    """Answer the newest lines that the runner told. Raises NoRunner, NoAnswer, NotAllowed."""
    return _ask(folder, write_line(show="news", bot=bot, lines=lines))


def _ask(folder: Path, line: bytes) -> str:
    """Ask until there is an answer; a request that may have arrived is never called not done."""
    until, arrived = time.monotonic() + AGAIN_FOR, False
    while True:
        try:
            return _asked_once(folder, line)
        except TimeoutError:
            raise NoAnswer("the runner has not answered yet: `status` shows what it does") from None
        except OSError as wrong:
            arrived = arrived or isinstance(wrong, _Unanswered)
            at_work = runner_at_work(folder)
            if not at_work and not arrived:
                raise NoRunner(f"no runner is at work on {folder}") from wrong
            if time.monotonic() > until:
                raise NoAnswer(_why_no_answer(folder, wrong, at_work=at_work)) from wrong
        time.sleep(PAUSE)


class _Unanswered(ConnectionError):
    """The request left, and the connection ended before the answer."""


def _why_no_answer(folder: Path, wrong: OSError, *, at_work: bool) -> str:
    if at_work:
        return f"a runner is at work on {folder}, but does not listen ({wrong})"
    return "the runner ended before it answered: `bots` shows whether it was done"


def _asked_once(folder: Path, line: bytes) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        with short_path(folder) as path:
            connection.connect(path)
        answer = _answer_to(connection, line)
    said = orjson.loads(answer)
    if "refused" in said:
        raise NotAllowed(str(said["refused"]))
    return str(said["answer"])


def _answer_to(connection: socket.socket, line: bytes) -> bytes:
    try:
        connection.sendall(line)
        with connection.makefile("rb") as answers:
            answer = answers.readline()
    except ConnectionError as wrong:
        raise _Unanswered(str(wrong)) from wrong
    if not answer.endswith(b"\n"):
        raise _Unanswered("the connection ended before the answer")
    return answer


def who() -> str:
    """Name whoever types, for those who read it later."""
    with suppress(OSError, KeyError):
        return f"{getpass.getuser()}, by command"[:64]
    return "the command line"
