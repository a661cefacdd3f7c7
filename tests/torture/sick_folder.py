"""A folder that shows another one, and fails or lags where it is told to: a sick disk at hand.

python -m tests.torture.sick_folder BELOW POINT SICKNESS

SICKNESS is a file like {"errors": {"write": 28}, "seconds": {"fsync": 2.5}}: which calls fail with
which errno, and how long they take. It is read again whenever it changes. A file appears in the
folder only when the server is up, so that who waits for it knows.
"""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import orjson

CALLS: Final = ("open", "create", "read", "write", "fsync", "fsyncdir", "rename", "unlink", "mkdir")
_STAT: Final = (
    "st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks"
)  # fmt: skip


def write_sickness(path: Path, errors: dict[str, int], seconds: dict[str, float]) -> None:
    """Say from now on what fails and what lags; whole at any instant."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_bytes(orjson.dumps({"errors": errors, "seconds": seconds}))
    unfinished.rename(path)


class SickFolder:
    """What FUSE asks, answered from the folder below, unless it is sick."""

    use_ns = True

    def __init__(self, below: Path, sickness: Path) -> None:
        self._below = below
        self._sickness = sickness
        self._known: tuple[int, int] | None = None
        self._errors: dict[str, int] = {}
        self._seconds: dict[str, float] = {}

    def getattr(self, path: str, fd: int | None = None) -> dict[str, Any]:
        found = os.fstat(fd) if fd is not None else os.lstat(self._place(path))
        times = {f"st_{name}time": getattr(found, f"st_{name}time_ns") for name in "amc"}
        return {name: getattr(found, name) for name in _STAT} | times

    def access(self, path: str, mode: int) -> int:
        return 0 if os.access(self._place(path), mode) else self._fail(13)

    def readdir(self, path: str, fd: int) -> Iterable[str]:
        return [".", "..", *(entry.name for entry in self._place(path).iterdir())]

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self._place(path))
        return {name: getattr(found, name) for name in dir(found) if name.startswith("f_")}

    def open(self, path: str, flags: int) -> int:
        self._suffer("open")
        return os.open(self._place(path), flags & ~os.O_NOFOLLOW)

    def create(self, path: str, mode: int, flags: int) -> int:
        self._suffer("create")
        return os.open(self._place(path), flags | os.O_CREAT, mode)

    def read(self, path: str, length: int, offset: int, fd: int) -> bytes:
        self._suffer("read")
        return os.pread(fd, length, offset)

    def write(self, path: str, content: bytes, offset: int, fd: int) -> int:
        self._suffer("write")
        return os.pwrite(fd, content, offset)

    def truncate(self, path: str, length: int, fd: int | None = None) -> int:
        self._suffer("write")
        os.truncate(self._place(path) if fd is None else fd, length)
        return 0

    def flush(self, path: str, fd: int) -> int:
        return 0

    def release(self, path: str, fd: int) -> int:
        os.close(fd)
        return 0

    def fsync(self, path: str, only_data: int, fd: int) -> int:
        self._suffer("fsync")
        os.fsync(fd)
        return 0

    def fsyncdir(self, path: str, only_data: int, fd: int) -> int:
        self._suffer("fsyncdir")
        return 0

    def rename(self, old: str, new: str) -> int:
        self._suffer("rename")
        self._place(old).rename(self._place(new))
        return 0

    def unlink(self, path: str) -> int:
        self._suffer("unlink")
        self._place(path).unlink()
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        self._suffer("mkdir")
        self._place(path).mkdir(mode)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        self._place(path).chmod(mode)
        return 0

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        os.utime(self._place(path), ns=times or (time.time_ns(), time.time_ns()))
        return 0

    def _place(self, path: str) -> Path:
        return self._below / path.removeprefix("/")

    def _suffer(self, call: str) -> None:
        self._look()
        time.sleep(self._seconds.get(call, 0))
        if number := self._errors.get(call):
            self._fail(number)

    def _fail(self, number: int) -> int:
        raise OSError(number, os.strerror(number))

    def _look(self) -> None:
        found = self._sickness.stat()
        if self._known != (found.st_ino, found.st_mtime_ns):
            sickness = orjson.loads(self._sickness.read_bytes())
            self._errors, self._seconds = sickness["errors"], sickness["seconds"]
            self._known = found.st_ino, found.st_mtime_ns


def main(below: str, point: str, sickness: str) -> None:
    """Serve until unmounted."""
    from mfusepy import FUSE

    FUSE(
        SickFolder(Path(below), Path(sickness)),
        point,
        foreground=True,
        attr_timeout=0,
        entry_timeout=0,
        negative_timeout=0,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
