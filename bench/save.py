"""What a durable save costs, as a ratio to one write and one fdatasync of the same bytes.

    python bench/save.py [folder]

Both take turns in short bursts on the same disk; the figure is the median over rounds of the ratio
of the two bursts' medians: a noisy neighbor spoils a round, not the result.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TypeAlias

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib.atomic_json import ContextFile

SIZES = (2_000, 20_000)
ROUNDS = 31
BURST = 20

Save: TypeAlias = Callable[[], float]  # saves once, answers the seconds it took


def measure(folder: Path = Path("ctx"), rounds: int = ROUNDS) -> list[tuple[str, float]]:
    """Answer name and ratio of each way to save, in a scratch folder inside this one."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".bench-") as scratch:
        return [line for size in SIZES for line in _measure_size(Path(scratch), size, rounds)]


def _measure_size(folder: Path, size: int, rounds: int) -> Iterator[tuple[str, float]]:
    context, name = Context(size), f"{size // 1000} KB"
    path = folder / f"{size}.json"
    with (
        _bare(folder / f"{size}.bare", context) as bare,
        closing(ContextFile.create(path, context.fields())) as file,
        asyncio.Runner() as runner,
    ):
        yield f"save {name}", _ratio(_primitive(file, context), bare, rounds)
        awaited = _ratio(lambda: runner.run(_awaited(file, context)), bare, rounds)
        yield f"save {name}, awaited", awaited


class Context:
    """A context of about this size that is another at every save."""

    def __init__(self, size: int) -> None:
        self.lap = 0
        self.orders = ["x" * 90 for _ in range(size // 93)]

    def fields(self) -> bytes:
        self.lap += 1
        return orjson.dumps({"lap": self.lap, "orders": self.orders})


@contextmanager
def _bare(path: Path, context: Context) -> Iterator[Save]:
    """One write over blocks that are there, one flush: less cannot be durable."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def save() -> float:
        content = context.fields()
        began = perf_counter()
        os.pwrite(fd, content, 0)
        os.fdatasync(fd)
        return perf_counter() - began

    try:
        os.pwrite(fd, bytes(64 * 1024), 0)
        os.fsync(fd)
        yield save
    finally:
        os.close(fd)


def _primitive(file: ContextFile, context: Context) -> Save:
    def save() -> float:
        fields = context.fields()
        began = perf_counter()
        file.save(fields)
        return perf_counter() - began

    return save


async def _awaited(file: ContextFile, context: Context) -> float:
    """Serialise, hand over to a thread, await: what a barrier costs its bot."""
    began = perf_counter()
    await file.saved(context.fields())
    return perf_counter() - began


def _ratio(ours: Save, bare: Save, rounds: int) -> float:
    for _ in range(BURST):
        bare()
        ours()
    return median(_burst(ours) / _burst(bare) for _ in range(rounds))


def _burst(save: Save) -> float:
    return median(save() for _ in range(BURST))


if __name__ == "__main__":
    for name, ratio in measure(Path((*sys.argv[1:2], "ctx")[0])):
        print(f"{name:20} {ratio:5.2f} x write + fdatasync")
