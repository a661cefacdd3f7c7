import asyncio
import errno
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from lib.atomic_json import ContextFile
from lib.disk import RealDisk
from lib.errors import DiskFailed
from tests.disk import Crash, Cut, SimulatedDisk
from tests.test_atomic_json import PATH, file_with, lap, laps_in

# --- beside the event loop


class Held(RealDisk):
    """A disk whose flushes wait until they are let go."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)

    def fdatasync(self, fd: int) -> None:
        self.reached.release()
        assert self.let_go.acquire(timeout=10)
        super().fdatasync(fd)


async def reached(disk: Held) -> None:
    assert await asyncio.to_thread(disk.reached.acquire, timeout=10)


@pytest.mark.asyncio
async def test_saves_run_beside_the_loop_in_the_order_of_the_calls(tmp_path: Path) -> None:
    disk = Held()
    file = ContextFile.create(tmp_path / "bot.json", lap(0), disk=disk)
    disk.let_go.release(20)

    answers = await asyncio.gather(*(file.saved(lap(number)) for number in (1, 2, 2, 3)))

    assert answers == [True, True, False, True]
    assert (file.sequence, file.fields) == (4, lap(3))
    file.close()


@pytest.mark.asyncio
async def test_a_canceled_caller_neither_cancels_nor_reorders_a_save(tmp_path: Path) -> None:
    disk = Held()
    file = ContextFile.create(tmp_path / "bot.json", lap(0), disk=disk)
    first, second = (asyncio.create_task(file.saved(lap(number))) for number in (1, 2))
    await reached(disk)

    first.cancel()
    second.cancel()
    await asyncio.wait({first, second})
    last = asyncio.create_task(file.saved(lap(3)))
    disk.let_go.release(20)

    assert first.cancelled()
    assert await last
    assert laps_in((tmp_path / "bot.json").read_bytes()) == [2, 3]
    file.close()


@pytest.mark.asyncio
async def test_idle_waits_for_saves_whose_caller_is_gone(tmp_path: Path) -> None:
    disk = Held()
    file = ContextFile.create(tmp_path / "bot.json", lap(0), disk=disk)
    caller = asyncio.create_task(file.saved(lap(1)))
    await reached(disk)
    caller.cancel()
    idle = asyncio.create_task(file.idle())
    await asyncio.sleep(0)
    assert not idle.done()

    disk.let_go.release()
    await idle

    assert file.fields == lap(1)
    file.close()


@pytest.mark.asyncio
async def test_a_failing_save_tells_its_caller_and_the_next_one_goes_on() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1)
    disk.refuses = errno.ENOSPC

    with pytest.raises(DiskFailed):
        await file.saved(lap(2))
    disk.refuses = 0

    assert await file.saved(lap(3))
    assert file.fields == lap(3)


@pytest.mark.asyncio
async def test_a_closed_file_takes_no_save_whatever_its_descriptor_now_means(
    tmp_path: Path,
) -> None:
    file = ContextFile.create(tmp_path / "bot.json", lap(1))
    file.close()
    another = os.open(tmp_path / "another", os.O_RDWR | os.O_CREAT)

    with pytest.raises(DiskFailed, match="closed"):
        await file.saved(lap(2))

    assert (tmp_path / "another").read_bytes() == b""
    os.close(another)


def test_a_crash_inside_a_save_ends_the_whole_program() -> None:
    disk = SimulatedDisk(0)
    file = file_with(disk, 1)
    disk.cut_at = disk.calls + 2

    async def program() -> None:
        with suppress(Exception):
            await file.saved(lap(2))
        raise AssertionError("a dead program went on")

    with pytest.raises(Crash):
        asyncio.run(program())

    assert ContextFile.open(PATH, disk=disk.after(Cut.KILL)).fields == lap(2)
