"""Following the market: the streams bring what is new, rounds make good what they missed."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lib.data.collecting import Wish, collect
from lib.data.following import Following, Wanted
from lib.data.series import Span
from lib.errors import Halt
from tests.data_store.exchange import (
    MINUTE,
    MINUTES,
    NOON,
    TRADES,
    Bench,
    Market,
    trade,
)
from tests.data_store.streams import (
    Event,
    Script,
    closed,
    following,
    told,
)


@pytest.mark.asyncio
async def test_a_candle_is_kept_when_the_stream_says_it_closed_and_not_before(
    tmp_path: Path,
) -> None:
    async with Bench(tmp_path / "m.sqlite", Market()) as bench:
        await bench.questions.begin("BTCUSDT")
        heard, script = following(bench, MINUTES)
        script.say(closed(NOON))
        script.say(closed(NOON + MINUTE, x=False))
        await heard.flush()

        assert bench.kept(MINUTES) == [NOON]
        assert bench.store.spans(MINUTES) == [Span(NOON, NOON + MINUTE)]
        await heard.close()


@pytest.mark.asyncio
async def test_what_comes_twice_over_two_connections_is_kept_once(tmp_path: Path) -> None:
    async with Bench(tmp_path / "m.sqlite", Market()) as bench:
        await bench.questions.begin("BTCUSDT")
        heard, script = following(bench, MINUTES, TRADES)
        for event in (told(5), told(6), told(5), told(6), told(7), closed(NOON), closed(NOON)):
            script.say(event)
        await heard.flush()
        script.say(told(7))
        await heard.close()

        assert bench.kept(TRADES) == [5, 6, 7]
        assert bench.store.spans(TRADES) == [Span(5, 8)]
        assert bench.kept(MINUTES) == [NOON]


@pytest.mark.asyncio
async def test_what_the_streams_missed_is_made_good_by_the_next_round(tmp_path: Path) -> None:
    market = Market(NOON + 10 * MINUTE + 20_000)
    market.fill(NOON, NOON + 11 * MINUTE)
    market.trades = {number: trade(number) for number in range(1, 31)}
    wishes = [Wish(MINUTES, NOON), Wish(TRADES, NOON)]
    async with Bench(tmp_path / "m.sqlite", market) as bench:
        await bench.questions.begin("BTCUSDT")
        heard, script = following(bench, MINUTES, TRADES)
        for minute in (2, 3, 7):
            script.say(closed(NOON + minute * MINUTE))
        for number in (10, 11, 20, 30):
            script.say(told(number))

        async def stop() -> None:
            await asyncio.sleep(0.05)
            heard.fault = KeyError("enough")

        ending = asyncio.create_task(stop())
        with pytest.raises(KeyError):
            await bench.collecting.follow(wishes, heard, every=1)
        await ending
        await heard.close()

        assert bench.kept(MINUTES) == list(range(NOON, NOON + 10 * MINUTE, MINUTE))
        assert bench.kept(TRADES) == list(range(1, 31))
        assert bench.store.spans(TRADES) == [Span(1, 31)]


@pytest.mark.asyncio
async def test_a_message_that_cannot_be_read_costs_itself_alone(tmp_path: Path) -> None:
    async with Bench(tmp_path / "m.sqlite", Market()) as bench:
        await bench.questions.begin("BTCUSDT")
        heard, script = following(bench, MINUTES, TRADES)
        nonsense: list[Event] = [
            {"e": "kline", "s": "BTCUSDT", "k": {"t": "x"}},
            {"e": "aggTrade", "s": "BTCUSDT", "a": None},
            {**told(4), "p": 100.5},
            {"e": "aggTrade", "s": 7},
            {},
        ]
        for event in [*nonsense, told(5), *nonsense, closed(NOON)]:
            script.say(event)
        await heard.close()

        assert bench.kept(TRADES) == [5]
        assert bench.kept(MINUTES) == [NOON]


@pytest.mark.asyncio
async def test_a_series_that_is_not_wanted_is_not_kept_though_the_stream_brings_it(
    tmp_path: Path,
) -> None:
    async with Bench(tmp_path / "m.sqlite", Market()) as bench:
        await bench.questions.begin("BTCUSDT")
        heard, script = following(bench, MINUTES)
        script.say(told(5))
        await heard.close()

        assert bench.kept(TRADES) == []


@pytest.mark.asyncio
async def test_a_file_that_fails_ends_the_following_with_its_own_error(tmp_path: Path) -> None:
    market = Market(NOON + MINUTE)
    market.fill(NOON, NOON + MINUTE)
    async with Bench(tmp_path / "m.sqlite", market) as bench:
        script = Script()

        def opened(kinds: Sequence[str], on_lost: Callable[[str], None]) -> Script:
            asyncio.get_running_loop().call_later(0.05, break_it)
            return script.open(kinds, on_lost)

        def break_it() -> None:
            bench.store._connection.execute("PRAGMA query_only = 1")
            script.say(closed(NOON))

        wanted = Wanted(("BTCUSDT",), ("1m",))
        bench.collecting.questions = bench.questions
        with pytest.raises(sqlite3.OperationalError):
            async with asyncio.timeout(30):
                await quickly(bench, wanted, opened)


async def quickly(bench: Bench, wanted: Wanted, opened: Any) -> None:
    """Collect with rounds that follow each other at once."""
    patch = pytest.MonkeyPatch()
    follow = bench.collecting.__class__.follow
    patch.setattr(
        bench.collecting.__class__,
        "follow",
        lambda self, wishes, heard: follow(self, wishes, heard, every=10),
    )
    try:
        await collect(bench.collecting, wanted, [Wish(MINUTES, NOON)], open_stream=opened)
    finally:
        patch.undo()


@pytest.mark.parametrize("count", [1, 52, 53, 500])
def test_every_symbol_is_followed_once_and_no_connection_carries_too_much(count: int) -> None:
    symbols = tuple(f"S{number}USDT" for number in range(count))
    wanted = Wanted(symbols, ("1s", "1m", "5m", "1h", "1d") * 3, trades=True, depth=True)

    groups = wanted.groups()

    assert [symbol for group in groups for symbol in group] == list(symbols)
    assert all(len(group) * len(wanted.kinds) <= 1024 for group in groups)


@pytest.mark.asyncio
async def test_an_exchange_that_counts_anew_is_not_mixed_with_what_it_was(tmp_path: Path) -> None:
    async with Bench(tmp_path / "m.sqlite", Market()) as bench:
        await bench.questions.begin("BTCUSDT")
        heard, script = following(bench, TRADES)
        script.say(told(500))
        script.say({**told(3), "T": NOON + 10**6})
        await heard.close()

        assert isinstance(heard.fault, Halt)
        assert "name another file" in str(heard.fault)


@pytest.mark.asyncio
async def test_an_exchange_that_was_reset_while_nobody_looked_is_noticed_at_the_next_start(
    tmp_path: Path,
) -> None:
    market = Market(NOON + 10_000)
    market.trades = {number: trade(number) for number in range(1, 500)}
    async with Bench(tmp_path / "m.sqlite", market) as bench:
        await bench.collecting.catch_up([Wish(TRADES, NOON)])
        market.now += MINUTE
        market.trades = {number: trade(number, NOON + MINUTE) for number in range(1, 20)}

        with pytest.raises(Halt, match="trade 19 came after trade 499"):
            await bench.collecting.catch_up([Wish(TRADES, NOON)])


@pytest.mark.asyncio
async def test_a_row_of_the_stream_that_differs_from_the_one_kept_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    async with Bench(tmp_path / "m.sqlite", Market()) as bench:
        await bench.questions.begin("BTCUSDT")
        bench.progress.complain = said.append
        wanted = Wanted(("BTCUSDT",), trades=True)
        script = Script()
        heard = Following(
            wanted, bench.questions, bench.writer, series={TRADES}, told=bench.progress.add_live
        )
        heard.start(script.open)
        script.say(told(5))
        await heard.flush()
        script.say({**told(5), "p": "7.00000000"})
        await heard.close()

    assert said == ["1 rows differ from those kept: BTCUSDT trades 5"]
    assert (bench.progress.live, bench.progress.differing) == (1, 1)


@pytest.mark.asyncio
async def test_a_series_that_is_complete_costs_no_question_until_the_next_candle_closes(
    tmp_path: Path,
) -> None:
    market = Market(NOON + 30_000)
    market.fill(NOON - 10 * MINUTE, NOON + MINUTE)
    async with Bench(tmp_path / "m.sqlite", market) as bench:
        for _ in range(5):
            await bench.collecting.catch_up([Wish(MINUTES, NOON - 10 * MINUTE)])
        assert market.counts["klines"] == 1

        market.now += MINUTE
        market.fill(NOON, NOON + 2 * MINUTE)
        await bench.collecting.catch_up([Wish(MINUTES, NOON - 10 * MINUTE)])

        assert market.counts["klines"] == 2
        assert bench.kept(MINUTES)[-1] == NOON
