import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from lib.simulator.engine.register import Register
from lib.simulator.exchange import Books
from lib.simulator.units import units
from tests.simulator.venue import GRANT, OPENED, SYMBOL, Venue

LIFE = """
import sys
from pathlib import Path
from lib.simulator.engine.register import Register
from lib.simulator.exchange import Books
from lib.simulator.units import units
from tests.simulator.venue import SYMBOL, Venue

venue = Venue(books=Books.open(Path(sys.argv[1])))
venue.last(100)
for number in range(100_000):
    venue.now += 1000
    venue.exchange.set_book(SYMBOL, [("99", "1")], [("101", "1")], venue.now)
    side, price = ("BUY", 101) if number % 2 else ("SELL", 99)
    for answer in (
        venue.limit(side, "0.1", price),
        venue.limit("BUY", "0.1", 90 - number % 7),
    ):
        print(answer.body["orderId"], answer.body["executedQty"], flush=True)
    venue.cancel(orderId=answer.body["orderId"])
"""


Opener: TypeAlias = Callable[[Path], Books]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "venue.db"


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Open books that are closed when the test is over, not before: as a SIGKILL would."""
    with ExitStack() as stack:

        def open_books(path: Path) -> Books:
            books = Books.open(path)
            stack.callback(books.close)
            return books

        yield open_books


def test_a_venue_killed_after_an_answer_still_stands_by_it(path: Path, opened: Opener) -> None:
    venue = Venue(books=opened(path)).with_market()
    venue.limit("BUY", 3, 101, newClientOrderId="partly")
    venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=95, newClientOrderId="stop")
    venue.limit("BUY", 1, 90, newClientOrderId="gone")
    venue.cancel(origClientOrderId="gone", newClientOrderId="cancel")

    again = Venue(books=opened(path), now=venue.now)

    for call in ("GET openOrders", "GET allOrders", "GET myTrades"):
        assert again.ask(call, symbol=SYMBOL).body == venue.ask(call, symbol=SYMBOL).body
    assert again.balances() == venue.balances()
    assert again.depth()["bids"] == [(Decimal(101), Decimal(2))]


def test_a_reopened_stop_still_fires_and_a_reopened_order_still_fills(
    path: Path, opened: Opener
) -> None:
    venue = Venue(books=opened(path)).with_market()
    venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=95)
    venue.limit("BUY", 1, 96)

    again = Venue(books=opened(path), now=venue.now)
    again.exchange.set_book(SYMBOL, [("94", "9")], [], again.now)
    again.last(95, 1, seller=True)

    assert again.order(1)["status"] == "FILLED"
    assert again.order(2)["status"] == "FILLED"


def test_a_reopened_book_keeps_who_was_first(path: Path, opened: Opener) -> None:
    venue = Venue(books=opened(path)).with_market()
    sent: dict[str, Any] = {"quantity": 1, "price": 96, "stopPrice": 105, "timeInForce": "GTC"}
    stop = venue.place("STOP_LOSS_LIMIT", "BUY", **sent).body["orderId"]
    plain = venue.limit("BUY", 1, 96, "bob").body["orderId"]
    venue.last(105)

    again = Venue(books=opened(path), now=venue.now)
    again.last(96, 1, seller=True)

    assert again.order(plain, "bob")["status"] == "FILLED"
    assert again.order(stop)["status"] == "NEW"


def test_ids_go_on_where_they_were(path: Path, opened: Opener) -> None:
    venue = Venue(books=opened(path)).with_market()
    first = venue.market("BUY", "0.5").body

    again = Venue(books=opened(path), now=venue.now)
    again.exchange.set_book(SYMBOL, [], [("101", "1")], again.now)
    second = again.market("BUY", "0.5").body

    assert second["orderId"] == first["orderId"] + 1
    assert second["fills"][0]["tradeId"] > first["fills"][0]["tradeId"]
    assert second["clientOrderId"] != first["clientOrderId"]


def test_an_event_is_told_only_after_it_is_durable(path: Path, opened: Opener) -> None:
    venue = Venue(books=opened(path)).with_market()
    seen: list[tuple[str, int]] = []

    def look(_account: str, event: dict[str, Any]) -> None:
        if event["e"] == "executionReport":
            with sqlite3.connect(path) as other:
                query = "SELECT COUNT(*) FROM orders WHERE id = ? AND status = 'FILLED'"
                seen.append((event["X"], other.execute(query, (event["i"],)).fetchone()[0]))
            other.close()

    venue.exchange.on_user_event = look
    venue.market("BUY", 1)

    assert seen == [("NEW", 1), ("FILLED", 1)]


def test_market_events_that_touch_no_account_are_not_written(path: Path, opened: Opener) -> None:
    venue = Venue(books=opened(path))
    venue.limit("BUY", 1, 90)
    before = pages(path)

    for price in range(91, 99):
        venue.last(price)
        venue.exchange.apply_depth(SYMBOL, [("89", "1")], [], venue.now)
    assert pages(path) == before

    venue.last(90, 1, seller=True)
    assert pages(path) > before


def test_an_account_is_opened_once_and_keeps_what_it_has(path: Path, opened: Opener) -> None:
    venue = Venue(books=opened(path)).with_market()
    venue.market("BUY", 1)

    again = opened(path)
    again.open_account("alice", 1, GRANT)

    assert again.accounts["alice"].balances["BTC"].free == units("10.999")


def test_notes_are_kept_with_what_the_recording_has_counted(path: Path, opened: Opener) -> None:
    venue = Venue(books=opened(path))
    venue.last(123)
    venue.books.remember("recording", "line 17")

    again = Venue(books=opened(path))

    assert again.books.recall("recording") == "line 17"
    assert again.books.recall("nothing") is None
    assert again.ask("GET ticker/price", None, symbol=SYMBOL).body["price"] == "123.00000000"


def test_a_failed_write_leaves_the_file_as_it_was_and_stops_the_venue(
    path: Path, opened: Opener
) -> None:
    venue = Venue(books=opened(path)).with_market()
    venue.limit("BUY", 1, 90)
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE fills")
        other.execute("CREATE TABLE fills (other TEXT) STRICT")
    other.close()
    venue.deaf()

    with pytest.raises(sqlite3.Error):
        venue.market("BUY", 1)
    with pytest.raises(RuntimeError, match="books"):
        venue.ask("GET account")
    with pytest.raises(RuntimeError, match="books"):
        venue.last(100)

    assert venue.user_events == []
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT COUNT(*) FROM orders").fetchone() == (1,)
    other.close()


def test_books_of_a_later_format_are_refused_untouched(path: Path, opened: Opener) -> None:
    Books.open(path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    before = path.read_bytes()

    with pytest.raises(ValueError, match="format 99"):
        opened(path)

    assert path.read_bytes() == before


def test_the_file_is_safe_by_its_settings(path: Path, opened: Opener) -> None:
    books = opened(path)
    assert books._journal is not None
    ask = books._journal._connection.execute

    assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ask("PRAGMA synchronous").fetchone() == (2,)
    tables = ask("SELECT sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    assert all(sql.endswith("STRICT") for (sql,) in tables)


@pytest.mark.parametrize("durable", [False, True])
def test_a_wipe_blanks_the_books_and_grants_the_balances_again(
    durable: bool, path: Path, opened: Opener
) -> None:
    venue = Venue(books=opened(path) if durable else Books.in_memory()).with_market()
    for _ in range(3):
        venue.limit("BUY", 1, 90, newClientOrderId=None)
    venue.market("BUY", 1, newClientOrderId="m")
    venue.place("STOP_LOSS", "SELL", quantity=1, stopPrice=95)

    venue.exchange.wipe()

    assert venue.ask("GET openOrders").body == []
    assert venue.ask("GET myTrades", symbol=SYMBOL).body == []
    assert venue.ask("GET order", symbol=SYMBOL, orderId=1).body["code"] == -2013
    assert venue.balances() == {name: (Decimal(has), Decimal(0)) for name, has in GRANT.items()}
    assert venue.limit("BUY", 1, 90).body["orderId"] == 1


def test_a_wiped_venue_is_still_wiped_when_reopened(path: Path, opened: Opener) -> None:
    venue = Venue(books=opened(path)).with_market()
    venue.market("BUY", 1)
    venue.exchange.wipe()

    again = Venue(books=opened(path))

    assert again.ask("GET allOrders", symbol=SYMBOL).body == []
    assert again.balances() == venue.balances()
    assert again.limit("BUY", 1, 90).body["orderId"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("after", [3, 20, 51])
def test_a_venue_process_that_is_killed_has_forgotten_no_answer(
    path: Path, opened: Opener, after: int
) -> None:
    command = [sys.executable, "-c", LIFE, str(path)]
    answered: list[list[str]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as life:
        assert life.stdout is not None
        for line in life.stdout:
            answered.append(line.split())
            if len(answered) == after:
                os.kill(life.pid, signal.SIGKILL)
    assert life.wait() == -signal.SIGKILL

    venue = Venue(books=opened(path), now=time_of(path))

    for order_id, executed in answered:
        assert venue.order(int(order_id))["executedQty"] == executed
    assert sum(locked for _, locked in venue.balances().values()) == sum(
        Decimal(order["price"]) * Decimal(order["origQty"])
        for order in venue.ask("GET openOrders").body
    )


def time_of(path: Path) -> int:
    """Give the time of the newest order, so that nothing lies in the future."""
    with sqlite3.connect(path) as books:
        (newest,) = books.execute("SELECT MAX(time) FROM orders").fetchone()
    books.close()
    return int(newest)


def pages(path: Path) -> int:
    """Give how long the write-ahead log is."""
    return path.with_name(path.name + "-wal").stat().st_size


def test_a_request_that_breaks_off_half_way_ends_the_books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in memory then may be half a change: nothing of it is answered or written."""
    books = Books.open(tmp_path / "books.sqlite")
    venue = Venue(books=books).with_market()
    monkeypatch.setattr(Register, "close", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        venue.market("BUY", "0.5")
    monkeypatch.undo()
    assert books.failed
    OPENED.remove(venue)  # half a change is nothing to audit
    with pytest.raises(RuntimeError, match="must be reopened"):
        venue.ask("GET account")
    books.close()
    again = Venue(books=Books.open(tmp_path / "books.sqlite"))
    assert again.ask("GET allOrders", symbol=SYMBOL).body == []
    assert again.exchange.audit() == ()
