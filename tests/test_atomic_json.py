import errno
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.atomic_json import (
    ContextFile,
    atomic_load_json,
    atomic_save_json,
    read_generations,
)
from lib.context_file.slots import RESERVED, SLOT_UNIT
from lib.errors import CorruptContext, DiskFailed
from tests.disk import HOME, Cut, SimulatedDisk

PATH = HOME / "bot.json"


def lap(number: int, padding: int = 0) -> bytes:
    return orjson.dumps({"lap": number, "pad": "x" * padding})


def laps_in(content: bytes) -> list[int | None]:
    """Read the file as any JSON tool does."""
    return [slot and slot["lap"] for slot in json.loads(content)]


def file_with(disk: SimulatedDisk, *laps: int) -> ContextFile:
    file = ContextFile.create(PATH, lap(laps[0]), disk=disk)
    for number in laps[1:]:
        assert file.save(lap(number))
    return file


# --- what the file looks like


def test_holds_the_last_two_generations_as_one_json_document() -> None:
    disk = SimulatedDisk(0)
    file = ContextFile.create(PATH, lap(1), disk=disk)
    assert laps_in(disk.content(PATH)) == [1, None]

    for number, expected in ((2, [1, 2]), (3, [3, 2]), (4, [3, 4])):
        file.save(lap(number, padding=100 * (number % 3)))

        content = disk.content(PATH)
        assert laps_in(content) == expected
        assert len(content) == 2 * SLOT_UNIT
        assert (content[:1], content[SLOT_UNIT : SLOT_UNIT + 1], content[-1:]) == (b"[", b",", b"]")


def test_a_generation_names_its_format_its_sequence_and_its_hash() -> None:
    file = file_with(SimulatedDisk(0), 1, 2, 3)

    assert list(file.newest_object) == ["format", "sequence", "lap", "pad", "hash"]
    assert file.newest_object["sequence"] == file.sequence == 3
    assert file.newest == file.acknowledged
    assert file.fields == lap(3)


def test_a_context_without_a_field_is_a_context() -> None:
    disk = SimulatedDisk(0)
    with closing(ContextFile.create(PATH, b"{}", disk=disk)) as file:
        assert not file.save(b"{}")
        assert file.save(lap(1))
        assert file.save(b"{}")

    with closing(ContextFile.open(PATH, disk=disk)) as file:
        assert file.fields == b"{}"
        assert file.sequence == 3


def test_grows_before_it_is_full_and_keeps_both_generations() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1)
    file.save(lap(2, padding=SLOT_UNIT // 2))

    content = disk.content(PATH)

    assert len(content) == 2 * 4 * SLOT_UNIT
    assert laps_in(content) == [1, 2]
    assert disk.names(HOME) == {"bot.json"}
    assert file.save(lap(3))
    assert laps_in(disk.content(PATH)) == [3, 2]


@pytest.mark.parametrize("padding", [*range(SLOT_UNIT // 2 - 200, SLOT_UNIT // 2), 100_000])
def test_any_length_is_read_back_as_it_was_written(padding: int) -> None:
    disk = SimulatedDisk(padding)
    file_with(disk, 1, 2).save(lap(3, padding))

    with closing(ContextFile.open(PATH, disk=disk)) as file:
        assert file.fields == lap(3, padding)


# --- one save


def test_one_save_is_one_write_and_one_flush() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1, 2)
    before = disk.calls

    file.save(lap(3))

    assert disk.log[before:] == ["pwrite", "fdatasync"]


def test_unchanged_content_is_not_written() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1, 2)
    before = disk.calls

    assert not file.save(lap(2))
    assert disk.calls == before
    assert file.save(lap(1))


def test_content_that_was_read_is_not_written_again() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2).close()
    with closing(ContextFile.open(PATH, disk=disk)) as file:
        before = disk.calls

        assert not file.save(lap(2))
        assert disk.calls == before


def test_the_first_save_after_opening_covers_the_slot_with_its_frame() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2).close()
    disk.overwrite(PATH, b"rotten" * 500)

    with closing(ContextFile.open(PATH, disk=disk)) as file:
        file.save(lap(3))

    assert laps_in(disk.content(PATH)) == [3, 2]


def test_the_sequence_stands_still_while_saves_fail() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1, 2)
    disk.refuses = errno.EIO
    for _ in range(3):
        with pytest.raises(DiskFailed, match="cannot be saved"):
            file.save(lap(3))
        assert (file.sequence, file.fields) == (2, lap(2))

    disk.refuses = 0

    assert file.save(lap(4))
    assert file.sequence == 3
    assert laps_in(disk.content(PATH)) == [4, 2]


def test_a_failed_save_is_written_again_before_it_is_flushed_again() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1, 2)
    disk.faults[disk.calls + 2] = errno.EIO
    before = disk.calls

    assert file.save(lap(3))

    assert disk.log[before:] == ["pwrite", "fdatasync", "pwrite", "fdatasync"]


def test_a_full_disk_still_takes_saves() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1, 2)
    disk.full = True

    for number in range(3, 8):
        assert file.save(lap(number, padding=SLOT_UNIT // 2 * (number % 2)))

    assert disk.names(HOME) == {"bot.json"}
    assert laps_in(disk.content(PATH)) == [7, 6]


def test_a_full_disk_refuses_what_does_not_fit_and_keeps_what_it_has() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1, 2)
    disk.full = True

    with pytest.raises(DiskFailed, match="cannot grow"):
        file.save(lap(3, padding=SLOT_UNIT))

    assert file.fields == lap(2)
    assert laps_in(disk.content(PATH)) == [1, 2]
    assert file.save(lap(4))


def test_after_a_rename_that_may_not_be_durable_the_next_save_makes_a_new_file() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1, 2)
    calm = disk.calls + 5  # open, pwrite, fsync, rename, open the folder; then its flush
    disk.faults = dict.fromkeys(range(calm, calm + 12), errno.EIO)
    with pytest.raises(DiskFailed):
        file.save(lap(3, padding=SLOT_UNIT))
    disk.faults.clear()
    before = disk.calls

    assert file.save(lap(3))

    assert "rename" in disk.log[before:]
    assert laps_in(disk.content(PATH)) == [2, 3]


@pytest.mark.parametrize("fields", [b"", b"[]", b"null", b"{", b'"lap"'])
def test_refuses_what_is_no_json_object(fields: bytes) -> None:
    file = file_with(SimulatedDisk(0), 1)

    with pytest.raises(ValueError, match="not a JSON object as"):
        file.save(fields)


@pytest.mark.parametrize("name", RESERVED)
def test_refuses_a_member_that_would_shadow_one_of_ours(name: str) -> None:
    disk = SimulatedDisk(0)

    with pytest.raises(ValueError, match=name):
        ContextFile.create(PATH, orjson.dumps({"lap": 2, name: 1}), disk=disk)

    assert disk.names(HOME) == set()
    assert ContextFile.create(PATH, orjson.dumps({"lap": {name: 1}}), disk=disk)


def test_a_member_that_slips_in_later_does_not_shadow_ours() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1).save(b'{"format":7,"sequence":99,"hash":"x"}')

    file = ContextFile.open(PATH, disk=disk)

    assert (file.sequence, file.newest_object["sequence"]) == (2, 2)
    assert len(file.newest_object["hash"]) == 64


# --- readers


def test_a_reader_sees_the_newest_generation_and_touches_nothing() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1, 2)
    before = disk.calls

    assert read_generations(PATH, disk=disk) == file.newest_object

    assert set(disk.log[before:]) == {"open", "size", "pread"}
    assert file.save(lap(3))


def test_a_reader_looks_again_when_it_met_both_slots_in_the_middle_of_a_write() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2)
    good = disk.content(PATH)
    disk.put(PATH, bytes(len(good)))
    looks = 0

    def heal(name: str) -> None:
        nonlocal looks
        looks += name == "open"
        if looks == 3:
            disk.put(PATH, good)

    disk.on_call = heal

    assert read_generations(PATH, disk=disk)["lap"] == 2


def test_a_reader_of_a_corrupt_file_says_so_and_makes_no_copy() -> None:
    disk = SimulatedDisk(0)
    disk.put(PATH, bytes(2 * SLOT_UNIT))

    with pytest.raises(CorruptContext):
        read_generations(PATH, disk=disk)

    assert disk.names(HOME) == {"bot.json"}


# --- one object, saved and loaded


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda below: (
        st.lists(below) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), below)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), plain).filter(
    lambda value: not set(value) & set(RESERVED)
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(objects, min_size=1, max_size=3))
def test_any_object_comes_back_from_disk_as_it_was(values: list[dict[str, Any]]) -> None:
    disk = SimulatedDisk(0)

    for value in values:
        atomic_save_json(value, PATH, disk=disk)
        disk = disk.after(Cut.POWER)

        assert atomic_load_json(PATH, disk=disk) == value
        assert {"format", "sequence", "hash"} | set(value) == set(read_generations(PATH, disk=disk))
    assert disk.open_descriptors == 0


def test_saving_the_same_object_again_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state.json"

    assert atomic_save_json({"lap": 1}, path)
    assert not atomic_save_json({"lap": 1}, path)
    assert atomic_save_json({"lap": 2}, path)
    assert atomic_load_json(path) == {"lap": 2}
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "value",
    [
        {"price": float("nan")},
        {"price": float("inf")},
        {"pair": (1, 2)},
        {1: 2},
        {"what": object()},
        {"text": "\ud800"},
        {"number": 2**70},
        {"hash": "mine"},
    ],
)
def test_what_json_would_not_give_back_is_refused_with_nothing_touched(
    value: dict[str, Any],
) -> None:
    disk = SimulatedDisk(0)

    with pytest.raises((TypeError, ValueError)):
        atomic_save_json(value, PATH, disk=disk)

    assert disk.calls == 0


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"mine")
    (tmp_path / "bot.json").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(DiskFailed):
        ContextFile.open(tmp_path / "bot.json")
    with pytest.raises(FileExistsError):
        ContextFile.create(tmp_path / "bot.json", b"{}")

    assert (tmp_path / "elsewhere").read_bytes() == b"mine"
