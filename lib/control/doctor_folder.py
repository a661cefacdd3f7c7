"""Looks at the ctx folder as a start would, and leaves nothing behind in it.

It is written to through a file without a name, so neither a crash of the doctor nor a runner at
work beside it finds anything.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lib.control.ctx_folder import LOCK, installation_of, read_pages, runner_at_work
from lib.control.doctor_findings import Finding
from lib.control.exits import Exit
from lib.control.service_unit import UNIT
from lib.disk import NAMELESS, REAL_DISK, in_words
from lib.ownership.others_page import read_others

SUBJECT: Final = "ctx folder"
IN_MEMORY: Final = frozenset({"tmpfs", "ramfs", "rootfs"})
FREE_MIN: Final = 64 << 20
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_NAMELESS: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT})


def examine_folder(folder: Path, *, play_money: bool) -> Iterator[Finding]:
    """Say where it lies, whether it can be written, and what is in it."""
    if not folder.is_dir():
        yield from _absent(folder)
        return
    yield _place(folder, play_money=play_money)
    yield _writing(folder)
    yield from _rights(folder)
    yield from _runner(folder)
    yield from _contexts(folder)


def _absent(folder: Path) -> Iterator[Finding]:
    parent = folder.resolve().parent
    if os.access(parent, os.W_OK):
        yield Finding(SUBJECT, f"{folder} is not there yet: the first start makes it")
    else:
        words = f"{folder} is not there and cannot be made"
        cure = f"mkdir -p {folder}, as a user who may, and chown it to this one"
        yield Finding(SUBJECT, words, cure, Exit.NOTHING_STARTS)


def _place(folder: Path, *, play_money: bool) -> Finding:
    kind = REAL_DISK.file_system(folder).kind
    if kind == NAMELESS:
        words = f"{folder} lies on {kind}, which the next container does not get"
        return Finding(SUBJECT, words, "mount a volume with a name there", Exit.ATTENTION)
    if kind not in IN_MEMORY:
        return Finding(SUBJECT, f"{folder} lies on {kind}")
    words = f"{folder} lies in memory ({kind}) and is lost at every power cut"
    cure = "take a folder on a disk: --ctx FOLDER; in a container, mount a volume there"
    return Finding(SUBJECT, words, cure, Exit.ATTENTION if play_money else Exit.NOTHING_STARTS)


def _writing(folder: Path) -> Finding:
    try:
        _write_nameless(folder)
    except OSError as wrong:
        return _unwritable(folder, wrong)
    free = REAL_DISK.file_system(folder).free_bytes
    if free < FREE_MIN:
        words = f"{free >> 20} MiB are left on the disk of {folder}"
        return Finding("disk", words, _room(folder), Exit.ATTENTION)
    return Finding("disk", f"{folder} can be written, {free >> 20} MiB free")


def _write_nameless(folder: Path) -> None:
    try:
        fd = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as wrong:
        if wrong.errno in NO_NAMELESS and not os.statvfs(folder).f_flag & os.ST_RDONLY:
            return  # a file system without such files
        raise
    try:
        if os.write(fd, bytes(4096)) < 4096:
            raise OSError(errno.ENOSPC, "a write fell short")
        os.fsync(fd)
    finally:
        os.close(fd)


def _unwritable(folder: Path, wrong: OSError) -> Finding:
    if wrong.errno in FULL:
        words = f"the disk of {folder} is full: known bots go on, no new one can begin"
        return Finding("disk", words, _room(folder), Exit.ATTENTION)
    if wrong.errno == errno.EROFS:
        words = f"{folder} can be read only"
        cure = f"mount it writable (`findmnt -T {folder}`, `dmesg`: a failing card turns read only)"
        return Finding("disk", words, cure, Exit.NOTHING_STARTS)
    words = f"{folder} cannot be written: {in_words(wrong)}"
    cure = f"give it to this user: chown -R {os.geteuid()} {folder}"
    return Finding("disk", words, cure, Exit.NOTHING_STARTS)


def _room(folder: Path) -> str:
    return (
        f"make room: `df -h {folder}`, `du -xh / | sort -h | tail`, `journalctl --vacuum-size=50M`"
    )


def _rights(folder: Path) -> Iterator[Finding]:
    about = folder.stat()
    if about.st_uid != os.geteuid():
        words = f"{folder} belongs to user {about.st_uid}, this is user {os.geteuid()}"
        cure = f"run as that user, or chown -R {os.geteuid()} {folder}"
        yield Finding("rights", words, cure, Exit.NOTHING_STARTS)
    elif stat.S_IMODE(about.st_mode) & 0o077:
        words = f"others than its owner get into {folder}"
        yield Finding("rights", words, f"chmod 700 {folder}", Exit.ATTENTION)
    else:
        yield Finding("rights", f"{folder} is its owner's alone")


def _runner(folder: Path) -> Iterator[Finding]:
    if not runner_at_work(folder):
        yield Finding("runner", f"none is at work on {folder}")
    else:
        yield _at_work(folder, lock_holder(folder))
    for other in read_others(folder):
        if other.at_work:
            words = f"another one (installation {other.installation}) trades on the same account"
            cure = "end it, or give it an account of its own: README, other_runner"
            yield Finding("runner", words, cure, Exit.ATTENTION)


def _at_work(folder: Path, pid: int) -> Finding:
    if pid and _is_service(pid):
        return Finding("runner", f"the service is at work on {folder}, process {pid}")
    named = f", process {pid}" if pid else ""
    words = f"one is at work on {folder}{named}; a second one is refused"
    cure = f"to start anew end it first{f': kill {pid}' if pid else ''}; nothing is lost by that"
    return Finding("runner", words, cure, Exit.BUSY)


def lock_holder(folder: Path) -> int:
    """Answer the process that holds the folder's lock, 0 where the system does not tell."""
    try:
        inode = (folder / LOCK).stat().st_ino
        locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    for words in (line.split() for line in locks):
        if words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode):
            return int(words[4])
    return 0


def _is_service(pid: int) -> bool:
    """Say whether a process is the service's, or the one that its container is there for."""
    try:
        return pid == 1 or UNIT in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return False


def _contexts(folder: Path) -> Iterator[Finding]:
    whole = 0
    for page in read_pages(folder, installation_of(folder)):
        if not page.problem:
            whole += 1
            continue
        cure = (
            f"put back a copy of its file if you have one of today; else look at the exchange for "
            f"open orders of {page.name}, cancel them, and run `afresh {page.name}`"
        )
        yield Finding(f"context {page.name}", page.problem, cure, Exit.ATTENTION)
    yield Finding("contexts", f"{whole} are whole")
