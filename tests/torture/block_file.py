"""A block device in memory that writes down every write and every flush.

A FUSE file served by a thread of this process, a loop device on top of it, a real file system on
that. A power cut leaves everything before the last flush and any part of what was written since;
`crash_states` makes such states, `show` puts one under the loop device.
"""

import errno
import random
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from tests.torture import mounts

PAGE: Final = 4096
SECTOR: Final = 512
SUPERBLOCKS: Final = {"ext4": 0, "xfs": 0, "btrfs": 64 << 10}  # no file system survives a torn one
ZERO: Final = bytes(PAGE)
NAME: Final = "disk"

Pages: TypeAlias = dict[int, bytes]  # by number; what is absent is zero


@dataclass(frozen=True, slots=True)
class Write:
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """Something the workload did at this moment."""

    what: str
    version: int
    bot: str = ""


class Flush:
    """Everything before is durable."""


Event: TypeAlias = Write | Flush | Mark


@dataclass
class Cost:
    """What a slow device takes, in seconds; one command at a time."""

    write: float = 0.0
    kib: float = 0.0
    flush: float = 0.0


@dataclass
class BlockFile:
    """What FUSE asks for: one file in a folder."""

    size: int
    cost: Cost = field(default_factory=Cost)
    pages: Pages = field(default_factory=Pages)
    events: list[Event] = field(default_factory=list[Event])
    recording: bool = False
    counts: Counter[str] = field(default_factory=Counter[str])
    use_ns: bool = True

    def show(self, pages: Pages) -> None:
        """Put other content there; nothing may be mounted."""
        self.pages, self.events = pages, []

    def mark(self, what: str, version: int, bot: str = "") -> None:
        self.events.append(Mark(what, version, bot))

    # --- what FUSE asks

    def getattr(self, path: str, fd: int | None = None) -> dict[str, Any]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        if path != f"/{NAME}":
            raise OSError(errno.ENOENT, path)
        return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": self.size}

    def readdir(self, path: str, fd: int) -> Iterable[str]:
        return [".", "..", NAME]

    def open(self, path: str, flags: int) -> int:
        return 0

    def truncate(self, path: str, length: int, fd: int | None = None) -> int:
        return 0

    def read(self, path: str, length: int, offset: int, fd: int) -> bytes:
        first, last = offset // PAGE, (offset + length - 1) // PAGE
        content = b"".join(self.pages.get(page, ZERO) for page in range(first, last + 1))
        return content[offset - first * PAGE :][: max(0, min(length, self.size - offset))]

    def write(self, path: str, content: bytes, offset: int, fd: int) -> int:
        self._take(self.cost.write + self.cost.kib * len(content) / 1024)
        apply_write(self.pages, Write(offset, content))
        self.counts.update(writes=1, bytes=len(content))
        if self.recording:
            self.events.append(Write(offset, content))
        return len(content)

    def fsync(self, path: str, only_data: int, fd: int) -> int:
        self._take(self.cost.flush)
        self.counts.update(flushes=1)
        if self.recording:
            self.events.append(Flush())
        return 0

    def _take(self, seconds: float) -> None:
        if seconds:
            time.sleep(seconds)


@contextmanager
def block_device(
    folder: Path, mib: int, cost: Cost | None = None
) -> Iterator[tuple[BlockFile, Path]]:
    """Serve a block file and attach it: the file, and the device."""
    point = folder / "blocks"
    point.mkdir()
    file = BlockFile(mib << 20, cost or Cost())
    server = threading.Thread(target=_serve, args=(file, point), daemon=True)
    server.start()
    try:
        _await(point / NAME)
        with mounts.attached(point / NAME, "--direct-io=on") as device:
            yield file, device
    finally:
        mounts.pull_out(point)
        server.join(mounts.PATIENCE)


def _serve(file: BlockFile, point: Path) -> None:
    from mfusepy import FUSE

    FUSE(file, str(point), foreground=True, nothreads=True, direct_io=True)


def _await(path: Path) -> None:
    deadline = time.monotonic() + mounts.PATIENCE
    while not path.exists():
        if time.monotonic() > deadline:
            raise OSError(errno.ENODEV, f"nothing is served at {path}")
        time.sleep(0.01)


# --- what a power cut leaves


@dataclass(frozen=True)
class Epoch:
    """What lies between two flushes: what is durable before, what may be, what was marked."""

    durable: Pages
    writes: Sequence[Write]
    marks: Sequence[Mark]  # all of them, from the beginning


def epochs(base: Pages, events: Iterable[Event]) -> Iterator[Epoch]:
    """Cut a log at its flushes; the last epoch is the one that no flush ended."""
    durable, writes, marks = dict(base), list[Write](), list[Mark]()
    for event in events:
        if isinstance(event, Mark):
            marks.append(event)
        elif isinstance(event, Write):
            writes.append(event)
        else:
            yield Epoch(dict(durable), tuple(writes), tuple(marks))
            for write in writes:
                apply_write(durable, write)
            writes = []
    yield Epoch(durable, tuple(writes), tuple(marks))


def crash_states(epoch: Epoch, chance: random.Random, *, whole: int) -> Iterator[Pages]:
    """Lose nothing, all, each one, all but each one; then some by chance, and torn.

    The page at `whole` is written as a whole or not at all.
    """
    many = range(len(epoch.writes))
    chosen = [set(many), set()]
    chosen += [{one} for one in many] + [set(many) - {one} for one in many] if len(many) > 1 else []
    yield from (_state(epoch, kept, lambda write: [write]) for kept in chosen)
    for _ in range(3 if many else 0):
        kept = {one for one in many if chance.random() < 0.5}
        yield _state(epoch, kept or set(many), lambda write: _torn(write, chance, whole))


def _state(epoch: Epoch, kept: set[int], parts: Callable[[Write], Iterable[Write]]) -> Pages:
    pages = dict(epoch.durable)
    for number in sorted(kept):
        for part in parts(epoch.writes[number]):
            apply_write(pages, part)
    return pages


def _torn(write: Write, chance: random.Random, whole: int) -> Iterator[Write]:
    """Let some sectors of a write reach the medium: the first ones, or any."""
    if write.offset < whole + PAGE and whole < write.offset + len(write.content):
        yield write
        return
    starts = range(0, len(write.content), SECTOR)
    if chance.random() < 0.5:
        kept: Sequence[int] = starts[: chance.randrange(len(starts) + 1)]
    else:
        kept = [start for start in starts if chance.random() < 0.5]
    for start in kept:
        yield Write(write.offset + start, write.content[start : start + SECTOR])


def apply_write(pages: Pages, write: Write) -> None:
    """Put a write where it belongs."""
    content, offset = write.content, write.offset
    while content:
        page, inside = divmod(offset, PAGE)
        part = content[: PAGE - inside]
        if len(part) < PAGE:
            old = pages.get(page, ZERO)
            pages[page] = old[:inside] + part + old[inside + len(part) :]
        else:
            pages[page] = part
        content, offset = content[len(part) :], offset + len(part)
