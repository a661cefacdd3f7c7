"""Recordings of the book: whatever is lost on the way, they can be played."""

import asyncio
import gzip
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path

import orjson
import pytest

from lib.data.joining import Joining
from lib.data.reading import MarketReading
from lib.data.rows import Line, Piece
from lib.data.series import Span
from lib.data.store import MarketStore
from lib.market.recordings import read_capture, read_line
from tests.data_store.exchange import (
    NOON,
    Bench,
    Market,
)
from tests.data_store.streams import (
    DEPTH,
    Event,
    change,
    following,
    played,
    snapshot,
)

CAPTURE = Path(__file__).parents[2] / "data/capture"


def lines_of(joining: Joining, *steps: Event) -> list[Line]:
    """Let a joining hear events; what has lastUpdateId is a snapshot that was asked for."""
    found: list[Line] = []
    for at, step in enumerate(steps, NOON):
        if "lastUpdateId" in step:
            found += joining.settle(step, at) or []
        else:
            found += joining.hear(step, at)
    return found


def updates(lines: Sequence[Line]) -> list[object]:
    read = [orjson.loads(line.content) for line in lines]
    return [
        one["lastUpdateId"] if "lastUpdateId" in one else (one["data"]["U"], one["data"]["u"])
        for one in read
    ]


def test_changes_that_came_before_the_snapshot_stand_behind_it() -> None:
    joining = Joining("BTCUSDT")

    lines = lines_of(joining, change(1, 3), change(4, 6), snapshot(4), change(7, 7))

    assert updates(lines) == [4, (4, 6), (7, 7)]


def test_a_snapshot_older_than_what_is_held_is_not_taken() -> None:
    joining = Joining("BTCUSDT")

    assert lines_of(joining, change(10, 12), snapshot(8)) == []
    assert joining.wants_snapshot
    assert updates(lines_of(joining, snapshot(9), change(13, 13))) == [9, (10, 12), (13, 13)]


def test_after_a_missing_change_nothing_is_recorded_before_a_new_snapshot() -> None:
    joining = Joining("BTCUSDT")

    lines = lines_of(joining, change(1, 3), snapshot(3), change(4, 4), change(9, 9), change(10, 10))

    assert updates(lines) == [3, (4, 4)]
    assert not joining.in_step
    assert updates(lines_of(joining, snapshot(9), change(11, 11))) == [9, (10, 10), (11, 11)]


def test_a_change_that_comes_over_two_connections_is_recorded_once() -> None:
    joining = Joining("BTCUSDT")

    lines = lines_of(joining, change(1, 3), snapshot(3), change(4, 5), change(4, 5), change(6, 6))

    assert updates(lines) == [3, (4, 5), (6, 6)]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_lost_on_the_way_a_recording_can_be_played(seed: int) -> None:
    joining = Joining("BTCUSDT")
    lines: list[Line] = []
    for number in range(1, 200):
        if (number * 7919 + seed * 104729) % 17 == 0:
            continue
        lines += joining.hear(change(number, number), NOON + number)
        if joining.wants_snapshot and (number + seed) % 3 == 0:
            lines += joining.settle(snapshot(number - seed % 3), NOON + number) or []

    shown = played(
        lambda: (
            read_line("BTCUSDT", b"%d000000 %b" % (line.received_at, line.content))
            for line in lines
        )
    )

    assert len(shown) > 100
    assert {kind for kind, _ in shown} == {"whole", "change"}


@pytest.mark.asyncio
async def test_a_recording_is_covered_from_its_snapshot_to_where_it_was_lost(
    tmp_path: Path,
) -> None:
    market = Market(NOON)
    market.snapshots = [snapshot(3), snapshot(20)]
    async with Bench(tmp_path / "m.sqlite", market) as bench:
        await bench.questions.begin("BTCUSDT")
        heard, script = following(bench, depth=True)

        async def until(true: Callable[[], bool]) -> None:
            async with asyncio.timeout(10):
                while not true():
                    await asyncio.sleep(0.01)

        script.say(change(1, 3))
        await until(lambda: heard._joins["BTCUSDT"].in_step)
        market.now += 100
        script.say(change(4, 4))
        script.lose("the connection broke")
        market.now += 5_000
        script.say(change(20, 20))
        await until(lambda: heard._joins["BTCUSDT"].in_step)
        market.now += 50
        script.say(change(21, 21))
        await heard.close()

        assert bench.store.spans(DEPTH) == [
            Span(NOON, NOON + 101),
            Span(NOON + 5_100, NOON + 5_151),
        ]
    with MarketReading(tmp_path / "m.sqlite") as reading:
        shown = played(lambda: reading.recording("BTCUSDT"))
    assert [kind for kind, _ in shown] == ["whole", "change", "whole", "change"]
    assert shown[1] == ("change", ((Decimal("100.00"), Decimal(4)),))


def first_lines_of_the_capture(folder: Path, count: int) -> Path:
    """Cut the shipped capture to what a test has time for."""
    path = folder / "btcusdt_20240808.jsonl.gz"
    with gzip.open(CAPTURE / path.name, "rb") as whole, gzip.open(path, "wb") as cut:
        cut.writelines(islice(whole, count))
    return path


@pytest.mark.asyncio
async def test_after_a_lost_connection_a_recording_waits_for_a_snapshot_in_any_case(
    tmp_path: Path,
) -> None:
    market = Market(snapshots=[snapshot(1)] * 3)
    async with Bench(tmp_path / "m.sqlite", market) as bench:
        await bench.questions.begin("BTCUSDT")
        heard, script = following(bench, depth=True)
        joining = heard._joins["BTCUSDT"]
        script.say(change(1, 3))
        heard._put(joining, joining.settle(snapshot(3), NOON) or ())
        script.lose("the connection broke")
        script.say(change(4, 4))  # follows, but trades between may be missing
        await heard.close()

        assert joining.wants_snapshot
        assert bench.store.spans(DEPTH) == [Span(NOON, NOON + 1)]


@pytest.mark.asyncio
async def test_an_error_of_ours_ends_the_recording_instead_of_stopping_it_unseen(
    tmp_path: Path,
) -> None:
    async with Bench(tmp_path / "m.sqlite", Market()) as bench:  # which has no snapshot to give
        await bench.questions.begin("BTCUSDT")
        heard, script = following(bench, depth=True)
        script.say(change(1, 3))
        async with asyncio.timeout(10):
            with pytest.raises(IndexError):
                await bench.collecting.follow([], heard, every=5)
        await heard.close()


@pytest.mark.slow
def test_the_recorded_capture_goes_through_the_file_and_is_played_the_same(
    tmp_path: Path,
) -> None:
    capture = first_lines_of_the_capture(tmp_path, 12_000)
    joining = Joining("BTCUSDT")
    lines: list[Line] = []
    with gzip.open(capture, "rb") as raw:
        for at, text in (line.split(b" ", 1) for line in raw):
            frame, time = orjson.loads(text), int(at) // 10**6
            if "lastUpdateId" in frame:
                lines += joining.settle(frame, time) or []
            else:
                lines += joining.hear(frame["data"], time)
    store = MarketStore(tmp_path / "m.sqlite", origin="live")
    for first in range(0, len(lines), 1_000):
        store.add([Piece(DEPTH, tuple(lines[first : first + 1_000]), ())])
    store.close()

    with MarketReading(tmp_path / "m.sqlite") as reading:
        ours = played(lambda: reading.recording("BTCUSDT"))
    theirs = played(lambda: read_capture(capture))

    assert len(lines) > 11_000
    assert len(ours) > 1_000
    assert ours == theirs
