import errno
import os
from pathlib import Path

import pytest

from lib.atomic_json import ContextFile, atomic_load_json, atomic_save_json
from lib.backtest.memory_disk import MemoryDisk
from lib.shelf import Busy, Shelf

HOME = Path("/memory")


def test_what_was_flushed_outlives_a_power_cut_and_nothing_else_does() -> None:
    disk = MemoryDisk(HOME)
    for name, flushes in (("kept", True), ("lost", False)):
        fd = disk.open(HOME / name, os.O_RDWR | os.O_CREAT)
        disk.pwrite(fd, b"first", 0)
        disk.fsync(fd)
        disk.fsync(disk.open(HOME, os.O_RDONLY))
        disk.pwrite(fd, b"second", 0)
        if flushes:
            disk.fdatasync(fd)

    left = disk.after_cut()

    assert {name: _content(left, name) for name in left.listdir(HOME)} == {
        "kept": b"second",
        "lost": b"first",
    }


def test_a_name_whose_folder_was_not_flushed_is_gone_after_a_power_cut() -> None:
    disk = MemoryDisk(HOME)
    disk.fsync(disk.open(HOME / "new", os.O_RDWR | os.O_CREAT))

    assert disk.after_cut().listdir(HOME) == []


def test_a_removed_name_is_back_unless_its_folder_was_flushed() -> None:
    disk = MemoryDisk(HOME)
    disk.open(HOME / "file", os.O_RDWR | os.O_CREAT)
    disk.fsync(disk.open(HOME, os.O_RDONLY))

    disk.unlink(HOME / "file")

    assert disk.after_cut().listdir(HOME) == ["file"]
    disk.fsync(disk.open(HOME, os.O_RDONLY))
    assert disk.after_cut().listdir(HOME) == []


def test_a_context_is_as_safe_there_as_on_a_disk() -> None:
    disk = MemoryDisk(HOME)
    atomic_save_json({"lap": 1}, HOME / "bot.json", disk=disk)
    file = ContextFile.open(HOME / "bot.json", disk=disk)
    file.save(b'{"lap":2}')

    left = disk.after_cut()

    assert atomic_load_json(HOME / "bot.json", disk=left)["lap"] == 2


def test_a_folder_is_locked_by_one_runner_until_the_power_fails() -> None:
    disk = MemoryDisk(HOME)
    Shelf.open(HOME / "ctx", disk=disk)

    with pytest.raises(Busy):
        Shelf.open(HOME / "ctx", disk=disk)

    Shelf.open(HOME / "ctx", disk=disk.after_cut())


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (lambda disk: disk.open(HOME / "no", os.O_RDONLY), errno.ENOENT),
        (lambda disk: disk.open(Path("/no/file"), os.O_CREAT), errno.ENOENT),
        (lambda disk: disk.unlink(HOME / "no"), errno.ENOENT),
        (lambda disk: disk.rename(HOME / "no", HOME / "yes"), errno.ENOENT),
        (lambda disk: disk.mkdir(HOME), errno.EEXIST),
        (lambda disk: disk.listdir(Path("/no")), errno.ENOENT),
    ],
)
def test_what_a_disk_refuses_is_refused_in_memory(call: object, number: int) -> None:
    assert callable(call)

    with pytest.raises(OSError, match="/") as refused:
        call(MemoryDisk(HOME))

    assert refused.value.errno == number


def _content(disk: MemoryDisk, name: str) -> bytes:
    return disk.pread(disk.open(HOME / name, os.O_RDONLY), 100, 0)
