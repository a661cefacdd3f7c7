import errno
import hashlib
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.atomic_json import ContextFile
from lib.context_file.slots import SLOT_UNIT
from lib.errors import CorruptContext, DiskFailed, LaterContext
from tests.disk import HOME, SimulatedDisk
from tests.test_atomic_json import PATH, file_with, lap, laps_in

# --- opening


def test_an_absent_file_is_absent_not_corrupt() -> None:
    with pytest.raises(FileNotFoundError):
        ContextFile.open(PATH, disk=SimulatedDisk(0))


def test_a_new_file_is_not_suspect() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1)
    assert not file.suspect
    file.close()

    assert not ContextFile.open(PATH, disk=disk).suspect


def test_two_whole_generations_are_not_suspect() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2)

    assert not ContextFile.open(PATH, disk=disk).suspect


@pytest.mark.parametrize(("rotten", "left"), [(0, 2), (1, 3)])
def test_a_file_with_one_whole_generation_is_suspect_until_opened_whole(
    rotten: int, left: int
) -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2, 3)
    disk.overwrite(PATH, b"?", rotten * SLOT_UNIT + 40)

    file = ContextFile.open(PATH, disk=disk)

    assert file.suspect
    assert file.fields == lap(left)
    assert file.save(lap(9))
    assert not ContextFile.open(PATH, disk=disk).suspect


def test_a_null_where_a_generation_must_have_been_is_suspect() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2, 3)
    disk.overwrite(PATH, b",null".ljust(SLOT_UNIT - 1) + b"]", SLOT_UNIT)

    assert ContextFile.open(PATH, disk=disk).suspect


def test_a_page_that_cannot_be_read_is_a_broken_slot() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2).close()
    disk.faults[disk.calls + 8] = errno.EIO

    file = ContextFile.open(PATH, disk=disk)

    assert file.suspect
    assert file.fields == lap(1)


def test_a_file_that_cannot_be_read_at_all_is_not_called_corrupt() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2).close()
    disk.faults = {disk.calls + 7: errno.EIO, disk.calls + 8: errno.EIO}

    with pytest.raises(DiskFailed):
        ContextFile.open(PATH, disk=disk)

    assert disk.names(HOME) == {"bot.json"}


def corrupt_ways() -> dict[str, bytes]:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2)
    good = disk.content(PATH)
    file_with(later := SimulatedDisk(0), 1, 2, 3, 4)
    return {
        "empty": b"",
        "zeros": bytes(len(good)),
        "odd": good + b" ",
        "cut": good[: len(good) // 2],
        "longer": good + bytes(64),
        "both rotten": good.replace(b"lap", b"pal"),
        "never written": b"[null".ljust(SLOT_UNIT) + b",null".ljust(SLOT_UNIT - 1) + b"]",
        "a gap": good[:SLOT_UNIT] + later.content(PATH)[SLOT_UNIT:],
        "twice the same": good[:SLOT_UNIT] + b"," + good[1:SLOT_UNIT],
        "another's": b'{"lap": 1}'.ljust(2 * SLOT_UNIT),
    }


@pytest.mark.parametrize("way", corrupt_ways())
def test_a_corrupt_file_is_refused_at_every_start_and_stays_with_one_copy_beside_it(
    way: str,
) -> None:
    content = corrupt_ways()[way]
    disk = SimulatedDisk(0)
    disk.put(PATH, content)

    for _ in range(3):
        with pytest.raises(CorruptContext, match="a copy is bot"):
            ContextFile.open(PATH, disk=disk)

    assert disk.content(PATH) == content
    (copy,) = disk.names(HOME) - {"bot.json"}
    assert disk.content(HOME / copy) == content
    assert disk.open_descriptors == 0


def test_a_corrupt_file_is_refused_also_when_it_cannot_be_copied() -> None:
    disk = SimulatedDisk(0)
    disk.put(PATH, b"rubbish")
    disk.full = True

    with pytest.raises(CorruptContext, match="no copy could be made"):
        ContextFile.open(PATH, disk=disk)


def with_format(content: bytes, slot: int, number: int) -> bytes:
    """Write a slot as a program of another format would."""
    start = slot * SLOT_UNIT + 1
    text = content[start : start + SLOT_UNIT - 3].rstrip()
    head, _ = text.split(b'"hash"')
    head = head.replace(b'"format":1', b'"format":%d' % number)
    text = b'%b"hash":"%b"}' % (head, hashlib.sha256(head).hexdigest().encode())
    return content[:start] + text.ljust(SLOT_UNIT - 3) + content[start + SLOT_UNIT - 3 :]


@pytest.mark.parametrize("slot", [0, 1])
def test_a_generation_of_a_later_format_is_refused_untouched(slot: int) -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2)
    content = with_format(disk.content(PATH), slot, 2)
    disk.put(PATH, content)

    with pytest.raises(LaterContext):
        ContextFile.open(PATH, disk=disk)

    assert disk.names(HOME) == {"bot.json"}
    assert disk.content(PATH) == content


def test_a_claim_to_a_later_format_without_its_hash_is_a_broken_slot() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2)
    disk.overwrite(PATH, b"9", len('[{"format":'))

    file = ContextFile.open(PATH, disk=disk)

    assert file.suspect
    assert file.fields == lap(2)


@settings(max_examples=300, deadline=None)
@given(offset=st.integers(0, 2 * SLOT_UNIT - 1), junk=st.binary(min_size=1, max_size=3000))
def test_whatever_overwrites_a_file_never_makes_a_generation_nobody_saved(
    offset: int, junk: bytes
) -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2).close()
    disk.overwrite(PATH, junk[: 2 * SLOT_UNIT - offset], offset)

    try:
        file = ContextFile.open(PATH, disk=disk)
    except CorruptContext:
        return
    assert file.fields in {lap(1), lap(2)}


# --- creating and replacing


def test_a_new_context_never_overwrites_one_that_is_there() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2)

    with pytest.raises(FileExistsError):
        ContextFile.create(PATH, lap(9), disk=disk)

    assert laps_in(disk.content(PATH)) == [1, 2]


def test_a_file_that_could_not_be_created_can_be_created_later() -> None:
    disk = SimulatedDisk(0)
    disk.full = True
    with pytest.raises(DiskFailed, match="cannot be created"):
        ContextFile.create(PATH, lap(1), disk=disk)
    assert disk.names(HOME) == set()
    assert disk.open_descriptors == 0

    disk.full = False

    assert ContextFile.create(PATH, lap(1), disk=disk).fields == lap(1)


def test_a_new_life_keeps_the_old_file_aside() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1, 2, 3).close()
    old = disk.content(PATH)

    with closing(ContextFile.replace(PATH, lap(1), aside=HOME / "bot.17.json", disk=disk)) as file:
        assert (file.sequence, file.fields, file.suspect) == (1, lap(1), False)

    assert disk.content(HOME / "bot.17.json") == old
    assert laps_in(disk.content(PATH)) == [1, None]


def test_a_new_life_may_follow_a_corrupt_one() -> None:
    disk = SimulatedDisk(0)
    disk.put(PATH, b"rubbish")

    ContextFile.replace(PATH, lap(1), aside=HOME / "bot.old.json", disk=disk).close()

    assert disk.content(HOME / "bot.old.json") == b"rubbish"


def test_a_new_life_never_overwrites_what_was_kept_aside() -> None:
    disk = SimulatedDisk(0)
    file_with(disk, 1).close()
    disk.put(HOME / "bot.17.json", b"precious")

    with pytest.raises(FileExistsError):
        ContextFile.replace(PATH, lap(1), aside=HOME / "bot.17.json", disk=disk)

    assert disk.content(HOME / "bot.17.json") == b"precious"
    assert laps_in(disk.content(PATH)) == [1, None]


@pytest.mark.parametrize("name", ["absent", "full"])
def test_a_new_life_that_cannot_begin_leaves_the_old_one(name: str) -> None:
    disk = SimulatedDisk(0)
    if name == "absent":
        with pytest.raises(FileNotFoundError):
            ContextFile.replace(PATH, lap(1), aside=HOME / "a.json", disk=disk)
        return
    file_with(disk, 1, 2).close()
    disk.full = True

    with pytest.raises(DiskFailed, match="cannot be replaced"):
        ContextFile.replace(PATH, lap(1), aside=HOME / "a.json", disk=disk)

    assert laps_in(disk.content(PATH)) == [1, 2]
