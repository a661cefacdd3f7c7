"""What every disk does alike, and in what the simulated one is weaker than the real."""

import errno
import os
from pathlib import Path
from typing import TypeAlias

import pytest

from lib.disk import NAMELESS, REAL_DISK, Disk, mounted_kind
from tests.disk import HOME, SECTOR, SHORT, Crash, Cut, SimulatedDisk

NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL
Place: TypeAlias = tuple[Disk, Path]


@pytest.fixture(params=["real", "simulated"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return (REAL_DISK, tmp_path) if request.param == "real" else (SimulatedDisk(0), HOME)


# --- alike


def test_a_file_holds_what_was_written_with_zeros_between(place: Place) -> None:
    disk, folder = place
    fd = disk.open(folder / "a", NEW)

    assert disk.pwrite(fd, b"end", 1000) == 3
    assert disk.pwrite(fd, b"start", 0) == 5

    assert disk.size(fd) == 1003
    assert disk.pread(fd, 6, 0) == b"start\0"
    assert disk.pread(fd, 100, 1000) == b"end"
    assert disk.pread(fd, 100, 2000) == b""
    disk.close(fd)


def test_a_file_is_the_same_after_its_flush_and_without_its_cache(place: Place) -> None:
    disk, folder = place
    fd = disk.open(folder / "a", NEW)
    disk.pwrite(fd, b"kept", 0)
    disk.fsync(fd)
    disk.pwrite(fd, b"more", 4)
    disk.fdatasync(fd)

    disk.drop_cache(fd)

    assert disk.pread(fd, 100, 0) == b"keptmore"
    disk.close(fd)


def test_a_renamed_file_takes_the_place_of_another(place: Place) -> None:
    disk, folder = place
    for name in ("old", "new"):
        fd = disk.open(folder / name, NEW)
        disk.pwrite(fd, name.encode(), 0)
        disk.close(fd)

    disk.rename(folder / "new", folder / "old")

    assert disk.listdir(folder) == ["old"]
    fd = disk.open(folder / "old", os.O_RDONLY)
    assert disk.pread(fd, 10, 0) == b"new"
    disk.close(fd)


def test_a_file_stays_readable_through_a_descriptor_when_its_name_is_gone(place: Place) -> None:
    disk, folder = place
    fd = disk.open(folder / "a", NEW)
    disk.pwrite(fd, b"still", 0)

    disk.unlink(folder / "a")

    assert not disk.exists(folder / "a")
    assert disk.pread(fd, 10, 0) == b"still"
    disk.close(fd)


def test_a_folder_is_made_once_and_can_be_flushed(place: Place) -> None:
    disk, folder = place
    disk.mkdir(folder / "ctx")
    fd = disk.open(folder / "ctx", os.O_RDONLY | os.O_DIRECTORY)
    disk.fsync(fd)
    disk.close(fd)

    with pytest.raises(FileExistsError):
        disk.mkdir(folder / "ctx")
    assert disk.listdir(folder / "ctx") == []
    assert disk.owner(folder / "ctx") == os.geteuid()
    assert disk.file_system(folder / "ctx").free_bytes > 0


def test_what_is_not_there_is_not_found(place: Place) -> None:
    disk, folder = place
    with pytest.raises(FileNotFoundError):
        disk.open(folder / "a", os.O_RDWR)
    with pytest.raises(FileNotFoundError):
        disk.open(folder / "b" / "a", NEW)
    with pytest.raises(FileNotFoundError):
        disk.rename(folder / "a", folder / "b")
    with pytest.raises(FileNotFoundError):
        disk.unlink(folder / "a")


def test_a_file_is_made_once_when_told_so(place: Place) -> None:
    disk, folder = place
    disk.close(disk.open(folder / "a", NEW))

    with pytest.raises(FileExistsError):
        disk.open(folder / "a", NEW)
    with pytest.raises(NotADirectoryError):
        disk.open(folder / "a", os.O_RDONLY | os.O_DIRECTORY)


def test_a_lock_is_held_once_until_it_is_closed(place: Place) -> None:
    disk, folder = place
    first = disk.open(folder / "a", NEW)
    second = disk.open(folder / "a", os.O_RDWR)
    disk.lock(first)
    with pytest.raises(BlockingIOError):
        disk.lock(second)

    disk.close(first)

    disk.lock(second)
    disk.close(second)


# --- weaker


def written(seed: int, content: bytes, *, flushed: bytes = b"") -> tuple[SimulatedDisk, int]:
    disk = SimulatedDisk(seed)
    fd = disk.open(HOME / "a", NEW)
    disk.pwrite(fd, flushed, 0)
    disk.fsync(fd)
    folder = disk.open(HOME, os.O_DIRECTORY)
    disk.fsync(folder)
    disk.pwrite(fd, content, 0)
    return disk, fd


OLD, FRESH = b"o" * 4 * SECTOR, b"f" * 4 * SECTOR


def sectors(content: bytes) -> str:
    return "".join(chr(content[start]) for start in range(0, len(content), SECTOR))


def test_unflushed_sectors_survive_a_power_cut_each_on_its_own() -> None:
    found = {
        sectors(written(seed, FRESH, flushed=OLD)[0].after(Cut.POWER).content(HOME / "a"))
        for seed in range(200)
    }

    assert {"oooo", "ffff", "offf", "fooo", "foof"} <= found


def test_flushed_sectors_survive_every_power_cut() -> None:
    for seed in range(50):
        disk, fd = written(seed, FRESH, flushed=OLD)
        disk.fdatasync(fd)

        assert disk.after(Cut.POWER).content(HOME / "a") == FRESH


def test_a_kill_leaves_the_cache_and_its_dirtiness() -> None:
    afterwards = set()
    for seed in range(50):
        disk = written(seed, FRESH, flushed=OLD)[0].after(Cut.KILL)
        assert disk.content(HOME / "a") == FRESH
        afterwards.add(disk.after(Cut.POWER).content(HOME / "a"))

    assert {OLD, FRESH} <= afterwards


def test_names_survive_a_power_cut_each_on_its_own_unless_their_folder_was_flushed() -> None:
    found = set()
    for seed in range(100):
        disk = written(seed, FRESH)[0]
        for name in ("b", "c"):
            disk.close(disk.open(HOME / name, NEW))
        found.add(frozenset(disk.after(Cut.POWER).names(HOME)))

    assert found == {frozenset("a" + more) for more in ("", "b", "c", "bc")}


def test_a_failed_flush_calls_pages_clean_that_never_reached_the_disk() -> None:
    lost = 0
    for seed in range(50):
        disk, fd = written(seed, FRESH, flushed=OLD)
        disk.faults[disk.calls + 1] = errno.EIO
        with pytest.raises(OSError, match="error"):
            disk.fdatasync(fd)
        assert disk.pread(fd, len(FRESH), 0) == FRESH

        disk.fdatasync(fd)
        disk.drop_cache(fd)

        lost += disk.pread(fd, len(FRESH), 0) != FRESH
    assert lost > 10


def test_a_dead_program_has_no_effect() -> None:
    disk, fd = written(0, FRESH, flushed=OLD)
    disk.cut_at = disk.calls + 1
    with pytest.raises(Crash):
        disk.fdatasync(fd)

    for act in (
        lambda: disk.fdatasync(fd),
        lambda: disk.pwrite(fd, b"late", 0),
        lambda: disk.unlink(HOME / "a"),
        lambda: disk.close(fd),
    ):
        with pytest.raises(Crash):
            act()

    assert disk.after(Cut.KILL).content(HOME / "a") == FRESH


def test_a_short_write_writes_a_part_and_says_how_much() -> None:
    disk, fd = written(0, b"")
    disk.faults[disk.calls + 1] = SHORT

    length = disk.pwrite(fd, FRESH, 0)

    assert 0 < length < len(FRESH)
    assert disk.size(fd) == length


def test_a_full_disk_takes_what_needs_no_room() -> None:
    disk, fd = written(0, b"", flushed=OLD)
    disk.full = True

    assert disk.pwrite(fd, FRESH, 0) == len(FRESH)
    with pytest.raises(OSError, match="space"):
        disk.pwrite(fd, FRESH, SECTOR)
    with pytest.raises(OSError, match="space"):
        disk.open(HOME / "b", NEW)


# --- where a folder lies


MOUNTS = [
    "22 1 254:0 / / rw,relatime - ext4 /dev/root rw",
    "23 22 0:20 / /tmp rw shared:1 - tmpfs tmpfs rw",
    r"24 22 0:21 / /my\040bots rw - cifs //nas/bots rw",
    "25 22 0:22 / /srv rw - xfs /dev/a rw",
    "26 25 0:23 / /srv rw - btrfs /dev/b rw",
    f"27 22 254:0 /var/lib/docker/volumes/{'6b' * 32}/_data /ctx rw - ext4 /dev/root rw",
    "28 22 254:0 /var/lib/docker/volumes/ctx/_data /named rw - ext4 /dev/root rw",
    f"29 22 0:24 /volumes/{'6b' * 32}/_data /memory rw - tmpfs tmpfs rw",
]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/pi/ctx", "ext4"),
        ("/tmp", "tmpfs"),
        ("/tmp/ctx", "tmpfs"),
        ("/tmpfiles/ctx", "ext4"),
        ("/my bots/ctx", "cifs"),
        ("/srv/ctx", "btrfs"),
        ("/ctx", NAMELESS),
        ("/named", "ext4"),
        ("/memory", "tmpfs"),
    ],
)
def test_a_folder_lies_on_the_deepest_mount_above_it(path: str, kind: str) -> None:
    assert mounted_kind(Path(path), MOUNTS) == kind
