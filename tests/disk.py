"""A disk weaker than any real one, for tests that lose power at every call.

Only a flush is a promise. At a power cut each unflushed sector and each unflushed change of a
folder survives or not, on its own, as the seed decides. A killed process leaves the page cache and
what is dirty in it; a power cut does not. A failed flush calls the pages clean: reads show the new
bytes, the disk has old ones, the next flush succeeds. Any call can be made to fail or to fall
short. After a crash nothing that the dead program still does has an effect.

    disk = SimulatedDisk(seed)            # has one empty folder, HOME
    disk.cut_at = 17                      # the 17th call of this life never returns
    disk.faults[4] = errno.EIO            # the 4th fails
    try: ...                              # run the program on it
    except Crash: disk = disk.after(Cut.POWER)   # what the next life finds
"""

import errno
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from lib.disk import FileSystem

HOME = Path("/home")
SECTOR = 512
SHORT = -1  # a fault that is no error: pread and pwrite do less than they were asked


class Crash(KeyboardInterrupt):
    """The program is gone. Neither an event loop nor the program itself swallows this one."""


class Cut(StrEnum):
    POWER = "power"  # the page cache is lost
    KILL = "kill"  # the page cache and its dirtiness live on


@dataclass(slots=True, eq=False)
class File:
    """`durable` is on the medium, `cache` is what reads show, `dirty` was not yet flushed."""

    durable: bytearray = field(default_factory=bytearray)
    cache: bytearray = field(default_factory=bytearray)
    dirty: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])

    def write(self, content: bytes, offset: int) -> None:
        _put(self.cache, content, offset)
        start = offset - offset % SECTOR
        end = offset + len(content) + -(offset + len(content)) % SECTOR
        self.dirty.append((start, bytes(self.cache[start:end])))

    def flush(self) -> None:
        for offset, content in self.dirty:
            _put(self.durable, content, offset)
        self.dirty.clear()

    def lose_pages(self, survives: "Chance") -> None:
        """Fail to flush: some sectors get there, all are called clean."""
        self.durable = self._torn(survives)
        self.dirty.clear()

    def drop_clean_pages(self) -> None:
        self.cache = bytearray(self.durable)
        for offset, content in self.dirty:
            _put(self.cache, content, offset)

    def after_power_cut(self, survives: "Chance") -> "File":
        durable = self._torn(survives) if self.dirty else self.durable
        return File(durable, bytearray(durable))

    def _torn(self, survives: "Chance") -> bytearray:
        durable = bytearray(self.durable)
        for offset, content in self.dirty:
            for start in range(0, len(content), SECTOR):
                if survives():
                    _put(durable, content[start : start + SECTOR], offset + start)
        return durable


@dataclass(slots=True, eq=False)
class Folder:
    durable: dict[str, "Node"] = field(default_factory=dict[str, "Node"])
    cache: dict[str, "Node"] = field(default_factory=dict[str, "Node"])
    dirty: list["Change"] = field(default_factory=list["Change"])

    def change(self, change: "Change") -> None:
        _apply(self.cache, change)
        self.dirty.append(change)

    def flush(self) -> None:
        for change in self.dirty:
            _apply(self.durable, change)
        self.dirty.clear()

    def lose_changes(self, survives: "Chance") -> None:
        """Fail to flush and forget about it, as no journaling file system would."""
        for change in self.dirty:
            if survives():
                _apply(self.durable, change)
        self.dirty.clear()

    def after_power_cut(self, survives: "Chance") -> "Folder":
        self.lose_changes(survives)
        names = {name: node.after_power_cut(survives) for name, node in self.durable.items()}
        return Folder(names, dict(names))


Node: TypeAlias = File | Folder
Change: TypeAlias = dict[str, Node | None]  # one call's: all of it survives or nothing
Chance: TypeAlias = Callable[[], bool]


class SimulatedDisk:
    """One life of a program on a disk. Deterministic by seed."""

    def __init__(self, seed: int, *, root: Folder | None = None, life: int = 0) -> None:
        self.seed, self.life = seed, life
        self.root = root or _new_root()
        self.chance = random.Random(f"{seed}/{life}")
        self.log: list[str] = []  # the name of every call of this life, in order
        self.cut_at: int | None = None
        self.faults: dict[int, int] = {}  # number of a call: errno or SHORT
        self.spared: frozenset[str] = frozenset()  # calls that do not fail, whatever is set
        self.refuses = 0  # errno of every change from now on: EROFS, EIO; 0: none
        self.full = False  # nothing can be allocated; overwriting in place works
        self.folders_forget = False  # a folder's failed flush calls its changes clean
        self.kind = "ext4"
        self.uid = os.geteuid()
        self.on_call: Callable[[str], None] | None = None  # another world counts instants too
        self.writing = b""  # what the write that is under way writes
        self.dead = False
        self._descriptors: dict[int, Node] = {}
        self._locks: dict[int, Node] = {}
        self._next_descriptor = 100

    @property
    def calls(self) -> int:
        return len(self.log)

    def die(self) -> None:
        """Let nothing that is done from now on have an effect."""
        self.dead = True

    def after(self, cut: Cut) -> "SimulatedDisk":
        """End this life, in whatever state, and answer what the next one finds."""
        self.die()
        root = self.root
        if cut is Cut.POWER:
            root = root.after_power_cut(self._survival())
        successor = type(self)(self.seed, root=root, life=self.life + 1)
        successor.full, successor.kind, successor.uid = self.full, self.kind, self.uid
        successor.folders_forget, successor.spared = self.folders_forget, self.spared
        return successor

    # --- the calls of lib.disk.Disk

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        self._call("open")
        folder, name = self._place(path)
        node = folder.cache.get(name) if name else folder
        if flags & os.O_CREAT and node is None:
            self._allocate(path)
            node = File()
            folder.change({name: node})
        elif flags & os.O_EXCL:
            raise _error(errno.EEXIST, path)
        if node is None:
            raise _error(errno.ENOENT, path)
        if flags & os.O_DIRECTORY and not isinstance(node, Folder):
            raise _error(errno.ENOTDIR, path)
        self._next_descriptor += 1
        self._descriptors[self._next_descriptor] = node
        return self._next_descriptor

    def close(self, fd: int) -> None:
        if self.dead:
            raise Crash
        del self._descriptors[fd]
        self._locks.pop(fd, None)

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        short = self._call("pread") == SHORT
        if short and length > 1:
            length = self.chance.randrange(1, length)
        return bytes(self._file(fd).cache[offset : offset + length])

    def pwrite(self, fd: int, content: bytes | memoryview, offset: int) -> int:
        file, content = self._file(fd), bytes(content)
        self.writing = content

        def write_some() -> int:
            length = self.chance.randrange(len(content))
            file.write(content[:length], offset)
            return length

        if self._call("pwrite", in_part=write_some) == SHORT and len(content) > 1:
            return write_some() or self.pwrite(fd, content, offset)
        if offset + len(content) > len(file.cache):
            self._allocate(None)
        file.write(content, offset)
        return len(content)

    def fsync(self, fd: int) -> None:
        node = self._descriptors[fd]
        self._flush("fsync" if isinstance(node, File) else "fsync folder", node)

    def fdatasync(self, fd: int) -> None:
        self._flush("fdatasync", self._descriptors[fd])

    def drop_cache(self, fd: int) -> None:
        self._call("drop_cache")
        self._file(fd).drop_clean_pages()

    def size(self, fd: int) -> int:
        self._call("size")
        return len(self._file(fd).cache)

    def lock(self, fd: int) -> None:
        self._call("lock")
        if self._descriptors[fd] in self._locks.values():
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._locks[fd] = self._descriptors[fd]

    def exists(self, path: Path) -> bool:
        self._call("exists")
        folder, name = self._place(path)
        return not name or name in folder.cache

    def stands(self, fd: int, path: Path, *, length: int) -> bool:
        if self.dead:
            raise Crash
        try:
            folder, name = self._place(path)
        except FileNotFoundError:
            return False
        file = self._file(fd)
        return folder.cache.get(name) is file and len(file.cache) == length

    def owner(self, path: Path) -> int:
        self._call("owner")
        return self.uid

    def rename(self, source: Path, target: Path) -> None:
        folder, old = self._place(source)
        same, new = self._place(target)
        assert folder is same

        def move() -> int:
            folder.change({old: None, new: folder.cache[old]})
            return 0

        self._call("rename", in_part=move)
        if old not in folder.cache:
            raise _error(errno.ENOENT, source)
        move()

    def unlink(self, path: Path) -> None:
        self._call("unlink")
        folder, name = self._place(path)
        if name not in folder.cache:
            raise _error(errno.ENOENT, path)
        folder.change({name: None})

    def mkdir(self, path: Path, mode: int = 0o700) -> None:
        self._call("mkdir")
        folder, name = self._place(path)
        if name in folder.cache:
            raise _error(errno.EEXIST, path)
        self._allocate(path)
        folder.change({name: Folder()})

    def listdir(self, path: Path) -> list[str]:
        self._call("listdir")
        folder, name = self._place(path)
        node = folder.cache[name]
        assert isinstance(node, Folder)
        return list(node.cache)

    def file_system(self, path: Path) -> FileSystem:
        self._call("file_system")
        return FileSystem(self.kind, 0 if self.full else 1 << 30, 1 << 20)

    # --- what tests look at

    def content(self, path: Path) -> bytes:
        """What a read would show."""
        folder, name = self._place(path)
        node = folder.cache[name]
        assert isinstance(node, File)
        return bytes(node.cache)

    def overwrite(self, path: Path, content: bytes, offset: int = 0) -> None:
        """Change a file behind the program's back, on the medium."""
        folder, name = self._place(path)
        node = folder.cache[name]
        assert isinstance(node, File)
        node.write(content, offset)
        node.flush()

    def put(self, path: Path, content: bytes) -> None:
        """Lay down a file, durably, behind the program's back."""
        folder, name = self._place(path)
        folder.change({name: File(bytearray(content), bytearray(content))})
        folder.flush()

    def names(self, path: Path) -> set[str]:
        folder, name = self._place(path)
        node = folder.cache[name] if name else folder
        assert isinstance(node, Folder)
        return set(node.cache)

    @property
    def open_descriptors(self) -> int:
        return len(self._descriptors)

    # --- how a call goes

    def _call(self, name: str, *, in_part: Callable[[], int] | None = None) -> int:
        """Count a call; die in it, fail in it, or answer SHORT or 0."""
        if self.dead:
            raise Crash
        self.log.append(name)
        if self.on_call:
            self._tell(name, in_part)
        if self.cut_at == len(self.log):
            self._perhaps(in_part)
            self.dead = True
            raise Crash
        fault = self.faults.get(len(self.log), 0)
        if not fault and self.refuses and name in CHANGES:
            fault = self.refuses
        if fault > 0 and name not in self.spared:
            self._perhaps(in_part)
            raise OSError(fault, os.strerror(fault))
        return SHORT if fault == SHORT else 0

    def _tell(self, name: str, in_part: Callable[[], int] | None) -> None:
        """Let another world count the call; a cut there leaves it undone, or half done."""
        assert self.on_call is not None
        try:
            self.on_call(name)
        except Crash:
            self._perhaps(in_part)
            raise

    def _perhaps(self, in_part: Callable[[], int] | None) -> None:
        if in_part and self.chance.random() < 0.5:
            in_part()

    def _flush(self, name: str, node: Node) -> None:
        try:
            self._call(name)
        except OSError:
            if isinstance(node, File):
                node.lose_pages(self._survival())
            elif self.folders_forget:
                node.lose_changes(self._survival())
            raise
        node.flush()

    def _survival(self) -> Chance:
        """Decide how kind this cut is: all survives, nothing, or a part."""
        mercy = self.chance.choice((0.0, 0.0, 0.1, 0.5, 0.5, 0.9, 1.0))
        return lambda: self.chance.random() < mercy

    def _allocate(self, path: Path | None) -> None:
        if self.full:
            raise _error(errno.ENOSPC, path)

    def _file(self, fd: int) -> File:
        node = self._descriptors[fd]
        assert isinstance(node, File)
        return node

    def _place(self, path: Path) -> tuple[Folder, str]:
        """Find the folder a path lies in, and its name there; no name for the root."""
        folder = self.root
        for part in path.parts[1:-1]:
            below = folder.cache.get(part)
            if not isinstance(below, Folder):
                raise _error(errno.ENOENT, path)
            folder = below
        return folder, path.name


CHANGES = frozenset({"pwrite", "fsync", "fsync folder", "fdatasync", "rename", "unlink", "mkdir"})
FLUSHES = frozenset({"fsync", "fsync folder", "fdatasync"})


def _new_root() -> Folder:
    names: dict[str, Node] = {HOME.name: Folder()}
    return Folder(names, dict(names))


def _put(content: bytearray, part: bytes, offset: int) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(part)] = part


def _apply(names: dict[str, Node], change: Change) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _error(number: int, path: Path | None) -> OSError:
    return OSError(number, os.strerror(number), str(path))
