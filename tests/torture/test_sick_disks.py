"""Bots wait while their disk is ill, and a program that does not is found out."""

import errno
from pathlib import Path
from typing import Final

import pytest

from tests.torture.mounts import attempted_apart, lacks
from tests.torture.sick_disks import SICKNESSES, suffered

CAREFREE: Final = """
import sys, lib.disk
def carefree(call):
    def called(self, fd, *rest):
        try:
            return call(self, fd, *rest)
        except OSError:
            return len(rest[0]) if rest else None
    return called
for name in ("pwrite", "fdatasync"):
    setattr(lib.disk.RealDisk, name, carefree(getattr(lib.disk.RealDisk, name)))
from auto_trading import main
sys.exit(main())
"""
WORD_MAX: Final = 12.0  # seconds until it must have told the person
PROGRAMS: Final[dict[str, tuple[str, ...]]] = {"the product": (), "carefree": ("-c", CAREFREE)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs_root,
    pytest.mark.needs_fuse,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(lacks("ext4")), reason=lacks("ext4") or "never"),
]


def losses(program: str, sickness: str, folder: str) -> list[str]:
    """Answer how often the runner died and what was lost, for a process of its own."""
    (found,) = (each for each in SICKNESSES if each.name == sickness)
    outcome = suffered(found, 1, Path(folder), PROGRAMS[program], WORD_MAX)
    return [str(outcome.deaths), *(loss.replace("\n", " ") for loss in outcome.losses)]


def suffer_apart(program: str, sickness: str, folder: Path) -> list[str]:
    words = (program, sickness, str(folder))
    deaths, *found = attempted_apart("tests.torture.test_sick_disks:losses", *words)
    assert int(deaths) > 0 or found
    return [loss for loss in found if loss]


@pytest.mark.parametrize("sickness", ["a disk pulled out and plugged in again"])
def test_bots_wait_for_their_disk_and_go_on_by_themselves(sickness: str, tmp_path: Path) -> None:
    assert suffer_apart("the product", sickness, tmp_path) == []


@pytest.mark.long
def test_a_program_that_trades_on_without_its_disk_is_caught(tmp_path: Path) -> None:
    found = suffer_apart("carefree", "ENOSPC at write", tmp_path)

    assert any("cannot be saved" in loss or "orders left" in loss for loss in found)


def test_every_way_a_disk_can_refuse_is_among_the_sicknesses() -> None:
    names = " ".join(each.name for each in SICKNESSES)

    for number in (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        assert errno.errorcode[number] in names
