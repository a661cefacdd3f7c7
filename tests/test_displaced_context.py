"""A context file, or its folder, that another hand took away under the running program."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from lib.atomic_json import ContextFile, atomic_load_json
from lib.context_file.folder_lock import Busy, FolderLock
from lib.disk import REAL_DISK, RealDisk
from lib.errors import DiskFailed


class PulledDisk(RealDisk):
    """A disk that somebody takes out just after a flush."""

    def __init__(self) -> None:
        self.pull: Callable[[], object] = lambda: None

    def fdatasync(self, fd: int) -> None:
        super().fdatasync(fd)
        self.pull()


class Runner:
    """A folder held by us, with one bot's file open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "bot.json"
        folder.mkdir()
        self.lock = FolderLock.take(folder, REAL_DISK)
        ContextFile.create(self.path, fields(1)).close()
        self.disk = PulledDisk()
        self.file = ContextFile.open(self.path, disk=self.disk, folder=self.lock)

    def save(self, version: int, size: int = 0) -> None:
        self.file.save(fields(version, size))

    @property
    def found(self) -> int:
        """What the next start would find."""
        return int(atomic_load_json(self.path)["version"])


def fields(version: int, size: int = 0) -> bytes:
    return orjson.dumps({"version": version, "pad": "x" * size})


def take_over(folder: Path) -> None:
    """Start a second runner, and let it end."""
    FolderLock.take(folder, REAL_DISK).close()


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    runner = Runner(tmp_path / "ctx")
    yield runner
    runner.file.close()
    runner.lock.close()


def test_a_deleted_file_is_written_anew_with_the_next_save(runner: Runner) -> None:
    runner.save(2)
    runner.path.unlink()

    runner.save(3)

    assert runner.found == 3
    assert "was deleted while this program runs" in runner.file.mended


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b"{}" * 20_000])
def test_a_file_changed_by_hand_is_kept_beside_and_written_anew(
    runner: Runner, content: bytes
) -> None:
    runner.path.write_bytes(content)

    runner.save(2)

    (kept,) = runner.folder.glob("bot.json.changed-*")
    assert kept.read_bytes() == content
    assert runner.found == 2
    assert kept.name in runner.file.mended


def test_a_file_replaced_by_its_own_backup_does_not_take_the_program_back(runner: Runner) -> None:
    backup = runner.folder / "backup"
    shutil.copy(runner.path, backup)
    runner.save(2)
    backup.rename(runner.path)

    runner.save(3)

    assert runner.found == 3


def test_a_save_that_makes_the_file_grow_is_right_after_a_deletion_too(runner: Runner) -> None:
    runner.path.unlink()

    runner.save(2, size=40_000)

    assert runner.found == 2


def test_no_save_counts_while_the_folder_is_gone(runner: Runner) -> None:
    away = runner.folder.rename(runner.folder.with_name("away"))

    for size in (0, 40_000):
        with pytest.raises(DiskFailed, match="put it back"):
            runner.save(2, size)

    assert not runner.folder.exists()
    assert b'"version":1' in runner.file.acknowledged
    away.rename(runner.folder)
    runner.save(2)
    assert runner.found == 2
    assert runner.file.mended == ""


@pytest.mark.parametrize("size", [0, 40_000])
def test_nothing_is_written_into_the_empty_folder_below_an_unmounted_disk(
    runner: Runner, size: int
) -> None:
    runner.folder.rename(runner.folder.with_name("away"))
    runner.folder.mkdir()

    with pytest.raises(DiskFailed, match="put it back"):
        runner.save(2, size)

    assert list(runner.folder.iterdir()) == []


def test_a_disk_that_was_taken_out_and_is_back_is_locked_and_used_again(runner: Runner) -> None:
    runner.save(2)
    away = runner.folder.rename(runner.folder.with_name("away"))
    with pytest.raises(DiskFailed):
        runner.save(3)
    shutil.copytree(away, runner.folder)

    runner.save(4)

    assert runner.found == 4
    with pytest.raises(Busy):
        take_over(runner.folder)


def test_a_failed_save_that_reached_the_disk_after_all_is_recognized_on_its_return(
    runner: Runner,
) -> None:
    away = runner.folder.with_name("away")
    runner.disk.pull = lambda: runner.folder.rename(away)
    with pytest.raises(DiskFailed):
        runner.save(2)
    assert b'"version":1' in runner.file.acknowledged
    runner.disk.pull = lambda: None
    shutil.copytree(away, runner.folder)
    assert runner.found == 2

    runner.save(2)
    runner.save(3)

    assert runner.found == 3
    assert runner.file.sequence == 3


def test_a_folder_that_another_runner_went_on_with_is_not_touched(runner: Runner) -> None:
    away = runner.folder.rename(runner.folder.with_name("away"))
    shutil.copytree(away, runner.folder)
    take_over(runner.folder)
    with closing(ContextFile.open(runner.path)) as other:
        other.save(fields(7))
    before = runner.path.read_bytes()

    for version in (2, 3):
        with pytest.raises(DiskFailed, match="not the last that was saved"):
            runner.save(version)

    assert runner.path.read_bytes() == before


def test_a_folder_that_another_runner_holds_is_not_touched(runner: Runner) -> None:
    away = runner.folder.rename(runner.folder.with_name("away"))
    shutil.copytree(away, runner.folder)
    other = FolderLock.take(runner.folder, REAL_DISK)

    with pytest.raises(DiskFailed, match="in use by another runner"):
        runner.save(2)

    other.close()
    runner.save(2)
    assert runner.found == 2


def test_a_second_file_of_a_folder_that_came_back_older_is_not_overwritten(runner: Runner) -> None:
    second = runner.folder / "second.json"
    ContextFile.create(second, fields(1)).close()
    file = ContextFile.open(second, folder=runner.lock)
    backup = shutil.copytree(runner.folder, runner.folder.with_name("backup"))
    file.save(fields(2))
    runner.folder.rename(runner.folder.with_name("away"))
    backup.rename(runner.folder)
    runner.save(2)

    with pytest.raises(DiskFailed, match="not the last that was saved"):
        file.save(fields(3))

    assert atomic_load_json(second)["version"] == 1
    file.close()


def test_leaves_no_descriptor_behind_whatever_is_taken_away(runner: Runner) -> None:
    before = open_descriptors()
    for version in range(2, 6):
        runner.path.unlink()
        runner.save(version)
    for version in range(6, 9):
        away = runner.folder.rename(runner.folder.with_name("away"))
        shutil.copytree(away, runner.folder)
        shutil.rmtree(away)
        runner.save(version)

    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
