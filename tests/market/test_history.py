from decimal import Decimal

import pytest

from lib.market.candle_path import Grid
from lib.market.candles import FAR, Bar
from lib.market.history import RedatedHistory
from lib.market.intervals import HOUR, MINUTE, SECOND
from lib.market.recordings import CandleTable
from lib.market.replay import Tape
from tests.market.recorder import BTC_CANDLES, FIVE_MINUTES

GRID = Grid(Decimal("0.01"), Decimal("0.00001"))
NOW = 1_800_000_000_000 + 3 * MINUTE + 20_000  # three minutes into an interval of five
LAST = NOW - NOW % FIVE_MINUTES
PLACE = 62_496


@pytest.fixture(scope="module")
def tape() -> Tape:
    table = CandleTable.load(BTC_CANDLES, interval=FIVE_MINUTES)
    return Tape(table, first=0, count=len(table))


@pytest.fixture
def history(tape: Tape) -> RedatedHistory:
    return RedatedHistory(tape, GRID, place=PLACE, now=NOW, chance=b"1")


def bar(history: RedatedHistory, start: int, width: int) -> Bar:
    found = history.bar(start, start + width)
    assert found is not None
    return found


def test_the_recorded_candle_k_intervals_ago_appears_k_intervals_ago(
    tape: Tape, history: RedatedHistory
) -> None:
    for back in range(100):
        recorded = tape.candle(PLACE - 1 - back)
        shown = bar(history, LAST - back * FIVE_MINUTES, FIVE_MINUTES)
        assert (shown.open, shown.high, shown.low, shown.close, shown.volume) == (
            recorded.open,
            recorded.high,
            recorded.low,
            recorded.close,
            recorded.volume,
        )


@pytest.mark.parametrize(("whole", "part"), [(FIVE_MINUTES, MINUTE), (MINUTE, SECOND)])
def test_small_candles_of_the_past_add_up_to_the_larger_one(
    history: RedatedHistory, whole: int, part: int
) -> None:
    for back in range(1, 20):
        start = LAST - back * FIVE_MINUTES
        large = bar(history, start, whole)
        small = [bar(history, time, part) for time in range(start, start + whole, part)]
        assert (small[0].open, small[-1].close) == (large.open, large.close)
        assert max(each.high for each in small) == large.high
        assert min(each.low for each in small) == large.low
        assert sum(each.volume for each in small) == large.volume


def test_an_hour_of_the_past_leaves_no_hole(history: RedatedHistory) -> None:
    start = NOW - NOW % HOUR - HOUR

    hour = bar(history, start, HOUR)

    minutes = [bar(history, start + number * MINUTE, MINUTE) for number in range(60)]
    assert sum(minute.volume for minute in minutes) == hour.volume
    assert (minutes[0].open, minutes[-1].close) == (hour.open, hour.close)


def test_a_replay_at_the_very_beginning_has_no_past(tape: Tape) -> None:
    history = RedatedHistory(tape, GRID, place=0, now=NOW, chance=b"")

    assert history.begins_at == FAR
    assert history.bar(NOW - HOUR, NOW) is None
    assert history.bar(LAST, LAST + SECOND) is None
