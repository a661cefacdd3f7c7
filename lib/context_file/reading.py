"""How a context file is read: durable before it is believed, and each half for itself."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from lib.context_file.slots import Generation, Unwritten, judge_all, newest_of
from lib.disk import Disk

_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's state as its content and its last flush prove it."""

    fd: int
    slot_size: int
    newest: Generation
    newest_slot: int
    extents: list[int]  # per slot: nothing but white space lies beyond
    suspect: bool


def open_durably(path: Path, disk: Disk) -> Opened:
    fd = disk.open(path, os.O_RDWR | _OPEN)
    try:
        disk.fsync(fd)
        sync_folder(path.parent, disk)
        disk.drop_cache(fd)
        return examine(fd, path, disk)
    except BaseException:
        disk.close(fd)
        raise


def examine(fd: int, path: Path, disk: Disk) -> Opened:
    slot_size, slots = judge_all(_read_all(fd, disk), path)
    newest_slot = newest_of(slots, path)
    newest, other = slots[newest_slot], slots[1 - newest_slot]
    assert isinstance(newest, Generation)
    fresh = other is Unwritten.NEVER and newest.sequence == 1
    return Opened(
        fd,
        slot_size,
        newest,
        newest_slot,
        extents=[slot_size, slot_size],
        suspect=not fresh and not isinstance(other, Generation),
    )


def _read_all(fd: int, disk: Disk) -> bytes:
    """Read a file; a half that the device no longer gives reads as zeros, which is never whole.

    Raises OSError when it gives neither: that says nothing about the file.
    """
    size = disk.size(fd)
    first, failure = _read_half(fd, size // 2, 0, disk)
    second, another = _read_half(fd, size - size // 2, size // 2, disk)
    if failure and another:
        raise failure
    return first + second


def _read_half(fd: int, length: int, offset: int, disk: Disk) -> tuple[bytes, OSError | None]:
    content = bytearray()
    try:
        while len(content) < length:
            content += _read_part(fd, length - len(content), offset + len(content), disk)
    except OSError as failure:
        return bytes(length), failure
    return bytes(content), None


def _read_part(fd: int, length: int, offset: int, disk: Disk) -> bytes:
    part = disk.pread(fd, length, offset)
    if not part:
        raise OSError(errno.EIO, "the file ends before its size")
    return part


def content_of(path: Path, disk: Disk) -> bytes:
    fd = disk.open(path, os.O_RDONLY | _OPEN)
    try:
        return _read_all(fd, disk)
    finally:
        disk.close(fd)


def sync_folder(folder: Path, disk: Disk) -> None:
    fd = disk.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        disk.fsync(fd)
    finally:
        disk.close(fd)
