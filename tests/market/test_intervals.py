from datetime import UTC, datetime

import pytest

from lib.market.intervals import DAY, HOUR, INTERVALS, MINUTE, Frame

BEIJING = 8 * HOUR
KATHMANDU = 5 * HOUR + 45 * MINUTE
NEWFOUNDLAND = -(3 * HOUR + 30 * MINUTE)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def shown(time: int) -> str:
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(sep=" ")[:19]


@pytest.mark.parametrize(
    ("interval", "opening"),
    [
        ("1s", "2024-08-14 17:38:29"),
        ("1m", "2024-08-14 17:38:00"),
        ("3m", "2024-08-14 17:36:00"),
        ("15m", "2024-08-14 17:30:00"),
        ("4h", "2024-08-14 16:00:00"),
        ("6h", "2024-08-14 12:00:00"),
        ("8h", "2024-08-14 16:00:00"),
        ("12h", "2024-08-14 12:00:00"),
        ("1d", "2024-08-14 00:00:00"),
        ("3d", "2024-08-12 00:00:00"),
        ("1w", "2024-08-12 00:00:00"),  # a Monday
        ("1M", "2024-08-01 00:00:00"),
    ],
)
def test_a_candle_opens_on_the_clock_and_the_calendar(interval: str, opening: str) -> None:
    assert shown(Frame(interval).opening(ms("2024-08-14 17:38:29") + 999)) == opening


@pytest.mark.parametrize(
    ("interval", "offset", "opening"),
    [
        ("1d", BEIJING, "2024-08-14 16:00:00"),
        ("1w", BEIJING, "2024-08-11 16:00:00"),
        ("1M", BEIJING, "2024-07-31 16:00:00"),
        ("4h", BEIJING, "2024-08-14 16:00:00"),
        ("12h", BEIJING, "2024-08-14 16:00:00"),
        ("1h", KATHMANDU, "2024-08-14 17:15:00"),
        ("1d", KATHMANDU, "2024-08-13 18:15:00"),
        ("1d", NEWFOUNDLAND, "2024-08-14 03:30:00"),
        ("1m", BEIJING, "2024-08-14 17:38:00"),
    ],
)
def test_a_candle_opens_by_the_clock_of_its_time_zone(
    interval: str, offset: int, opening: str
) -> None:
    assert shown(Frame(interval, offset).opening(ms("2024-08-14 17:38:29"))) == opening


@pytest.mark.parametrize("offset", [0, BEIJING, KATHMANDU, NEWFOUNDLAND])
@pytest.mark.parametrize("interval", INTERVALS)
def test_candles_follow_each_other_without_a_gap_or_an_overlap(interval: str, offset: int) -> None:
    frame = Frame(interval, offset)
    opening = frame.opening(ms("2023-11-14 22:13:20"))

    for _ in range(40):
        following = frame.moved(opening, 1)
        assert frame.opening(following) == following
        assert frame.opening(following - 1) == opening
        assert frame.closing(opening) == following - 1
        assert frame.moved(following, -1) == opening
        assert frame.first_from(opening + 1) == following
        opening = following


def test_a_month_is_as_long_as_the_calendar_says() -> None:
    frame = Frame("1M")
    opening = ms("2023-12-01 00:00:00")

    lengths = [(frame.moved(opening, n + 1) - frame.moved(opening, n)) // DAY for n in range(4)]

    assert lengths == [31, 31, 29, 31]
