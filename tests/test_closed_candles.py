"""Candles are seen once, in order, and only once they have closed."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from lib.closed_candles import (
    PAGE,
    candles_since,
    closed_after,
    closed_until,
    length_of,
    missing_before,
    newest_closed,
    next_look,
)
from lib.errors import Unavailable
from lib.exchange import Candle
from tests.scripted_venue import Office, play

MINUTE = 60_000
ONE = Decimal(1)


def minute(open_time: int) -> Candle:
    return Candle(open_time, ONE, ONE, ONE, ONE, ONE, open_time + MINUTE - 1)


def asked(office: Office, candles: Sequence[Candle], late_ms: int = 0) -> None:
    """Have the venue answer these, after a while."""

    async def answer(
        symbol: str, interval: str, limit: int, *, since: int | None = None
    ) -> Sequence[Candle]:
        await asyncio.sleep(late_ms / 1000)
        if since is None:
            return candles[-limit:]
        return [each for each in candles if each.open_time >= since][:limit]

    office.venue.candles = answer  # type: ignore[method-assign]


def test_the_open_candle_is_left_out() -> None:
    async def story(office: Office) -> tuple[int, list[int]]:
        now = office.now()
        asked(office, [minute(now - 2 * MINUTE), minute(now - MINUTE), minute(now)])
        await asyncio.sleep(2)
        found = await newest_closed(office.desk, "BTCUSDT", "1m")
        return now, [candle.open_time for candle in found]

    now, found = play(story)
    assert found == [now - 2 * MINUTE, now - MINUTE]


def test_a_candle_that_was_open_when_it_was_asked_for_is_open_however_late_the_answer() -> None:
    async def story(office: Office) -> Sequence[Candle]:
        asked(office, [minute(office.now() - MINUTE + 3_000)], late_ms=8_000)
        return await closed_after(office.desk, "BTCUSDT", "1m", 0)

    assert play(story) == []


def test_only_what_opened_after_the_last_one_is_answered() -> None:
    async def story(office: Office) -> tuple[int, list[int]]:
        begin = office.now() - 10 * MINUTE
        asked(office, [minute(begin + number * MINUTE) for number in range(9)])
        found = await closed_after(office.desk, "BTCUSDT", "1m", begin + 5 * MINUTE)
        return begin, [candle.open_time for candle in found]

    begin, found = play(story)
    assert found == [begin + 6 * MINUTE, begin + 7 * MINUTE, begin + 8 * MINUTE]


def test_a_long_history_is_asked_for_page_by_page() -> None:
    async def story(office: Office) -> tuple[int, int, bool]:
        begin = office.now() - 2_600 * MINUTE
        all_of_them = [minute(begin + number * MINUTE) for number in range(2_600)]
        asked(office, all_of_them)
        found = await candles_since(office.desk, "BTCUSDT", "1m", begin)
        return len(found), PAGE, list(found) == all_of_them

    assert play(story) == (2_600, 1_000, True)


def test_an_answer_out_of_order_is_weather() -> None:
    async def story(office: Office) -> Any:
        begin = office.now() - 10 * MINUTE
        asked(office, [minute(begin + MINUTE), minute(begin)])
        with pytest.raises(Unavailable, match="not in order"):
            await newest_closed(office.desk, "BTCUSDT", "1m")

    play(story)


def test_the_next_look_is_when_the_next_candle_has_closed_or_soon_if_it_is_late() -> None:
    assert next_look("1m", 600_000, 660_500) == 600_000 + 2 * MINUTE + 2_000
    assert next_look("1m", 600_000, 900_000) == 905_000


def test_missing_candles_are_counted() -> None:
    assert missing_before("1m", 0, minute(MINUTE)) == 0
    assert missing_before("1m", 0, minute(4 * MINUTE)) == 3


def test_an_interval_is_as_long_as_its_name_says() -> None:
    lengths = [length_of(each) for each in ("1m", "15m", "4h", "1d", "1w")]

    assert lengths == [60_000, 900_000, 14_400_000, 86_400_000, 604_800_000]


def test_a_look_back_ends_with_the_candle_that_was_asked_for() -> None:
    async def story(office: Office) -> tuple[int, list[int]]:
        begin = office.now() - 60 * MINUTE
        asked(office, [minute(begin + number * MINUTE) for number in range(50)])
        opened = begin + 20 * MINUTE
        found = await closed_until(office.desk, "BTCUSDT", "1m", opened, reach=6)
        return opened, [candle.open_time for candle in found]

    opened, found = play(story)
    assert found == [opened - number * MINUTE for number in range(5, -1, -1)]
