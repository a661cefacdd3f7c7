"""Stories told in virtual time."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.virtual_time import VirtualLoop

Result = TypeVar("Result")


def ticks_of(loop: VirtualLoop) -> Callable[[], int]:
    """Make the local counter of a world whose time is the loop's."""
    return lambda: round(loop.time() * 1000)


def run(loop: VirtualLoop, work: Coroutine[Any, Any, Result]) -> Result:
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
