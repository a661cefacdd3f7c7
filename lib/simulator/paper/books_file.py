"""The file of a paper exchange's books, which is one exchange's at a time.

The lock lies beside it and dies with its process. A lock on the file itself would not do: to close
any second look at that file takes away the locks SQLite has there.
"""

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

from lib.errors import Halt
from lib.simulator.books.books import Books

LOCK_ENDS: Final = ".lock"


class BooksFile:
    """Books that are open, and nobody else's; without a path they are in memory."""

    def __init__(self, path: Path | None) -> None:
        """Raises Halt if the file cannot be opened, holds no books, or is in use."""
        self._lock = None if path is None else _lock(path)
        try:
            self.books = Books.in_memory() if path is None else Books.open(path)
        except (sqlite3.Error, ValueError) as wrong:
            self._release()
            raise Halt(f"the books {path} cannot be opened: {wrong}") from wrong
        except BaseException:
            self._release()
            raise

    def close(self) -> None:
        self.books.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(path: Path) -> int:
    """Take the lock of a file; answer what holds it. Raises Halt."""
    try:
        lock = os.open(f"{path}{LOCK_ENDS}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as wrong:
        raise Halt(f"the books {path} cannot be opened: {wrong.strerror}") from wrong
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as wrong:
        os.close(lock)
        raise Halt(f"the books {path} are in use by another exchange") from wrong
    return lock
