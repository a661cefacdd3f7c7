"""What was said a moment ago survives the power cut, and the SD card survives the rest."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lib.control.telegram.keeper import BYTES_A_SECOND, FLUSHED_WITHIN, Keeper
from lib.control.telegram.outbox import Outbox, Page
from lib.disk import RealDisk
from lib.kept import Kept
from tests.control.telegram.test_outbox import line


@dataclass
class CountingDisk(RealDisk):
    written: list[int] = field(default_factory=list)
    refuses: bool = False

    def pwrite(self, fd: int, content: bytes | memoryview, offset: int) -> int:
        if self.refuses:
            raise OSError(errno.EIO, "input/output error")
        self.written.append(len(content))
        return super().pwrite(fd, content, offset)


@asynccontextmanager
async def keeping(
    path: Path, disk: RealDisk, *, gather: float = 0.0
) -> AsyncIterator[tuple[Outbox, Keeper]]:
    file = Kept(path, Page(), disk)
    outbox = Outbox(file.content)
    keeper = Keeper(file, outbox, gather=gather)
    task = asyncio.create_task(keeper.run())
    try:
        yield outbox, keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def on_disk(path: Path) -> Page:
    return Kept(path, Page(), RealDisk()).content


@pytest.mark.asyncio
async def test_what_was_said_a_moment_ago_is_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "outbox.json"
    async with keeping(path, RealDisk(), gather=0.05) as (outbox, _):
        outbox.put(line("bought"))
        await asyncio.sleep(0.05 + 0.1)

        assert [each.text for each in on_disk(path).lines] == ["bought"]
    assert FLUSHED_WITHIN <= 0.3


@pytest.mark.asyncio
async def test_a_thousand_lines_in_a_moment_are_a_handful_of_writes(tmp_path: Path) -> None:
    disk = CountingDisk()
    async with keeping(tmp_path / "outbox.json", disk, gather=0.02) as (outbox, keeper):
        outbox.put(line("first"))
        assert await keeper.saved(5)
        disk.written.clear()
        for number in range(1000):
            outbox.put(line(f"trade {number}"))
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert await keeper.saved(5)

        assert 1 <= len(disk.written) <= 3


@pytest.mark.asyncio
async def test_a_long_queue_is_written_less_often(tmp_path: Path) -> None:
    disk = CountingDisk()
    async with keeping(tmp_path / "outbox.json", disk) as (outbox, keeper):
        for number in range(200):
            outbox.put(line(f"{number}" + "x" * 500))
        assert await keeper.saved(5)
        before = sum(disk.written)
        for number in range(40):
            outbox.put(line(f"trade {number}"))
            await asyncio.sleep(0.005)

        assert before > 2 * BYTES_A_SECOND  # so that it rests for seconds
        assert sum(disk.written) - before < 2 * before


@pytest.mark.asyncio
async def test_a_press_of_a_button_does_not_wait_for_that(tmp_path: Path) -> None:
    path = tmp_path / "outbox.json"
    async with keeping(path, RealDisk()) as (outbox, keeper):
        for number in range(200):
            outbox.put(line(f"{number}" + "x" * 500))
        assert await keeper.saved(5)
        outbox.accept("telegram-1-7")
        began = asyncio.get_running_loop().time()
        assert await keeper.saved(5)

        assert asyncio.get_running_loop().time() - began < 1
        assert on_disk(path).accepted == ["telegram-1-7"]


@pytest.mark.asyncio
async def test_a_disk_that_refuses_is_told_once_and_keeps_nobody_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.control.telegram.keeper.AGAIN", 0.01)
    disk = CountingDisk()
    path = tmp_path / "outbox.json"
    async with keeping(path, disk) as (outbox, keeper):
        outbox.put(line("first"))
        assert await keeper.saved(5)
        disk.refuses = True
        outbox.put(line("second"))
        assert not await keeper.saved(0.05)
        disk.refuses = False
        assert await keeper.saved(5)

    assert [each.text for each in on_disk(path).lines] == ["first", "second"]
    assert len([said for said in caplog.messages if "is not on disk" in said]) == 1
