"""Each rule of lib/atomic_json.py, broken on purpose: the campaign of the crash tests sees it.

A campaign that no mutant fails proves nothing.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib import atomic_json
from lib.atomic_json import ContextFile
from lib.context_file import reading, slots
from lib.context_file.slots import Generation
from lib.disk import Disk
from lib.errors import DiskFailed
from tests.disk import SimulatedDisk
from tests.disk_lives import SEEDS, Breach, campaign

Patch = pytest.MonkeyPatch


class WithoutFdatasync(SimulatedDisk):
    """The save is not flushed."""

    def fdatasync(self, fd: int) -> None:
        self._call("fdatasync")


class OneSlot(ContextFile):
    """A save goes into the slot that holds the newest generation."""

    def _next_slot(self) -> int:
        return 0


class AnswersBeforeTheFlush(ContextFile):
    """A failed flush is taken for a save."""

    def _overwrite(self, generation: Generation) -> None:
        try:
            super()._overwrite(generation)
        except DiskFailed:
            self._newest, self._newest_slot = generation, self._next_slot()


class RetriesTheFlush(ContextFile):
    """A failed flush is repeated without writing the bytes again."""

    def _overwrite(self, generation: Generation) -> None:
        slot = self._next_slot()
        try:
            self._write(slot, generation.text)
            try:
                self._disk.fdatasync(self._fd)
            except OSError:
                self._disk.fdatasync(self._fd)
        except OSError as wrong:
            raise DiskFailed from wrong
        self._extents[slot] = 1 + len(generation.text)
        self._newest, self._newest_slot = generation, slot


class CountsFailures(ContextFile):
    """The sequence number advances although the save failed."""

    failures = 0

    def _overwrite(self, generation: Generation) -> None:
        number = generation.sequence + self.failures
        try:
            super()._overwrite(Generation.of(number, generation.members))
        except DiskFailed:
            self.failures += 1
            raise


class FleesToTheGoodSlot(ContextFile):
    """After a failure the other slot is tried: the one that holds the newest generation."""

    flees = False

    def _overwrite(self, generation: Generation) -> None:
        try:
            super()._overwrite(generation)
        except DiskFailed:
            self._newest_slot = 1 - self._newest_slot
            raise


class ComparesWithWhatItTried(ContextFile):
    """Unchanged means: equal to the bytes written last, flushed or not."""

    tried = b""

    def save(self, fields: bytes) -> bool:
        if fields == self.tried:
            return False
        self.tried = fields
        return super().save(fields)


class TrustsTheRestOfTheSlot(ContextFile):
    """The first write after opening covers no more than its own text."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._extents = [0, 0]


class TrustsTheSlotAfterAFailure(ContextFile):
    """What a failed write may have left behind the next text stays there."""

    def _write(self, slot: int, text: bytes) -> None:
        before = self._extents[slot]
        super()._write(slot, text)
        self._extents[slot] = before


class CoversOnlyTheNewText(ContextFile):
    """The end of a longer generation stays behind a shorter one."""

    def _write(self, slot: int, text: bytes) -> None:
        self._extents[slot] = 0
        super()._write(slot, text)


class SavesWhileUnsettled(ContextFile):
    """A save into the old file counts although the name may mean the new one."""

    def _store(self, generation: Generation) -> None:
        try:
            super()._store(generation)
        except DiskFailed:
            if not self._unsettled:
                raise
            self._unsettled = False
            self._overwrite(generation)

    def _in_place(self) -> bool:
        return True


def without_syncing_at_opening(patch: Patch) -> None:
    """What a killed predecessor left in memory is taken for what the disk holds."""

    def opened(path: Path, disk: Disk) -> object:
        fd = disk.open(path, os.O_RDWR)
        disk.drop_cache(fd)
        return reading.examine(fd, path, disk)

    patch.setattr(atomic_json, "open_durably", opened)


def without_syncing_the_folder_at_opening(patch: Patch) -> None:
    def opened(path: Path, disk: Disk) -> object:
        fd = disk.open(path, os.O_RDWR)
        disk.fsync(fd)
        disk.drop_cache(fd)
        return reading.examine(fd, path, disk)

    patch.setattr(atomic_json, "open_durably", opened)


def without_forgetting_pages_at_opening(patch: Patch) -> None:
    """What a failed flush left in memory is read although the disk never got it."""
    patch.setattr(SimulatedDisk, "drop_cache", lambda self, fd: self._call("drop_cache"))


def without_a_hash(patch: Patch) -> None:
    patch.setattr(slots, "_hash_holds", lambda text: text.endswith(b'"}'))


def without_syncing_the_folder_after_a_rename(patch: Patch) -> None:
    def renamed(fd: int, path: Path, disk: Disk) -> None:
        disk.rename(atomic_json._unfinished(path), path)

    patch.setattr(atomic_json, "_rename_durably", renamed)


def without_syncing_a_new_file(patch: Patch) -> None:
    def written(path: Path, content: bytes, disk: Disk) -> int:
        fd = disk.open(atomic_json._unfinished(path), os.O_RDWR | os.O_CREAT)
        atomic_json._write_all(disk, fd, content, 0)
        return fd

    patch.setattr(atomic_json, "_write_unfinished", written)


def with_the_folder_synced_again(patch: Patch) -> None:
    """A folder's failed flush is repeated without a new file."""
    once = reading.sync_folder

    def twice(folder: Path, disk: Disk) -> None:
        try:
            once(folder, disk)
        except OSError:
            once(folder, disk)

    patch.setattr(atomic_json, "sync_folder", twice)


def with_new_files_written_in_place(patch: Patch) -> None:
    def established(path: Path, content: bytes, disk: Disk) -> int:
        fd = disk.open(path, os.O_RDWR | os.O_CREAT)
        atomic_json._write_all(disk, fd, content, 0)
        disk.fsync(fd)
        reading.sync_folder(path.parent, disk)
        return fd

    patch.setattr(atomic_json, "_establish", established)


def with_short_writes_taken_for_whole(patch: Patch) -> None:
    def written(disk: Disk, fd: int, content: bytes, offset: int) -> None:
        disk.pwrite(fd, content, offset)

    patch.setattr(atomic_json, "_write_all", written)


CLASSES = (
    OneSlot,
    AnswersBeforeTheFlush,
    RetriesTheFlush,
    CountsFailures,
    FleesToTheGoodSlot,
    ComparesWithWhatItTried,
    TrustsTheRestOfTheSlot,
    TrustsTheSlotAfterAFailure,
    CoversOnlyTheNewText,
    SavesWhileUnsettled,
)
PATCHES = (
    without_syncing_at_opening,
    without_syncing_the_folder_at_opening,
    without_forgetting_pages_at_opening,
    without_a_hash,
    without_syncing_the_folder_after_a_rename,
    without_syncing_a_new_file,
    with_the_folder_synced_again,
    with_new_files_written_in_place,
    with_short_writes_taken_for_whole,
)


def scenarios_until_breach(**given: Any) -> int:
    """Count the scenarios until the campaign sees it; fail if it never does."""
    played = 0
    try:
        for scenario in campaign(SEEDS, **given):
            played += 1
            scenario.play()
    except Breach:
        return played + 1
    raise AssertionError("the campaign does not see it")


@pytest.mark.slow
@pytest.mark.parametrize("files", CLASSES)
def test_sees_a_file_that_breaks_one_rule(files: type[ContextFile]) -> None:
    assert scenarios_until_breach(files=files)


@pytest.mark.slow
@pytest.mark.parametrize("patch", PATCHES)
def test_sees_a_protocol_without_one_of_its_steps(
    patch: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    patch(monkeypatch)

    assert scenarios_until_breach()


def test_sees_saves_that_are_not_flushed() -> None:
    assert scenarios_until_breach(disks=WithoutFdatasync)
