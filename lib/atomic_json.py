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

- A flush proves nothing for a file that its name no longer leads to, because it or its folder was
  deleted, replaced or unmounted. So a save is acknowledged only once the name was seen to lead to
  it after the flush. In a folder that we locked and hold, our memory is the truth: the file is
  written anew. In another folder at the same path it goes on if it is locked for us and holds
  exactly the last generation, and not before.

One process at a time may have a file open; lib/context_file/folder_lock.py locks the folder.
"""

import asyncio
import os
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

import orjson

from lib.context_file.folder_lock import FolderLock
from lib.context_file.reading import Opened, content_of, open_durably, sync_folder
from lib.context_file.slots import (
    Generation,
    extent,
    file_content,
    fits,
    hash_of,
    judge_all,
    members_of,
    refuse_reserved,
    slot_content,
    slot_size_for,
)
from lib.disk import REAL_DISK, Disk, in_words
from lib.errors import BotError, CorruptContext, DiskFailed

UNFINISHED = ".tmp"  # ends the name of a file that is not yet what its name says

_CLOSED = -1  # a closed descriptor's number may soon be another file's
_ATTEMPTS = 2
_READS = 5  # a reader beside a running program may meet both slots in the middle of a write
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC


class ContextFile:
    """An open context file. Opened once; then one write and one flush per save.

    `suspect` is true when just one slot was whole at opening: an unfinished save and a rotten
    newest generation look alike. `mended` says what another hand did to the file, if a save had
    to make it good.
    """

    def __init__(
        self, path: Path, disk: Disk, opened: Opened, folder: FolderLock | None = None
    ) -> None:
        self.path = path
        self.mended = ""
        self.suspect = opened.suspect
        self._disk = disk
        self._fd = opened.fd
        self._slot_size = opened.slot_size
        self._newest = opened.newest
        self._newest_slot = opened.newest_slot
        self._extents = opened.extents
        self._tried: set[bytes] = set()  # texts whose save failed: the disk may hold them
        self._unsettled = False  # a rename is not known to be durable
        self._folder = folder
        self._folder_number = folder.times_taken if folder else 0
        self._turn = threading.Lock()
        self._order = asyncio.Lock()
        self._running: set[asyncio.Task[bool]] = set()

    @classmethod
    def open(cls, path: Path, *, disk: Disk = REAL_DISK, folder: FolderLock | None = None) -> Self:
        """Open an existing file and make durable what it shows.

        With the lock of its folder it can go on after the file or the folder was replaced.

        Raises FileNotFoundError, CorruptContext (a copy is put beside the file, which stays),
        LaterContext, or DiskFailed when the disk refuses to open, flush or be read.
        """
        try:
            return cls(path, disk, open_durably(path, disk), folder)
        except FileNotFoundError:
            raise
        except OSError as wrong:
            raise DiskFailed(f"{path} cannot be opened: {in_words(wrong)}") from wrong
        except CorruptContext as wrong:
            raise CorruptContext(f"{wrong}; {_keep_copy(path, disk)}") from None

    @classmethod
    def create(cls, path: Path, fields: bytes, *, disk: Disk = REAL_DISK) -> Self:
        """Make a new file whose first generation holds `fields`, a JSON object.

        Raises ValueError for fields that would shadow ours (lib.context_file.slots.RESERVED),
        FileExistsError, or DiskFailed, after which there is no file as far as can be helped.
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
            _keep(aside, content_of(path, disk), disk)
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
        return cls(path, disk, Opened(fd, slot_size, first, 0, extents, suspect=False))

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
            self._tried.clear()
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
        self._tried.add(generation.text)
        roomy = extent(generation.text) <= self._slot_size // 2
        settled = roomy and not self._unsettled
        if not (self._in_place() if settled else self._in_our_folder()):
            self._return(generation)
        elif settled:
            self._overwrite(generation)
        else:
            self._grow(generation)

    def _grow(self, generation: Generation) -> None:
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
                if attempt + 1 == _ATTEMPTS and self._in_place():
                    raise DiskFailed(f"{self.path} cannot be saved: {in_words(wrong)}") from wrong
            else:
                self._extents[slot] = extent(generation.text)
                break
        if self._in_place():
            self._newest, self._newest_slot = generation, slot
        else:
            self._return(generation)

    def _in_place(self) -> bool:
        """Whether our name leads to our file, as long as it was; yes if the disk cannot say."""
        try:
            return self._disk.stands(self._fd, self.path, length=2 * self._slot_size)
        except OSError:
            return True

    def _return(self, generation: Generation) -> None:
        """Save although the file at our name, or its folder, is not the one we had."""
        if self._folder is None:
            raise DiskFailed(f"{self.path} cannot be saved: it was deleted or replaced")
        try:
            if self._in_our_folder():
                self._renew(generation)
            else:
                self._go_on_in_another_folder(self._folder, generation)
        except (OSError, BotError, _NotEstablished) as wrong:
            self._unsettled |= isinstance(wrong, _NotEstablished) and wrong.renamed
            reason = in_words(wrong) if isinstance(wrong, OSError) else str(wrong)
            raise DiskFailed(
                f"{self.path} cannot be saved: it, or its folder, was deleted, replaced or "
                f"unmounted; put it back as it was ({reason})"
            ) from wrong

    def _in_our_folder(self) -> bool:
        folder = self._folder
        return folder is None or (folder.stands and folder.times_taken == self._folder_number)

    def _renew(self, generation: Generation) -> None:
        """Write the file anew over what another hand left at its name."""
        found = _keep_changed(self.path, self._disk)
        self._move(generation)
        self.mended = f"{self.path} was {found} while this program runs: it was written anew"

    def _go_on_in_another_folder(self, folder: FolderLock, generation: Generation) -> None:
        """Adopt the file of our name if it holds just what we know, be it a failed save of ours."""
        number = folder.follow()
        opened = open_durably(self.path, self._disk)
        if opened.newest.text not in {self._newest.text, *self._tried}:
            self._disk.close(opened.fd)
            raise CorruptContext("what lies there now is not the last that was saved")
        with suppress(OSError):
            self._disk.close(self._fd)
        self._fd, self._slot_size, self._extents = opened.fd, opened.slot_size, opened.extents
        self._newest, self._newest_slot = opened.newest, opened.newest_slot
        self._folder_number, self._unsettled = number, False
        if not self._newest.has(generation.members):
            self._store(Generation.of(self._newest.sequence + 1, generation.members))

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
        _, slots = judge_all(content_of(path, disk), path)
        whole = [slot for slot in slots if isinstance(slot, Generation)]
        if whole:
            return max(whole, key=lambda generation: generation.sequence).decoded()
    raise CorruptContext(f"{path} holds no whole generation")


# --- keeping


def _refuse_existing(path: Path, disk: Disk) -> None:
    if disk.exists(path):
        raise FileExistsError(f"{path} exists: a context is never overwritten by a new one")


def _keep_copy(path: Path, disk: Disk) -> str:
    """Copy a corrupt file beside itself, once, and say where it went."""
    try:
        content = content_of(path, disk)
        copy = path.with_name(f"{path.name}.corrupt-{hash_of(content)[:8].decode()}")
        _keep(copy, content, disk)
    except (OSError, _NotEstablished) as wrong:
        return f"no copy could be made: {wrong}"
    return f"a copy is {copy.name}"


def _keep_changed(path: Path, disk: Disk) -> str:
    """Copy what another hand left at a name of ours, if it can be; say what that was."""
    try:
        content = content_of(path, disk)
    except FileNotFoundError:
        return "deleted"
    except OSError:
        return "replaced by what cannot be read"
    copy = path.with_name(f"{path.name}.changed-{hash_of(content)[:8].decode()}")
    _keep(copy, content, disk)
    return f"changed by another hand, which {copy.name} shows,"


def _keep(path: Path, content: bytes, disk: Disk) -> None:
    """Keep this content durably; never overwrite another.

    A copy that is there already is made again: it may exist in memory only.
    """
    if disk.exists(path) and content_of(path, disk) != content:
        raise FileExistsError(f"{path} exists and holds something else")
    disk.close(_establish(path, content, disk))


# --- writing


class _NotEstablished(Exception):
    """A file could not be put at its name. `renamed`: after a power cut it may be there."""

    def __init__(self, reason: OSError, *, renamed: bool) -> None:
        super().__init__(in_words(reason))
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
        sync_folder(path.parent, disk)
    except OSError:
        disk.close(fd)
        raise


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED)


def _write_all(disk: Disk, fd: int, content: bytes, offset: int) -> None:
    rest = memoryview(content)
    while rest:
        written = disk.pwrite(fd, rest, offset)
        rest, offset = rest[written:], offset + written
