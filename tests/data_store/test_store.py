"""The file: exact, without duplicates, one writer, all of a batch or nothing of it."""

import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from lib.data.amounts import Unstorable, amount_of, kept
from lib.data.file import FORMAT, open_for_writing
from lib.data.reading import MarketReading, NothingStored
from lib.data.rows import Line, Piece
from lib.data.series import Kind, Series, Span, runs
from lib.data.store import MarketStore
from lib.errors import Halt
from lib.market.candles import Bar
from tests.data_store.exchange import MINUTE, MINUTES, NOON, TRADES, bar, trade

HUGE = Decimal("987654321098765.12345678")  # 23 digits: no 63 bits hold them


def piece(*bars: Bar) -> Piece:
    return Piece(MINUTES, bars, tuple(runs(MINUTES, (each.open_time for each in bars))))


@pytest.mark.parametrize(
    "written",
    [
        "0",
        "0.00000001",
        "61837.63000000",
        "92233720368.54775807",
        "92233720368.54775808",
        str(HUGE),
    ],
)
def test_an_amount_comes_back_to_the_last_digit(written: str) -> None:
    assert amount_of(kept(Decimal(written))) == Decimal(written)


@pytest.mark.parametrize("written", ["0.000000001", "-1", "NaN", "Infinity"])
def test_an_amount_that_cannot_be_kept_exactly_is_refused(written: str) -> None:
    with pytest.raises(Unstorable):
        kept(Decimal(written))


def test_rows_come_back_as_they_were_and_in_order(tmp_path: Path) -> None:
    bars = [replace(bar(NOON + step * MINUTE), quote=HUGE) for step in range(5)]
    trades = [trade(number) for number in range(7, 12)]
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    store.add([piece(*reversed(bars)), Piece(TRADES, tuple(trades), (Span(7, 12),))])
    store.close()

    with MarketReading(tmp_path / "m.sqlite") as reading:
        assert list(reading.bars("BTCUSDT", "1m")) == bars
        assert list(reading.trades("BTCUSDT")) == trades
        found = list(reading.candles("BTCUSDT", "1m", NOON + MINUTE, NOON + 3 * MINUTE))
        units = list(reading.candle_units("BTCUSDT", "1m"))

    assert [each.open_time for each in found] == [NOON + MINUTE, NOON + 2 * MINUTE]
    assert [each.close_time for each in found] == [NOON + 2 * MINUTE - 1, NOON + 3 * MINUTE - 1]
    assert [amount_of(row[4]) for row in units] == [each.close for each in bars]


def test_trades_are_found_by_time_wherever_ids_are_missing(tmp_path: Path) -> None:
    times = {number: NOON + number * number for number in (3, 4, 9, 10, 11, 50)}
    trades = [trade(number, time) for number, time in times.items()]
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    store.add([Piece(TRADES, tuple(trades), ())])
    store.close()

    with MarketReading(tmp_path / "m.sqlite") as reading:
        for begin in range(NOON, NOON + 2600, 7):
            for end in (begin, begin + 1, begin + 90, begin + 5000):
                found = [each.id for each in reading.trades("BTCUSDT", begin, end)]
                assert found == [each for each, time in times.items() if begin <= time < end]


def test_a_row_that_is_there_stays_and_one_that_differs_is_named(tmp_path: Path) -> None:
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    first, second = bar(NOON), bar(NOON + MINUTE)
    store.add([piece(first, second)])

    added = store.add([piece(first, replace(second, close=Decimal(1)), bar(NOON + 2 * MINUTE))])
    store.close()

    assert (added.new, added.known) == (1, 2)
    assert added.differing == [f"BTCUSDT 1m {NOON + MINUTE}"]
    with MarketReading(tmp_path / "m.sqlite") as reading:
        assert next(reading.bars("BTCUSDT", "1m", NOON + MINUTE)) == second


def test_of_a_batch_that_cannot_be_kept_whole_nothing_is_kept(tmp_path: Path) -> None:
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    broken = replace(bar(NOON + MINUTE), high=Decimal("0.123456789"))

    with pytest.raises(Unstorable):
        store.add([piece(bar(NOON)), piece(broken)])

    assert store.spans(MINUTES) == []
    store.close()
    with MarketReading(tmp_path / "m.sqlite") as reading:
        assert list(reading.bars("BTCUSDT", "1m")) == []


def test_a_failure_within_the_transaction_takes_rows_and_spans_back(tmp_path: Path) -> None:
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    broken = Piece(TRADES, (trade(1),), (Span(1, 2),), ((Span(3, 2**70)),))  # no integer of SQLite

    with pytest.raises(OverflowError):
        store.add([piece(bar(NOON)), broken])

    assert store.spans(MINUTES) == []
    assert store.spans(TRADES) == []
    store.add([piece(bar(NOON))])
    assert store.spans(MINUTES) == [Span(NOON, NOON + MINUTE)]
    store.close()


def test_an_outage_ends_where_a_row_turns_up_after_all(tmp_path: Path) -> None:
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    whole = Span(NOON, NOON + 5 * MINUTE)
    store.add([Piece(MINUTES, (), (whole,), (whole,), NOON)])

    store.add([piece(bar(NOON + 2 * MINUTE))])
    store.close()

    with MarketReading(tmp_path / "m.sqlite") as reading:
        held = reading.holding(MINUTES)
    assert held.spans == (whole,)
    assert held.outages == (
        Span(NOON, NOON + 2 * MINUTE),
        Span(NOON + 3 * MINUTE, NOON + 5 * MINUTE),
    )


def test_lines_of_a_recording_come_back_within_their_time(tmp_path: Path) -> None:
    series = Series(Kind.DEPTH, "BTCUSDT")
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    for batch in range(4):
        lines = tuple(Line(NOON + batch * 10 + at, b"%d" % (batch * 10 + at)) for at in range(10))
        store.add([Piece(series, lines, (Span(NOON + batch * 10, NOON + batch * 10 + 10),))])
    store.close()

    with MarketReading(tmp_path / "m.sqlite") as reading:
        found = [line.split()[1] for line in reading.lines("BTCUSDT", NOON + 7, NOON + 23)]

    assert found == [b"%d" % at for at in range(7, 23)]


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path: Path) -> None:
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    store.add([piece(bar(NOON))])

    with pytest.raises(Halt, match="another"):
        MarketStore(tmp_path / "m.sqlite", origin="live")
    with MarketReading(tmp_path / "m.sqlite") as reading:
        assert len(list(reading.bars("BTCUSDT", "1m"))) == 1

    store.close()
    MarketStore(tmp_path / "m.sqlite", origin="live").close()


def test_data_of_two_exchanges_is_never_mixed(tmp_path: Path) -> None:
    MarketStore(tmp_path / "m.sqlite", origin="live").close()

    with pytest.raises(Halt, match="holds data of live, not of testnet"):
        MarketStore(tmp_path / "m.sqlite", origin="testnet")

    MarketStore(tmp_path / "m.sqlite", origin="live").close()


@pytest.mark.parametrize("opened", ["written", "read"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("PRAGMA user_version = 99", "later version"),
        ("CREATE TABLE journal (number INTEGER)", "another program"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_untouched(
    tmp_path: Path, content: str, said: str, opened: str
) -> None:
    path = tmp_path / "m.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(content)
    connection.close()
    before = path.read_bytes()

    with pytest.raises(Halt, match=said):
        MarketStore(path, origin="live") if opened == "written" else MarketReading(path)

    assert path.read_bytes() == before
    assert FORMAT < 99


def test_what_is_no_database_and_what_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database, but long enough to be looked at" * 50)

    for path in (tmp_path / "text", tmp_path / "absent", tmp_path):
        with pytest.raises(Halt, match=path.name):
            MarketReading(path)
    with pytest.raises(Halt, match="text"):
        MarketStore(tmp_path / "text", origin="live")


def test_a_file_whose_maker_was_killed_before_it_said_whose_data_it_is_can_be_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "market.sqlite"
    open_for_writing(path).close()

    with MarketReading(path) as reading:
        assert (reading.origin, reading.holdings()) == ("nobody's yet", [])
    MarketStore(path, origin="live").close()
    with MarketReading(path) as reading:
        assert reading.origin == "live"


def test_a_series_that_was_never_asked_for_is_told_apart_from_an_empty_one(tmp_path: Path) -> None:
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    store.add([Piece(MINUTES, (), (Span(NOON, NOON + MINUTE),))])
    store.close()

    with MarketReading(tmp_path / "m.sqlite") as reading:
        assert list(reading.candles("BTCUSDT", "1m")) == []
        with pytest.raises(NothingStored, match="ETHUSDT 1m"):
            list(reading.candles("ETHUSDT", "1m"))


def test_an_earlier_wish_is_remembered_and_a_later_one_takes_nothing_back(tmp_path: Path) -> None:
    store = MarketStore(tmp_path / "m.sqlite", origin="live")

    store.note_wish(TRADES, 500, 50)
    store.note_wish(TRADES, 900, 90)
    assert store.wish(TRADES) == (500, 50)
    store.note_wish(TRADES, 100, 10)

    assert store.wish(TRADES) == (100, 10)
    assert store.wishes() == [(TRADES, 100)]
    store.close()
