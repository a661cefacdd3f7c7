"""The lock of a folder, and whether the folder is still where it was.

The lock lies in the folder, so it is also how a folder is known again: while the name of the lock
leads to the file that was locked, the folder is the one that was opened. A disk that was pulled
out and mounted again brings the same folder, but as another one, unlocked: it is locked anew.
"""

import os
import threading
from pathlib import Path
from typing import Final, Self

from lib.disk import Disk
from lib.errors import BotError

NAME: Final = ".lock"
_OPEN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class Busy(BotError):
    """Another runner holds the folder's lock."""


class FolderLock:
    """A lock that is held. It dies with this process."""

    def __init__(self, folder: Path, disk: Disk, fd: int) -> None:
        self.times_taken = 1
        self._folder = folder
        self._disk = disk
        self._fd = fd
        self._turn = threading.Lock()

    @classmethod
    def take(cls, folder: Path, disk: Disk) -> Self:
        """Lock a file that is never unlinked: else two runners could lock two files of one name.

        Raises Busy or OSError.
        """
        return cls(folder, disk, _locked(folder, disk, _OPEN | os.O_CREAT))

    @property
    def stands(self) -> bool:
        """Whether the folder at our path is still the one that we locked."""
        return self._disk.stands(self._fd, self._folder / NAME, length=0)

    def follow(self) -> int:
        """Hold the folder that lies at our path by now; answer how often one was taken so far.

        Raises Busy, or OSError when no runner ever had that folder.
        """
        with self._turn:
            if not self.stands:
                fd = _locked(self._folder, self._disk, _OPEN)
                self._disk.close(self._fd)
                self._fd, self.times_taken = fd, self.times_taken + 1
            return self.times_taken

    def close(self) -> None:
        """Let another runner in."""
        self._disk.close(self._fd)


def _locked(folder: Path, disk: Disk, flags: int) -> int:
    fd = disk.open(folder / NAME, flags, 0o600)
    try:
        disk.lock(fd)
    except BlockingIOError:
        disk.close(fd)
        raise Busy(
            f"{folder} is in use by another runner: stop it, or use another folder"
        ) from None
    except OSError:
        disk.close(fd)
        raise
    return fd
