"""How a runner at work is recognised in its ctx folder, and by which name it is reached.

Imports next to nothing: whoever asks for its health does so every minute, on a small computer.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK: Final = ".lock"  # lib/shelf.py makes and holds it
SOCKET: Final = ".control.sock"


def runner_at_work(folder: Path) -> bool:
    """Say whether a runner holds the folder's lock.

    Asked by a shared lock that is let go at once: several who look do not see each other.
    """
    try:
        fd = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


@contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """Name the socket by a path that is short enough for the kernel: 107 bytes, see unix(7)."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{SOCKET}"
    finally:
        os.close(fd)
