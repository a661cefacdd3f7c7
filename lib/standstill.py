"""What a person has to look at: on disk first, then raised, until the bot is released.

    note_standstill(desk, ctx.standstill, "the buy was refused: …")
    yield ctx
    heed_standstill(desk, ctx.standstill)    # raises Halt; after a release it goes on

Raised before it is saved, it would leave on disk what went before it: an order in doubt, say.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from lib.desk import Desk
from lib.errors import Halt
from lib.machine import Context


class Stopped(Protocol):
    """What has a reason of its own to stand still, as fields."""

    stopped: str  # why a person is to look before anything else is done
    stopped_at: int  # how many releases there had been; another one lets it go on


class Standstill(Context):
    """Why nothing goes on, if nothing does."""

    why: str = ""
    at: int = 0  # how many releases there had been; another one lets it go on


def note_standstill(desk: Desk, standstill: Standstill, why: str) -> None:
    """Write down that a person must look."""
    standstill.why, standstill.at = why, desk.releases


def heed_standstill(desk: Desk, standstill: Standstill) -> None:
    """Raise Halt for what was written down, until a person released the bot."""
    if standstill.why and desk.releases == standstill.at:
        raise Halt(standstill.why)
    standstill.why = ""


async def await_release(
    desk: Desk, what: Stopped, *, is_quiet: Callable[[], bool], news: Callable[[], Awaitable[None]]
) -> None:
    """Return once a person released the bot. Raises Halt as soon as nothing else is under way.

    What stands still may have something beside it that is to come to its end first: `is_quiet`
    says whether that has, and `news` waits for more of it.
    """
    while desk.releases == what.stopped_at:
        if is_quiet():
            raise Halt(what.stopped)
        await news()
    what.stopped = ""
