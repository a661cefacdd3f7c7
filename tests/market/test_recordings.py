import gzip
import hashlib
from decimal import Decimal
from pathlib import Path

import pytest

from lib.market.recordings import (
    BrokenRecording,
    CandleTable,
    DepthDiff,
    DepthSnapshot,
    RecordedTrade,
    read_capture,
)
from tests.market.recorder import BTC_CANDLES, CAPTURE, DATA, FIVE_MINUTES

HEADER = b"open_time_ms,open,high,low,close,volume_base\n"
ROWS = b"0,10,12.5,9,11,3.25\n300000,11,11,11,11,0\n600000,11,14,8,9.01,7\n"


def test_the_recordings_are_those_whose_checksums_are_kept() -> None:
    for line in (DATA / "SHA256SUMS").read_text().splitlines():
        checksum, name = line.split()
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == checksum


def test_a_candle_is_read_exactly_as_it_was_written() -> None:
    candle = CandleTable(HEADER + ROWS, interval=FIVE_MINUTES)[0]

    assert (candle.open, candle.high, candle.low, candle.close, candle.volume) == (
        Decimal(10),
        Decimal("12.5"),
        Decimal(9),
        Decimal(11),
        Decimal("3.25"),
    )
    assert (candle.open_time, candle.close_time) == (0, 299_999)


def test_the_shipped_candles_are_complete_from_january_to_september() -> None:
    table = CandleTable.load(BTC_CANDLES, interval=FIVE_MINUTES)

    assert len(table) == 71_769
    assert table.first_open_time == 1_704_067_200_000
    assert table[-1].open_time == 1_725_597_600_000
    assert min(candle.low for candle in table[62_496:62_784]) == Decimal(49_000)  # the crash


def test_a_time_outside_the_recording_is_taken_for_its_nearest_end() -> None:
    table = CandleTable(HEADER + ROWS, interval=FIVE_MINUTES)

    assert [table.index_at(time) for time in (-1, 299_999, 300_000, 10**15)] == [0, 0, 1, 2]


def test_a_row_is_found_from_the_end_and_none_beyond_the_ends() -> None:
    table = CandleTable(HEADER + ROWS, interval=FIVE_MINUTES)

    assert table[-1] == table[2]
    assert [candle.open_time for candle in table[1:]] == [300_000, 600_000]
    with pytest.raises(IndexError):
        table[3]


@pytest.mark.parametrize(
    "rows",
    [b"", b"0,1,1,1,1,1\n600000,1,1,1,1,1\n", b"300000,1,1,1,1,1\n0,1,1,1,1,1\n"],
    ids=["empty", "gap", "backwards"],
)
def test_candles_with_a_gap_are_refused(rows: bytes) -> None:
    with pytest.raises(BrokenRecording):
        CandleTable(HEADER + rows, interval=FIVE_MINUTES)


def test_a_capture_is_read_in_the_order_in_which_it_was_received(tmp_path: Path) -> None:
    _write(tmp_path / "btcusdt_1.jsonl.gz", [_trade(1, "BTCUSDT", 5), _trade(2, "BTCUSDT", 9)])
    _write(tmp_path / "ethusdt_1.jsonl.gz", [_trade(7, "ETHUSDT", 6)])
    _write(tmp_path / "btcusdt_2.jsonl.gz", [_trade(3, "BTCUSDT", 10)])

    read = list(read_capture(*tmp_path.iterdir()))

    assert [captured.received_at for captured in read] == [5, 6, 9, 10]
    assert [captured.symbol for captured in read] == ["BTCUSDT", "ETHUSDT", "BTCUSDT", "BTCUSDT"]


@pytest.mark.parametrize(
    "line",
    ["no", "12 {", '12 {"stream":"btcusdt@other","data":{}}', '12 {"stream":"b@trade","data":{}}'],
)
def test_a_broken_line_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    _write(tmp_path / "btcusdt_1.jsonl.gz", [_trade(1, "BTCUSDT", 5), line])

    with pytest.raises(BrokenRecording, match=r"btcusdt_1\.jsonl\.gz line 2"):
        list(read_capture(tmp_path / "btcusdt_1.jsonl.gz"))


@pytest.mark.slow
def test_the_capture_has_no_gap_in_trades_and_updates() -> None:
    trades: dict[str, int] = {}
    updates: dict[str, int] = {}
    snapshots = 0

    for captured in read_capture(*CAPTURE):
        match captured:
            case RecordedTrade(symbol=symbol, trade_id=trade):
                assert trades.get(symbol, trade - 1) == trade - 1
                trades[symbol] = trade
            case DepthDiff(symbol=symbol, first_update_id=first, last_update_id=last):
                assert updates.get(symbol, first - 1) == first - 1
                updates[symbol] = last
            case DepthSnapshot():
                snapshots += 1
            case _:
                pass

    assert snapshots == 2


def _trade(number: int, symbol: str, milliseconds: int) -> str:
    return (
        f'{milliseconds}000000 {{"stream":"{symbol.lower()}@trade","data":{{"s":"{symbol}",'
        f'"t":{number},"T":{milliseconds},"p":"1.5","q":"2","m":false}}}}'
    )


def _write(path: Path, lines: list[str]) -> None:
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
