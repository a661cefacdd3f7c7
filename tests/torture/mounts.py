"""Mounts that nobody else sees, and that vanish with the process that made them.

An attempt enters a mount namespace of its own before it mounts anything; images are attached to
loop devices that detach themselves when the last mount of theirs is gone.
"""

import ctypes
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.conftest import lacking
from tests.torture.records import ROOT

KINDS: Final = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-b", "4096"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
    "btrfs": ("mkfs.btrfs", "-q", "-f"),
}
MIB: Final = {"ext4": 64, "xfs": 320, "btrfs": 128}  # as small as each kind can be made
PATIENCE: Final = 20.0  # seconds

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS: Final = 0x00020000
_MS_REC, _MS_PRIVATE, _MNT_DETACH = 0x4000, 0x40000, 2


def lacks(*kinds: str) -> str:
    """Say what this machine has not for mounts of ours, of these kinds; "" if it has all."""
    needed = ("losetup", "mount", *(KINDS[kind][0] for kind in kinds))
    missing = [name for name in needed if not _found(name)]
    if missing:
        return f"{', '.join(missing)} not installed"
    if reason := lacking("needs_root") or lacking("needs_fuse"):
        return reason
    return "" if importlib.util.find_spec("mfusepy") else "mfusepy is not installed"


def _found(name: str) -> bool:
    return any(
        (Path(folder) / name).exists() for folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
    )


def enter_own_namespace() -> None:
    """Let whatever is mounted from now on be seen by this process and its children alone."""
    _check(_LIBC.unshare(_CLONE_NEWNS), "a mount namespace")
    _check(_LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "private mounts")


def command(*words: str | Path) -> str:
    """Run a tool to its end; answer what it printed. Raises CalledProcessError."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


def make_file_system(kind: str, device: Path, *options: str) -> None:
    command(*KINDS[kind], *options, device)


def attach(image: Path, *options: str) -> Path:
    """Make a block device of a file."""
    return Path(command("losetup", *options, "--find", "--show", image))


def detach(device: Path) -> None:
    subprocess.run(["losetup", "--detach", device], capture_output=True, check=False)


@contextmanager
def attached(image: Path, *options: str) -> Iterator[Path]:
    device = attach(image, *options)
    try:
        yield device
    finally:
        detach(device)


def mount(kind: str, device: Path, point: Path, options: str = "") -> None:
    """Mount by the system call alone: thousands of times a minute."""
    flags = (str(device).encode(), str(point).encode(), kind.encode(), 0, options.encode() or None)
    _check(_LIBC.mount(*flags), f"{kind} at {point}")


def unmount(point: Path) -> None:
    """Take a mount away; one that is still used goes when it is used no more."""
    deadline = time.monotonic() + PATIENCE
    while _LIBC.umount2(str(point).encode(), 0) and time.monotonic() < deadline:
        time.sleep(0.01)


def pull_out(point: Path) -> None:
    """Take a mount away under whoever uses it."""
    _check(_LIBC.umount2(str(point).encode(), _MNT_DETACH), f"{point} away")


def image(folder: Path, kind: str, *options: str, mib: int = 0) -> Path:
    """Make a file that holds an empty file system."""
    path = folder / f"{kind}.img"
    with path.open("wb") as file:
        file.truncate((mib or MIB[kind]) << 20)
    make_file_system(kind, path, *options)
    return path


@contextmanager
def served(module: str, point: Path, *words: str | Path, ready: str) -> Iterator[None]:
    """Run a FUSE server of ours until the end; it serves once `ready` exists below its mount."""
    server = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)], cwd=ROOT, stdin=subprocess.DEVNULL
    )
    try:
        _await(point / ready, server)
        yield
    finally:
        _LIBC.umount2(str(point).encode(), _MNT_DETACH)
        server.kill()
        server.wait()


def _await(path: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise OSError(f"nothing is served at {path}")
        time.sleep(0.01)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def attempted_apart(function: str, *words: object) -> Sequence[str]:
    """Run a function of a module in a process and session of its own; answer its lines.

    For tests: what it mounts and starts must not stay in the process that tests.
    """
    module, name = function.split(":")
    code = f"from {module} import {name}; print(*{name}(*{words!r}), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("\n")
