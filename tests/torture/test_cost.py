"""One save is one write and one flush at the device, and a second flush is noticed."""

from pathlib import Path
from typing import Final

import pytest

from lib.atomic_json import ContextFile
from lib.context_file.slots import Generation
from tests.torture.cost import Bill, count
from tests.torture.mounts import attempted_apart, enter_own_namespace, lacks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.needs_root,
    pytest.mark.needs_fuse,
    pytest.mark.skipif(bool(lacks("ext4")), reason=lacks("ext4") or "never"),
]


class FlushedTwice(ContextFile):
    """A save with a flush too many."""

    def _overwrite(self, generation: Generation) -> None:
        super()._overwrite(generation)
        self._disk.fdatasync(self._fd)


FILES: Final = {"the product": ContextFile, "flushed twice": FlushedTwice}


def counted(files: str, folder: str) -> list[str]:
    """Answer the figures and the losses, for a process of its own."""
    enter_own_namespace()
    bill = Bill()
    count(Path(folder), bill, FILES[files])
    return [f"{name} {figure}" for name, (figure,) in bill.figures.items()] + bill.losses


def test_a_save_is_one_write_and_one_flush_at_the_device(tmp_path: Path) -> None:
    lines = attempted_apart("tests.torture.test_cost:counted", "the product", str(tmp_path))

    figures = {name: float(figure) for name, _, figure in map(_parted, lines) if name}
    assert 1 <= figures["one save of 2 KB: flushes"] <= 1.05
    assert 1 <= figures["one save of 20 KB: writes"] <= 1.1
    assert figures["one save of 2 KB: KiB"] < 5


def test_a_flush_too_many_is_a_loss(tmp_path: Path) -> None:
    lines = attempted_apart("tests.torture.test_cost:counted", "flushed twice", str(tmp_path))

    assert any("took 2" in line for line in lines)


def _parted(line: str) -> tuple[str, str, str]:
    return line.rpartition(" ")
