"""The file of market data: SQLite, write-ahead, read by any tool while it is written.

A commit is not flushed (synchronous=NORMAL): a power cut can take the last ones, and with the rows
goes the word that they were there; it is asked for again. One program writes at a time; the lock
lies beside the file and dies with its process.
"""

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from lib.errors import Halt

FORMAT: Final = 1
LOCK_ENDS: Final = ".lock"
BUSY_SECONDS: Final = 10

TABLES: Final = (
    """CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE series (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, symbol TEXT NOT NULL,
    interval TEXT NOT NULL, since INTEGER, first INTEGER,
    UNIQUE (kind, symbol, interval)) STRICT""",
    """CREATE TABLE spans (series INTEGER NOT NULL, begins INTEGER NOT NULL,
    ends INTEGER NOT NULL, PRIMARY KEY (series, begins)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE outages (series INTEGER NOT NULL, begins INTEGER NOT NULL,
    ends INTEGER NOT NULL, asked_at INTEGER NOT NULL,
    PRIMARY KEY (series, begins)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE candles (series INTEGER NOT NULL, open_time INTEGER NOT NULL,
    open ANY NOT NULL, high ANY NOT NULL, low ANY NOT NULL, close ANY NOT NULL,
    volume ANY NOT NULL, quote ANY NOT NULL, trades INTEGER NOT NULL,
    taker_volume ANY NOT NULL, taker_quote ANY NOT NULL,
    PRIMARY KEY (series, open_time)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE trades (series INTEGER NOT NULL, id INTEGER NOT NULL,
    price ANY NOT NULL, quantity ANY NOT NULL, first_id INTEGER NOT NULL,
    trades INTEGER NOT NULL, time INTEGER NOT NULL, buyer_is_maker INTEGER NOT NULL,
    PRIMARY KEY (series, id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE depth (series INTEGER NOT NULL, number INTEGER NOT NULL,
    begins INTEGER NOT NULL, ends INTEGER NOT NULL, lines INTEGER NOT NULL,
    content BLOB NOT NULL, PRIMARY KEY (series, number)) STRICT""",
    "CREATE INDEX depth_by_time ON depth (series, ends)",
    f"PRAGMA user_version = {FORMAT}",
)


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file, or make it. The lock must be had. Raises Halt."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    except (OSError, sqlite3.Error) as wrong:
        raise Halt(f"{path} cannot be opened: {wrong}") from wrong
    try:
        _check_format(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _build(connection)
    except sqlite3.Error as wrong:
        connection.close()
        raise Halt(f"{path} cannot be written: {wrong}") from wrong
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the file to be read alone. Raises Halt if it is none."""
    if not path.is_file():
        raise Halt(f"there is no file {path}: `collect` or `data import` makes one")
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)
    except sqlite3.Error as wrong:
        raise Halt(f"{path} cannot be opened: {wrong}") from wrong
    try:
        if _check_format(connection, path) == FORMAT:
            return connection
    except sqlite3.Error as wrong:
        connection.close()
        raise Halt(f"{path} cannot be read: {wrong}") from wrong
    except BaseException:
        connection.close()
        raise
    connection.close()
    raise Halt(f"{path} holds no market data")


class WriterLock:
    """Held by the one program that writes to a file."""

    def __init__(self, path: Path) -> None:
        """Take it. Raises Halt if somebody has it."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._held = os.open(f"{path}{LOCK_ENDS}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as wrong:
            raise Halt(f"{path} cannot be opened: {wrong.strerror}") from wrong
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as wrong:
            os.close(self._held)
            raise Halt(f"{path} is being written by another `collect` or `data import`") from wrong

    def release(self) -> None:
        os.close(self._held)


def _check_format(connection: sqlite3.Connection, path: Path) -> int:
    with closing(connection.execute("PRAGMA user_version")) as found:
        (version,) = found.fetchone()
    if version > FORMAT:
        raise Halt(f"{path} was written by a later version of this program")
    if version == 0 and _tables(connection):
        raise Halt(f"{path} is a database of another program")
    return int(version)


def _tables(connection: sqlite3.Connection) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table')"
    with closing(connection.execute(query)) as found:
        return bool(found.fetchone()[0])


def _build(connection: sqlite3.Connection) -> None:
    """Make the tables of a new file: all of them or none."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for statement in TABLES if version == 0 else ():
            connection.execute(statement)
