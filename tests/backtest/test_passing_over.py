"""Passing bars over changes nothing but the time it takes, and costs no memory."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.backtest.bar_path import Resting
from lib.backtest.bar_window import WINDOW, BarWindow
from lib.backtest.extents import STRETCH, Extents, alert_of, extents_of, span_of
from lib.backtest.feed import Bars, TableBars, stored_bars
from lib.backtest.liquidity import Book, Costs, LadderLiquidity
from lib.backtest.settings import BacktestSettings
from lib.market.candle_path import Grid, Step
from lib.market.candles import FAR, Bar
from lib.market.recordings import CandleTable
from lib.quotes import ANY, Bounds
from lib.simulator.units import units
from tests.backtest.scenes import (
    BEGIN,
    DIPS,
    SPAN,
    SYMBOL,
    ListBars,
    bar,
    context_of,
    order_conf,
    recorded,
    staged,
)
from tests.backtest.stored import candles, store
from tests.swinging import with_small_bots

GRID = Grid(tick=Decimal("0.01"), lot=Decimal("0.00001"))
HASTY = {**DIPS, "dip": "0.001", "rebound": "0.011", "stop": "0.012", "patience": "25m"}
EMA = {"function": "ema_cross", "symbol": SYMBOL, "quantity": "50 USDT", "interval": "15m"}
TAKES = order_conf(side="BUY", type="MARKET", quantity="0.001")
RESTS = {"side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": "0.01"}
BOTS: dict[str, dict[str, Any]] = {
    "far away": {"far": order_conf(**RESTS, price="40000")},
    "dips": {"dips": {**HASTY, "function": "dip_buyer"}},
    "dips, crosses and a far order": {
        "dips": {**HASTY, "function": "dip_buyer"},
        "ema": {**EMA, "fast": 2, "slow": 5},
        "far": order_conf(**RESTS, price="40000"),
    },
}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def walk(seed: int, many: int, *, holes: bool) -> list[Bar]:
    """Make bars at random; with holes, some hours of them are missing."""
    chance, found, opened = random.Random(seed), [], Decimal(60_000)
    for number in range(many):
        close = opened + Decimal(chance.randrange(-12_000, 12_000)) / 100
        high = max(opened, close) + Decimal(chance.randrange(6_000)) / 100
        low = min(opened, close) - Decimal(chance.randrange(6_000)) / 100
        found.append(bar(number, *map(str, (opened, high, low, close))))
        opened = close
    missing = {place + gap for place in range(20, many, 37) for gap in range(seed % 5 + 1)}
    kept = [each for number, each in enumerate(found) if number not in missing]
    return kept if holes else found


@pytest.mark.slow
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", BOTS)
def test_the_ledger_is_the_same_byte_for_byte_when_every_bar_is_played(
    kind: str, seed: int, holes: bool
) -> None:
    bars = walk(seed, 150, holes=holes)

    passing = staged(BOTS[kind], bars).run()
    thorough = staged(BOTS[kind], bars, BacktestSettings(thorough=True)).run()

    assert passing.played < thorough.played
    assert passing.ledger.as_json_lines() == thorough.ledger.as_json_lines()


@pytest.mark.slow
def test_several_bots_on_several_symbols_trade_the_same_when_every_bar_is_played() -> None:
    hasty = {"function": "dip_buyer", "dip": "0.0005", "rebound": "0.003", "stop": "0.01"}
    bots = {
        "once": TAKES,
        "bitcoin": {**hasty, "symbol": SYMBOL, "quantity": "0.01", "patience": "20s"},
        "ether": {**hasty, "symbol": "ETHUSDT", "quantity": "0.1", "patience": "20s"},
        "twin": {**hasty, "symbol": "ETHUSDT", "quantity": "0.1", "patience": "20s"},
    }

    passing = recorded(bots, hours=8)
    thorough = recorded(bots, BacktestSettings(thorough=True), hours=8)

    assert {fill.bot for fill in passing.ledger.fills} == set(bots)
    assert passing.played < thorough.played
    assert passing.ledger.as_json_lines() == thorough.ledger.as_json_lines()


@pytest.mark.slow
def test_the_bots_of_these_tests_trade_more_than_once() -> None:
    outcome = staged(BOTS["dips, crosses and a far order"], walk(0, 150, holes=False)).run()

    assert len(list(outcome.ledger.fills)) > 4
    assert {fill.bot for fill in outcome.ledger.fills} == {"dips", "ema"}


def test_an_order_far_away_has_next_to_nothing_played() -> None:
    bars = [bar(number, 60_000, 60_100, 59_900, 60_050) for number in range(3_000)]

    outcome = staged(BOTS["far away"], bars).run()

    assert outcome.stood_for == 3_000
    assert outcome.played < 10


def test_a_look_after_a_hole_in_the_recording_finds_the_last_price_before_it() -> None:
    bars = [bar(number, *[60_000 + number] * 4) for number in range(40)]
    torn = [*bars, *(bar(number, *[70_000] * 4) for number in range(90, 100))]
    peeker = {"peeker": {"symbol": SYMBOL, "looks": 2, "every": 60 * SPAN}}

    def looked(settings: BacktestSettings) -> list[str]:
        backtest = staged(peeker, torn, settings)
        backtest.run()
        return [look["price"] for look in context_of(backtest, "peeker")["seen"]]

    assert looked(BacktestSettings()) == looked(BacktestSettings(thorough=True))
    assert Decimal(looked(BacktestSettings())[1]) == 60_039


# --- what is far


@pytest.mark.parametrize("seed", range(5))
def test_no_bar_is_called_far_that_comes_near_an_order_or_a_wait(seed: int) -> None:
    bars, liquidity = walk(seed, 400, holes=True), LadderLiquidity(GRID, Costs())
    extents = Extents(ListBars(*bars), liquidity, ends=bars[-1].open_time + SPAN)
    chance = random.Random(seed)
    for _ in range(50):
        price = Decimal(chance.randrange(5_500_000, 6_500_000)) / 100
        alert = alert_of(Bounds(below=price - 900, above=price + 900), ())
        for each in bars:
            low, high = span_of(each, liquidity)
            near = low <= units(price - 900) or high >= units(price + 900)
            assert not (near and extents.is_far(each.open_time, alert))


def test_what_is_free_ends_at_the_first_bar_that_comes_near() -> None:
    bars = [bar(number, 60_000, 60_010, 59_990, 60_000) for number in range(50)]
    bars[30] = bar(30, 60_000, 60_010, 55_000, 60_000)
    extents = Extents(ListBars(*bars), LadderLiquidity(GRID, Costs()), ends=BEGIN + 50 * SPAN)

    alert = alert_of(Bounds(below=Decimal(55_500)), ())
    stretch = extents.around(BEGIN)

    assert stretch.free_until(BEGIN, BEGIN + 49 * SPAN, alert) == BEGIN + 30 * SPAN
    assert stretch.free_until(BEGIN, BEGIN + 20 * SPAN, alert) == BEGIN + 20 * SPAN + 1
    assert stretch.free_until(BEGIN + 31 * SPAN, FAR, alert) == BEGIN + 50 * SPAN


class Walls:
    """A model of one's own whose book reaches far in bars of little volume."""

    def enter(self, bar: Bar) -> None:
        """Look at nothing."""

    def reach(self, bar: Bar) -> Decimal:
        return Decimal(10_000) / bar.volume

    def around(self, step: Step) -> Book:
        return ((step.price - 1, Decimal(1)),), ((step.price + 1, Decimal(1)),)


def test_the_reach_of_a_model_of_ones_own_is_asked_bar_by_bar() -> None:
    bars = [bar(number, 60_000, 60_010, 59_990, 60_000) for number in range(20)]
    bars[7] = bar(7, 60_000, 60_010, 59_990, 60_000, volume=Decimal(1))
    extents = Extents(ListBars(*bars), Walls(), ends=BEGIN + 20 * SPAN)

    alert = alert_of(Bounds(), [Resting(is_buy=True, is_stop=False, price=Decimal(50_000))])

    far = [extents.is_far(each.open_time, alert) for each in bars]
    assert [number for number, is_far in enumerate(far) if not is_far] == [7]


@pytest.mark.parametrize(
    ("is_buy", "is_stop", "below"),
    [(True, False, True), (False, False, False), (True, True, False), (False, True, True)],
)
def test_an_order_is_reached_from_the_side_it_waits_on(
    is_buy: bool, is_stop: bool, below: bool
) -> None:
    alert = alert_of(Bounds(), [Resting(is_buy, is_stop, Decimal(100))])

    assert alert.is_far(units(101), units(1_000)) is below
    assert alert.is_far(units(1), units(99)) is not below
    assert not alert.is_far(units(100), units(100))


def test_where_anything_counts_nothing_is_far_and_where_nothing_does_all_is() -> None:
    trailing = Resting(is_buy=False, is_stop=True, price=Decimal(1), trails=True)

    assert not alert_of(ANY, ()).is_far(units(1), units(10**9))
    assert not alert_of(Bounds(), [trailing]).is_far(units(1), units(10**9))
    assert alert_of(Bounds(), ()).is_far(0, units(10**9))


def test_a_bound_between_two_ticks_counts_as_reached_rather_than_not() -> None:
    third = Decimal(100) / 3

    assert not alert_of(Bounds(below=third), ()).is_far(units("33.33333334"), units(50))
    assert not alert_of(Bounds(above=third), ()).is_far(units(20), units("33.33333333"))


# --- how it is read


def in_a_file(bars: list[Bar], _: Path) -> Bars:
    rows = [f"{b.open_time},{b.open},{b.high},{b.low},{b.close},{b.volume}" for b in bars]
    text = "\n".join(["open_time,open,high,low,close,volume", *rows, ""])
    return TableBars(CandleTable(text.encode(), interval=SPAN))


def in_a_store(bars: list[Bar], folder: Path) -> Bars:
    return stored_bars(store(folder, candles(bars)), SYMBOL)


def in_a_list(bars: list[Bar], _: Path) -> Bars:
    return ListBars(*bars)


@pytest.mark.parametrize("opened", [in_a_file, in_a_store, in_a_list])
def test_every_source_tells_the_same_lows_and_highs(opened: Any, tmp_path: Path) -> None:
    bars = walk(1, 40, holes=False)
    bars[3] = bar(3, "0.00000123", "1", "0.00000001", "0.5")

    with closing(opened(bars, tmp_path)) as source:
        found = list(extents_of(source, BEGIN + 2 * SPAN, BEGIN + 30 * SPAN))

    assert found == [(b.open_time, units(b.low), units(b.high)) for b in bars[2:30]]


def test_bars_are_found_across_stretches_and_holes_in_either_direction() -> None:
    numbers = [*range(5), *range(3 * STRETCH, 3 * STRETCH + 5)]
    bars = [bar(number, 100, 101, 99, 100) for number in numbers]
    ends = bars[-1].open_time + SPAN
    extents = Extents(ListBars(*bars), LadderLiquidity(GRID, Costs()), ends=ends)

    assert extents.first_from(BEGIN + 5 * SPAN) == bars[5].open_time
    assert extents.last_until(bars[5].open_time - 1) == bars[4].open_time
    assert extents.last_until(BEGIN - 1) == BEGIN
    assert extents.first_from(ends) == FAR


def test_a_window_answers_any_bar_in_any_order() -> None:
    bars = walk(2, 5 * WINDOW, holes=False)
    window = BarWindow(ListBars(*bars), ends=bars[-1].open_time + SPAN)

    for number in (0, 1, 4 * WINDOW, 3, 5 * WINDOW - 1, WINDOW, WINDOW - 1):
        assert window.at(bars[number].open_time) == bars[number]


MEMORY = """
import resource, sys
from tests.backtest.test_passing_over import EndlessBars
from tests.backtest.scenes import SYMBOL, conf_of, order_conf
from lib.backtest.backtest import Backtest
from lib.backtest.recordings import Recordings
from lib.backtest.settings import BacktestSettings
from lib.simulator.paper.recorded_market import exchange_info
bars = EndlessBars(int(sys.argv[1]))
settings = BacktestSettings()
dips = {"symbol": SYMBOL, "quantity": "0.001", "dip": "0.3", "rebound": "0.4", "patience": "30d"}
recordings = Recordings(settings, {SYMBOL: bars}, exchange_info(symbols=[SYMBOL]))
outcome = Backtest(settings, conf_of({"dip_buyer": dips}), recordings=recordings).run()
assert outcome.stood_for == int(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class EndlessBars:
    """Bars that are made when they are read: whatever memory grows is not theirs."""

    def __init__(self, many: int) -> None:
        self.interval = SPAN
        self.begins_at = BEGIN
        self.ends_at = BEGIN + many * SPAN

    def between(self, begins: int, ends: int) -> Iterator[Bar]:
        first = max(0, -(-(begins - BEGIN) // SPAN))
        last = min(-(-(ends - BEGIN) // SPAN), (self.ends_at - BEGIN) // SPAN)
        for number in range(first, last):
            price = 60_000 + number % 500
            yield bar(number, price, price + 20, price - 20, price + 1)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.slow
def test_four_times_the_bars_take_no_more_memory() -> None:
    def peak(bars: int) -> int:
        words = [sys.executable, "-c", MEMORY, str(bars)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        return int(done.stdout)

    few, many = peak(15_000), peak(60_000)

    assert many - few < 2_000  # KiB
