from decimal import Decimal

import pytest

from lib.market.candle_path import Grid
from lib.market.candles import INTERVALS, KEPT, MINUTE, Bar, Chart, NoHistory, Traded
from lib.market.history import RedatedHistory
from lib.market.recordings import CandleTable
from lib.market.replay import Tape
from tests.market.recorder import BTC_CANDLES, FIVE_MINUTES

GRID = Grid(Decimal("0.01"), Decimal("0.00001"))
HOUR = 60 * MINUTE
NOW = 1_800_000_000_000 + 3 * MINUTE + 20_000  # three minutes into an interval of five
PLACE = 62_496


def test_trades_of_a_minute_make_one_candle() -> None:
    chart = Chart(history=NoHistory(), now=0)

    for number, price in enumerate((5, 9, 2, 7)):
        chart.trade(_traded(price, time=number * 1_000, number=number))

    assert _bars(chart, "1m", now=30_000) == [
        Bar(
            0,
            Decimal(5),
            Decimal(9),
            Decimal(2),
            Decimal(7),
            volume=Decimal(4),
            quote=Decimal(23),
            trades=4,
            taker_volume=Decimal(2),
            taker_quote=Decimal(7),
            first_trade_id=0,
            last_trade_id=3,
        )
    ]


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_adds_up_the_same_trades(interval: str) -> None:
    chart = Chart(history=NoHistory(), now=0)
    times = range(0, 2 * INTERVALS["1d"], 7 * MINUTE)

    for number, time in enumerate(times):
        chart.trade(_traded(1 + number % 50, time=time, number=number))

    bars = _bars(chart, interval, now=times[-1])
    covered = bars[0].open_time
    counted = [number for number, time in enumerate(times) if time >= covered]
    assert sum(bar.trades for bar in bars) == len(counted)
    assert bars[-1].last_trade_id == len(times) - 1
    assert next(bar.first_trade_id for bar in bars if bar.trades) == counted[0]


def test_a_minute_without_a_trade_is_flat_at_the_last_price() -> None:
    chart = Chart(history=NoHistory(), now=0)
    chart.trade(_traded(5, time=0))
    chart.trade(_traded(8, time=3 * MINUTE))

    bars = _bars(chart, "1m", now=3 * MINUTE)

    assert [(int(bar.open), int(bar.close), bar.trades) for bar in bars] == [
        (5, 5, 1),
        (5, 5, 0),
        (5, 5, 0),
        (8, 8, 1),
    ]


def test_a_trade_dated_before_the_present_minute_counts_in_it() -> None:
    chart = Chart(history=NoHistory(), now=0)
    chart.trade(_traded(5, time=MINUTE))
    chart.trade(_traded(6, time=MINUTE - 1))

    assert [bar.close for bar in _bars(chart, "1m", now=MINUTE)] == [6]


def test_a_closed_candle_is_told_of_once_for_each_interval() -> None:
    chart = Chart(history=NoHistory(), now=0)
    told: list[tuple[str, int]] = []
    chart.on_closed = lambda interval, bar: told.append((interval, bar.open_time))

    chart.trade(_traded(5, time=0))
    chart.pass_time(5 * MINUTE)

    assert told.count(("1m", 0)) == 1
    assert told.count(("5m", 0)) == 1
    assert ("3m", 3 * MINUTE) not in told
    assert len(told) == 5 + 1 + 1


def test_a_chart_keeps_a_bounded_number_of_candles() -> None:
    chart = Chart(history=NoHistory(), now=0)
    chart.trade(_traded(5, time=0))
    chart.pass_time(3 * KEPT * MINUTE)

    bars = _bars(chart, "1m", now=3 * KEPT * MINUTE, limit=5_000)

    assert len(bars) == KEPT + 1
    assert bars[-1].open_time == 3 * KEPT * MINUTE


def test_candles_are_chosen_as_binance_chooses_them() -> None:
    chart = Chart(history=NoHistory(), now=0)
    chart.trade(_traded(5, time=0))
    chart.pass_time(20 * MINUTE)

    def opens(start: int | None, end: int | None, limit: int) -> list[int]:
        bars = chart.bars("1m", now=20 * MINUTE, start=start, end=end, limit=limit)
        return [bar.open_time // MINUTE for bar in bars]

    assert opens(None, None, 3) == [18, 19, 20]
    assert opens(1, None, 3) == [1, 2, 3]
    assert opens(None, 10 * MINUTE, 3) == [8, 9, 10]
    assert opens(5 * MINUTE, 6 * MINUTE, 500) == [5, 6]
    assert opens(30 * MINUTE, None, 3) == []
    assert opens(0, None, 1) == [0]


def test_the_recorded_candle_k_intervals_ago_appears_k_intervals_ago(tape: Tape) -> None:
    chart = _chart(tape)

    bars = _bars(chart, "5m", now=NOW, limit=101)

    assert bars[-1].open_time == NOW - NOW % FIVE_MINUTES
    for back in range(1, 101):
        recorded, shown = tape.candle(PLACE - 1 - back), bars[-1 - back]
        assert shown.open_time == bars[-1].open_time - back * FIVE_MINUTES
        assert (shown.open, shown.high, shown.low, shown.close, shown.volume) == (
            recorded.open,
            recorded.high,
            recorded.low,
            recorded.close,
            recorded.volume,
        )


def test_minutes_of_the_past_add_up_to_the_recorded_candles(tape: Tape) -> None:
    chart = _chart(tape)
    fives = _bars(chart, "5m", now=NOW, limit=20)[:-1]

    minutes = {bar.open_time: bar for bar in _bars(chart, "1m", now=NOW, limit=200)}

    for five in fives:
        parts = [minutes[five.open_time + number * MINUTE] for number in range(5)]
        assert (parts[0].open, parts[-1].close) == (five.open, five.close)
        assert max(part.high for part in parts) == five.high
        assert min(part.low for part in parts) == five.low
        assert sum(part.volume for part in parts) == five.volume


def test_hours_of_the_past_lie_on_the_hour_and_leave_no_hole(tape: Tape) -> None:
    bars = _bars(_chart(tape), "1h", now=NOW, limit=48)

    assert len(bars) == 48
    assert all(bar.open_time % HOUR == 0 for bar in bars)
    opens = [bar.open_time for bar in bars]
    assert opens == list(range(opens[0], opens[0] + 48 * HOUR, HOUR))


def test_the_first_trade_goes_on_in_the_candle_that_history_began(tape: Tape) -> None:
    chart = _chart(tape)
    before = _bars(chart, "1h", now=NOW)[-1]

    chart.trade(_traded(10**6, time=NOW))

    after = _bars(chart, "1h", now=NOW)[-1]
    assert (after.open_time, after.open) == (before.open_time, before.open)
    assert (int(after.high), int(after.close)) == (10**6, 10**6)
    assert after.volume == before.volume + 1


def test_no_minute_is_missing_between_history_and_the_first_trade(tape: Tape) -> None:
    chart = _chart(tape)
    chart.trade(_traded(50_000, time=NOW + 2 * MINUTE))

    opens = [bar.open_time for bar in _bars(chart, "1m", now=NOW + 2 * MINUTE, limit=30)]

    assert opens == [NOW - NOW % MINUTE + (number - 27) * MINUTE for number in range(30)]


def test_a_replay_at_the_very_beginning_has_no_past(tape: Tape) -> None:
    history = RedatedHistory(tape, GRID, place=0, now=NOW, chance=b"")

    assert _bars(Chart(history=history, now=NOW), "1m", now=NOW) == []


@pytest.fixture(scope="module")
def tape() -> Tape:
    table = CandleTable.load(BTC_CANDLES, interval=FIVE_MINUTES)
    return Tape(table, first=0, count=len(table))


def _chart(tape: Tape) -> Chart:
    history = RedatedHistory(tape, GRID, place=PLACE, now=NOW, chance=b"1")
    return Chart(history=history, now=NOW)


def _bars(chart: Chart, interval: str, *, now: int, limit: int = 1_000) -> list[Bar]:
    return chart.bars(interval, now=now, start=None, end=None, limit=limit)


def _traded(price: int, *, time: int, number: int = 1) -> Traded:
    return Traded(
        price=Decimal(price),
        quantity=Decimal(1),
        time=time,
        trade_id=number,
        buyer_is_maker=number % 2 == 1,
    )
