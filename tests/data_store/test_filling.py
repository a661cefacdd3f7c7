"""The past is filled once, whole, and what is not to be had is written down as that."""

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from lib.data.collecting import Wish
from lib.data.reading import MarketReading
from lib.data.rows import Piece
from lib.data.series import Kind, Series, Span, runs
from lib.errors import Unavailable
from lib.market.intervals import Frame
from tests.data_store.exchange import (
    MINUTE,
    MINUTES,
    NOON,
    TRADES,
    Bench,
    Market,
    bar,
    kline,
    trade,
)

pytestmark = pytest.mark.asyncio

HOURS = 60 * MINUTE
BEGIN = NOON - 48 * HOURS
SETTLED = 3_000  # ms into a minute: what closed before has been counted


def market(*, but: tuple[int, ...] = (), ahead: int = SETTLED) -> Market:
    made = Market(NOON + ahead)
    made.fill(BEGIN, NOON + MINUTE, but=but)
    return made


async def caught_up(path: Path, made: Market, series: Series = MINUTES) -> Bench:
    bench = Bench(path, made)
    await bench.collecting.catch_up([Wish(series, BEGIN)])
    return bench


async def test_every_candle_that_has_closed_is_kept_and_the_open_one_never(tmp_path: Path) -> None:
    async with await caught_up(tmp_path / "m.sqlite", market()) as bench:
        assert bench.kept(MINUTES) == list(range(BEGIN, NOON, MINUTE))
        assert bench.store.spans(MINUTES) == [Span(BEGIN, NOON)]
        assert bench.outages(MINUTES) == []


@pytest.mark.parametrize("ahead", [0, 1, 1_999])
async def test_a_candle_that_closed_a_moment_ago_is_left_to_settle(
    tmp_path: Path, ahead: int
) -> None:
    async with await caught_up(tmp_path / "m.sqlite", market(ahead=ahead)) as bench:
        assert bench.kept(MINUTES)[-1] == NOON - 2 * MINUTE


async def test_the_open_candle_is_not_taken_even_by_who_asks_for_the_future(
    tmp_path: Path,
) -> None:
    made = market()
    async with Bench(tmp_path / "m.sqlite", made) as bench:
        await bench.filling.fill(MINUTES, Span(NOON - 3 * MINUTE, NOON + 60 * MINUTE))

        assert bench.kept(MINUTES) == [NOON - 3 * MINUTE, NOON - 2 * MINUTE, NOON - MINUTE]
        assert bench.store.spans(MINUTES) == [Span(NOON - 3 * MINUTE, NOON)]


async def test_what_is_there_is_not_asked_for_again(tmp_path: Path) -> None:
    made = market()
    async with await caught_up(tmp_path / "m.sqlite", made):
        asked = made.counts["klines"]
    made.now += 2 * MINUTE
    made.fill(NOON, NOON + 2 * MINUTE)

    async with await caught_up(tmp_path / "m.sqlite", made) as bench:
        assert made.counts["klines"] == asked + 1
        assert bench.kept(MINUTES)[-1] == NOON + MINUTE


async def test_an_earlier_beginning_and_holes_of_the_file_are_filled_and_nothing_else(
    tmp_path: Path,
) -> None:
    made = market()
    there = [bar(time) for time in range(BEGIN + HOURS, NOON, MINUTE) if time % 600_000]
    async with Bench(tmp_path / "m.sqlite", made) as bench:
        covered = tuple(runs(MINUTES, (each.open_time for each in there)))
        bench.store.add([Piece(MINUTES, tuple(there), covered)])

        await bench.collecting.catch_up([Wish(MINUTES, BEGIN)])

        assert bench.kept(MINUTES) == list(range(BEGIN, NOON, MINUTE))
        assert bench.store.spans(MINUTES) == [Span(BEGIN, NOON)]
        assert bench.progress.differing == 0


async def test_a_hole_of_the_exchange_is_asked_for_twice_and_then_an_outage(
    tmp_path: Path,
) -> None:
    hole = tuple(range(BEGIN + 30 * MINUTE, BEGIN + 40 * MINUTE, MINUTE))
    made = market(but=hole)

    async with await caught_up(tmp_path / "m.sqlite", made) as bench:
        assert bench.outages(MINUTES) == [Span(hole[0], hole[-1] + MINUTE)]
        assert bench.store.spans(MINUTES) == [Span(BEGIN, NOON)]
    again = [params for path, params in made.asked if params.get("startTime") == str(hole[0])]
    assert len(again) == 1


async def test_a_candle_missing_in_one_answer_alone_is_no_outage(tmp_path: Path) -> None:
    made = market()
    made.hidden_once = set(range(BEGIN + 30 * MINUTE, BEGIN + 40 * MINUTE, MINUTE))

    async with await caught_up(tmp_path / "m.sqlite", made) as bench:
        assert bench.kept(MINUTES) == list(range(BEGIN, NOON, MINUTE))
        assert bench.outages(MINUTES) == []


async def test_what_was_before_the_first_trade_ever_is_an_outage(tmp_path: Path) -> None:
    made = Market(NOON + SETTLED)
    made.fill(NOON - HOURS, NOON + MINUTE)

    async with await caught_up(tmp_path / "m.sqlite", made) as bench:
        assert bench.outages(MINUTES) == [Span(BEGIN, NOON - HOURS)]
        assert bench.kept(MINUTES)[0] == NOON - HOURS


async def test_a_young_hole_stays_open_until_it_is_old_enough_to_be_sure(tmp_path: Path) -> None:
    hole = tuple(range(NOON - 5 * MINUTE, NOON - 3 * MINUTE, MINUTE))
    made = market(but=hole)
    async with await caught_up(tmp_path / "m.sqlite", made) as bench:
        assert bench.outages(MINUTES) == []
        assert bench.store.spans(MINUTES) == [Span(BEGIN, hole[0])]
    made.now += 20 * MINUTE
    made.fill(NOON, NOON + 20 * MINUTE)

    async with await caught_up(tmp_path / "m.sqlite", made) as bench:
        assert bench.outages(MINUTES) == [Span(hole[0], hole[-1] + MINUTE)]
        assert bench.store.spans(MINUTES) == [Span(BEGIN, NOON + 20 * MINUTE)]


async def test_a_late_candle_is_filled_in_where_it_was_left_open(tmp_path: Path) -> None:
    late = NOON - 4 * MINUTE
    made = market(but=(late,))
    (await caught_up(tmp_path / "m.sqlite", made)).close()
    made.bars["1m"][late] = bar(late)

    async with await caught_up(tmp_path / "m.sqlite", made) as bench:
        assert bench.kept(MINUTES) == list(range(BEGIN, NOON, MINUTE))


async def test_a_symbol_that_is_not_traded_any_more_is_not_waited_for(tmp_path: Path) -> None:
    made = Market(NOON + SETTLED)
    made.fill(BEGIN, NOON - 24 * HOURS)

    async with await caught_up(tmp_path / "m.sqlite", made) as bench:
        assert bench.kept(MINUTES)[-1] == NOON - 24 * HOURS - MINUTE
        assert bench.outages(MINUTES) == [Span(NOON - 24 * HOURS, NOON - 10 * MINUTE)]


class Disorderly(Market):
    """Answers with rows that do not stand in order."""

    def _klines(self, params: Mapping[str, str]) -> object:
        return [kline(self.bars["1m"][time], "1m") for time in (BEGIN + MINUTE, BEGIN)]


async def test_an_answer_out_of_order_is_weather_and_never_kept(tmp_path: Path) -> None:
    made = Disorderly(NOON + SETTLED)
    made.fill(BEGIN, NOON)
    async with Bench(tmp_path / "m.sqlite", made) as bench:
        with pytest.raises(Unavailable, match="not in order"):
            await bench.filling.fill(MINUTES, Span(BEGIN, NOON))

        assert bench.kept(MINUTES) == []


@pytest.mark.parametrize("interval", ["3m", "1h", "1d", "3d", "1w", "1M"])
async def test_candles_of_any_length_are_filled_without_a_hole(
    tmp_path: Path, interval: str
) -> None:
    series, frame = Series(Kind.CANDLES, "BTCUSDT", interval), Frame(interval)
    first = frame.moved(frame.opening(NOON), -40)
    made = Market(NOON + SETTLED)
    made.fill(first, frame.opening(NOON) + 1, interval)
    since = max(first, frame.moved(frame.opening(NOON), -30))

    async with Bench(tmp_path / "m.sqlite", made) as bench:
        await bench.collecting.catch_up([Wish(series, since)])

        closed = [time for time in sorted(made.bars[interval]) if since <= time][:-1]
        assert bench.kept(series) == closed
        assert bench.store.spans(series) == [Span(since, frame.opening(NOON))]


# --- trades


def traded(count: int, but: tuple[int, ...] = ()) -> Market:
    made = Market(NOON + count * 10 + SETTLED)
    made.trades = {number: trade(number) for number in range(1, count + 1) if number not in but}
    return made


@pytest.mark.parametrize("first", [1, 2, 777, 2500])
async def test_trades_begin_with_the_first_one_at_the_time_asked_for(
    tmp_path: Path, first: int
) -> None:
    made = traded(2500)
    async with Bench(tmp_path / "m.sqlite", made) as bench:
        await bench.collecting.catch_up([Wish(TRADES, NOON + first * 10 - 5)])

        assert bench.kept(TRADES) == list(range(first, 2501))
        assert bench.outages(TRADES) == []


async def test_the_first_trade_is_looked_for_once_and_remembered(tmp_path: Path) -> None:
    made = traded(2500)
    async with Bench(tmp_path / "m.sqlite", made) as bench:
        await bench.collecting.catch_up([Wish(TRADES, NOON + 5_000)])
    asked = made.counts["aggTrades"]

    async with Bench(tmp_path / "m.sqlite", made) as bench:
        await bench.collecting.catch_up([Wish(TRADES, NOON + 5_000)])

    assert made.counts["aggTrades"] == asked + 1  # for the newest


async def test_trades_that_the_exchange_lacks_are_outages(tmp_path: Path) -> None:
    made = traded(100, but=(40, 41, 60))
    async with Bench(tmp_path / "m.sqlite", made) as bench:
        await bench.collecting.catch_up([Wish(TRADES, NOON)])

        assert bench.outages(TRADES) == [Span(40, 42), Span(60, 61)]
        assert len(bench.kept(TRADES)) == 97


async def test_trades_that_history_does_not_show_yet_are_asked_for_later(tmp_path: Path) -> None:
    made = traded(100)
    made.hidden_once = {99, 100}
    async with Bench(tmp_path / "m.sqlite", made) as bench:
        await bench.collecting.catch_up([Wish(TRADES, NOON + 15)])  # which hides them no more
        made.hidden_once = {101, 102}
        made.trades |= {number: trade(number) for number in (101, 102)}
        await bench.collecting.catch_up([Wish(TRADES, NOON + 15)])
        assert bench.outages(TRADES) == []

        await bench.collecting.catch_up([Wish(TRADES, NOON + 15)])

        assert bench.kept(TRADES) == list(range(2, 103))


async def test_trades_at_the_end_of_a_lagging_history_are_never_an_outage(tmp_path: Path) -> None:
    made = traded(100)
    async with Bench(tmp_path / "m.sqlite", made) as bench:
        bench.store.note_wish(TRADES, NOON, 1)
        made.history_until = 90
        await bench.collecting.catch_up([Wish(TRADES, NOON)])
        assert bench.store.spans(TRADES) == [Span(1, 91)]
        assert bench.outages(TRADES) == []

        made.history_until = None
        await bench.collecting.catch_up([Wish(TRADES, NOON)])

        assert bench.kept(TRADES) == list(range(1, 101))


# --- weather


@pytest.mark.parametrize("mood", ["lost", "down"])
async def test_bad_weather_costs_time_and_never_a_row(tmp_path: Path, mood: str) -> None:
    made = market()
    made.weather = [mood, "", mood, "", mood]

    async with asyncio.timeout(10):
        async with await caught_up(tmp_path / "m.sqlite", made) as bench:
            assert bench.kept(MINUTES) == list(range(BEGIN, NOON, MINUTE))
            assert bench.outages(MINUTES) == []


@pytest.mark.slow
async def test_a_limit_is_waited_out_and_then_the_rest_is_asked_for(tmp_path: Path) -> None:
    made = market()
    made.weather = ["", "limited"]

    async def pass_time() -> None:
        while True:
            await asyncio.sleep(0.01)
            made.now += 100

    passing = asyncio.create_task(pass_time())
    async with asyncio.timeout(20):
        async with await caught_up(tmp_path / "m.sqlite", made) as bench:
            assert set(range(BEGIN, NOON, MINUTE)) <= set(bench.kept(MINUTES))
    passing.cancel()


async def test_a_symbol_that_does_not_exist_leaves_the_others_in_peace(tmp_path: Path) -> None:
    made = market()
    other = Series(Kind.CANDLES, "NOSUCH", "1m")
    async with Bench(tmp_path / "m.sqlite", made) as bench:
        await bench.collecting.catch_up([Wish(other, BEGIN), Wish(MINUTES, BEGIN)])

        assert bench.kept(MINUTES) == list(range(BEGIN, NOON, MINUTE))
        assert list(bench.collecting.refused) == [other]
        assert "Invalid symbol" in bench.collecting.refused[other]


async def test_a_failing_file_ends_the_collection_with_its_own_error(tmp_path: Path) -> None:
    async with Bench(tmp_path / "m.sqlite", market()) as bench:
        bench.store._connection.execute("PRAGMA query_only = 1")
        with pytest.raises(sqlite3.OperationalError):
            await bench.collecting.catch_up([Wish(MINUTES, BEGIN)])


async def test_a_cut_after_any_page_leaves_a_file_that_never_says_too_much(
    tmp_path: Path,
) -> None:
    hole = tuple(range(BEGIN + 30 * MINUTE, BEGIN + 40 * MINUTE, MINUTE))
    made, path = market(but=hole), tmp_path / "m.sqlite"
    for pages in range(6):
        async with Bench(path, made) as bench:
            bench.market.weather = [""] * pages
            task = asyncio.create_task(bench.collecting.catch_up([Wish(MINUTES, BEGIN)]))
            while bench.market.weather and not task.done():
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        with MarketReading(path) as reading:
            spans = [span for held in reading.holdings() for span in held.spans]
            there = [each.open_time for each in reading.bars("BTCUSDT", "1m")] if spans else []
        covered = [place for span in spans for place in range(*span, MINUTE)]
        assert there == [place for place in covered if place not in hole]

    async with await caught_up(path, made) as bench:
        assert len(bench.kept(MINUTES)) == 48 * 60 - len(hole)
