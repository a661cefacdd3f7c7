import random
from collections.abc import Iterator
from decimal import Decimal

import pytest

from lib.market.candles import Bar
from lib.market.intervals import DAY, HOUR, INTERVALS, MINUTE, SECOND, Frame
from lib.simulator.books.spans import Print, Span
from lib.simulator.books.tape import Tape
from lib.simulator.engine.chart import Chart
from lib.simulator.engine.past import Past
from lib.simulator.units import UNIT, quote_of

START = 1_700_000_100_000  # on a full minute
ZONES = (0, 8 * HOUR, 5 * HOUR + 45 * MINUTE, -(3 * HOUR + 30 * MINUTE))


class Ramp:
    """A past in which each minute closes one above the last."""

    def __init__(self, begins_at: int) -> None:
        self.begins_at = begins_at

    def bar(self, start: int, end: int) -> Bar | None:
        first, last = start // MINUTE % 1000, (end - 1) // MINUTE % 1000
        low, high = Decimal(first), Decimal(last + 1)
        return Bar(start, low, high, low, high, volume=Decimal(1))


def printed(number: int, price: int, time: int, *, seller: bool = False) -> Print:
    return Print(number, price * UNIT, UNIT, quote_of(price * UNIT, UNIT), time, seller)


def charted(*trades: tuple[int, int], past: Past | None = None) -> Chart:
    """Make a chart of trades: time after START and price."""
    tape = Tape(5, before=None)
    for number, (after, price) in enumerate(trades, start=1):
        tape.add(printed(number, price, START + after, seller=number % 2 == 0))
    return Chart(tape, past)


def candles(
    chart: Chart,
    interval: str,
    after: int,
    *,
    begins: int | None = None,
    ends: int | None = None,
    limit: int = 1000,
) -> list[Span]:
    """Ask for candles; all times after START."""
    return chart.candles(
        Frame(interval),
        now=START + after,
        begins=None if begins is None else START + begins,
        ends=None if ends is None else START + ends,
        limit=limit,
    )


def ohlc(candle: Span) -> tuple[int, ...]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return tuple(price // UNIT for price in prices)


def test_trades_of_a_minute_make_one_candle() -> None:
    chart = charted((0, 5), (1000, 9), (2000, 2), (3000, 7))

    assert candles(chart, "1m", 30_000) == [
        Span(
            START,
            5 * UNIT,
            9 * UNIT,
            2 * UNIT,
            7 * UNIT,
            volume=4 * UNIT,
            quote=23 * UNIT,
            count=4,
            taker_volume=2 * UNIT,
            taker_quote=7 * UNIT,
            first_id=1,
            last_id=4,
            last_time=START + 3000,
        )
    ]


def test_a_candle_without_a_trade_is_flat_at_the_last_price() -> None:
    chart = charted((0, 5), (3 * MINUTE, 8))

    found = candles(chart, "1m", 3 * MINUTE)

    assert [(ohlc(candle), candle.count, candle.first_id) for candle in found] == [
        ((5, 5, 5, 5), 1, 1),
        ((5, 5, 5, 5), 0, -1),
        ((5, 5, 5, 5), 0, -1),
        ((8, 8, 8, 8), 1, 2),
    ]


def test_a_trade_dated_before_the_present_minute_counts_in_it() -> None:
    chart = charted((MINUTE, 5), (MINUTE - 1, 6))

    assert [ohlc(candle) for candle in candles(chart, "1m", MINUTE)] == [(5, 6, 5, 6)]


def test_candles_are_chosen_as_binance_chooses_them() -> None:
    chart = charted((0, 5))

    def minutes(**asked: int) -> list[int]:
        found = candles(chart, "1m", 20 * MINUTE, **asked)
        return [(candle.begins - START) // MINUTE for candle in found]

    assert minutes(limit=3) == [18, 19, 20]
    assert minutes(begins=1, limit=3) == [1, 2, 3]
    assert minutes(ends=10 * MINUTE, limit=3) == [8, 9, 10]
    assert minutes(ends=10 * MINUTE - 1, limit=3) == [7, 8, 9]
    assert minutes(begins=5 * MINUTE, ends=6 * MINUTE) == [5, 6]
    assert minutes(begins=5 * MINUTE, ends=10 * MINUTE, limit=2) == [5, 6]
    assert minutes(begins=30 * MINUTE) == []
    assert minutes(begins=6 * MINUTE, ends=5 * MINUTE) == []
    assert minutes(begins=-START, limit=2) == [0, 1]


def walk(seed: int, count: int) -> Iterator[tuple[int, int]]:
    chance, after, price = random.Random(seed), 0, 500
    for _ in range(count):
        after += chance.choice([0, 1, 400, 900, 20_000, MINUTE, 40 * MINUTE, 5 * HOUR])
        price = max(1, price + chance.randint(-5, 5))
        yield after, price


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("zone", ZONES)
def test_candles_of_every_interval_are_the_trades_between_their_openings(
    zone: int, seed: int
) -> None:
    trades = list(walk(seed, 300))
    chart, now = charted(*trades), START + trades[-1][0]

    for interval in INTERVALS.keys() - {"1s"}:
        frame = Frame(interval, zone)
        found = chart.candles(frame, now=now, begins=None, ends=None, limit=60)
        for candle in found:
            ends = frame.moved(candle.begins, 1)
            inside = [p for after, p in trades if candle.begins <= START + after < ends]
            assert candle.count == len(inside)
            if inside:
                assert ohlc(candle) == (inside[0], max(inside), min(inside), inside[-1])
        closes = [candle.close for candle in found]
        flats = [each for each, before in zip(found[1:], closes, strict=False) if not each.count]
        assert all(each.open in closes for each in flats)
        assert found[-1].begins == frame.opening(now)


def test_a_second_without_a_trade_is_a_candle_too() -> None:
    chart = charted((0, 5), (2_500, 8))

    found = candles(chart, "1s", 3_999)

    assert [(candle.begins - START, ohlc(candle)) for candle in found] == [
        (0, (5, 5, 5, 5)),
        (1_000, (5, 5, 5, 5)),
        (2_000, (8, 8, 8, 8)),
        (3_000, (8, 8, 8, 8)),
    ]


def test_nothing_is_shown_before_the_first_trade() -> None:
    chart = charted()

    assert candles(chart, "1m", HOUR) == []
    assert chart.candle(Frame("1m"), START) is None
    assert chart.price_before(START) is None


def test_the_past_and_the_first_trades_meet_without_a_gap() -> None:
    past = Past(Ramp(START - 3 * DAY), ends=START)
    chart = charted((2 * MINUTE, 2000), past=past)

    found = candles(chart, "1m", 2 * MINUTE, limit=6)

    minute = START // MINUTE % 1000
    assert [candle.close // UNIT for candle in found] == [
        *(minute - 2, minute - 1, minute),  # the last closes of the past
        *(minute, minute),  # flat
        2000,
    ]


def test_a_candle_that_the_past_began_goes_on_with_our_trades() -> None:
    past = Past(Ramp(START - 3 * DAY), ends=START)
    chart = charted((MINUTE, 2000), (2 * MINUTE, 1), past=past)
    frame = Frame("1d")

    candle = chart.candle(frame, frame.opening(START))

    assert candle is not None
    assert (candle.high, candle.low, candle.close) == (2000 * UNIT, 0, UNIT)
    assert candle.open == frame.opening(START) // MINUTE % 1000 * UNIT


def test_what_a_past_tells_of_the_time_after_it_is_not_shown() -> None:
    past = Past(Ramp(START - DAY), ends=START)

    assert past.span(START, START + HOUR) is None
    assert past.span(START, START + SECOND) is None
    assert past.span(START - HOUR, START + HOUR) == past.span(START - HOUR, START)


def test_only_candles_the_past_covers_whole_are_shown() -> None:
    past = Past(Ramp(START - 90 * MINUTE), ends=START)

    hours = candles(charted(past=past), "1h", 0)

    assert [candle.begins for candle in hours] == [
        hour for hour in (START - START % HOUR - HOUR, START - START % HOUR) if hour >= past.begins
    ]
