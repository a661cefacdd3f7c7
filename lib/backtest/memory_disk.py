"""A disk in memory, for contexts that need not outlive a back-test.

It keeps its promises as a disk does and no better: what was not flushed is gone after a power
cut. Nothing fails and nothing is torn; the tests' own disk (tests/disk.py) is for that.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lib.disk import FileSystem

KIND: Final = "memory"


@dataclass(slots=True, eq=False)
class _File:
    """`cache` is what reads show; `durable` is what a power cut leaves."""

    cache: bytearray = field(default_factory=bytearray)
    durable: bytes = b""


class MemoryDisk:
    """Files by their paths, one level of folders at a time. Speaks lib/disk.py's `Disk`."""

    def __init__(self, *folders: Path) -> None:
        self._folders = set(folders)
        self._names: dict[Path, _File] = {}
        self._kept: dict[Path, _File] = {}  # the names that a power cut leaves
        self._open: dict[int, _File | Path] = {}
        self._locks: dict[int, _File | Path] = {}
        self._descriptor = 100
        self.on_call: Callable[[str], None] = lambda _: None  # told before it is done

    def after_cut(self) -> "MemoryDisk":
        """Answer what a power cut leaves: only what was flushed."""
        left = MemoryDisk(*self._folders)
        for path, file in self._kept.items():
            left._names[path] = _File(bytearray(file.durable), file.durable)
        left._kept = dict(left._names)
        left._descriptor, left.on_call = self._descriptor, self.on_call
        return left

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        node: _File | Path | None = path if path in self._folders else self._names.get(path)
        if flags & os.O_CREAT and node is None:
            self._demand_folder(path)
            node = self._names[path] = _File()
        elif flags & os.O_EXCL:
            raise _error(errno.EEXIST, path)
        if node is None:
            raise _error(errno.ENOENT, path)
        self._descriptor += 1
        self._open[self._descriptor] = node
        return self._descriptor

    def close(self, fd: int) -> None:
        del self._open[fd]
        self._locks.pop(fd, None)

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        return bytes(self._file(fd).cache[offset : offset + length])

    def pwrite(self, fd: int, content: bytes | memoryview, offset: int) -> int:
        self.on_call("pwrite")
        cache = self._file(fd).cache
        if len(cache) < offset:
            cache.extend(bytes(offset - len(cache)))
        cache[offset : offset + len(content)] = content
        return len(content)

    def fsync(self, fd: int) -> None:
        self.on_call("fsync")
        node = self._open[fd]
        if isinstance(node, _File):
            node.durable = bytes(node.cache)
        else:
            self._keep_names(node)

    def fdatasync(self, fd: int) -> None:
        self.fsync(fd)

    def drop_cache(self, fd: int) -> None:
        """Do nothing: memory has no pages to drop."""

    def size(self, fd: int) -> int:
        return len(self._file(fd).cache)

    def lock(self, fd: int) -> None:
        if self._open[fd] in self._locks.values():
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._locks[fd] = self._open[fd]

    def exists(self, path: Path) -> bool:
        return path in self._names or path in self._folders

    def stands(self, fd: int, path: Path, *, length: int) -> bool:
        file = self._file(fd)
        return self._names.get(path) is file and len(file.cache) == length

    def owner(self, path: Path) -> int:
        return os.geteuid()

    def rename(self, source: Path, target: Path) -> None:
        self.on_call("rename")
        if source not in self._names:
            raise _error(errno.ENOENT, source)
        self._names[target] = self._names.pop(source)

    def unlink(self, path: Path) -> None:
        self.on_call("unlink")
        if path not in self._names:
            raise _error(errno.ENOENT, path)
        del self._names[path]

    def mkdir(self, path: Path, mode: int = 0o700) -> None:
        self.on_call("mkdir")
        if self.exists(path):
            raise _error(errno.EEXIST, path)
        self._folders.add(path)

    def listdir(self, path: Path) -> list[str]:
        if path not in self._folders:
            raise _error(errno.ENOENT, path)
        return [name.name for name in self._names if name.parent == path]

    def file_system(self, path: Path) -> FileSystem:
        return FileSystem(KIND, free_bytes=1 << 40, free_files=None)

    def _file(self, fd: int) -> _File:
        node = self._open[fd]
        assert isinstance(node, _File), "a folder has no content"
        return node

    def _demand_folder(self, path: Path) -> None:
        if path.parent not in self._folders:
            raise _error(errno.ENOENT, path)

    def _keep_names(self, folder: Path) -> None:
        for path in [path for path in self._kept if path.parent == folder]:
            if path not in self._names:
                del self._kept[path]
        self._kept.update({p: file for p, file in self._names.items() if p.parent == folder})


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
