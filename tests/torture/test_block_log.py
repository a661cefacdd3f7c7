"""The cuts below a real file system see what must not be, and the product loses nothing."""

import os
import random
import stat
from pathlib import Path
from typing import Final

import pytest

from lib.atomic_json import ContextFile
from tests.torture.block_file import SECTOR, Epoch, Flush, Mark, Write, crash_states, epochs
from tests.torture.block_log import BusyDisk, Code, Known, cut, known_at
from tests.torture.mounts import attempted_apart, lacks

STATES: Final = 60
FAULTY_STATES: Final = 150

pytestmark = [pytest.mark.slow, pytest.mark.needs_root, pytest.mark.needs_fuse]


class WithoutFdatasync(BusyDisk):
    """A save that is not flushed."""

    def fdatasync(self, fd: int) -> None:
        self._others()


class WithoutFolderSync(BusyDisk):
    """A new name that is not flushed."""

    def fsync(self, fd: int) -> None:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            super().fsync(fd)


class InPlace(ContextFile):
    """A save over the newest generation."""

    def _next_slot(self) -> int:
        return self._newest_slot


CODES: Final = {
    "the product": Code(),
    "no fdatasync": Code(disks=WithoutFdatasync),
    "no folder sync": Code(disks=WithoutFolderSync),
    "one slot": Code(files=InPlace),
}


def losses(kind: str, code: str, seed: int, states: int, folder: str) -> list[str]:
    """Answer what was cut and what was lost, for a process of its own."""
    outcome = cut(kind, seed, Path(folder), CODES[code], states)
    return [str(outcome.deaths), *(loss.replace("\n", " ") for loss in outcome.losses)]


def cut_apart(kind: str, code: str, seed: int, states: int, folder: Path) -> tuple[int, list[str]]:
    if reason := lacks(kind):
        pytest.skip(reason)
    words = (kind, code, seed, states, str(folder))
    deaths, *found = attempted_apart("tests.torture.test_block_log:losses", *words)
    return int(deaths), [loss for loss in found if loss]


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_no_power_cut_takes_a_save_away(kind: str, tmp_path: Path) -> None:
    deaths, found = cut_apart(kind, "the product", 1, STATES, tmp_path)

    assert deaths >= STATES
    assert found == []


@pytest.mark.parametrize("code", ["no fdatasync", "no folder sync", "one slot"])
def test_a_save_that_breaks_a_rule_is_caught(code: str, tmp_path: Path) -> None:
    _, found = cut_apart("ext4", code, 2, FAULTY_STATES, tmp_path)

    assert found != []


def test_what_was_flushed_is_in_every_crash_state_and_the_rest_in_some() -> None:
    first, second = Write(0, b"a" * 4096), Write(8192, b"b" * 4096)
    (_, last) = epochs({}, [first, Flush(), second])

    states = list(crash_states(last, random.Random(1), whole=1 << 40))

    assert all(state[0] == first.content for state in states)
    assert {2 in state for state in states} == {True, False}


def test_a_torn_write_keeps_whole_sectors_only() -> None:
    write = Write(4096, bytes(range(1, 9)) * 512)
    epoch = Epoch({}, (write,), ())

    for state in crash_states(epoch, random.Random(2), whole=1 << 40):
        page = state.get(1, bytes(4096))
        for start in range(0, 4096, SECTOR):
            assert page[start : start + SECTOR] in {write.content[:SECTOR], bytes(SECTOR)}


def test_marks_say_what_must_be_found() -> None:
    marks = [Mark("begun", 1, "one"), Mark("acknowledged", 1, "one"), Mark("begun", 2, "one")]

    known = known_at(marks, {"one": Known()})["one"]

    assert (known.acknowledged, known.begun) == (1, 2)
