"""A JSON object in a file that keeps its last two generations, one of them whole at any instant.

The file is a JSON list of two slots of equal size, written in turn: `[` at the start, `,` in the
middle, `]` at the end, white space between, `null` for a slot never written. A save is one write
into the slot that does not hold the newest generation, and one flush; only then does the sequence
number advance. Why an acknowledged generation cannot be lost:

- The slot that holds it is never written before a newer one is acknowledged.
- A save is acknowledged after a flush that began after its write. A flush that failed proves
  nothing when repeated, since the kernel may call the lost pages clean: the bytes are written
  again, all over the slot, under the same number.
- A slot is believed only when the hash over its own exact bytes holds.
- What a killed predecessor left may exist in memory only, and what its failed flush left never
  reaches the disk although reads show it. So opening flushes the file and its folder, forgets the
  cached pages, and only then reads.
- A file is created and grown aside, flushed, renamed and its folder flushed. While a rename is
  not known to be durable the name may mean either file after a power cut, so no save into either
  counts until the whole has been done again with a new file.

One process at a time may have a file open; lib/shelf.py locks the folder.
"""

import asyncio
import errno
import os
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from lib.disk import REAL_DISK, Disk
from lib.errors import CorruptContext, DiskFailed
from lib.slots import (
    Generation,
    Unwritten,
    extent,
    file_content,
    fits,
    hash_of,
    judge_all,
    members_of,
    newest_of,
    refuse_reserved,
    slot_content,
    slot_size_for,
)

UNFINISHED = ".tmp"  # ends the name of a file that is not yet what its name says

_CLOSED = -1  # a closed descriptor's number may soon be another file's
_ATTEMPTS = 2
_READS = 5  # a reader beside a running program may meet both slots in the middle of a write
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC


class ContextFile:
    """An open context file. Opened once; then one write and one flush per save.

    `suspect` is true when just one slot was whole at opening: an unfinished save and a rotten
    newest generation look alike.
    """

    def __init__(self, path: Path, disk: Disk, opened: "_Opened") -> None:
        self.path = path
        self.suspect = opened.suspect
        self._disk = disk
        self._fd = opened.fd
        self._slot_size = opened.slot_size
        self._newest = opened.newest
        self._newest_slot = opened.newest_slot
        self._extents = opened.extents
        self._unsettled = False  # a rename is not known to be durable
        self._turn = threading.Lock()
        self._order = asyncio.Lock()
        self._running: set[asyncio.Task[bool]] = set()

    @classmethod
    def open(cls, path: Path, *, disk: Disk = REAL_DISK) -> Self:
        """Open an existing file and make durable what it shows.

        Raises FileNotFoundError, CorruptContext (a copy is put beside the file, which stays),
        LaterContext, or DiskFailed when the disk refuses to open, flush or be read.
        """
        try:
            return cls(path, disk, _open_durably(path, disk))
        except FileNotFoundError:
            raise
        except OSError as wrong:
            raise DiskFailed(f"{path} cannot be opened: {wrong}") from wrong
        except CorruptContext as wrong:
            raise CorruptContext(f"{wrong}; {_keep_copy(path, disk)}") from None

    @classmethod
    def create(cls, path: Path, fields: bytes, *, disk: Disk = REAL_DISK) -> Self:
        """Make a new file whose first generation holds `fields`, a JSON object.

        Raises ValueError for fields that would shadow ours (lib.slots.RESERVED), FileExistsError,
        or DiskFailed, after which there is no file as far as can be helped.
        """
        refuse_reserved(fields)
        try:
            _refuse_existing(path, disk)
            return cls._first(path, fields, disk)
        except FileExistsError:
            raise
        except _NotEstablished as wrong:
            with suppress(OSError):
                disk.unlink(path)
            raise DiskFailed(f"{path} cannot be created: {wrong}") from wrong
        except OSError as wrong:
            raise DiskFailed(f"{path} cannot be looked for: {wrong}") from wrong

    @classmethod
    def replace(cls, path: Path, fields: bytes, *, aside: Path, disk: Disk = REAL_DISK) -> Self:
        """Begin a new life over an old file, whole or corrupt, which is first kept under `aside`.

        At every instant `path` is the old or the new file. Raises ValueError as `create` does,
        FileNotFoundError, FileExistsError when `aside` holds something else, DiskFailed when
        either step fails.
        """
        refuse_reserved(fields)
        try:
            _keep(aside, _content(path, disk), disk)
            return cls._first(path, fields, disk)
        except (FileNotFoundError, FileExistsError):
            raise
        except (_NotEstablished, OSError) as wrong:
            raise DiskFailed(f"{path} cannot be replaced: {wrong}") from wrong

    @classmethod
    def _first(cls, path: Path, fields: bytes, disk: Disk) -> Self:
        first = Generation.of(1, members_of(fields))
        slot_size = slot_size_for(first)
        fd = _establish(path, file_content(slot_size, first.text, b"null"), disk)
        extents = [extent(first.text), extent(b"null")]
        return cls(path, disk, _Opened(fd, slot_size, first, 0, extents, suspect=False))

    @property
    def acknowledged(self) -> bytes:
        """The bytes of the last generation known to be on stable storage."""
        return self._newest.text

    @property
    def newest(self) -> bytes:
        """The newest generation, a JSON object: the same bytes, for those who read."""
        return self._newest.text

    @property
    def newest_object(self) -> dict[str, Any]:
        return self._newest.decoded()

    @property
    def fields(self) -> bytes:
        """The newest generation as its author gave it, a JSON object without our members."""
        return b"{%b}" % self._newest.members

    @property
    def sequence(self) -> int:
        return self._newest.sequence

    def save(self, fields: bytes) -> bool:
        """Put `fields`, a JSON object, on stable storage. False: they are there already.

        Fields are taken as they are, a member more or less than at creation included; that they
        are JSON is their author's word.

        Raises DiskFailed after two failures; the generation before stays good, and the next save
        begins anew.
        """
        members = members_of(fields)
        with self._turn:
            if self._fd == _CLOSED:
                raise DiskFailed(f"{self.path} was closed before this save")
            if self._newest.has(members):
                return False
            self._store(Generation.of(self._newest.sequence + 1, members))
            return True

    async def saved(self, fields: bytes) -> bool:
        """Save beside the event loop, in the order of the calls.

        A canceled caller neither cancels nor reorders a save that was asked for.
        """
        save = asyncio.ensure_future(self._in_order(fields))
        self._running.add(save)
        save.add_done_callback(self._running.discard)
        return await asyncio.shield(save)

    async def idle(self) -> None:
        """Wait until no save is running."""
        while self._running:
            await asyncio.wait(set(self._running))

    def close(self) -> None:
        """Close after the save that is running; saves that come later raise DiskFailed."""
        with self._turn:
            fd, self._fd = self._fd, _CLOSED
            self._disk.close(fd)

    async def _in_order(self, fields: bytes) -> bool:
        async with self._order:
            return await asyncio.get_running_loop().run_in_executor(None, self.save, fields)

    def _store(self, generation: Generation) -> None:
        """Overwrite in place; grow first when half full, while there is still a choice."""
        roomy = extent(generation.text) <= self._slot_size // 2
        if roomy and not self._unsettled:
            self._overwrite(generation)
            return
        try:
            self._move(generation)
        except _NotEstablished as wrong:
            self._unsettled = self._unsettled or wrong.renamed
            if self._unsettled or not fits(generation.text, self._slot_size):
                raise DiskFailed(f"{self.path} cannot grow: {wrong}") from wrong
            self._overwrite(generation)

    def _overwrite(self, generation: Generation) -> None:
        slot = self._next_slot()
        for attempt in range(_ATTEMPTS):
            try:
                self._write(slot, generation.text)
                self._disk.fdatasync(self._fd)
            except OSError as wrong:
                if attempt + 1 == _ATTEMPTS:
                    raise DiskFailed(f"{self.path} cannot be saved: {wrong}") from wrong
            else:
                self._extents[slot] = extent(generation.text)
                self._newest, self._newest_slot = generation, slot
                return

    def _next_slot(self) -> int:
        return 1 - self._newest_slot

    def _write(self, slot: int, text: bytes) -> None:
        """Write over whatever the slot may hold, on the disk as well as in memory.

        Until the flush after it has succeeded that is anything, anywhere in the slot.
        """
        length = max(self._extents[slot], extent(text))
        self._extents[slot] = self._slot_size
        _write_all(
            self._disk,
            self._fd,
            slot_content(slot, text, self._slot_size, length),
            slot * self._slot_size,
        )

    def _move(self, generation: Generation) -> None:
        """Go on in a new file with larger slots that holds the last two generations."""
        slot_size = max(self._slot_size, slot_size_for(generation))
        texts = self._newest.text, generation.text
        fd = _establish(self.path, file_content(slot_size, *texts), self._disk)
        with suppress(OSError):
            self._disk.close(self._fd)
        self._fd, self._slot_size, self._unsettled = fd, slot_size, False
        self._extents = [extent(text) for text in texts]
        self._newest, self._newest_slot = generation, 1


def atomic_save_json(value: dict[str, Any], path: Path, *, disk: Disk = REAL_DISK) -> bool:
    """Open, save, close. False: the file holds exactly this already.

    Raises TypeError or ValueError, with nothing touched, for what JSON does not give back as it
    was (NaN, tuples, keys that are no strings), and what ContextFile.open, create and save raise.
    """
    fields = orjson.dumps(value)
    if orjson.loads(fields) != value:
        raise ValueError("not the same after JSON: NaN, infinity, or a type that JSON lacks")
    refuse_reserved(fields)
    try:
        file = ContextFile.open(path, disk=disk)
    except FileNotFoundError:
        ContextFile.create(path, fields, disk=disk).close()
        return True
    with closing(file):
        return file.save(fields)


def atomic_load_json(path: Path, *, disk: Disk = REAL_DISK) -> dict[str, Any]:
    """Open, read, close: the object as it was saved. Raises what ContextFile.open raises."""
    with closing(ContextFile.open(path, disk=disk)) as file:
        value: dict[str, Any] = orjson.loads(file.fields)
        return value


def read_generations(path: Path, *, disk: Disk = REAL_DISK) -> dict[str, Any]:
    """Show the newest generation without touching anything, also beside a running program.

    What it shows may not be durable yet. Raises FileNotFoundError, CorruptContext, LaterContext.
    """
    for _ in range(_READS):
        _, slots = judge_all(_content(path, disk), path)
        whole = [slot for slot in slots if isinstance(slot, Generation)]
        if whole:
            return max(whole, key=lambda generation: generation.sequence).decoded()
    raise CorruptContext(f"{path} holds no whole generation")


# --- opening and keeping


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file's state as its content and its last flush prove it."""

    fd: int
    slot_size: int
    newest: Generation
    newest_slot: int
    extents: list[int]  # per slot: nothing but white space lies beyond
    suspect: bool


def _open_durably(path: Path, disk: Disk) -> _Opened:
    fd = disk.open(path, os.O_RDWR | _OPEN)
    try:
        disk.fsync(fd)
        _sync_folder(path.parent, disk)
        disk.drop_cache(fd)
        return _examine(fd, path, disk)
    except BaseException:
        disk.close(fd)
        raise


def _examine(fd: int, path: Path, disk: Disk) -> _Opened:
    slot_size, slots = judge_all(_read_all(fd, disk), path)
    newest_slot = newest_of(slots, path)
    newest, other = slots[newest_slot], slots[1 - newest_slot]
    assert isinstance(newest, Generation)
    fresh = other is Unwritten.NEVER and newest.sequence == 1
    return _Opened(
        fd,
        slot_size,
        newest,
        newest_slot,
        extents=[slot_size, slot_size],
        suspect=not fresh and not isinstance(other, Generation),
    )


def _read_all(fd: int, disk: Disk) -> bytes:
    """Read a file; a half that the device no longer gives reads as zeros, which is never whole.

    Raises OSError when it gives neither: that says nothing about the file.
    """
    size = disk.size(fd)
    first, failure = _read_half(fd, size // 2, 0, disk)
    second, another = _read_half(fd, size - size // 2, size // 2, disk)
    if failure and another:
        raise failure
    return first + second


def _read_half(fd: int, length: int, offset: int, disk: Disk) -> tuple[bytes, OSError | None]:
    content = bytearray()
    try:
        while len(content) < length:
            content += _read_part(fd, length - len(content), offset + len(content), disk)
    except OSError as failure:
        return bytes(length), failure
    return bytes(content), None


def _read_part(fd: int, length: int, offset: int, disk: Disk) -> bytes:
    part = disk.pread(fd, length, offset)
    if not part:
        raise OSError(errno.EIO, "the file ends before its size")
    return part


def _content(path: Path, disk: Disk) -> bytes:
    fd = disk.open(path, os.O_RDONLY | _OPEN)
    try:
        return _read_all(fd, disk)
    finally:
        disk.close(fd)


def _refuse_existing(path: Path, disk: Disk) -> None:
    if disk.exists(path):
        raise FileExistsError(f"{path} exists: a context is never overwritten by a new one")


def _keep_copy(path: Path, disk: Disk) -> str:
    """Copy a corrupt file beside itself, once, and say where it went."""
    try:
        content = _content(path, disk)
        copy = path.with_name(f"{path.name}.corrupt-{hash_of(content)[:8].decode()}")
        _keep(copy, content, disk)
    except (OSError, _NotEstablished) as wrong:
        return f"no copy could be made: {wrong}"
    return f"a copy is {copy.name}"


def _keep(path: Path, content: bytes, disk: Disk) -> None:
    """Keep this content durably; never overwrite another.

    A copy that is there already is made again: it may exist in memory only.
    """
    if disk.exists(path) and _content(path, disk) != content:
        raise FileExistsError(f"{path} exists and holds something else")
    disk.close(_establish(path, content, disk))


# --- writing


class _NotEstablished(Exception):
    """A file could not be put at its name. `renamed`: after a power cut it may be there."""

    def __init__(self, reason: OSError, *, renamed: bool) -> None:
        super().__init__(str(reason))
        self.renamed = renamed


def _establish(path: Path, content: bytes, disk: Disk) -> int:
    """Put a new file of this content at this name, durably; answer its descriptor."""
    renamed = False
    for attempt in range(_ATTEMPTS):
        try:
            fd = _write_unfinished(path, content, disk)
            renamed = True
            _rename_durably(fd, path, disk)
        except OSError as wrong:
            with suppress(OSError):
                disk.unlink(_unfinished(path))
            if attempt + 1 == _ATTEMPTS:
                raise _NotEstablished(wrong, renamed=renamed) from wrong
        else:
            return fd
    raise AssertionError("unreachable")


def _write_unfinished(path: Path, content: bytes, disk: Disk) -> int:
    unfinished = _unfinished(path)
    if disk.exists(unfinished):
        disk.unlink(unfinished)
    fd = disk.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPEN, 0o600)
    try:
        _write_all(disk, fd, content, 0)
        disk.fsync(fd)
    except OSError:
        disk.close(fd)
        raise
    return fd


def _rename_durably(fd: int, path: Path, disk: Disk) -> None:
    try:
        disk.rename(_unfinished(path), path)
        _sync_folder(path.parent, disk)
    except OSError:
        disk.close(fd)
        raise


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED)


def _sync_folder(folder: Path, disk: Disk) -> None:
    fd = disk.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        disk.fsync(fd)
    finally:
        disk.close(fd)


def _write_all(disk: Disk, fd: int, content: bytes, offset: int) -> None:
    rest = memoryview(content)
    while rest:
        written = disk.pwrite(fd, rest, offset)
        rest, offset = rest[written:], offset + written
