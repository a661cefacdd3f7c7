"""A small file beside the contexts: what it holds is found again, or said not to be readable."""

import asyncio
import errno
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from lib.disk import RealDisk
from lib.errors import DiskFailed
from lib.kept import Kept


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    words: list[str] = []


class SickDisk(RealDisk):
    """A disk that refuses so many writes."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    def pwrite(self, fd: int, content: bytes | memoryview, offset: int) -> int:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EIO, "input/output error")
        return super().pwrite(fd, content, offset)


def found(path: Path) -> Kept[Note]:
    return Kept(path, Note(), RealDisk())


def test_what_was_saved_last_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "installation.note.json"
    file = found(path)
    assert (file.content.words, file.problem) == ([], "")

    asyncio.run(file.save(Note(words=["a"])))
    asyncio.run(file.save(Note(words=["a", "b"])))

    assert (found(path).content.words, found(path).problem) == (["a", "b"], "")


@pytest.mark.parametrize("content", [b"[garbage", b'{"words": 7}'])
def test_a_file_that_cannot_be_read_stays_until_the_first_save_puts_it_aside(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "installation.note.json"
    path.write_bytes(content)
    aside = tmp_path / "installation.note.broken-1.json"

    file = found(path)
    assert str(path) in file.problem
    assert not aside.exists()
    asyncio.run(file.save(Note(words=["anew"])))

    assert found(path).content.words == ["anew"]
    assert aside.read_bytes() == content


def test_a_file_of_other_members_cannot_be_read(tmp_path: Path) -> None:
    class Later(Note):
        more: int = 1

    path = tmp_path / "installation.note.json"
    asyncio.run(Kept(path, Later(), RealDisk()).save(Later()))

    file = found(path)
    assert "cannot be read: Note" in file.problem
    assert file.content == Note()


def test_a_disk_that_refuses_is_told_to_who_does_not_wait(tmp_path: Path) -> None:
    file = Kept(tmp_path / "installation.note.json", Note(), SickDisk(9))

    with pytest.raises(DiskFailed):
        asyncio.run(file.save(Note()))


@pytest.mark.parametrize("known", [True, False])
def test_a_patient_save_puts_on_disk_what_is_so_once_the_disk_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    path, note = tmp_path / "installation.note.json", Note(words=["a"])
    disk = SickDisk(0)
    file = Kept(path, Note(), disk)
    if known:
        asyncio.run(file.save(Note()))
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        note.words = ["a", "b"]
        disk.refusals = 9 if len(pauses) < 3 else 0

    monkeypatch.setattr("lib.kept.asyncio.sleep", pause)
    disk.refusals = 9
    asyncio.run(file.save_patiently(note))

    assert pauses == [1, 2, 5]
    assert found(path).content.words == ["a", "b"]
