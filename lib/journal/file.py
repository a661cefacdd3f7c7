"""The file of the order journal: SQLite, write-ahead, readable by any tool while it is written.

Nothing of the trading depends on it, so a commit is not flushed (synchronous=NORMAL): a power cut
can take the last ones, never tear the file, and what was lost is learned again. Belongs to one
thread at a time.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lib.journal.rows import COLUMNS, Row, values

FORMAT: Final = 2
BUSY_SECONDS: Final = 2
CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
COMPANIONS: Final = ("", "-wal", "-shm")
DROPPED_AT_ONCE: Final = 500  # rows, so that those that wait are not kept waiting
FREED_AT_ONCE: Final = 200  # pages

COLUMNS_OF_2: Final = {
    "amend_id": "TEXT NOT NULL DEFAULT ''",
    "amend_quantity": "TEXT",
    "amended_quantity": "TEXT",
}

TABLES: Final = (
    """CREATE TABLE journal (
    number INTEGER PRIMARY KEY,
    event TEXT NOT NULL, at INTEGER NOT NULL, local_time TEXT NOT NULL, learned INTEGER NOT NULL,
    bot TEXT NOT NULL, algorithm TEXT NOT NULL, timeframe TEXT NOT NULL,
    venue TEXT NOT NULL, account TEXT NOT NULL,
    reason TEXT NOT NULL, comment TEXT NOT NULL,
    state_before TEXT NOT NULL, state_after TEXT NOT NULL,
    lost INTEGER, until INTEGER,
    symbol TEXT NOT NULL, base_asset TEXT NOT NULL, quote_asset TEXT NOT NULL,
    client_order_id TEXT NOT NULL, order_id INTEGER, list_id TEXT NOT NULL,
    cancel_id TEXT NOT NULL, trade_id INTEGER,
    side TEXT NOT NULL, type TEXT NOT NULL, time_in_force TEXT NOT NULL,
    quantity TEXT, quote_quantity TEXT, price TEXT, stop_price TEXT,
    executed TEXT, executed_quote TEXT, average_price TEXT, status TEXT NOT NULL,
    fill_quantity TEXT, fill_price TEXT, fill_quote TEXT, fee TEXT, fee_asset TEXT NOT NULL,
    key TEXT UNIQUE) STRICT""",
    "CREATE INDEX journal_by_order ON journal (client_order_id)",
    "CREATE INDEX journal_by_time ON journal (at)",
    "CREATE INDEX fills_by_time ON journal (at) WHERE event = 'fill'",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
)

UPGRADE_TO_2: Final = (
    *(f"ALTER TABLE journal ADD COLUMN {name} {kind}" for name, kind in COLUMNS_OF_2.items()),
    "CREATE INDEX journal_by_list ON journal (list_id) WHERE list_id <> ''",
)

VIEWS: Final = {
    # Each order as it stands: its result, else an end that was told, else the last that was noted.
    "orders": """SELECT *, max(number + 1000000000000000 * (2 * (event = 'result')
    + (state_after IN ('filled', 'canceled', 'expired', 'rejected', 'abandoned', 'lost'))
    - (learned AND event IN ('intent', 'cancel intent', 'amend intent', 'amend settled')))) AS rank
FROM journal WHERE event NOT IN ('fill', 'gap')
GROUP BY CASE client_order_id WHEN '' THEN key ELSE client_order_id END""",
    "fills": "SELECT * FROM journal WHERE event = 'fill'",
    # One line per order under the names that order logs usually have.
    "order_log": """SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch') AS date,
    venue AS exchange, 'spot' AS market_type,
    base_asset || '/' || quote_asset AS symbol, lower(side) AS side,
    lower(type) AS order_type, coalesce(quantity, '') AS quantity, price,
    0 AS reduceOnly, stop_price AS stopPrice,
    CASE state_after WHEN 'filled' THEN 'filled' ELSE 'unfilled' END AS state,
    comment, algorithm, timeframe
FROM orders""",
}

INSERT: Final = (
    f"INSERT INTO journal ({', '.join(COLUMNS)}) "  # noqa: S608 - names of our own
    f"VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT (key) DO NOTHING"
)


class LaterJournal(Exception):
    """A journal that a later version of this program wrote. It stays untouched."""


class JournalFile:
    """Opened at the first row, and again after each failure."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    def append(self, rows: Iterable[Row], facts: Mapping[str, int] | None = None) -> None:
        """Add rows in one transaction; those whose key is known are left out.

        Raises sqlite3.Error, OSError or LaterJournal; then nothing was added.
        """
        connection = self.opened()
        with connection:
            connection.executemany(INSERT, map(values, rows))
            connection.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)", (facts or {}).items()
            )

    def look(self) -> None:
        """Let go of a file that somebody moved or removed: rows would vanish with it."""
        if self._connection is not None and self._inode != _inode(self.path):
            self.close()

    def opened(self) -> sqlite3.Connection:
        """Answer the connection. Raises sqlite3.Error, OSError or LaterJournal."""
        if self._connection is None:
            self._connection = self._open()
            self._inode = _inode(self.path)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(self.path)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, check_same_thread=False)
        try:
            self._check_format(connection)
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._build(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_format(self, connection: sqlite3.Connection) -> None:
        if format_of(connection) > FORMAT:
            raise LaterJournal(f"{self.path} was written by a later version of this program")

    def _build(self, connection: sqlite3.Connection) -> None:
        """Make a new file, or a file of this format from an older one: wholly or not at all."""
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            self._check_format(connection)  # another runner may have come first
            found = format_of(connection)
            for statement in _steps_from(found) if found < FORMAT else ():
                connection.execute(statement)

    def close(self) -> None:
        """Let go of the file; the next row opens it again."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def set_aside(self) -> Path:
        """Move a file that cannot be read out of the way; answer where it is."""
        self.close()
        stamp = f"{datetime.fromtimestamp(self._written_at(), UTC):%Y%m%dT%H%M%SZ}"
        aside = self.path.with_name(f"{self.path.name}.corrupt-{stamp}")
        turn = 0
        while aside.exists():
            turn += 1
            aside = self.path.with_name(f"{self.path.name}.corrupt-{stamp}-{turn}")
        for companion in COMPANIONS:
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + companion).rename(f"{aside}{companion}")
        return aside

    def _written_at(self) -> int:
        return int(self.path.stat().st_mtime)

    # --- what grows old

    def oldest(self) -> int | None:
        """Answer the exchange ms of the oldest row there is."""
        query = "SELECT min(at) FROM journal WHERE at > 0"
        (at,) = self.opened().execute(query).fetchone()
        return at if isinstance(at, int) else None

    def drop_older(self, at: int) -> bool:
        """Remove some rows older than an exchange time; say whether there may be more."""
        connection = self.opened()
        with connection:
            dropped = connection.execute(
                "DELETE FROM journal WHERE number IN (SELECT number FROM journal WHERE at < ? "
                "ORDER BY at LIMIT ?)",
                (at, DROPPED_AT_ONCE),
            ).rowcount
        connection.execute(f"PRAGMA incremental_vacuum({FREED_AT_ONCE})").fetchall()
        return dropped == DROPPED_AT_ONCE


def format_of(connection: sqlite3.Connection) -> int:
    """Answer the format a file was written in; 0 for one that holds nothing yet."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def _steps_from(found: int) -> Iterator[str]:
    """Answer what makes a file of this format: rows stay, views are made anew."""
    if not found:
        yield from TABLES
    yield from UPGRADE_TO_2
    for name, query in VIEWS.items():
        yield f"DROP VIEW IF EXISTS {name}"
        yield f"CREATE VIEW {name} AS {query}"
    yield f"PRAGMA user_version = {FORMAT}"


def is_corrupt(wrong: Exception) -> bool:
    """Say whether a file cannot be read, which waiting does not mend."""
    return getattr(wrong, "sqlite_errorcode", 0) & 0xFF in CORRUPT


def make_private(path: Path) -> None:
    """Make a file that only its owner may read, or make an older one so."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(fd, 0o600)
    finally:
        os.close(fd)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
