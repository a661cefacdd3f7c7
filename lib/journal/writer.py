"""Who writes the order journal down: one thread behind a bounded queue.

The bots' side only appends to a list. A disk that is full, broken or slow keeps the thread
waiting and nobody else; once the queue is full, what comes is counted instead of kept, and the
gap becomes a row when the disk takes rows again. The person is told once when it begins and once
when it is over. The thread ends with the process, in the middle of whatever it does.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from lib.errors import Unavailable
from lib.journal.backups import Keeper, Retention, Unreadable
from lib.journal.file import JournalFile, is_corrupt
from lib.journal.rows import Entry, Happening, Row, row_of

LIMIT: Final = 8_192  # entries that may wait
GATHER: Final = 0.05  # seconds in which entries come together to one transaction
GLANCE: Final = 60.0  # seconds between two looks whether a copy is due
BREATH: Final = 0.01  # seconds between two steps of a copy
PAUSES: Final = (1.0, 5.0, 30.0)  # before another try; the last one for ever


@dataclass(frozen=True, slots=True)
class Gap:
    """What could not be kept: how many, from when to when in exchange ms, and why."""

    lost: int
    since: int
    until: int
    why: str


@dataclass(slots=True)
class _Load:
    """What is on its way to the file."""

    rows: list[Row] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)
    gap: Gap | None = None


class JournalWriter:
    """Owns the queue, the thread, and the file."""

    def __init__(
        self,
        file: JournalFile,
        *,
        tell: Callable[[str], object],
        now: Callable[[], int],
        redact: Callable[[str], str],
        retention: Retention | None = None,
        limit: int = LIMIT,
    ) -> None:
        self.file = file
        self.lost = 0  # in this life
        self.on_recovered: Callable[[], object] = lambda: None  # called in the writer's thread
        self._tell_all = tell
        self._now = now
        self._redact = redact
        self._keeper = Keeper(retention or Retention(), self._tell)
        self._limit = limit
        self._lock = threading.Lock()  # held for an append or a swap, never during a write
        self._wake = threading.Event()
        self._waiting: list[Entry] = []
        self._facts: dict[str, int] = {}
        self._gap: Gap | None = None
        self._load = _Load()
        self._failures = 0

    # --- from the bots' side: never waits for the disk

    def offer(self, entry: Entry) -> None:
        """Take an entry, or count it as lost."""
        with self._lock:
            if self.backlog < self._limit:
                self._waiting.append(entry)
            else:
                self._count(entry.at, "the disk did not take them in time")
        if not self._wake.is_set():
            self._wake.set()

    def lose(self, at: int, why: str) -> None:
        """Count a note that could not be made."""
        with self._lock:
            self._count(at, why)
        self._wake.set()

    def _count(self, at: int, why: str) -> None:
        self.lost += 1
        self._gap = _joined(self._gap, Gap(1, at, at, why))

    def remember(self, name: str, value: int) -> None:
        """Keep a fact in the file, once all that was offered before is in it."""
        with self._lock:
            self._facts[name] = value
        self._wake.set()

    @property
    def backlog(self) -> int:
        """Count the entries that are not in the file yet."""
        return len(self._waiting) + len(self._load.rows)

    @property
    def idle(self) -> bool:
        """Say whether all that was offered is in the file, gaps too."""
        load = self._load
        return not (self.backlog or self._facts or load.facts or self._gap or load.gap)

    @property
    def crowded(self) -> bool:
        """Say whether who can wait should."""
        return 2 * self.backlog > self._limit

    def start(self) -> None:
        """Begin to write."""
        threading.Thread(target=self._run, name="order journal", daemon=True).start()

    # --- in the thread

    def _run(self) -> None:
        while True:
            self._wake.wait(GLANCE)
            self._wake.clear()
            time.sleep(GATHER)
            self.turn()
            if self._failures:
                time.sleep(PAUSES[min(self._failures, len(PAUSES)) - 1])
                self._wake.set()

    def turn(self) -> None:
        """Write what waits, then do what else is due. Tells of trouble, raises none."""
        try:
            self.file.look()
            self.write()
            self._keep_house()
        except Exception as wrong:  # noqa: BLE001 - whatever it is, trading goes on without it
            self._fail(wrong)

    def write(self) -> None:
        """Write what waits in one transaction. Raises what the disk raises; all waits on then."""
        self._take()
        load = self._load
        if not load.rows and not load.facts and load.gap is None:
            return
        gap = [] if load.gap is None else [row_of(self._entry_of(load.gap), self._redact)]
        self.file.append([*load.rows, *gap], load.facts)
        self._load = _Load()
        self._succeed(load.gap)

    def _take(self) -> None:
        """Make rows of what waits. One that cannot be written does not keep the others."""
        with self._lock:
            taken, self._waiting = self._waiting, []
            facts, self._facts = self._facts, {}
            gap, self._gap = self._gap, None
        load = self._load
        load.facts |= facts
        load.gap = _joined(load.gap, gap)
        for entry in taken:
            try:
                load.rows.append(row_of(entry, self._redact))
            except Exception as wrong:  # noqa: BLE001 - one bot's amounts, whatever they are
                self.lose(entry.at, f"{type(wrong).__name__}: {wrong}")

    def _entry_of(self, gap: Gap) -> Entry:
        why = f"{gap.lost} rows were lost: {gap.why}"
        wall_ms = time.time_ns() // 1_000_000
        return Entry(Happening.GAP, gap.since, wall_ms, reason=why, lost=gap.lost, until=gap.until)

    def _keep_house(self) -> None:
        try:
            now = self._now()
        except Unavailable:  # nobody has told us the time yet
            return
        self._keeper.keep(self.file, now, self._between)

    def _between(self) -> None:
        self.write()
        time.sleep(BREATH)

    # --- trouble, told once

    def _tell(self, text: str) -> None:
        self._tell_all(self._redact(text))

    def _succeed(self, gap: Gap | None) -> None:
        lost = f"; {gap.lost} rows were lost meanwhile ({gap.why})" if gap else ""
        if self._failures:
            self._tell(f"the order journal is written again{lost}")
        elif gap is not None:
            self._tell(f"the order journal has a gap{lost}")
        if self._failures or gap is not None:
            self._failures = 0
            self.on_recovered()

    def _fail(self, wrong: Exception) -> None:
        try:
            if is_corrupt(wrong) or isinstance(wrong, Unreadable):
                self._begin_anew(wrong)
                return
        except OSError as second:
            wrong = second
        self.file.close()
        self._failures += 1
        if self._failures == 1:
            self._tell(
                f"the order journal {self.file.path} cannot be written: {wrong}; "
                "trading goes on without it, and it is tried again"
            )

    def _begin_anew(self, wrong: Exception) -> None:
        aside = self.file.set_aside()
        self._tell(
            f"the order journal was damaged ({wrong}): it is kept as {aside}, a new one begins, "
            "and what contexts and exchange still know is learned again"
        )
        self._wake.set()
        self.on_recovered()


def _joined(one: Gap | None, other: Gap | None) -> Gap | None:
    if one is None or other is None:
        return one or other
    since, until = min(one.since, other.since), max(one.until, other.until)
    return Gap(one.lost + other.lost, since, until, one.why)
