"""A machine whose power can fail: User-Mode Linux, an operating system run as a plain program.

Its root is this machine's own tree, read only; its one disk is a `VolatileDisk`, so that a cut
loses the pages the system had not written, and what the disk had not flushed. It reaches this
machine through a tap device, the disk too. Whoever makes one takes namespaces of their own first:
then nothing of the network and no mount is left when they end, however they end.
"""

import ctypes
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

from lib.torture.processes import ROOT, Child
from tests.torture.block_file import SUPERBLOCKS
from tests.torture.machine_disk import VolatileDisk

FileSystemKind: TypeAlias = Literal["ext4", "xfs", "btrfs"]

LINUX: Final = "linux.uml"
FIRST_PROGRAM: Final = Path(__file__).with_name("guest_init.sh")
DISK_PROGRAM: Final = Path(__file__).with_name("guest_disk.py")
HOST: Final = "10.0.0.1"  # this machine, as the other one sees it; guest_init.sh has its own
MEMORY: Final = "320M"
BOOT_PATIENCE: Final = 90.0  # seconds; a busy host makes a slow guest
MEBIBYTE: Final = 1 << 20
DISKS: Final[dict[FileSystemKind, tuple[int, tuple[str, ...]]]] = {
    "ext4": (96 * MEBIBYTE, ("mkfs.ext4", "-q", "-F", "-b", "4096")),
    "xfs": (320 * MEBIBYTE, ("mkfs.xfs", "-q", "-f")),
    "btrfs": (160 * MEBIBYTE, ("mkfs.btrfs", "-q", "-f")),
}
TOOLS: Final = {
    "mkfs.ext4": "e2fsprogs",
    "ip": "iproute2",
    "mount": "mount",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
NEW_NETWORK, NEW_MOUNTS = 0x40000000, 0x00020000

_libc = ctypes.CDLL(None, use_errno=True)


@cache
def lacks() -> str:
    """Say what this machine has not that a power cut needs; empty if nothing."""
    if shutil.which(LINUX) is None:
        return "no User-Mode Linux (on Debian or Ubuntu, amd64: apt install user-mode-linux)"
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            return f"no {tool} (apt install {package})"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "no usable /dev/net/tun"
    shared = ["unshare", "--mount", "--net", "true"]
    if subprocess.run(shared, capture_output=True, check=False).returncode != 0:
        return "no right to make namespaces and mounts (it needs root)"
    return ""


def kinds() -> tuple[FileSystemKind, ...]:
    """Name the file systems that can be made here."""
    return tuple(kind for kind, (_, words) in DISKS.items() if shutil.which(words[0]))


def take_own_namespaces() -> None:
    """Have a network and mounts that nobody else sees and that end with this process."""
    if _libc.unshare(NEW_NETWORK | NEW_MOUNTS) != 0:
        raise OSError(ctypes.get_errno(), "no namespaces of its own")
    _run("mount", "--make-rprivate", "/")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "tuntap", "add", "dev", "tap0", "mode", "tap")
    _run("ip", "address", "add", f"{HOST}/24", "dev", "tap0")
    _run("ip", "link", "set", "tap0", "up")


class Life(Child):
    """One life of a machine, from power on to power off, and what it said."""

    patience = BOOT_PATIENCE

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        super().__init__(words, folder, process_group=0)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Machine:
    """A disk, and one life after the other of the system that lives on it."""

    def __init__(
        self,
        folder: Path,
        kind: FileSystemKind,
        chance: random.Random,
        *,
        size: int = 0,
    ) -> None:
        self.folder = folder
        self.kind = kind
        self.life: Life | None = None
        self.unflushed: list[int] = []  # writes in doubt, by cut
        self._chance = chance
        self._image = folder / "disk.img"
        self._former = folder / "former.img"
        _make_disk(self._image, kind, size)
        self.disk = VolatileDisk(self._image, HOST, superblock=SUPERBLOCKS[kind])

    def close(self) -> None:
        """Leave nothing behind."""
        if self.life is not None:
            self.cut()
        self.disk.close()

    def boot(self, *program: str, clock: str = "right", options: str = "rw") -> Life:
        """Switch it on; its first program runs this one. A clock is given in seconds."""
        assert self.life is None, "it is on already"
        self.disk.power_on()
        script = self.folder / "boot.sh"
        disk = f"{sys.executable} -IS {DISK_PROGRAM} {HOST} {self.disk.port} {self.disk.size}"
        words = (str(FIRST_PROGRAM), disk, self.kind, options, clock, *program)
        script.write_text(f"#!/bin/sh\nexport PYTHONPATH={ROOT}\nexec sh {shlex.join(words)}\n")
        script.chmod(0o755)
        self.life = Life(self._words(script), self.folder)
        return self.life

    def cut(self) -> Life:
        """Take the power away, now; answer the life that ended."""
        assert self.life is not None, "it is off already"
        life, self.life = self.life, None
        self.disk.power_off(life.kill)
        life.bury()
        self.unflushed.append(self.disk.forget_unflushed(self._chance))
        return life

    def remember(self) -> None:
        """Keep what is on the disk now."""
        self.disk.copy(self._former)

    def go_back(self) -> None:
        """Have the disk be as it was remembered: what it acknowledged since has never been."""
        assert self.life is None, "a disk goes back while the power is off"
        _run("cp", "--sparse=always", str(self._former), str(self._image))

    def cut_at(self, what: str, number: int, *, done: bool) -> Callable[[], bool]:
        """Cut at a write or flush of the disk, done or not; answer whether that has happened."""
        happened = threading.Event()
        life = self.life
        assert life is not None, "it is off"

        def watch(name: str, count: int) -> None:
            if name == what and count >= number:
                self.disk.power_off(life.kill)
                happened.set()

        if done:
            self.disk.after = watch
        else:
            self.disk.before = watch
        return happened.is_set

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Show a copy of what its file system has now, as a restart would find it."""
        copy, place = self.folder / "copy.img", self.folder / "copy"
        self.disk.copy(copy)
        place.mkdir(exist_ok=True)
        _run("mount", "-t", self.kind, "-o", "loop", str(copy), str(place))
        try:
            yield place
        finally:
            _run("umount", str(place))
            copy.unlink()

    def _words(self, script: Path) -> tuple[str, ...]:
        return (
            *("setpriv", "--pdeathsig", "KILL"),  # it ends when whoever started it ends,
            *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", LINUX),  # and as one
            *(f"mem={MEMORY}", "quiet", f"uml_dir={self.folder}", "umid=machine"),
            *("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={script}"),
            *("vec0:transport=tap,ifname=tap0,depth=64,gro=1", "con=null", "con0=null,fd:1"),
        )


def program(*words: str) -> tuple[str, ...]:
    """Name a Python program as it is started inside the machine."""
    return (sys.executable, *words)


def _make_disk(image: Path, kind: FileSystemKind, size: int) -> None:
    usual, words = DISKS[kind]
    with image.open("wb") as file:
        file.truncate(size or usual)
    _run(*words, str(image))


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{shlex.join(words)}: {done.stderr.strip()}")
