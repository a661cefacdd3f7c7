"""What durability costs: in time, in flushes and bytes, in throughput, in a blocked loop."""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from bench.save import Context, measure
from lib.atomic_json import ContextFile, read_generations
from lib.ids import bot_tag, parse_id
from lib.torture.arena import Arena
from tests.torture import mounts
from tests.torture.block_file import BlockFile, Cost, block_device
from tests.torture.crowd import brackets, buys, climbs, dipping, holds, moves, rests
from tests.torture.experiment import Experiment, Outcome
from tests.torture.mortal_runner import MODULE as RUNNER_OF_SMALL_BOTS

SD_CARD: Final = Cost(write=0.000_8, kib=0.000_05, flush=0.004)  # seconds
ROUNDS: Final = 11
CROWDS: Final = (1, 10, 100)
TURNS: Final = 3
SAVES: Final = 200  # in all, however many bots share them
COUNTED: Final = 100  # saves
FOREIGN_FLUSHES: Final = 5  # the file system's own, each few seconds
TRADING: Final = 15.0  # seconds
KINDS: Final = {
    "a market order": buys,
    "an order that is given up": rests,
    "a dip buyer": dipping,
    "a position": holds,
    "a bracket": brackets,
    "a grid": climbs,
    "an order that is moved": moves,
}


class Bill:
    """The figures of one attempt."""

    def __init__(self) -> None:
        self.figures: dict[str, list[float]] = {}
        self.losses: list[str] = []

    def add(self, name: str, figure: float) -> None:
        self.figures.setdefault(name, []).append(figure)

    def ratios(self, folder: Path, device: str) -> None:
        """Compare saves with one write and one flush of the same bytes."""
        for name, ratio in measure(folder, ROUNDS):
            self.add(f"{name}, on {device}: ratio to write + fdatasync, times", ratio)

    def throughput(self, folder: Path, device: str) -> None:
        """Let bots save all at once; the reference does so with a thread each."""
        for many in CROWDS:
            place = folder / f"crowd-{many}"
            with _files(place, many) as files:
                turns = [_turn(place, files) for _ in range(TURNS)]
            ours, late, bare = (median(figures) for figures in zip(*turns, strict=True))
            self.add(f"{many} bots at once on {device}: saves a second", SAVES / ours)
            self.add(f"{many} bots at once on {device}: ratio to threads, times", ours / bare)
            self.add(f"{many} bots at once on {device}: the loop late by at most, ms", late * 1000)

    def wear(self, folder: Path, blocks: BlockFile, files: type[ContextFile]) -> None:
        """Count what reaches the device; more than one flush a save breaks the promise."""
        for size in (2_000, 20_000):
            context = Context(size)
            with closing(files.create(folder / f"wear-{size}.json", context.fields())) as file:
                file.save(context.fields())
                blocks.counts.clear()
                for _ in range(COUNTED):
                    file.save(context.fields())
                counts = blocks.counts.copy()
            name = f"one save of {size // 1000} KB"
            self.add(f"{name}: flushes", counts["flushes"] / COUNTED)
            self.add(f"{name}: writes", counts["writes"] / COUNTED)
            self.add(f"{name}: KiB", counts["bytes"] / COUNTED / 1024)
            if counts["flushes"] > COUNTED + FOREIGN_FLUSHES:
                self.losses.append(f"{name} took {counts['flushes'] / COUNTED} flushes")

    def saves_per_order(self, folder: Path, seed: int) -> None:
        """Let bots of each kind trade as a process, and look at their files."""
        bots = {f"bot{number}": kind("BTCUSDT") for number, kind in enumerate(KINDS.values())}
        with Arena(folder, bots, seed=seed) as arena:
            arena.program = ("-m", RUNNER_OF_SMALL_BOTS)
            arena.start().until(" bot0 fill: ")  # all are born at the same time
            time.sleep(TRADING)
            arena.kill()
            tags = [own.bot for id in arena.audit().orders if (own := parse_id(id)) is not None]
            for name, bot in zip(KINDS, bots, strict=True):
                saves = read_generations(arena.ctx / f"{bot}.json")["sequence"]
                if orders := tags.count(bot_tag(bot)):
                    self.add(f"saves for one order, {name}: times", saves / orders)


def _turn(folder: Path, files: Sequence[ContextFile]) -> tuple[float, float, float]:
    """Answer the seconds of the saves, of the loop's worst delay, and of bare writes."""
    times = SAVES // len(files)
    ours, late = asyncio.run(_all_save(files, times))
    return ours, late, _all_write(folder, len(files), times)


@contextmanager
def _files(folder: Path, many: int) -> Iterator[list[ContextFile]]:
    folder.mkdir()
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                closing(ContextFile.create(folder / f"{number}.json", Context(2_000).fields()))
            )
            for number in range(many)
        ]


async def _all_save(files: Sequence[ContextFile], times: int) -> tuple[float, float]:
    """Answer the seconds it took, and by how many the loop woke somebody too late at most."""
    late = 0.0

    async def save(file: ContextFile) -> None:
        context = Context(2_000)
        for _ in range(times):
            await file.saved(context.fields())

    async def watch() -> None:
        nonlocal late
        while True:
            due = time.perf_counter() + 0.001
            await asyncio.sleep(0.001)
            late = max(late, time.perf_counter() - due)

    watching = asyncio.create_task(watch())
    began = time.perf_counter()
    await asyncio.gather(*(save(file) for file in files))
    took = time.perf_counter() - began
    watching.cancel()
    return took, late


def _all_write(folder: Path, many: int, times: int) -> float:
    descriptors = [
        os.open(folder / f"{number}.bare", os.O_RDWR | os.O_CREAT, 0o600) for number in range(many)
    ]
    for fd in descriptors:
        os.pwrite(fd, bytes(16 << 10), 0)
        os.fsync(fd)

    def write(fd: int) -> None:
        context = Context(2_000)
        for _ in range(times):
            os.pwrite(fd, context.fields(), 0)
            os.fdatasync(fd)

    began = time.perf_counter()
    with ThreadPoolExecutor(many) as threads:
        list(threads.map(write, descriptors))
    took = time.perf_counter() - began
    for fd in descriptors:
        os.close(fd)
    return took


def attempt(seed: int, folder: Path) -> Outcome:
    """Measure everything once."""
    mounts.enter_own_namespace()
    bill = Bill()
    for name in ("plain", "card", "counted", "trade"):
        (folder / name).mkdir()
    bill.ratios(folder / "plain", "this disk")
    bill.throughput(folder / "plain", "this disk")
    count(folder / "counted", bill, ContextFile)
    with _mounted(folder / "card", SD_CARD) as (_, point):
        bill.ratios(point, "an emulated SD card")
        bill.throughput(point, "an emulated SD card")
    bill.saves_per_order(folder / "trade", seed)
    return Outcome(figures=bill.figures, losses=bill.losses)


def count(folder: Path, bill: Bill, files: type[ContextFile]) -> None:
    """Save on a block device that counts."""
    with _mounted(folder, Cost()) as (blocks, point):
        bill.wear(point, blocks, files)


@contextmanager
def _mounted(folder: Path, cost: Cost) -> Iterator[tuple[BlockFile, Path]]:
    """Mount an ext4 on a block file that costs this much once the file system is made."""
    point = folder / "mounted"
    point.mkdir()
    with block_device(folder, mounts.MIB["ext4"]) as (blocks, device):
        mounts.make_file_system("ext4", device)
        mounts.mount("ext4", device, point)
        blocks.cost = cost
        try:
            yield blocks, point
        finally:
            blocks.cost = Cost()
            mounts.unmount(point)


EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        name="cost",
        title="What durability costs",
        text=(
            "Nothing is killed here; it is measured, with the machine to itself. A save of the "
            "product is compared with the least that can be durable, one write and one fdatasync "
            "of the same bytes, in turns on the same device: this machine's disk, and an emulated "
            "SD card (0.8 ms a write, 50 us a KiB, 4 ms a flush, one command at a time). `awaited` "
            "is what a bot waits for: serialisation, hash, the way to a thread and back. Then 1, "
            "10 and 100 bots save all at once, as a ratio to that many bare threads; how late the "
            "event loop was meanwhile; what reaches the device, counted on a block device of our "
            "own below an ext4; and how many saves a bot needs for an order."
        ),
        attempts=3,
        seconds=110,
        attempt=attempt,
        lacks=lambda: mounts.lacks("ext4"),
        alone=True,
    ),
)
