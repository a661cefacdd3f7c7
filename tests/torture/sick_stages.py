"""The disks of the sick disks: how each falls ill, and how it gets well again."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from tests.torture import mounts
from tests.torture.sick_folder import write_sickness

STRANGER: Final = 4_711  # a user who is not us


class Stage(Protocol):
    """A ctx folder on a disk that we can hurt."""

    def fall_ill(self) -> None: ...

    def heal(self) -> None: ...

    @property
    def truth(self) -> Path | None:
        """Where the files can be read while it is ill; None: nowhere."""
        ...


Open: TypeAlias = Callable[[Path], AbstractContextManager[Stage]]


class SwitchedStage:
    """A folder whose calls fail or lag at a switch."""

    def __init__(self, folder: Path, errors: dict[str, int], seconds: dict[str, float]) -> None:
        self.truth: Path | None = folder / "below"
        self._switch = folder / "sickness.json"
        self._errors, self._seconds = errors, seconds

    def fall_ill(self) -> None:
        write_sickness(self._switch, self._errors, self._seconds)

    def heal(self) -> None:
        write_sickness(self._switch, {}, {})


def switched(errors: dict[str, int], seconds: dict[str, float] | None = None) -> Open:
    """A folder of our own FUSE server."""

    @contextmanager
    def opened(folder: Path) -> Iterator[Stage]:
        stage = SwitchedStage(folder, errors, seconds or {})
        below, ctx = folder / "below", folder / "ctx"
        below.mkdir()
        ctx.mkdir()
        (below / ".up").touch()
        stage.heal()
        words = (below, ctx, folder / "sickness.json")
        with mounts.served("tests.torture.sick_folder", ctx, *words, ready=".up"):
            yield stage

    return opened


class FullStage:
    """A small file system that is filled to the last block, or the last inode."""

    def __init__(self, ctx: Path, *, inodes: bool = False) -> None:
        self.truth: Path | None = ctx
        self._ballast = ctx.parent / "disk" / "ballast"
        self._inodes = inodes

    def fall_ill(self) -> None:
        self._ballast.mkdir()
        if self._inodes:
            self._fill(self._take_inodes)
        else:
            for size in (1 << 20, 4096, 512):
                self._fill(partial(self._take_blocks, size))

    def heal(self) -> None:
        shutil.rmtree(self._ballast)
        os.sync()

    def _fill(self, take: Callable[[], None]) -> None:
        try:
            take()
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise

    def _take_inodes(self) -> None:
        for number in range(1_000_000):
            (self._ballast / str(number)).touch()

    def _take_blocks(self, size: int) -> None:
        with (self._ballast / f"of-{size}").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(size))
                os.fsync(file.fileno())


def full(kind: str, *options: str, inodes: bool = False) -> Open:
    """A real file system without room."""

    @contextmanager
    def opened(folder: Path) -> Iterator[Stage]:
        image = mounts.image(folder, kind, *options)
        disk, ctx = folder / "disk", folder / "ctx"
        disk.mkdir()
        with mounts.attached(image) as device:
            mounts.mount(kind, device, disk)
            (disk / "ctx").mkdir()
            ctx.symlink_to(disk / "ctx")
            yield FullStage(ctx, inodes=inodes)
            mounts.pull_out(disk)

    return opened


class PulledStage:
    """A disk that is pulled out under the program, and plugged in again as another device."""

    truth: Path | None = None

    def __init__(self, image: Path, ctx: Path) -> None:
        self._image, self._ctx = image, ctx
        self._devices: list[Path] = []

    def plug_in(self) -> None:
        self._devices.append(mounts.attach(self._image))
        mounts.mount("ext4", self._devices[-1], self._ctx)

    def fall_ill(self) -> None:
        mounts.pull_out(self._ctx)

    def heal(self) -> None:
        """Another device with the same content, as the kernel sees it."""
        os.sync()
        copy = self._image.with_name("copy.img")
        shutil.copyfile(self._image, copy)
        self._image = copy
        self.plug_in()

    def close(self) -> None:
        mounts.pull_out(self._ctx)
        for device in self._devices:
            mounts.detach(device)


@contextmanager
def pulled(folder: Path) -> Iterator[Stage]:
    ctx = folder / "ctx"
    ctx.mkdir()
    stage = PulledStage(mounts.image(folder, "ext4"), ctx)
    stage.plug_in()
    try:
        yield stage
    finally:
        stage.close()


class HandStage:
    """An ordinary folder, and somebody who does not know what he does."""

    def __init__(
        self, ctx: Path, harm: Callable[[Path], None], cure: Callable[[Path], None]
    ) -> None:
        self.truth: Path | None = None
        self._ctx, self._harm, self._cure = ctx, harm, cure

    def fall_ill(self) -> None:
        self._harm(self._ctx)

    def heal(self) -> None:
        self._cure(self._ctx)


def handled(harm: Callable[[Path], None], cure: Callable[[Path], None]) -> Open:
    @contextmanager
    def opened(folder: Path) -> Iterator[Stage]:
        yield HandStage(folder / "ctx", harm, cure)

    return opened


# --- what hands do


def contexts(ctx: Path) -> list[Path]:
    return [path for path in ctx.glob("*.json") if path.name != "installation.json"]


def move_away(ctx: Path) -> None:
    ctx.rename(ctx.with_name("away"))


def move_back(ctx: Path) -> None:
    ctx.with_name("away").rename(ctx)


def replace(ctx: Path) -> None:
    move_away(ctx)
    ctx.mkdir()


def replace_back(ctx: Path) -> None:
    shutil.rmtree(ctx)
    move_back(ctx)


def delete(ctx: Path) -> None:
    for path in contexts(ctx):
        path.unlink()


def edit(ctx: Path) -> None:
    """Save each file as an editor would, one digit changed and the white space gone."""
    for path in contexts(ctx):
        text = path.read_bytes().replace(b'"ids_given":', b'"ids_given":1').strip()
        if len(text) % 2:
            path.write_bytes(text)
        else:
            path.with_suffix(".new").write_bytes(text)
            path.with_suffix(".new").rename(path)


def nothing(ctx: Path) -> None:
    pass


def spoil(ctx: Path) -> None:
    """Edit every file so that no program can read it; keep what it was."""
    for path in contexts(ctx):
        shutil.copy2(path, path.with_suffix(".kept"))
        path.write_bytes(path.read_bytes().replace(b'"hash":"', b'"hash":"0'))


def unspoil(ctx: Path) -> None:
    for path in ctx.glob("*.kept"):
        path.rename(path.with_suffix(".json"))


def give_away(ctx: Path) -> None:
    for path in contexts(ctx):
        os.chown(path, STRANGER, STRANGER)


def take_back(ctx: Path) -> None:
    for path in contexts(ctx):
        os.chown(path, os.geteuid(), os.getegid())
