"""The product's own runner, which also knows the small bots, and can die at an exact call.

python -m tests.torture.mortal_runner [--die before:fdatasync:17] [--plant never-looks] OPTIONS

A planted fault shows that the audit would see it.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bots
import lib.dealing.dealer
import lib.life
import lib.mirror
from auto_trading import main

SMALL_BOTS = Path(__file__).parents[1] / "small_bots"
MODULE = "tests.torture.mortal_runner"
CALLS = ("pwrite", "fdatasync", "fsync", "open", "rename")


def learn_small_bots() -> None:
    """Have the bots of the tests found beside those of the product."""
    bots.__path__.append(str(SMALL_BOTS))


def arm(fate: str) -> None:
    """Die before or after the n-th of a kind of calls, whichever thread makes it."""
    when, name, count = fate.split(":")
    real: Callable[..., Any] = getattr(os, name)
    turns, fatal = itertools.count(1), int(count)

    def mortal(*arguments: Any, **named: Any) -> Any:
        fated = next(turns) == fatal
        if fated and when == "before":
            die()
        answer = real(*arguments, **named)
        if fated:
            die()
        return answer

    setattr(os, name, mortal)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def never_found(*_: object) -> None:
    """Answer at once that an order in doubt does not exist."""


async def never_saved(*_: object) -> int:
    """Say that a context is on disk, which it is not."""
    return 0


real_poll = lib.mirror.Mirror.poll


async def polled_once(mirror: lib.mirror.Mirror) -> None:
    """Look at the exchange once, then believe that the stream tells everything."""
    if not mirror.polled_at:
        await real_poll(mirror)
        return
    mirror.polled_at = mirror._clock.now()
    waiting, mirror._awaiting_poll = mirror._awaiting_poll, []
    for polled in waiting:
        polled.set_result(None)


PLANTS: dict[str, tuple[tuple[object, str, object], ...]] = {
    "never-looks": ((lib.dealing.dealer, "look_for", never_found),),
    "never-saves": (
        (lib.life.Life, "_store", never_saved),
        (lib.dealing.dealer.Dealer, "_tripwire", lambda *_: None),
    ),
    "polls-once": ((lib.mirror.Mirror, "poll", polled_once),),
}


def plant(fault: str) -> None:
    """Break the program in one way."""
    for owner, name, broken in PLANTS[fault]:
        setattr(owner, name, broken)


def taken(option: str) -> str:
    """Take one of our own options out of the runner's."""
    if option not in sys.argv:
        return ""
    place = sys.argv.index(option)
    value = sys.argv[place + 1]
    del sys.argv[place : place + 2]
    return value


if __name__ == "__main__":
    learn_small_bots()
    if fault := taken("--plant"):
        plant(fault)
    if fate := taken("--die"):
        arm(fate)
    sys.exit(main())
