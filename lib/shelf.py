"""The folder that holds what the program remembers: locked, tried out and tidied before use."""

import errno
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from lib.atomic_json import UNFINISHED, atomic_load_json, atomic_save_json, read_generations
from lib.context_file.folder_lock import Busy as Busy
from lib.context_file.folder_lock import FolderLock
from lib.disk import NAMELESS, REAL_DISK, Disk, FileSystem
from lib.errors import CorruptContext, Halt

_PROBE = ".probe" + UNFINISHED  # tidied away like any unfinished file if we die with it
_INSTALLATION = "installation"
_BOT_FILE = re.compile(r"([A-Za-z0-9_-]{1,32})\.json")
_BIRTH = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TAG = re.compile(r"[0-9a-f]{6}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC
_BYTES_MIN = 64 << 20
_FILES_MIN = 1_000

_VOLATILE = frozenset({"tmpfs", "ramfs", "rootfs"})
_DOUBTFUL = {
    "f2fs": "is known to lose acknowledged writes at a power cut",
    "nfs": "is a network file system: another machine may hold the same folder",
    "nfs4": "is a network file system: another machine may hold the same folder",
    "cifs": "is a network file system: another machine may hold the same folder",
    "smb3": "is a network file system: another machine may hold the same folder",
    "fuse.sshfs": "is a network file system: another machine may hold the same folder",
    "9p": "is a network file system: another machine may hold the same folder",
    "vfat": "does not rename atomically",
    "msdos": "does not rename atomically",
    "exfat": "does not rename atomically",
    "overlay": "is the container's own layer and vanishes with it: mount a volume there",
    NAMELESS: "the next container does not get: mount one with a name there",
}


class UnfitFolder(Halt):
    """The folder cannot keep what must not be lost."""


class Shelf:
    """An open folder of contexts. While it is open no other runner can open it."""

    def __init__(
        self, folder: Path, disk: Disk, lock: FolderLock | None, warnings: list[str]
    ) -> None:
        self.folder = folder
        self.disk = disk
        self.lock = lock
        self.warnings = warnings

    @classmethod
    def open(cls, folder: Path, *, disk: Disk = REAL_DISK, allow_volatile: bool = False) -> Self:
        """Make the folder if need be, lock it, try it out, and tidy it.

        Raises Busy, or UnfitFolder with what is wrong and what to do.
        """
        try:
            warnings = _prepare(folder, disk, allow_volatile=allow_volatile)
            lock = FolderLock.take(folder, disk)
            try:
                _remove_unfinished(folder, disk)
                warnings += _try_out(folder, disk)
            except BaseException:
                lock.close()
                raise
        except OSError as wrong:
            raise UnfitFolder(f"{folder} cannot be used: {wrong}") from wrong
        return cls(folder, disk, lock, warnings)

    def names(self) -> list[str]:
        """The bots that have a context here, corrupt ones too."""
        matches = map(_BOT_FILE.fullmatch, self.disk.listdir(self.folder))
        names = (match[1] for match in matches if match)
        return sorted(name for name in names if name.lower() != _INSTALLATION)

    def path(self, bot: str) -> Path:
        """Where a bot's context lies, or will."""
        name = f"{bot}.json"
        if not _BOT_FILE.fullmatch(name) or bot.lower() == _INSTALLATION:
            raise ValueError(f"{bot!r} cannot be the name of a bot")
        return self.folder / name

    def read(self, bot: str) -> dict[str, Any]:
        """Look at a bot's newest generation without touching the file.

        Raises FileNotFoundError, CorruptContext, LaterContext.
        """
        return read_generations(self.path(bot), disk=self.disk)

    def aside(self, bot: str, birth: int | str) -> Path:
        """Where the context of a bot's earlier life is kept."""
        if not _BIRTH.fullmatch(str(birth)):
            raise ValueError(f"{birth!r} cannot be a birth")
        return self.path(bot).with_name(f"{bot}.{birth}.json")

    def installation(self) -> str:
        """This installation's six hex digits, drawn once and never again.

        Raises CorruptContext rather than draw new ones: then no order would be known as ours.
        """
        path = self.folder / f"{_INSTALLATION}.json"
        try:
            tag = atomic_load_json(path, disk=self.disk).get("installation")
        except FileNotFoundError:
            tag = secrets.token_hex(3)
            atomic_save_json({"installation": tag}, path, disk=self.disk)
        if not (isinstance(tag, str) and _TAG.fullmatch(tag)):
            raise CorruptContext(f"{path} holds {tag!r} where six hex digits belong")
        return tag

    def close(self) -> None:
        """Let another runner in."""
        if self.lock:
            self.lock.close()


def _prepare(folder: Path, disk: Disk, *, allow_volatile: bool) -> list[str]:
    """Make the folder durably and answer what is doubtful about where it lies."""
    with suppress(FileExistsError):
        disk.mkdir(folder, 0o700)
    warnings = _sync_parent(folder, disk)
    owner, ours = disk.owner(folder), os.geteuid()
    if owner != ours:
        raise UnfitFolder(f"{folder} belongs to user {owner}, this program runs as {ours}")
    file_system = disk.file_system(folder)
    if file_system.kind in _VOLATILE and not allow_volatile:
        raise UnfitFolder(
            f"{folder} lies in memory ({file_system.kind}) and is lost at every power cut: "
            "use a folder on a disk"
        )
    return warnings + _doubts(folder, file_system)


def _sync_parent(folder: Path, disk: Disk) -> list[str]:
    """Flush the folder's own name: a killed predecessor may have made it a moment ago."""
    try:
        fd = disk.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        return [f"{folder.parent} may not be read, so the name of {folder} is not made durable"]
    try:
        disk.fsync(fd)
    finally:
        disk.close(fd)
    return []


def _doubts(folder: Path, file_system: FileSystem) -> list[str]:
    warnings = []
    if why := _DOUBTFUL.get(file_system.kind):
        warnings.append(f"{folder} lies on {file_system.kind}, which {why}")
    if file_system.kind in _VOLATILE:
        warnings.append(f"{folder} lies in memory: nothing survives a power cut")
    if file_system.free_bytes < _BYTES_MIN:
        warnings.append(f"{folder} has {file_system.free_bytes >> 20} MiB left")
    if file_system.free_files is not None and file_system.free_files < _FILES_MIN:
        warnings.append(f"{folder} has room for {file_system.free_files} more files")
    return warnings


def _remove_unfinished(folder: Path, disk: Disk) -> None:
    for name in disk.listdir(folder):
        if name.endswith(UNFINISHED):
            disk.unlink(folder / name)


def _try_out(folder: Path, disk: Disk) -> list[str]:
    """Create, write, flush, unlink. On a full disk existing contexts can still be saved."""
    try:
        _probe(folder / _PROBE, disk)
    except OSError as wrong:
        with suppress(OSError):
            disk.unlink(folder / _PROBE)
        if wrong.errno not in _FULL:
            raise
        return [f"{folder} is full: no new context can be made there"]
    return []


def _probe(path: Path, disk: Disk) -> None:
    fd = disk.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPEN, 0o600)
    try:
        if disk.pwrite(fd, bytes(4096), 0) < 4096:
            raise OSError(errno.ENOSPC, "a write fell short")
        disk.fsync(fd)
    finally:
        disk.close(fd)
    disk.unlink(path)
