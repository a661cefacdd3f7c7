from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import pytest

from lib.backtest.feed import Bars, NoSuchRecording, TableBars, recorded_bars, stored_bars
from lib.backtest.history import BarHistory, completed
from lib.data.rows import Piece
from lib.data.series import Kind, Series, Span
from lib.data.store import MarketStore
from lib.market.candle_path import Grid
from lib.market.candles import Bar
from lib.market.recordings import CandleTable
from tests.backtest.scenes import BEGIN, SPAN, ListBars, bar, flat

WRITTEN = [bar(number, 100, 110 + number, 90, 105) for number in range(5)]
GRID = Grid(tick=Decimal("0.01"), lot=Decimal("0.00001"))
Open: TypeAlias = Callable[[Path], Bars]


def in_a_file(folder: Path) -> Bars:
    rows = [f"{b.open_time},{b.open},{b.high},{b.low},{b.close},{b.volume}" for b in WRITTEN]
    text = "\n".join(["open_time,open,high,low,close,volume", *rows, ""])
    return TableBars(CandleTable(text.encode(), interval=SPAN))


def in_a_store(folder: Path) -> Bars:
    store = MarketStore(folder / "market.sqlite", origin="test")
    hours = [Bar(BEGIN, *(Decimal(1),) * 5)]
    for interval, bars, ends in (("5m", WRITTEN, 5 * SPAN), ("1h", hours, 12 * SPAN)):
        covered = (Span(BEGIN, BEGIN + ends),)
        store.add([Piece(Series(Kind.CANDLES, "BTCUSDT", interval), tuple(bars), covered)])
    store.close()
    return stored_bars(folder / "market.sqlite", "BTCUSDT")


@pytest.mark.parametrize("opened", [in_a_file, in_a_store])
def test_every_source_answers_the_bars_that_open_in_a_span(opened: Open, tmp_path: Path) -> None:
    bars = opened(tmp_path)

    with closing(bars):
        _check(bars)


def _check(bars: Bars) -> None:
    assert (bars.interval, bars.begins_at, bars.ends_at) == (SPAN, BEGIN, BEGIN + 5 * SPAN)
    assert list(bars.between(BEGIN, bars.ends_at)) == WRITTEN
    assert list(bars.between(BEGIN + 1, BEGIN + 2 * SPAN + 1)) == WRITTEN[1:3]
    assert list(bars.between(0, BEGIN)) == []
    assert list(bars.between(bars.ends_at, bars.ends_at + SPAN)) == []


def test_the_recording_that_comes_with_the_program_has_eight_months_of_two_symbols() -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        bars = recorded_bars(Path("data/candles"), symbol)

        assert (bars.ends_at - bars.begins_at) // bars.interval > 70_000
        assert next(bars.between(BEGIN, BEGIN + SPAN)).open_time == BEGIN


def test_a_symbol_without_a_recording_is_named_with_those_that_have_one(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRecording, match=r"XRPUSDT .* BTCUSDT, ETHUSDT"):
        recorded_bars(Path("data/candles"), "XRPUSDT")

    in_a_store(tmp_path).close()
    with pytest.raises(NoSuchRecording, match="XRPUSDT, only of BTCUSDT"):
        stored_bars(tmp_path / "market.sqlite", "XRPUSDT")


def test_a_file_that_holds_no_market_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear sir")

    with pytest.raises(NoSuchRecording, match="cannot be read"):
        stored_bars(tmp_path / "letter.txt", "BTCUSDT")


def test_bars_of_a_span_are_put_together_into_the_candle_over_them() -> None:
    history = BarHistory(ListBars(*WRITTEN), GRID)

    found = history.bar(BEGIN, BEGIN + 3 * SPAN)

    assert found is not None
    assert [found.open, found.high, found.low, found.close] == [
        Decimal(p) for p in (100, 112, 90, 105)
    ]
    assert found.volume == 300


def test_minutes_inside_a_bar_add_up_to_it() -> None:
    history = BarHistory(ListBars(*WRITTEN), GRID)

    minutes = [history.bar(BEGIN + m * 60_000, BEGIN + (m + 1) * 60_000) for m in range(5)]

    assert all(minutes)
    found = [minute for minute in minutes if minute is not None]
    assert found[0].open == 100
    assert max(minute.high for minute in found) == 110
    assert min(minute.low for minute in found) == 90
    assert found[-1].close == 105
    assert sum(minute.volume for minute in found) == 100


def test_a_hole_in_the_recording_is_a_hole_in_the_past() -> None:
    history = BarHistory(ListBars(flat(0, 100), flat(2, 120)), GRID)

    assert history.bar(BEGIN + SPAN, BEGIN + 2 * SPAN) is None
    assert history.bar(BEGIN + SPAN, BEGIN + SPAN + 60_000) is None


def test_what_a_bar_says_of_itself_is_not_estimated() -> None:
    said = Bar(BEGIN, *(Decimal(1),) * 4, Decimal(2), quote=Decimal(3), trades=7)

    assert completed(said) is said
    assert completed(flat(0, 10)).quote == 1_000


def test_a_long_recording_is_read_no_further_than_it_is_asked_for(tmp_path: Path) -> None:
    with closing(in_a_store(tmp_path)) as bars:
        first = list(islice(bars.between(0, 2**60), 2))

    assert [found.open_time for found in first] == [
        BEGIN,
        BEGIN + SPAN,
    ]
