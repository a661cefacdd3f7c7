"""The search for bad input: its examples are good input, and it finds what is there to be found."""

from pathlib import Path

import pytest

from tests.torture.fragile import fragile
from tests.torture.guided_input import examples, lacks, searched
from tests.torture.guided_readers import READERS, told


@pytest.mark.parametrize("name", READERS)
def test_every_reader_takes_its_examples(name: str, tmp_path: Path) -> None:
    known = list(examples(name, tmp_path))

    assert known
    assert [wrong for each in known for wrong in READERS[name](each, tmp_path)] == []


@pytest.mark.slow
@pytest.mark.skipif(bool(lacks()), reason=lacks())
def test_a_fault_behind_three_branches_is_found_with_its_bytes(tmp_path: Path) -> None:
    (loss,) = searched(fragile, [b"nothing"], 1, tmp_path, seconds=60).losses

    assert "it stumbled" in loss
    assert told(b"BUG")[:4] in loss
