"""The journal's writer never keeps trading waiting, and says what it could not keep."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from lib.exchange import Fill
from lib.journal.backups import DAY, Retention, backups
from lib.journal.completion import read_only
from lib.journal.file import COLUMNS_OF_2, COMPANIONS, FORMAT, VIEWS, JournalFile
from lib.journal.rows import Entry, Happening, Place, Row
from lib.journal.writer import GATHER, JournalWriter
from lib.orders import OrderState
from tests.control.folder import order

NOW = int(datetime(2026, 11, 21, 4, tzinfo=UTC).timestamp()) * 1000


_files: list[JournalFile] = []


@pytest.fixture(autouse=True)
def closing_time() -> Iterator[None]:
    yield
    while _files:
        _files.pop().close()


class Scene:
    """A writer whose turns the test takes; what it tells is kept."""

    def __init__(
        self,
        path: Path,
        *,
        file: JournalFile | None = None,
        retention: Retention | None = None,
        limit: int = 1_000,
    ) -> None:
        self.now = NOW
        self.said: list[str] = []
        self.recovered = 0
        self.writer = JournalWriter(
            file or JournalFile(path),
            tell=self.said.append,
            now=lambda: self.now,
            redact=lambda text: text.replace("hunter2", "<redacted>"),
            retention=retention,
            limit=limit,
        )
        self.writer.on_recovered = self.recover
        _files.append(self.writer.file)

    def recover(self) -> None:
        self.recovered += 1

    def offer(self, *trade_ids: int, at: int | None = None) -> None:
        for trade_id in trade_ids:
            self.writer.offer(entry(trade_id, at or self.now))

    def turn(self, *trade_ids: int, at: int | None = None) -> None:
        self.offer(*trade_ids, at=at)
        self.writer.turn()


def entry(trade_id: int, at: int = NOW, quantity: str = "0.01") -> Entry:
    fill = Fill(
        trade_id=trade_id,
        price=Decimal(60_000),
        quantity=Decimal(quantity),
        quote=Decimal(600),
        commission=Decimal("0.6"),
        commission_asset="USDT",
        time=at,
    )
    bought = order(OrderState.FILLED, executed=Decimal("0.01"), executed_quote=Decimal(600))
    return Entry(Happening.FILL, at, at, Place("paper", "7"), order=bought, fill=fill)


class FullDisk(JournalFile):
    """A journal on a disk that is full, until it has room again."""

    full = True

    def append(self, rows: list[Row], facts: Mapping[str, int] | None = None) -> None:  # type: ignore[override]
        pages = 1 if self.full else 1 << 30
        self.opened().execute(f"PRAGMA max_page_count = {pages}")
        super().append(rows, facts)


def trades(path: Path) -> list[int]:
    with closing(read_only(path)) as connection:
        found = connection.execute("SELECT trade_id FROM fills ORDER BY number")
        return [trade_id for (trade_id,) in found]


def gaps(path: Path) -> list[tuple[int, str]]:
    with closing(read_only(path)) as connection:
        return list(connection.execute("SELECT lost, reason FROM journal WHERE event = 'gap'"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "orders.sqlite"


# --- what is kept


def test_what_was_offered_is_in_the_file_once_and_in_order(path: Path) -> None:
    scene = Scene(path)

    scene.turn(3, 1, 2)
    scene.turn(1, 4)

    assert trades(path) == [3, 1, 2, 4]
    assert scene.said == []
    assert scene.writer.idle


def test_folder_and_files_are_for_their_owner_alone(path: Path) -> None:
    scene = Scene(path, retention=Retention(every=DAY))
    scene.turn(1, at=NOW - 2 * DAY)

    assert path.parent.stat().st_mode & 0o777 == 0o700
    left = [each for each in path.parent.iterdir() if not each.name.endswith("-shm")]
    assert len(left) >= 2
    assert {each.stat().st_mode & 0o777 for each in left} == {0o600}


def test_an_older_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    path.chmod(0o644)

    Scene(path).turn(1)

    assert path.stat().st_mode & 0o777 == 0o600


def test_somebody_who_reads_for_long_keeps_nobody_waiting(path: Path) -> None:
    scene = Scene(path)
    scene.turn(1)
    reading = read_only(path)
    reading.execute("BEGIN")
    assert reading.execute("SELECT count(*) FROM fills").fetchone() == (1,)

    began = time.monotonic()
    scene.turn(2)

    assert time.monotonic() - began < 1
    assert reading.execute("SELECT count(*) FROM fills").fetchone() == (1,)
    reading.close()
    assert trades(path) == [1, 2]


@pytest.mark.slow
def test_the_thread_writes_what_it_is_offered_within_a_second(path: Path) -> None:
    scene = Scene(path)
    scene.writer.start()

    scene.offer(1, 2)

    deadline = time.monotonic() + 10
    while not scene.writer.idle and time.monotonic() < deadline:
        time.sleep(GATHER)
    assert trades(path) == [1, 2]


def test_a_disk_that_hangs_keeps_no_bot_waiting(path: Path) -> None:
    hanging, entered = threading.Event(), threading.Event()

    class HangingDisk(JournalFile):
        def append(self, rows: list[Row], facts: Mapping[str, int] | None = None) -> None:  # type: ignore[override]
            entered.set()
            hanging.wait(10)
            super().append(rows, facts)

    scene = Scene(path, file=HangingDisk(path), limit=50)
    scene.offer(0)

    def take_turns() -> None:
        scene.writer.turn()
        scene.writer.turn()

    thread = threading.Thread(target=take_turns)
    thread.start()
    entered.wait(10)

    began = time.monotonic()
    scene.offer(*range(1, 100))
    took = time.monotonic() - began

    hanging.set()
    thread.join()
    assert took < 0.2
    assert trades(path) == list(range(50))
    assert [lost for lost, _ in gaps(path)] == [50]


# --- what is not


def test_a_full_disk_is_told_once_and_once_more_when_it_has_room(path: Path) -> None:
    disk = FullDisk(path)
    scene = Scene(path, file=disk)

    for trade_id in range(0, 200, 40):
        scene.turn(*range(trade_id, trade_id + 40))
    assert len(scene.said) == 1
    assert trades(path) == []
    disk.full = False
    scene.turn(200)
    scene.turn(201)

    assert "cannot be written: database or disk is full" in scene.said[0]
    assert scene.said[1:] == ["the order journal is written again"]
    assert trades(path) == list(range(202))
    assert gaps(path) == []


def test_rows_that_a_full_disk_cost_are_counted_and_the_gap_is_a_row(path: Path) -> None:
    disk = FullDisk(path)
    scene = Scene(path, file=disk, limit=40)

    for trade_id in range(0, 100, 10):
        scene.turn(*range(trade_id, trade_id + 10))
    lost = 100 - 40 - len(trades(path))
    disk.full = False
    scene.turn()

    assert lost > 30
    assert len(trades(path)) == 100 - lost
    assert gaps(path) == [(lost, f"{lost} rows were lost: the disk did not take them in time")]
    assert f"{lost} rows were lost" in scene.said[-1]
    assert scene.recovered == 1


def test_one_entry_that_cannot_be_written_keeps_no_other(path: Path) -> None:
    scene = Scene(path)
    scene.offer(1)
    broken = entry(2)
    assert broken.fill is not None
    scene.writer.offer(
        broken._replace(fill=broken.fill.model_copy(update={"price": Decimal("NaN")}))
    )

    scene.turn(3)
    scene.turn()

    assert trades(path) == [1, 3]
    assert gaps(path) == [(1, "1 rows were lost: ValueError: NaN is not an amount")]


def test_a_folder_that_cannot_be_made_is_told_and_tried_again(tmp_path: Path) -> None:
    obstacle = tmp_path / "journal"
    obstacle.touch()
    scene = Scene(obstacle / "orders.sqlite")

    scene.turn(1)
    obstacle.unlink()
    scene.turn(2)

    assert "cannot be written" in scene.said[0]
    assert scene.said[1:] == ["the order journal is written again"]
    assert trades(obstacle / "orders.sqlite") == [1, 2]


def test_no_secret_is_told_with_what_went_wrong(tmp_path: Path) -> None:
    obstacle = tmp_path / "hunter2"
    obstacle.touch()
    scene = Scene(obstacle / "orders.sqlite")

    scene.turn(1)

    assert "<redacted>" in scene.said[0]
    assert "hunter2" not in scene.said[0]


@pytest.mark.parametrize("content", [b"not a database" * 1000, b"\x00" * 10_000])
def test_a_file_that_is_none_is_set_aside_and_a_new_one_begun(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    scene = Scene(path)

    scene.turn(1, 2)
    scene.turn()

    (aside,) = path.parent.glob("orders.sqlite.corrupt-20*Z")
    assert aside.read_bytes() == content
    assert trades(path) == [1, 2]
    assert len(scene.said) == 1
    assert aside.name in scene.said[0]
    assert scene.recovered == 1


def test_a_page_that_rots_is_found_by_the_next_copy(path: Path) -> None:
    first = Scene(path)
    first.turn(*range(300), at=NOW - 2 * DAY)
    first.writer.file.close()
    for copy in backups(path):
        copy[1].unlink()
    content = bytearray(path.read_bytes())
    content[8_192 : len(content) - 4_096 : 512] = b"\xff" * len(
        content[8_192 : len(content) - 4_096 : 512]
    )
    path.write_bytes(content)
    scene = Scene(path)

    for trade_id in range(3):
        scene.turn(1_000 + trade_id)

    assert list(path.parent.glob("orders.sqlite.corrupt-*"))
    assert "damaged" in scene.said[0]
    assert trades(path)[-1] == 1_002
    assert not list(path.parent.glob("*.unfinished"))


def test_a_journal_of_a_later_version_stays_untouched(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as later:
        later.execute(f"PRAGMA user_version = {FORMAT + 1}")
    before = path.read_bytes()
    scene = Scene(path)

    scene.turn(1)

    assert "later version" in scene.said[0]
    assert path.read_bytes() == before


def as_format_1(path: Path) -> None:
    """Make of a journal what the version before lists and amends had written."""
    with closing(sqlite3.connect(path)) as older:
        for view in VIEWS:
            older.execute(f"DROP VIEW {view}")
        older.execute("DROP INDEX journal_by_list")
        for column in COLUMNS_OF_2:
            older.execute(f"ALTER TABLE journal DROP COLUMN {column}")
        older.execute("CREATE VIEW fills AS SELECT * FROM journal WHERE event = 'fill'")
        older.execute("CREATE VIEW orders AS SELECT * FROM journal WHERE event = 'result'")
        older.execute("PRAGMA user_version = 1")
        older.commit()


def shape(path: Path) -> tuple[list[str], list[str]]:
    """The columns of the table, and all that can be asked beside it."""
    with closing(read_only(path)) as connection:
        columns = connection.execute("SELECT name FROM pragma_table_info('journal')")
        others = connection.execute("SELECT type || name FROM sqlite_master ORDER BY 1")
        return [name for (name,) in columns], [what for (what,) in others]


def test_a_journal_of_the_version_before_is_upgraded_in_place_with_every_row(path: Path) -> None:
    first = Scene(path)
    first.turn(1, 2)
    first.writer.file.close()
    new = shape(path)
    as_format_1(path)
    assert shape(path) != new

    scene = Scene(path)
    scene.turn(2, 3)

    assert shape(path) == new
    assert trades(path) == [1, 2, 3]
    assert scene.said == []
    with closing(read_only(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert connection.execute("SELECT DISTINCT amend_id FROM orders").fetchall() == []


def test_an_upgrade_that_fails_leaves_the_journal_as_it_was(path: Path) -> None:
    first = Scene(path)
    first.turn(1)
    first.writer.file.close()
    as_format_1(path)
    before = shape(path)
    with closing(sqlite3.connect(path)) as obstacle:
        obstacle.execute("CREATE TABLE order_log (in_the_way TEXT)")
        obstacle.commit()

    scene = Scene(path)
    scene.turn(2)
    failed = shape(path)
    with closing(sqlite3.connect(path)) as obstacle:
        obstacle.execute("DROP TABLE order_log")
        obstacle.commit()
    scene.turn()

    assert "cannot be written" in scene.said[0]
    assert failed[0] == before[0]
    assert trades(path) == [1, 2]


def test_a_journal_that_was_moved_away_is_begun_anew(path: Path) -> None:
    scene = Scene(path)
    scene.turn(1)
    for companion in COMPANIONS:
        path.with_name(path.name + companion).rename(path.with_name(f"moved.sqlite{companion}"))

    scene.turn(2)

    assert trades(path) == [2]


# --- copies


def test_a_copy_is_made_once_a_day_and_the_newest_stay(path: Path) -> None:
    scene = Scene(path, retention=Retention(every=DAY, kept=3))

    for day in range(6):
        scene.now = NOW + day * DAY
        scene.turn(day)
        scene.turn()
        scene.now += DAY // 2
        scene.turn(100 + day)

    made = [at for at, _ in backups(path)]
    assert made == [NOW + day * DAY for day in (3, 4, 5)]
    assert trades(backups(path)[-1][1]) == trades(path)[:-1]


def test_a_copy_holds_what_came_while_it_was_made(path: Path) -> None:
    scene = Scene(path, retention=Retention(every=DAY))
    scene.turn(*range(900), at=NOW - 2 * DAY)
    (first,) = backups(path)
    assert trades(first[1]) == list(range(900))
    scene.now += DAY
    written = scene.writer.write

    def busy() -> None:
        scene.offer(scene.writer.lost + 10_000 + len(trades(path)))
        written()

    scene.writer.write = busy  # type: ignore[method-assign]

    scene.turn()

    copied = trades(backups(path)[-1][1])
    assert len(copied) > 901
    assert copied == trades(path)[: len(copied)]


def test_a_copy_can_be_read_without_anything_beside_it(path: Path, tmp_path: Path) -> None:
    scene = Scene(path, retention=Retention(every=DAY))
    scene.turn(1, 2, at=NOW - 2 * DAY)
    alone = tmp_path / "alone.sqlite"
    alone.write_bytes(backups(path)[0][1].read_bytes())

    assert trades(alone) == [1, 2]


def test_old_rows_are_dropped_once_a_copy_has_them(path: Path) -> None:
    scene = Scene(path, retention=Retention(every=DAY, rows_kept=30 * DAY))
    scene.offer(*range(700), at=NOW - 31 * DAY)
    scene.turn(1_000, at=NOW - 29 * DAY)

    assert trades(path) == [1_000]
    assert trades(backups(path)[0][1]) == [*range(700), 1_000]


def test_no_row_is_dropped_unless_somebody_says_so(path: Path) -> None:
    scene = Scene(path)

    scene.turn(1, at=NOW - 3_000 * DAY)
    scene.turn(2)

    assert trades(path) == [1, 2]


def test_a_copy_that_fails_is_told_once_and_rows_go_on(path: Path) -> None:
    scene = Scene(path, retention=Retention(every=DAY))
    stamp = f"{datetime.fromtimestamp(NOW // 1000, UTC):%Y%m%dT%H%M%SZ}"
    (path.parent / f"orders.{stamp}.sqlite.unfinished").mkdir(parents=True)

    for trade_id in range(3):
        scene.turn(trade_id, at=NOW - 2 * DAY)

    assert len(scene.said) == 1
    assert "could not be copied" in scene.said[0]
    assert trades(path) == [0, 1, 2]
