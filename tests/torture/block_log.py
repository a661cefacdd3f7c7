"""Power cuts at every flush of a real file system, below the product's own saves."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import orjson

from lib.atomic_json import ContextFile
from lib.disk import RealDisk
from lib.errors import BotError
from lib.shelf import Shelf
from tests.torture import mounts
from tests.torture.block_file import (
    SUPERBLOCKS,
    BlockFile,
    Epoch,
    Mark,
    Pages,
    block_device,
    crash_states,
    epochs,
)
from tests.torture.experiment import Experiment, Outcome

BOTS: Final = ("one", "two", "three")
SIZES: Final = (300, 2_000, 2_000, 2_000, 6_000, 9_000, 20_000)  # the last two make a file grow
SAVES: Final = 24
SAVES_OF_A_SECOND_LIFE: Final = 2
STATES: Final = {"ext4": 300, "xfs": 90, "btrfs": 240}  # per attempt
SECOND_CUTS: Final = 2
ANOTHER_LIFE: Final = 1_000  # its versions look like none of the first life's
LOSSES_TOLD: Final = 5
FOREIGN: Final = 0.3  # how often another program commits the journal between two calls of ours


class BusyDisk(RealDisk):
    """The real disk, beside other programs that have the journal committed at any moment."""

    def __init__(self, beside: Path, chance: random.Random) -> None:
        self._beside, self._chance = beside, chance

    def _others(self) -> None:
        if self._chance.random() < FOREIGN:
            with self._beside.open("wb", buffering=0) as file:
                file.write(self._chance.randbytes(self._chance.choice((10, 5_000))))
                os.fsync(file.fileno())

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        fd = super().open(path, flags, mode)
        self._others()
        return fd

    def pwrite(self, fd: int, content: bytes | memoryview, offset: int) -> int:
        written = super().pwrite(fd, content, offset)
        self._others()
        return written

    def fsync(self, fd: int) -> None:
        super().fsync(fd)
        self._others()

    def fdatasync(self, fd: int) -> None:
        super().fdatasync(fd)
        self._others()

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._others()

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self._others()


@dataclass(frozen=True)
class Code:
    """What is cut: the product's own, or one with a planted fault."""

    files: type[ContextFile] = ContextFile
    disks: type[BusyDisk] = BusyDisk


@dataclass
class Known:
    """What a bot's file must hold after a cut: at least what was acknowledged, at most what was
    begun."""

    acknowledged: int = 0
    begun: int = 0
    torn: bool = False  # a cut before this life tore a slot, which was not written since


class Bench:
    """A file system on a block file, the workload on it, and what is found after the cuts."""

    def __init__(
        self, kind: str, file: BlockFile, device: Path, point: Path, seed: int, code: Code
    ) -> None:
        self.kind, self.file, self.device, self.point = kind, file, device, point
        self.seed, self.code = seed, code
        self.chance = random.Random(f"block log {kind} {seed}")
        self.points: Counter[str] = Counter()
        self.losses: list[str] = []
        self.torn: set[str] = set()
        self.tag = ""

    @property
    def ctx(self) -> Path:
        return self.point / "ctx"

    # --- the first life

    def first_life(self) -> list[Epoch]:
        """Make a file system, work on it, and answer every moment of it."""
        mounts.make_file_system(self.kind, self.device)
        with self.mounted():
            (self.point / "beside").touch()
        base = dict(self.file.pages)
        self.file.show(dict(base))
        with self.recorded():
            self._work(Shelf.open(self.ctx, disk=self._disk()))
        return list(epochs(base, self.file.events))

    def _work(self, shelf: Shelf) -> None:
        self.tag = shelf.installation()
        self.file.mark("acknowledged", 1)  # no bot's: the installation
        with closing(shelf):
            files = {bot: self._created(shelf, bot) for bot in BOTS}
            if self.seed % 2:
                with ThreadPoolExecutor(len(BOTS)) as threads:
                    list(threads.map(lambda bot: self._save_all(bot, files[bot], SAVES // 3), BOTS))
            else:
                version = dict.fromkeys(BOTS, 1)
                for _ in range(SAVES):
                    bot = self.chance.choice(BOTS)
                    version[bot] += 1
                    self._save(bot, files[bot], version[bot])
            for file in files.values():
                file.close()

    def _created(self, shelf: Shelf, bot: str) -> ContextFile:
        self.file.mark("begun", 1, bot)
        path, disk = shelf.path(bot), self._disk()
        self.code.files.create(path, self.fields(bot, 1), disk=disk).close()
        self.file.mark("acknowledged", 1, bot)
        return self.code.files.open(path, disk=disk, folder=shelf.lock)

    def _save_all(self, bot: str, file: ContextFile, many: int) -> None:
        for version in range(2, 2 + many):
            self._save(bot, file, version)

    def _save(self, bot: str, file: ContextFile, version: int) -> None:
        self.file.mark("begun", version, bot)
        file.save(self.fields(bot, version))
        self.file.mark("acknowledged", version, bot)

    def fields(self, bot: str, version: int) -> bytes:
        """Make a version's content: no sector of it looks like another's."""
        size = random.Random(f"{self.seed} {bot} {version}").choice(SIZES)
        pad = f"{bot} {version:05d},"
        return orjson.dumps({"bot": bot, "version": version, "pad": pad * (size // len(pad))})

    def _disk(self) -> BusyDisk:
        return self.code.disks(self.point / "beside", self.chance)

    # --- after a cut

    def survive(self, pages: Pages, known: dict[str, Known], where: str) -> None:
        """Recover, run on, and be cut again."""
        self.file.show(dict(pages))
        self.points[where] += 1
        with self._judged(where), self.recorded():
            found = self.recover(known)
            for bot, version in found.items():
                self._run_on(bot, version)
        if self.losses:
            return
        later = {bot: Known(each, each, bot in self.torn) for bot, each in found.items()}
        later[""] = known[""]
        moments = list(epochs(pages, self.file.events))
        for epoch in self.chance.choices(moments, k=SECOND_CUTS):
            states = list(crash_states(epoch, self.chance, whole=SUPERBLOCKS[self.kind]))
            self.file.show(dict(self.chance.choice(states)))
            self.points["in a second life"] += 1
            with self._judged(f"{where}, then in a second life"), self.mounted():
                self.recover(known_at(epoch.marks, later))

    def recover(self, known: dict[str, Known]) -> dict[str, int]:
        """Open everything as the program does at its start; answer each bot's version."""
        found = {}
        self.torn.clear()
        with closing(Shelf.open(self.ctx, disk=self._disk())) as shelf:
            if known[""].acknowledged and shelf.installation() != self.tag:
                raise AssertionError("the installation is another one")
            for bot in BOTS:
                found[bot] = self._look(shelf, bot, known[bot])
        return found

    def _look(self, shelf: Shelf, bot: str, known: Known) -> int:
        try:
            file = self.code.files.open(shelf.path(bot), disk=self._disk(), folder=shelf.lock)
        except FileNotFoundError:
            assert not known.acknowledged, f"{bot}: {known.acknowledged} was saved, no file"
            return 0
        with closing(file):
            version = int(orjson.loads(file.fields)["version"])
            assert known.acknowledged <= version <= known.begun, (
                f"{bot}: {known.acknowledged} <= {version} <= {known.begun} does not hold"
            )
            assert file.fields == self.fields(bot, version), f"{bot}: {version} is not as it was"
            if file.suspect:
                self.torn.add(bot)
                under_way = known.torn or known.acknowledged < known.begun
                assert under_way, f"{bot}: suspect, but no save was under way"
        return version

    def _run_on(self, bot: str, version: int) -> None:
        """Go on from what was found, as the next life would."""
        path = self.ctx / f"{bot}.json"
        if not version:
            return
        with closing(self.code.files.open(path, disk=self._disk())) as file:
            for later in range(SAVES_OF_A_SECOND_LIFE):
                self._save(bot, file, version + ANOTHER_LIFE + later)

    # --- around it

    @contextmanager
    def mounted(self) -> Iterator[None]:
        mounts.mount(self.kind, self.device, self.point)
        try:
            yield
        finally:
            mounts.unmount(self.point)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Mount, and write down all that happens until the power is cut."""
        self.file.recording = True
        with self.mounted():
            try:
                yield
            finally:
                self.file.recording = False

    @contextmanager
    def _judged(self, where: str) -> Iterator[None]:
        try:
            yield
        except (AssertionError, BotError, OSError) as wrong:
            self.losses.append(f"{self.kind}, power cut {where}: {type(wrong).__name__}: {wrong}")


def known_at(marks: Sequence[Mark], before: dict[str, Known]) -> dict[str, Known]:
    """Say what must be found after these marks, and what was known before them."""
    known = {bot: replace(each) for bot, each in before.items()}
    for mark in marks:
        setattr(known[mark.bot], mark.what, mark.version)
        known[mark.bot].torn &= mark.what != "acknowledged"
    return known


def where(marks: Sequence[Mark]) -> str:
    """Name the moment of a cut by what was under way."""
    known = known_at(marks, {bot: Known() for bot in ("", *BOTS)})
    busy = [each.begun for bot, each in known.items() if bot and each.begun > each.acknowledged]
    if not known[""].acknowledged:
        return "in the first start"
    if not busy:
        return "between two saves"
    return "while a bot is born" if busy == [1] else f"while {len(busy)} of the bots save"


def cut(kind: str, seed: int, folder: Path, code: Code, states: int) -> Outcome:
    """Let one workload be cut at moments drawn by chance, so many in all."""
    mounts.enter_own_namespace()
    point = folder / "mounted"
    point.mkdir()
    with block_device(folder, mounts.MIB[kind]) as (file, device):
        bench = Bench(kind, file, device, point, seed, code)
        moments = bench.first_life()
        bench.chance.shuffle(moments)
        for epoch in moments * 9:
            if bench.points.total() >= states or len(bench.losses) >= LOSSES_TOLD:
                break
            known = known_at(epoch.marks, {bot: Known() for bot in ("", *BOTS)})
            left = list(crash_states(epoch, bench.chance, whole=SUPERBLOCKS[kind]))
            for pages in bench.chance.sample(left, min(3, len(left))):
                bench.survive(pages, known, where(epoch.marks))
    return Outcome(deaths=bench.points.total(), points=bench.points, losses=bench.losses)


def cut_ext4(seed: int, folder: Path) -> Outcome:
    return cut("ext4", seed, folder, Code(), STATES["ext4"])


def cut_xfs(seed: int, folder: Path) -> Outcome:
    return cut("xfs", seed, folder, Code(), STATES["xfs"])


def cut_btrfs(seed: int, folder: Path) -> Outcome:
    return cut("btrfs", seed, folder, Code(), STATES["btrfs"])


def _experiment(kind: str, attempts: int, attempt: Callable[[int, Path], Outcome]) -> Experiment:
    return Experiment(
        name=f"block_log_{kind}",
        title=f"Power cuts below a real {kind}",
        text=(
            f"A real {kind} lies on a block device of our own, which writes down every block write "
            "and every flush. On it the product's own code opens its folder, creates the contexts "
            "of three bots and saves them, growing ones too, in turn or at the same time, while "
            "other programs have the journal committed at moments drawn by chance. Then the power "
            "is cut between any two flushes: what was written since the last one is lost, kept in "
            "part, or torn at 512 bytes (all but the superblock, without which no file system is). "
            "Each such state is mounted, the kernel replays its journal, the product opens "
            "everything, saves on, and is cut again. Required of every bot: no version older than "
            "the last acknowledged, none newer than the last begun, its content to the byte, and "
            "no suspicion where no save was under way. A loss is told with the moment of the cut."
        ),
        attempts=attempts,
        seconds=6,
        cores=0.5,
        attempt=attempt,
        lacks=lambda: mounts.lacks(kind),
    )


EXPERIMENTS: tuple[Experiment, ...] = (
    _experiment("ext4", 40, cut_ext4),
    _experiment("xfs", 15, cut_xfs),
    _experiment("btrfs", 15, cut_btrfs),
)
