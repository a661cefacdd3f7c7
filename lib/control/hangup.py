"""SIGHUP: to a service it means `reload`; to who has a terminal, that the terminal is gone."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final

from lib.control.request import Request, Verb

BY: Final = "SIGHUP"

Obey = Callable[[Request], Awaitable[str]]


def reload_on_hangup(obey: Obey, now: Callable[[], int], *, has_terminal: bool) -> None:
    """Have each SIGHUP be a `reload`, unless it says that the terminal of this process is gone."""
    if has_terminal:
        return
    loop, numbers = asyncio.get_running_loop(), count()
    asked: set[asyncio.Future[str]] = set()

    def heed() -> None:
        request = Request(f"{BY} {now()} {next(numbers)}", Verb.RELOAD, (), BY, now())
        task = asyncio.ensure_future(obey(request))
        asked.add(task)
        task.add_done_callback(asked.discard)

    loop.add_signal_handler(signal.SIGHUP, heed)
