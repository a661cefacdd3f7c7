"""The few things this program asks of a disk, as one object.

Whatever must survive a crash goes through a `Disk`. Tests put a simulated one in its place, which
is weaker than any real disk and loses power at every single call.
"""

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

NAMELESS: Final = "a nameless volume"
"""The kind of what Docker and Podman mount for a VOLUME to which nobody mounted anything."""

_MOUNTS = Path("/proc/self/mountinfo")
_OF_NO_NAME = re.compile(r"/volumes/[0-9a-f]{64}/_data(?:/|$)")
_UNSAFE_NAMES = {r"\040": " ", r"\011": "\t", r"\012": "\n", r"\134": "\\"}


@dataclass(frozen=True, slots=True)
class FileSystem:
    """Where a folder lives: the kind as mount(8) names it, and what is left of it."""

    kind: str
    free_bytes: int
    free_files: int | None  # None: this kind does not count files


class Disk(Protocol):
    """The system calls used. All raise OSError; only fsync and fdatasync promise anything."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int: ...

    def close(self, fd: int) -> None: ...

    def pread(self, fd: int, length: int, offset: int) -> bytes: ...

    def pwrite(self, fd: int, content: bytes | memoryview, offset: int) -> int: ...

    def fsync(self, fd: int) -> None: ...

    def fdatasync(self, fd: int) -> None: ...

    def drop_cache(self, fd: int) -> None:
        """Forget the file's clean pages: what is read next comes from the device."""
        ...

    def size(self, fd: int) -> int: ...

    def lock(self, fd: int) -> None:
        """Take the exclusive lock that dies with this process, or raise BlockingIOError."""
        ...

    def exists(self, path: Path) -> bool: ...

    def stands(self, fd: int, path: Path, *, length: int) -> bool:
        """Whether this open file, so many bytes long, is what the name leads to."""
        ...

    def owner(self, path: Path) -> int: ...

    def rename(self, source: Path, target: Path) -> None: ...

    def unlink(self, path: Path) -> None: ...

    def mkdir(self, path: Path, mode: int = 0o700) -> None: ...

    def listdir(self, path: Path) -> list[str]: ...

    def file_system(self, path: Path) -> FileSystem: ...


class RealDisk:
    """The operating system's."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        return os.open(path, flags, mode)

    def close(self, fd: int) -> None:
        os.close(fd)

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        return os.pread(fd, length, offset)

    def pwrite(self, fd: int, content: bytes | memoryview, offset: int) -> int:
        return os.pwrite(fd, content, offset)

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def fdatasync(self, fd: int) -> None:
        os.fdatasync(fd)

    def drop_cache(self, fd: int) -> None:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def size(self, fd: int) -> int:
        return os.fstat(fd).st_size

    def lock(self, fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def exists(self, path: Path) -> bool:
        return os.path.lexists(path)

    def stands(self, fd: int, path: Path, *, length: int) -> bool:
        try:
            named = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        held = os.fstat(fd)
        return held.st_size == length and os.path.samestat(named, held)

    def owner(self, path: Path) -> int:
        return path.stat().st_uid

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def mkdir(self, path: Path, mode: int = 0o700) -> None:
        path.mkdir(mode)

    def listdir(self, path: Path) -> list[str]:
        return [entry.name for entry in path.iterdir()]

    def file_system(self, path: Path) -> FileSystem:
        left = os.statvfs(path)
        return FileSystem(
            kind=mounted_kind(path.resolve(), _MOUNTS.read_text().splitlines()),
            free_bytes=left.f_bavail * left.f_frsize,
            free_files=left.f_favail if left.f_files else None,
        )


REAL_DISK: Disk = RealDisk()

_IN_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk can be read only",
    errno.EIO: "the disk fails",
    errno.ENODEV: "the disk is gone",
    errno.ENXIO: "the disk is gone",
    errno.ENOTCONN: "the disk is gone",
    errno.ESTALE: "the disk is gone",
    errno.ENOENT: "it is gone",
    errno.ENOTDIR: "its folder is gone",
    errno.EACCES: "this program is not allowed to",
    errno.EPERM: "this program is not allowed to",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
}


def in_words(wrong: OSError) -> str:
    """Say for a person what a disk complains of."""
    words = _IN_WORDS.get(wrong.errno or 0)
    return f"{words} ({wrong})" if words else str(wrong)


def mounted_kind(path: Path, mounts: list[str]) -> str:
    """Name the file system that the deepest (and among equals the last) mount brings to a path."""
    deepest, kind = -1, "unknown"
    for point, mounted in _mount_points(mounts):
        if path.is_relative_to(point) and len(point.parts) >= deepest:
            deepest, kind = len(point.parts), mounted
    return kind


def _mount_points(mounts: list[str]) -> Iterator[tuple[Path, str]]:
    """Read lines of /proc/self/mountinfo: what is shown, where, and after the dash its kind."""
    for line in mounts:
        before, _, after = line.partition(" - ")
        _, _, _, inside, place, *_ = before.split()
        for escaped, meant in _UNSAFE_NAMES.items():
            place = place.replace(escaped, meant)
        yield Path(place), _kind(inside, after.split()[0])


def _kind(inside: str, kind: str) -> str:
    """Name a mount's kind, given what it shows of its file system; memory stays memory."""
    return NAMELESS if _OF_NO_NAME.search(inside) and kind != "tmpfs" else kind
