"""A disk whose cache forgets: a server of blocks for a machine that will lose its power.

What was written since the last flush is in doubt until the next one. When the power goes, each of
those writes is there, missing or torn at a sector, by chance, whatever came before or after it: no
real disk that honours a flush may do worse. The superblock alone, without which no file system can
be mounted, is written whole or not at all. The machine reaches it as a network block device, of
whose protocol only the requests are needed (doc/proto.md of nbd): machine and server agree on all
else. User-Mode Linux has a disk of its own, which answers a flush and flushes nothing.
"""

import os
import random
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final, TypeAlias

from tests.torture.block_file import PAGE, SECTOR

PORT: Final = 10_809
REQUEST: Final = struct.Struct(">IIQQI")  # magic, what (flags above), handle, offset, length
ANSWER: Final = struct.Struct(">II8s")
REQUEST_MAGIC: Final = 0x25609513
ANSWER_MAGIC: Final = 0x67446698

WHOLE: Final = ("all", "nothing")
WAYS: Final = (*WHOLE, "torn")

Watcher: TypeAlias = Callable[[str, int], None]


class Call(IntEnum):
    READ = 0
    WRITE = 1
    GOODBYE = 2
    FLUSH = 3


@dataclass(frozen=True, slots=True)
class Written:
    """A write since the last flush."""

    offset: int
    before: bytes
    after: bytes


class VolatileDisk:
    """Serves a file as a disk to one machine at a time, and counts what reaches it.

    `before` hears of each write and flush, with its number in this life of the machine, when
    nothing of it is done yet; `after`, when it is done and the machine does not know that yet.
    """

    def __init__(
        self, backing: Path, address: str, *, port: int = PORT, superblock: int = 0
    ) -> None:
        self.backing = backing
        self._superblock = superblock  # where it begins, bytes
        self.size = backing.stat().st_size
        self.counts = {"write": 0, "flush": 0}
        self.before: Watcher = _nobody
        self.after: Watcher = _nobody
        self._unflushed: list[Written] = []
        self._powered = False
        self._lock = threading.RLock()
        self._file = os.open(backing, os.O_RDWR)
        self._door = socket.create_server((address, port))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Serve nobody any more."""
        self._door.close()
        with self._lock:
            os.close(self._file)

    def power_on(self) -> None:
        """Begin to count anew, with nobody watching."""
        with self._lock:
            self._powered = True
            self.counts = {"write": 0, "flush": 0}
            self.before = self.after = _nobody

    def power_off(self, kill: Callable[[], None]) -> None:
        """Kill the machine between two requests; what it still asks for is not heard any more."""
        with self._lock:
            kill()
            self._powered = False

    def forget_unflushed(self, chance: random.Random) -> int:
        """Let each write since the last flush have happened, or not, or half; say how many."""
        with self._lock:
            doubtful, self._unflushed = self._unflushed, []
            for written in reversed(doubtful):
                os.pwrite(self._file, written.before, written.offset)
            for written in doubtful:
                remains = written.after[: _kept(len(written.after), self._ways(written), chance)]
                os.pwrite(self._file, remains, written.offset)
            return len(doubtful)

    def _ways(self, written: Written) -> Sequence[str]:
        """Answer what may have become of a write."""
        end = written.offset + len(written.after)
        holds_superblock = written.offset < self._superblock + PAGE and self._superblock < end
        return WHOLE if holds_superblock else WAYS

    def copy(self, target: Path) -> None:
        """Copy what is on the disk now, between two requests."""
        with self._lock:
            subprocess.run(["cp", "--sparse=always", self.backing, target], check=True)

    def _serve(self) -> None:
        with suppress(OSError):  # closed: no machine will come any more
            while True:
                line, _ = self._door.accept()
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve_one, args=(line,), daemon=True).start()

    def _serve_one(self, line: socket.socket) -> None:
        with line, suppress(ConnectionError, TimeoutError):
            while (request := _received(line, REQUEST.size)) is not None:
                magic, what, handle, offset, length = REQUEST.unpack(request)
                assert magic == REQUEST_MAGIC, "not a request"
                written = _received(line, length) if what == Call.WRITE else b""
                with self._lock:
                    if written is None or what == Call.GOODBYE or not self._powered:
                        return
                    content = self._done(what, offset, length, written)
                    if content is None:
                        return
                    line.sendall(ANSWER.pack(ANSWER_MAGIC, 0, handle.to_bytes(8)) + content)

    def _done(self, what: int, offset: int, length: int, written: bytes) -> bytes | None:
        """Do what was asked for and answer what was read; None if a watcher took the power away."""
        if what == Call.READ:
            return os.pread(self._file, length, offset)
        name = "flush" if what == Call.FLUSH else "write"
        self.counts[name] += 1
        self.before(name, self.counts[name])
        if not self._powered:
            return None
        if what == Call.FLUSH:
            self._unflushed.clear()
        else:
            self._write(offset, written)
        self.after(name, self.counts[name])
        return b"" if self._powered else None

    def _write(self, offset: int, content: bytes) -> None:
        before = os.pread(self._file, len(content), offset)
        self._unflushed.append(Written(offset, before, content))
        os.pwrite(self._file, content, offset)


def _received(line: socket.socket, length: int) -> bytes | None:
    """Read so many bytes; None if the other side is gone."""
    parts = bytearray()
    while len(parts) < length:
        part = line.recv(length - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _nobody(_name: str, _number: int) -> None:
    return None


def _kept(length: int, ways: Sequence[str], chance: random.Random) -> int:
    """Choose how much of a write is there after the power came back: all, nothing, or a part."""
    match chance.choice(ways):
        case "all":
            return length
        case "torn":
            return chance.randrange(0, length // SECTOR + 1) * SECTOR
        case _:
            return 0
