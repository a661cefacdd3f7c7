"""The log file is bounded, its owner's alone, whole after a cut, and in nobody's way."""

import os
import stat
from pathlib import Path

import pytest

from lib.conf import LogFileSettings
from lib.control.log_file import LogFile, generations

LINE = b"x" * 999 + b"\n"


def settings(path: Path, files: int = 3) -> LogFileSettings:
    return LogFileSettings(path=str(path), bytes_max=10_000, files=files)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "runner.log"


def kept(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.parent.iterdir()}


def test_lines_follow_each_other_also_over_a_restart(path: Path) -> None:
    for text in (b"one\n", b"two\nthree\n"):
        LogFile(settings(path)).write(text)

    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_the_files_and_their_folder_are_their_owners_alone(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"of another program\n")
    path.chmod(0o644)
    file = LogFile(settings(path))

    for _ in range(12):
        file.write(LINE)

    modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("files", [1, 2, 5])
def test_no_more_is_kept_than_was_allowed_and_it_is_the_newest(path: Path, files: int) -> None:
    file = LogFile(settings(path, files))

    for number in range(100):
        file.write(b"%0999d\n" % number)

    names = [each.name for each in generations(path, files)]
    assert sorted(kept(path)) == sorted(names)
    assert all(len(content) <= 10_000 for content in kept(path).values())
    lines = b"".join(kept(path)[name] for name in reversed(names)).split()
    assert [int(line) for line in lines] == list(range(100 - len(lines), 100))
    assert len(lines) > 10 * (files - 1)


def test_a_line_longer_than_a_whole_file_is_kept_whole(path: Path) -> None:
    file = LogFile(settings(path))

    file.write(b"short\n")
    file.write(b"y" * 50_000 + b"\n")

    assert path.stat().st_size == 50_001


def test_half_a_line_that_a_power_cut_left_does_not_swallow_the_next(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"whole\nhal")

    LogFile(settings(path)).write(b"next\n")

    assert path.read_bytes() == b"whole\nhal\nnext\n"


def test_a_file_that_was_moved_away_or_removed_is_begun_anew(path: Path) -> None:
    file = LogFile(settings(path))
    file.write(b"one\n")

    path.rename(path.with_name("taken.log"))
    file.write(b"two\n")
    path.unlink()
    file.write(b"three\n")

    assert kept(path) == {"taken.log": b"one\n", "runner.log": b"three\n"}


def test_a_full_disk_is_told_once_and_what_was_lost_is_noted_when_it_takes_lines_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, told = LogFile(settings(path)), list[str]()
    file.complain_to(told.append)
    write = os.write

    def full(_fd: int, _content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    file.write(b"lost\n")
    file.write(b"lost\nas well\n")
    assert [("full" in text) for text in told] == [True]
    monkeypatch.setattr(os, "write", write)
    file.write(b"kept\n")

    assert path.read_bytes() == b"3 lines could not be written here\nkept\n"
    assert told[1:] == [f"the log file {path} is written again"]


def test_who_can_be_told_late_hears_what_went_wrong_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    file, told = LogFile(settings(tmp_path / "file" / "runner.log")), list[str]()

    file.write(b"lost\n")
    file.complain_to(told.append)
    file.write(b"lost\n")

    assert len(told) == 1
    assert "cannot be written" in told[0]


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "device"])
def test_what_is_no_plain_file_is_not_written_to_and_holds_up_nobody(
    tmp_path: Path, kind: str
) -> None:
    path, other = tmp_path / "runner.log", tmp_path / "other"
    other.write_bytes(b"mine\n")
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(other)
        case "device":
            path = Path("/dev/null")
    file, told = LogFile(settings(path)), list[str]()

    file.write(b"lost\n")
    file.complain_to(told.append)

    assert len(told) == 1
    assert other.read_bytes() == b"mine\n"
