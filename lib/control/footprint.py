"""When this program was last seen alive, so that a start can say how long it was away.

The age of a file that is touched now and then and never flushed: after a power cut it may be some
seconds too old, which is good enough for a sentence.
"""

import asyncio
import os
from pathlib import Path
from typing import Final

NAME: Final = ".alive"
EVERY: Final = 5.0  # seconds


def away_ms(folder: Path, now_ms: int) -> int | None:
    """Say how long (ms) no runner has touched this folder; None if none ever did."""
    try:
        seen = (folder / NAME).stat().st_mtime_ns // 1_000_000
    except OSError:
        return None
    return max(0, now_ms - seen)


async def keep_touching(folder: Path) -> None:
    """Leave a footprint for ever. A disk that refuses it is told of elsewhere.

    It is made once: where the folder's disk was pulled out, nothing is to be left behind.
    """
    _touch(folder / NAME, os.O_CREAT)
    while True:
        await asyncio.sleep(EVERY)
        _touch(folder / NAME)


def _touch(path: Path, flags: int = 0) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    except OSError:
        return
    try:
        os.utime(descriptor)
    finally:
        os.close(descriptor)
