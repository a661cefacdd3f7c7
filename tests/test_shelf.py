import errno
from contextlib import suppress
from pathlib import Path

import pytest

from lib.atomic_json import ContextFile
from lib.disk import NAMELESS, REAL_DISK, FileSystem, RealDisk
from lib.errors import CorruptContext
from lib.shelf import Busy, Shelf, UnfitFolder
from tests.disk import HOME, Crash, Cut, SimulatedDisk

CTX = HOME / "ctx"


class Lying(RealDisk):
    """A real disk that calls its file system something else."""

    def __init__(
        self, kind: str, free_bytes: int = 1 << 40, free_files: int | None = 1 << 20
    ) -> None:
        self.answer = FileSystem(kind, free_bytes, free_files)

    def file_system(self, path: Path) -> FileSystem:
        return self.answer


def open_shelf(folder: Path, kind: str = "ext4", **left: int | None) -> Shelf:
    return Shelf.open(folder, disk=Lying(kind, **left))  # type: ignore[arg-type]


def test_makes_a_folder_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    open_shelf(tmp_path / "ctx").close()

    assert (tmp_path / "ctx").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "ctx" / ".lock").stat().st_mode & 0o777 == 0o600


def test_lets_one_runner_in_at_a_time(tmp_path: Path) -> None:
    first = open_shelf(tmp_path)

    with pytest.raises(Busy, match="another runner"):
        open_shelf(tmp_path)

    first.close()
    open_shelf(tmp_path).close()


def test_lets_the_next_runner_in_after_a_kill() -> None:
    disk = SimulatedDisk(0)
    Shelf.open(CTX, disk=disk)

    Shelf.open(CTX, disk=disk.after(Cut.KILL))


def test_a_busy_folder_keeps_its_unfinished_files(tmp_path: Path) -> None:
    shelf = open_shelf(tmp_path)
    unfinished = tmp_path / "grid.json.tmp"
    unfinished.write_bytes(b"the runner is at it")

    with pytest.raises(Busy):
        open_shelf(tmp_path)

    assert unfinished.exists()
    shelf.close()


def test_removes_what_a_killed_runner_left_unfinished(tmp_path: Path) -> None:
    (tmp_path / "grid.json.tmp").write_bytes(b"half")
    (tmp_path / ".probe.tmp").write_bytes(b"")

    shelf = open_shelf(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {".lock"}
    shelf.close()


def test_names_the_bots_that_have_a_context_and_nothing_else(tmp_path: Path) -> None:
    shelf = open_shelf(tmp_path)
    shelf.installation()
    for bot in ("grid_2", "dip-1"):
        ContextFile.create(shelf.path(bot), b"{}").close()
    ContextFile.replace(shelf.path("grid_2"), b"{}", aside=shelf.aside("grid_2", 17)).close()
    (tmp_path / "notes.txt").write_text("mine")

    assert shelf.names() == ["dip-1", "grid_2"]
    assert (tmp_path / "grid_2.17.json").exists()
    shelf.close()


@pytest.mark.parametrize("name", ["", "a" * 33, "../grid", "a.b", "installation", "Installation"])
def test_refuses_a_name_that_could_mean_another_file(tmp_path: Path, name: str) -> None:
    shelf = open_shelf(tmp_path)

    with pytest.raises(ValueError, match="name of a bot"):
        shelf.path(name)
    shelf.close()


def test_refuses_a_birth_that_leads_elsewhere(tmp_path: Path) -> None:
    shelf = open_shelf(tmp_path)

    with pytest.raises(ValueError, match="birth"):
        shelf.aside("grid", "../../etc/passwd")
    shelf.close()


def test_draws_the_installation_once(tmp_path: Path) -> None:
    shelf = open_shelf(tmp_path)
    drawn = shelf.installation()
    shelf.close()

    shelf = open_shelf(tmp_path)

    assert len(drawn) == 6
    assert int(drawn, 16) >= 0
    assert shelf.installation() == shelf.installation() == drawn
    shelf.close()


@pytest.mark.parametrize("content", [b"", b"[null", b" " * 32768])
def test_never_draws_a_new_installation_over_a_corrupt_one(tmp_path: Path, content: bytes) -> None:
    shelf = open_shelf(tmp_path)
    (tmp_path / "installation.json").write_bytes(content)

    for _ in range(2):
        with pytest.raises(CorruptContext):
            shelf.installation()

    assert (tmp_path / "installation.json").read_bytes() == content
    shelf.close()


def test_refuses_an_installation_that_is_no_tag(tmp_path: Path) -> None:
    shelf = open_shelf(tmp_path)
    ContextFile.create(tmp_path / "installation.json", b'{"installation":7}').close()

    with pytest.raises(CorruptContext, match="six hex digits"):
        shelf.installation()
    shelf.close()


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs"])
def test_refuses_a_folder_in_memory_unless_told_otherwise(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UnfitFolder, match="in memory"):
        open_shelf(tmp_path, kind)

    shelf = Shelf.open(tmp_path, disk=Lying(kind), allow_volatile=True)
    assert "nothing survives" in shelf.warnings[0]
    shelf.close()


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("f2fs", "lose acknowledged writes"),
        ("nfs4", "network"),
        ("cifs", "network"),
        ("vfat", "rename"),
        ("overlay", "mount a volume"),
        (NAMELESS, "one with a name"),
    ],
)
def test_warns_about_a_doubtful_file_system(tmp_path: Path, kind: str, why: str) -> None:
    shelf = open_shelf(tmp_path, kind)

    assert [why in warning for warning in shelf.warnings] == [True]
    shelf.close()


def test_says_nothing_about_a_good_disk(tmp_path: Path) -> None:
    shelf = open_shelf(tmp_path, "ext4", free_files=None)

    assert shelf.warnings == []
    shelf.close()


def test_warns_when_little_is_left(tmp_path: Path) -> None:
    shelf = open_shelf(tmp_path, "ext4", free_bytes=5 << 20, free_files=12)

    assert shelf.warnings == [
        f"{tmp_path} has 5 MiB left",
        f"{tmp_path} has room for 12 more files",
    ]
    shelf.close()


def test_refuses_the_folder_of_another_user() -> None:
    disk = SimulatedDisk(0)
    disk.uid += 1

    with pytest.raises(UnfitFolder, match="belongs to user"):
        Shelf.open(CTX, disk=disk)


def test_refuses_a_folder_without_a_parent(tmp_path: Path) -> None:
    with pytest.raises(UnfitFolder, match="cannot be used"):
        open_shelf(tmp_path / "missing" / "ctx")


def test_refuses_a_folder_that_is_read_only() -> None:
    disk = SimulatedDisk(0)
    Shelf.open(CTX, disk=disk)
    disk = disk.after(Cut.KILL)
    disk.refuses = errno.EROFS

    with pytest.raises(UnfitFolder, match="Read-only"):
        Shelf.open(CTX, disk=disk)


def test_a_full_disk_is_a_warning_for_contexts_there_can_still_be_saved() -> None:
    disk = SimulatedDisk(0)
    shelf = Shelf.open(CTX, disk=disk)
    ContextFile.create(shelf.path("grid"), b'{"lap":1}', disk=disk)
    disk = disk.after(Cut.POWER)
    disk.full = True

    shelf = Shelf.open(CTX, disk=disk)
    file = ContextFile.open(shelf.path("grid"), disk=disk)

    assert f"{CTX} is full: no new context can be made there" in shelf.warnings
    assert file.save(b'{"lap":2}')


@pytest.mark.parametrize("number", range(1, 13))
def test_a_failing_call_leaves_the_folder_unlocked_and_without_a_probe(number: int) -> None:
    disk = SimulatedDisk(number)
    disk.faults[number] = errno.EIO

    with pytest.raises(UnfitFolder):
        Shelf.open(CTX, disk=disk)

    assert disk.open_descriptors == 0
    assert Shelf.open(CTX, disk=disk).names() == []
    assert disk.names(CTX) == {".lock"}


@pytest.mark.parametrize("cut", list(Cut))
@pytest.mark.parametrize("at", range(1, 40))
def test_the_installation_survives_whatever_moment_the_power_fails(at: int, cut: Cut) -> None:
    disk = SimulatedDisk(at)
    disk.cut_at = at
    drawn = None
    with suppress(Crash):
        drawn = Shelf.open(CTX, disk=disk).installation()
    disk = disk.after(cut)

    first = Shelf.open(CTX, disk=disk).installation()
    disk = disk.after(Cut.POWER)

    assert drawn in {None, first}
    assert Shelf.open(CTX, disk=disk).installation() == first


def test_the_real_disk_of_this_machine_is_looked_at(tmp_path: Path) -> None:
    found = REAL_DISK.file_system(tmp_path)

    assert found.kind != "unknown"
    assert found.free_bytes > 0
