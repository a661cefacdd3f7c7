"""Copies of the order journal, made while it is written: `orders.20261121T040000Z.sqlite`.

A copy is made in steps, between which rows that wait are written; it appears under its name once
it is whole, readable and on disk.
"""

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lib.journal.file import JournalFile, make_private

DAY: Final = 86_400_000
TRY_AGAIN: Final = 3_600_000
PAGES_AT_ONCE: Final = 64
STAMP: Final = "%Y%m%dT%H%M%SZ"
UNFINISHED: Final = ".unfinished"


class Unreadable(Exception):
    """A copy that holds what cannot be read: the journal itself is damaged."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How often copies are made, how many stay, and which rows may go. Times are ms."""

    every: int = DAY
    kept: int = 14
    rows_kept: int | None = None  # None: no row is ever dropped


class Keeper:
    """Makes copies when they are due, and drops what is old enough once it is in one."""

    def __init__(self, retention: Retention, tell: Callable[[str], object]) -> None:
        self._retention = retention
        self._tell = tell
        self._troubled = False
        self._not_before = 0

    def keep(self, file: JournalFile, now: int, between: Callable[[], object]) -> None:
        """Do what is due. Raises Unreadable for a damaged journal; other trouble is told once."""
        if now < self._not_before or not self._is_due(file, now):
            return
        self._not_before = now + TRY_AGAIN
        try:
            back_up(file.opened(), file.path, now, between)
            rotate(file.path, self._retention.kept)
            self._drop(file, now, between)
        except (OSError, sqlite3.Error) as wrong:
            if not self._troubled:
                self._tell(f"the order journal could not be copied: {wrong}; trying every hour")
            self._troubled = True
            return
        if self._troubled:
            self._tell("the order journal is copied again")
        self._troubled = False

    def _is_due(self, file: JournalFile, now: int) -> bool:
        """Say whether the newest copy, or without one the oldest row, is old enough.

        A copy of the future, made while the time was wrong, counts as none.
        """
        past = [made for made, _ in backups(file.path) if made <= now]
        since = past[-1] if past else file.oldest()
        return since is not None and now - since >= self._retention.every

    def _drop(self, file: JournalFile, now: int, between: Callable[[], object]) -> None:
        if self._retention.rows_kept is not None:
            while file.drop_older(now - self._retention.rows_kept):
                between()


def backups(journal: Path) -> list[tuple[int, Path]]:
    """Answer the copies there are, oldest first, each with the exchange ms of its making."""
    name = re.compile(rf"{re.escape(journal.stem)}\.(\d{{8}}T\d{{6}}Z){re.escape(journal.suffix)}")
    found = []
    for path in journal.parent.iterdir() if journal.parent.is_dir() else ():
        match = name.fullmatch(path.name)
        if match:
            made = datetime.strptime(match[1], STAMP).replace(tzinfo=UTC)
            found.append((int(made.timestamp()) * 1000, path))
    return sorted(found)


def back_up(
    connection: sqlite3.Connection, journal: Path, now: int, between: Callable[[], object]
) -> Path:
    """Copy the whole journal. Raises sqlite3.Error, OSError, or Unreadable."""
    stamp = f"{datetime.fromtimestamp(now // 1000, UTC):{STAMP}}"
    path = journal.with_name(f"{journal.stem}.{stamp}{journal.suffix}")
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.unlink(missing_ok=True)
    make_private(unfinished)
    try:
        with closing(sqlite3.connect(unfinished)) as copy:
            connection.backup(copy, pages=PAGES_AT_ONCE, progress=lambda *_: between(), sleep=0)
            _check(copy, journal)
        _flush(unfinished)
        unfinished.rename(path)
        _flush(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def rotate(journal: Path, kept: int) -> None:
    """Remove all copies but the newest."""
    for _, path in backups(journal)[: -max(kept, 1)]:
        path.unlink(missing_ok=True)


def _check(copy: sqlite3.Connection, journal: Path) -> None:
    copy.execute("PRAGMA journal_mode = DELETE")
    (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Unreadable(f"{journal} is damaged: {verdict}")


def _flush(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
