"""Many lives of one context file on a simulated disk, and what must hold after each.

A life opens or creates the file and saves version after version. What a life recovers must be no
older than the last version acknowledged (or acted on after an opening), no newer than the last
one begun, and exactly as it was written.
"""

import errno
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from lib.atomic_json import ContextFile
from lib.disk import Disk
from lib.errors import CorruptContext, DiskFailed
from tests.disk import FLUSHES, HOME, SHORT, Crash, Cut, SimulatedDisk

PATH = HOME / "bot.json"
SEEDS = range(12)  # the mutants need fewer, the code itself passes all
SAVES = 5
LENGTHS = (200, 2_000, 2_000, 2_000, 3_500, 700)
GROWN = (2_000, 2_000, 9_000)  # the last does not fit into half a slot
ERRORS = (errno.EIO, errno.ENOSPC, errno.EROFS)


class Breach(AssertionError):
    """What the disk showed breaks the promise."""


@dataclass(frozen=True)
class End:
    """How one life goes wrong: the call that never returns, and the calls that fail."""

    cut: Cut
    at: int | None = None
    faults: dict[int, int] = field(default_factory=dict[int, int])


@dataclass
class Scenario:
    """A file's lives, from the first to the one after the last, which only looks."""

    seed: int
    ends: tuple[End, ...] = ()
    files: type[ContextFile] = ContextFile
    disks: type[SimulatedDisk] = SimulatedDisk
    large: bool = False
    folders_forget: bool = False
    acknowledged: int = 0
    begun: int = 0
    calls: list[list[str]] = field(default_factory=list[list[str]])  # per life
    disk: SimulatedDisk = field(init=False)

    def play(self) -> "Scenario":
        """Live all lives. Raises Breach."""
        self.disk = self.disks(self.seed)
        self.disk.folders_forget = self.folders_forget
        self.disk.spared = frozenset({"pread"})  # the newest generation may be in that page
        for end in self.ends:
            self._life(end)
        self._life(End(Cut.POWER))
        file = self._recover(self.disk)
        if file is None and self.acknowledged:
            raise Breach("the file is gone")
        return self

    def fields(self, version: int) -> bytes:
        """Make a version's content: no sector of it looks like another version's."""
        lengths = GROWN if self.large and version > 1 else LENGTHS
        length = random.Random(f"{self.seed}/{version}").choice(lengths)
        return orjson.dumps({"version": version, "pad": f"{version:05d},".ljust(6) * (length // 6)})

    def _life(self, end: End) -> None:
        disk = self.disk
        disk.cut_at, disk.faults = end.at, end.faults
        self.calls.append(disk.log)
        try:
            self._save_versions(disk)
        except (Crash, DiskFailed):
            pass
        finally:
            self.disk = disk.after(end.cut)

    def _save_versions(self, disk: SimulatedDisk) -> None:
        file = self._recover(disk)
        if file is None:
            self.begun += 1
            file = self.files.create(PATH, self.fields(self.begun), disk=disk)
            self.acknowledged = self.begun
        for _ in range(SAVES):
            self._save_version(file, disk.chance)

    def _recover(self, disk: Disk) -> ContextFile | None:
        try:
            file = self.files.open(PATH, disk=disk)
        except FileNotFoundError:
            if self.acknowledged:
                raise Breach(f"version {self.acknowledged} was acknowledged, no file") from None
            return None
        except CorruptContext as wrong:
            raise Breach(str(wrong)) from wrong
        self._look_at(file)
        return file

    def _look_at(self, file: ContextFile) -> None:
        try:
            version = orjson.loads(file.fields)["version"]
        except orjson.JSONDecodeError as wrong:
            raise Breach("what is held for whole is no JSON") from wrong
        if not self.acknowledged <= version <= self.begun:
            raise Breach(f"{self.acknowledged} <= {version} <= {self.begun} does not hold")
        if file.fields != self.fields(version):
            raise Breach(f"version {version} is not as it was written")
        self.acknowledged = version

    def _save_version(self, file: ContextFile, chance: random.Random) -> None:
        """Save a new version; insist after a failure, or go on to the next, or give up."""
        self.begun += 1
        for _ in range(3):
            try:
                file.save(self.fields(self.begun))
            except DiskFailed:
                reaction = chance.choice(("again", "again", "next", "give up"))
                if reaction == "give up":
                    raise
                if reaction == "next":
                    return
            else:
                self.acknowledged = self.begun
                break
        if chance.random() < 0.2:
            file.save(self.fields(self.acknowledged))


def single_cuts(seed: int, **given: Any) -> Iterator[Scenario]:
    """Cut the first life at every call, both ways; then let later lives be cut, too."""
    chance = random.Random(seed)
    calm = Scenario(seed, **given).play()
    for at in range(1, len(calm.calls[0]) + 1):
        for cut in Cut:
            later = (End(chance.choice(list(Cut)), chance.randrange(1, 25)) for _ in range(2))
            yield Scenario(seed, (End(cut, at), *later), **given)


def double_cuts(seed: int, **given: Any) -> Iterator[Scenario]:
    """Cut at every call of the first life, and at every call of the opening that follows."""
    calm = Scenario(seed, **given).play()
    for at in range(1, len(calm.calls[0]) + 1):
        for first in Cut:
            for second in Cut:
                for then in range(1, 14):
                    yield Scenario(seed, (End(first, at), End(second, then)), **given)


def faults(seed: int, **given: Any) -> Iterator[Scenario]:
    """Let every call of a first or second life fail in every way: one, two, many in a row."""
    chance = random.Random(seed)
    calm = Scenario(seed, (End(Cut.KILL),), **given).play()
    for life in (0, 1):
        for at, name in enumerate(calm.calls[life], 1):
            for fault in _ways_to_fail(name):
                yield _failing(seed, life, {at: fault}, chance, given)
                again = {at: fault, at + chance.randrange(1, 6): errno.EIO}
                yield _failing(seed, life, again, chance, given)
            for length in (3, chance.randrange(4, 15)):
                stretch = dict.fromkeys(range(at, at + length), chance.choice(ERRORS))
                yield _failing(seed, life, stretch, chance, given)


def _ways_to_fail(name: str) -> tuple[int, ...]:
    if name == "pread":
        return (SHORT,)
    return (*ERRORS, SHORT) if name == "pwrite" else ERRORS


def _failing(
    seed: int, life: int, failing: dict[int, int], chance: random.Random, given: dict[str, Any]
) -> Scenario:
    """A folder that forgets a failed flush is met by a power cut only: a file system that loses
    its journal does not let go of its folders and work on."""
    forget = chance.random() < 0.3
    cuts = [Cut.POWER] if forget else list(Cut)
    at = chance.choice((None, min(failing) + chance.randrange(1, 12)))
    before = (End(chance.choice(cuts)),) * life
    last = End(chance.choice(cuts), chance.randrange(1, 25))
    ends = (*before, End(chance.choice(cuts), at, failing), last)
    return Scenario(seed, ends, folders_forget=forget, **given)


def lost_pages(seed: int, **given: Any) -> Iterator[Scenario]:
    """Let each flush of a second life fail, and its repetition; kill it; cut the third life."""
    calm = Scenario(seed, (End(Cut.KILL),), **given).play()
    for at, name in enumerate(calm.calls[1], 1):
        if name in FLUSHES:
            failing = {at: errno.EIO, at + 2: errno.EIO}
            yield Scenario(seed, (End(Cut.KILL), End(Cut.POWER, None, failing)), **given)
            for then in range(7, 13):
                killed = End(Cut.KILL, at + 3, failing)
                yield Scenario(seed, (End(Cut.KILL), killed, End(Cut.POWER, then)), **given)


def unsettled_names(seed: int, **given: Any) -> Iterator[Scenario]:
    """Let each rename not become durable, nor its repetition; lose power some saves later."""
    calm = Scenario(seed, **given).play()
    for at, name in enumerate(calm.calls[0], 1):
        if name in {"rename", "fsync folder"}:
            for again in range(7, 10):
                failing = {at: errno.EIO, at + again: errno.EIO}
                for forget in (False, True):
                    ends = (End(Cut.POWER, None, failing),)
                    yield Scenario(seed, ends, folders_forget=forget, **given)


def campaign(seeds: range, **given: Any) -> Iterator[Scenario]:
    """All of the above but double cuts, on small and on growing files."""
    for seed in seeds:
        for large in (False, True):
            yield from single_cuts(seed, large=large, **given)
            yield from lost_pages(seed, large=large, **given)
            yield from unsettled_names(seed, large=large, **given)
            yield from faults(seed, large=large, **given)
