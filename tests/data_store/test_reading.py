"""Reading: a page at a time, beside who writes, whatever the length."""

import tracemalloc
from pathlib import Path

import pytest

from lib.data import reading as module
from lib.data.reading import MarketReading
from lib.data.rows import Piece
from lib.data.series import Span
from lib.data.store import MarketStore
from tests.data_store.exchange import MINUTE, MINUTES, NOON, TRADES, bar, trade


def made(path: Path, count: int) -> MarketStore:
    store = MarketStore(path, origin="live")
    bars = tuple(bar(NOON + step * MINUTE) for step in range(count))
    told = tuple(trade(number) for number in range(count))
    store.add([Piece(MINUTES, bars, (Span(NOON, NOON + count * MINUTE),))])
    store.add([Piece(TRADES, told, (Span(0, count),))])
    return store


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 13, 14, 15])
@pytest.mark.parametrize("first", [0, 1, 7])
def test_no_row_is_lost_or_doubled_where_one_page_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, first: int
) -> None:
    monkeypatch.setattr(module, "PAGE", 7)
    made(tmp_path / "m.sqlite", count).close()

    with MarketReading(tmp_path / "m.sqlite") as reading:
        begin = NOON + first * MINUTE
        opened = [each.open_time for each in reading.candles("BTCUSDT", "1m", begin)]
        ids = [each.id for each in reading.trades("BTCUSDT", NOON + first * 10)]

    assert opened == [NOON + step * MINUTE for step in range(first, count)]
    assert ids == list(range(first, count))


def test_who_reads_slowly_sees_what_is_written_meanwhile_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 5)
    store = made(tmp_path / "m.sqlite", 10)
    with MarketReading(tmp_path / "m.sqlite") as reading:
        candles = reading.candles("BTCUSDT", "1m")
        first = next(candles)

        store.add([Piece(MINUTES, (bar(NOON + 10 * MINUTE),), ())])
        (busy, *_) = store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        rest = list(candles)

    store.close()
    assert busy == 0
    assert [each.open_time for each in (first, *rest)] == [
        NOON + step * MINUTE for step in range(11)
    ]


@pytest.mark.slow
def test_memory_stays_flat_however_many_rows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 200)
    peaks = []
    for count in (1_000, 16_000):
        path = tmp_path / f"{count}.sqlite"
        made(path, count).close()
        with MarketReading(path) as reading:
            tracemalloc.start()
            assert sum(1 for _ in reading.bars("BTCUSDT", "1m")) == count
            assert sum(1 for _ in reading.trades("BTCUSDT")) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    assert peaks[1] < peaks[0] * 3 // 2


def test_what_was_never_asked_for_is_missing_and_an_outage_is_not(tmp_path: Path) -> None:
    store = made(tmp_path / "m.sqlite", 10)
    outage = Span(NOON + 10 * MINUTE, NOON + 12 * MINUTE)
    store.add([Piece(MINUTES, (), (outage,), (outage,), NOON)])
    store.close()

    with MarketReading(tmp_path / "m.sqlite") as reading:
        missing = reading.missing(MINUTES, Span(NOON - MINUTE, NOON + 15 * MINUTE))

    assert missing == [
        Span(NOON - MINUTE, NOON),
        Span(NOON + 12 * MINUTE, NOON + 15 * MINUTE),
    ]
