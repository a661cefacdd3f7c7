"""How a thread speaks to the person: through the loop, in which everything else is told."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from lib.news import Kind, News, Sink


def voice_through(loop: asyncio.AbstractEventLoop, tell: Sink) -> Callable[[str], None]:
    """Answer what warns of something, in the runner's name, from any thread."""

    def warn(text: str) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody listens any more
            loop.call_soon_threadsafe(tell, News(0, "", Kind.WARNING, text))

    return warn
