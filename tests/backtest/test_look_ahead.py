"""Nothing of the future can be seen: two futures of one past look the same until they part.

A bot asks all that a bot can ask, again and again, in two back-tests whose recordings are alike up
to a moment. Whatever it was answered before that moment must be the same, to the last digit. How
much a bar trades in all is not held against it: a quarter is shown with each step.
"""

import gzip
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.backtest.backtest import Backtest
from lib.backtest.bar_path import PathModel, way_through
from lib.backtest.recordings import open_recordings
from lib.backtest.settings import BacktestSettings
from lib.market.candle_path import Grid
from lib.market.candles import Bar
from tests.backtest.scenes import BEGIN, SPAN, SYMBOL, bar, conf_of, context_of, staged
from tests.swinging import with_small_bots

PARTS_AT = 12  # the bar whose open is still the same
BARS = 20


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def walk(seed: int, first: int, opened: Decimal, sign: int = 1) -> list[Bar]:
    """Make bars up to the last one, from an open on; `sign` is the way the moves go."""
    chance, found = random.Random(f"bars {seed}"), []
    for number in range(first, BARS):
        close = opened + sign * Decimal(chance.randrange(-9_000, 9_000)) / 100
        high = max(opened, close) + Decimal(chance.randrange(5_000)) / 100
        low = min(opened, close) - Decimal(chance.randrange(5_000)) / 100
        found.append(bar(number, str(opened), str(high), str(low), str(close)))
        opened = close
    return found


def futures() -> tuple[list[Bar], list[Bar]]:
    """Make one past with two futures, which part within a bar: after its open."""
    past = walk(1, 0, Decimal(60_000))[:PARTS_AT]
    opened = past[-1].close
    one, other = (walk(2, PARTS_AT, opened, sign) for sign in (1, -1))
    return [*past, *one], [*past, *other]


def spying(ends_at: int) -> dict[str, Any]:
    return {
        "spy": {
            "symbol": SYMBOL,
            "ends_at": ends_at,
            "above": "60010",
            "rests_at": "59950",
        }
    }


def seen_in(backtest: Backtest) -> list[tuple[int, str]]:
    backtest.run()
    return [(at, words) for at, words in context_of(backtest, "spy")["seen"]]


def seen_of_bars(bars: Sequence[Bar], settings: BacktestSettings) -> list[tuple[int, str]]:
    return seen_in(staged(spying(BEGIN + (BARS - 1) * SPAN), bars, settings))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "thorough"), [*((path, False) for path in PathModel), (PathModel.PESSIMISTIC, True)]
)
def test_two_futures_of_candles_look_the_same_until_they_part(
    path: PathModel, *, thorough: bool
) -> None:
    settings = BacktestSettings(path=path, thorough=thorough)
    one, other = (seen_of_bars(bars, settings) for bars in futures())

    parted = BEGIN + PARTS_AT * SPAN + SPAN // 3 - 1  # the first extreme
    before = [entry for entry in one if entry[0] < parted]
    assert len(before) > 500
    assert before == [entry for entry in other if entry[0] < parted]
    assert one[len(before) :] != other[len(before) :]


@pytest.mark.slow
def test_what_is_seen_before_they_part_includes_the_bar_that_is_open() -> None:
    seen = seen_of_bars(futures()[0], BacktestSettings())

    opened = BEGIN + PARTS_AT * SPAN
    words = [text for at, text in seen if opened <= at < opened + SPAN // 3 and text[:3] == "5m "]
    assert any(f"open_time={opened}" in text for text in words)


@pytest.mark.parametrize("opened", ["60000.00", "60000.01"])
def test_the_first_trade_of_a_bar_says_nothing_of_where_it_goes(opened: str) -> None:
    grid, whole = Grid(tick=Decimal("0.01"), lot=Decimal("0.00001")), Decimal(1)
    ways = [
        way_through(bar(0, opened, "61000", "59000", close), grid, whole, low_first=low_first)
        for close in ("59000", "60000", "61000")
        for low_first in (True, False)
    ]

    assert len({(way[0].price, way[0].rising) for way in ways}) == 1


def lines_of_capture(count: int) -> list[bytes]:
    file = Path("data/capture/btcusdt_20240808.jsonl.gz")
    with gzip.open(file) as lines:
        return [line for line, _ in zip(lines, range(count), strict=False)]


def recording(folder: Path, lines: Sequence[bytes]) -> Path:
    """Write a folder of recordings with these lines, and the candles there are."""
    (folder / "capture").mkdir(parents=True)
    for name in ("candles", "exchange_info.json"):
        (folder / name).symlink_to(Path("data", name).resolve())
    with gzip.open(folder / "capture" / "btcusdt_20240808.jsonl.gz", "wb") as file:
        file.writelines(lines)
    return folder


def without_trades(lines: Sequence[bytes]) -> list[bytes]:
    return [line for line in lines if b'"e":"trade"' not in line]


@pytest.mark.slow
def test_two_futures_of_a_recording_look_the_same_until_they_part(tmp_path: Path) -> None:
    lines = lines_of_capture(6_000)
    past, future = lines[:4_500], lines[4_500:]
    parted = int(future[0].split(b" ")[0]) // 1_000_000
    ends = int(lines[-1].split(b" ")[0]) // 1_000_000
    assert without_trades(future) != future
    seen = []
    for number, told in enumerate((future, without_trades(future))):
        data = recording(tmp_path / str(number), [*past, *told])
        settings = BacktestSettings(market="trades", data=data, ends=ends)
        section = {**spying(ends - 1_000)["spy"], "every": 1_700, "above": "1000"}
        conf = conf_of({"spy": section})
        backtest = Backtest(settings, conf, recordings=open_recordings(settings, [SYMBOL]))
        seen.append(seen_in(backtest))

    one, other = seen
    before = [entry for entry in one if entry[0] < parted]
    assert len(before) > 100
    assert before == [entry for entry in other if entry[0] < parted]
    assert one[len(before) :] != other[len(before) :]
