"""Back-tests of single trades and recorded books out of a file that `collect` fills."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.atomic_json import read_generations
from lib.backtest.backtest import Outcome, run_backtest
from lib.backtest.feed import NoSuchRecording
from lib.backtest.history import BarHistory
from lib.backtest.ledger import FillLine
from lib.backtest.liquidity import Costs, LadderLiquidity
from lib.backtest.settings import BacktestSettings
from lib.backtest.ticks import Tick, TickBars
from lib.backtest.trades import SizedBook, TradePlayback
from lib.context_file.generation import decode
from lib.disk import REAL_DISK
from lib.market.candle_path import Grid
from lib.market.candles import FAR
from lib.simulator.engine.past import Past
from tests.backtest.scenes import BEGIN, DIPS, HOUR, bar, conf_of, flat, order_conf, staged
from tests.backtest.stored import (
    candles,
    change,
    recorded_lines,
    snapshot,
    store,
    trade,
    traded,
)
from tests.swinging import with_small_bots

WHOLE = Costs(volume_share=Decimal(1))
TRADES = BacktestSettings(market="trades", costs=WHOLE)
BUY = order_conf(side="BUY", type="MARKET", quantity="0.01")
LIMIT = {"side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": "0.01"}
PEEKER: dict[str, object] = {"symbol": "BTCUSDT"}
CALM = [(second * 1_000, 60_000, "1") for second in range(90)]


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def played(path: Path, settings: BacktestSettings = TRADES, **bots: dict[str, object]) -> Outcome:
    return run_backtest(replace(settings, data=path), conf_of(bots))


def kept(ctx: Path) -> Any:
    """Read what the peeker remembers."""
    return decode(read_generations(ctx / "peeker.json", disk=REAL_DISK)).context


def fills(outcome: Outcome) -> list[tuple[str, Decimal, Decimal]]:
    return [(f.bot, Decimal(f.price), Decimal(f.quantity)) for f in outcome.ledger.fills]


# --- trades alone


@pytest.mark.parametrize(
    ("costs", "taken", "paid"),
    [
        (WHOLE, "1", "60000"),  # a buyer took: the traded price is the ask
        (WHOLE, "-1", "60000.01"),  # a seller did: it is the bid, the ask a tick above
        (replace(WHOLE, spread=Decimal("0.001")), "-1", "60060"),
        (replace(WHOLE, slippage=Decimal("0.002")), "1", "60120"),  # all but one lot
    ],
)
def test_the_book_stands_around_the_last_trade(
    tmp_path: Path, costs: Costs, taken: str, paid: str
) -> None:
    path = store(tmp_path, traded(*((at, price, taken) for at, price, _ in CALM)))

    outcome = played(path, replace(TRADES, costs=costs), buyer=BUY)

    assert max(price for _, price, _ in fills(outcome)) == Decimal(paid)


def test_an_order_gets_its_share_of_each_trade_at_its_price_behind_the_queue(
    tmp_path: Path,
) -> None:
    """A tenth of 60 coins a minute: 6, of which 10/210 stand before it; then a tenth of 5."""
    later = [(90_000 + n * 1_000, 59_000, "-5") for n in range(5)]
    path = store(tmp_path, traded(*CALM, *later))
    costs, balances = Costs(volume_share=Decimal("0.1")), {"USDT": Decimal(100_000)}
    order = order_conf(**{**LIMIT, "quantity": "1", "price": "59000"})

    outcome = played(path, replace(TRADES, costs=costs, balances=balances), rests=order)

    assert fills(outcome) == [
        ("rests", Decimal(59_000), Decimal(quantity)) for quantity in ("0.21429", "0.5", "0.28571")
    ]


def test_opening_and_closing_prices_are_those_of_the_first_and_the_last_trade(
    tmp_path: Path,
) -> None:
    path = store(tmp_path, traded(*CALM, (95_000, 61_000, "1")))

    outcome = played(path, buyer=BUY)

    assert (outcome.opening, outcome.closing) == (
        {"BTCUSDT": Decimal(60_000)},
        {"BTCUSDT": Decimal(61_000)},
    )
    assert outcome.period.ends == BEGIN + 95_001


def test_a_bot_sees_candles_that_the_trades_have_made(tmp_path: Path) -> None:
    """Where no candle was recorded; the one that still grows has its trades so far."""
    rows = [(second * 1_000, 60_000 + second, "1") for second in range(240)]
    settings = replace(TRADES, begins=BEGIN + 180_000, ctx=tmp_path / "ctx")

    played(store(tmp_path, traded(*rows)), settings, peeker={**PEEKER, "looks": 1})

    (look,) = kept(tmp_path / "ctx")["seen"]
    seconds = (look["now"] - BEGIN) // 1_000
    assert Decimal(look["price"]) == 60_000 + seconds
    assert [Decimal(high) for high in look["highs"]] == [60_000 + seconds]
    assert [Decimal(low) for low in look["lows"]] == [60_000]


def test_a_candle_that_grows_as_it_begins_shows_nothing_of_what_comes(tmp_path: Path) -> None:
    """The recorded candle knows the rise of the next minutes; whoever asks must not."""
    rows = [(180_000 + second * 1_000, 60_000 + second, "1") for second in range(120)]
    rising = candles([flat(-1, 60_000), bar(0, 60_000, 99_000, 60_000, 99_000)])
    settings = replace(TRADES, ctx=tmp_path / "ctx")

    played(store(tmp_path, traded(*rows), rising), settings, peeker={**PEEKER, "looks": 1})

    (look,) = kept(tmp_path / "ctx")["seen"]
    assert max(Decimal(high) for high in look["highs"]) < 60_100


def test_what_nobody_looks_at_is_left_out_and_changes_nothing(tmp_path: Path) -> None:
    swing = [
        (n * 2_000, 60_000 + (n * 7919 % 600) - 300, "0.3" if n % 3 else "-0.3")
        for n in range(3_000)
    ]
    path = store(tmp_path, traded(*swing))
    peeker: dict[str, object] = {**PEEKER, "looks": 4, "every": 1_200_000, "interval": "1m"}

    passing = played(path, replace(TRADES, ctx=tmp_path / "passing"), peeker=peeker)
    thorough = played(path, replace(TRADES, ctx=tmp_path / "all", thorough=True), peeker=peeker)

    assert passing.played < thorough.played * 2 // 3
    assert len(kept(tmp_path / "passing")["seen"]) == 4
    assert kept(tmp_path / "passing") == kept(tmp_path / "all")


class CountedTicks:
    """Endless trades, and how many were asked for."""

    begins_at, ends_at = BEGIN, FAR

    def __init__(self) -> None:
        self.read = 0

    def between(self, begins: int, ends: int) -> Iterator[Tick]:
        for time in range(max(begins, BEGIN), ends, 1_000):
            self.read += 1
            yield Tick(time, Decimal(60_000), Decimal(1), buyer_is_maker=False)

    def close(self) -> None:
        """Nothing is open."""


def test_a_recording_is_read_no_further_than_it_is_played() -> None:
    ticks, grid = CountedTicks(), Grid(tick=Decimal("0.01"), lot=Decimal("0.00001"))
    backtest = staged({"buyer": BUY}, [flat(0, 60_000), flat(1, 60_000)])
    playback = TradePlayback(
        *("BTCUSDT", ticks, backtest.stage.exchange, backtest.ledger),
        book=SizedBook(LadderLiquidity(grid, WHOLE), grid=grid, share=Decimal(1)),
        past=Past(BarHistory(TickBars(ticks), grid), ends=BEGIN),
        span=60_000,
        begins=BEGIN,
        ends=FAR,
    )

    for _ in range(100):
        playback.play()

    assert ticks.read <= 1 + 60 + 100, "the first minute is looked at to size the book"


# --- recorded books


def test_a_recorded_book_is_what_its_changes_made_of_the_snapshot(tmp_path: Path) -> None:
    calm = [(3_000 + n * 100, trade(n, "60000", "0.1")) for n in range(1, 200)]
    path = store(
        tmp_path,
        recorded_lines(
            (0, snapshot(7, [("59999", "1")], [("60000", "0.004"), ("60050", "5")])),
            (100, change(8, 9, asks=[("60020", "0.003")])),
            (200, trade(1, "60000", "0.1")),
            *calm,
        ),
    )

    outcome = played(path, buyer=BUY)

    assert fills(outcome) == [
        ("buyer", Decimal(60_000), Decimal("0.004")),
        ("buyer", Decimal(60_020), Decimal("0.003")),
        ("buyer", Decimal(60_050), Decimal("0.003")),
    ]


def test_a_back_test_may_begin_between_two_snapshots(tmp_path: Path) -> None:
    path = store(
        tmp_path,
        recorded_lines(
            (0, snapshot(7, [("59999", "1")], [("60000", "1")])),
            (1_000, change(8, 8, asks=[("60000", "0"), ("60007", "1")])),
            (2_000, trade(1, "60007", "0.1")),
            (60_000, change(9, 9, asks=[("60008", "1")])),
            (61_000, trade(2, "60007", "0.1")),
            (120_000, trade(3, "60007", "0.1")),
        ),
    )

    outcome = played(path, replace(TRADES, begins=BEGIN + 60_500), buyer=BUY)

    assert fills(outcome) == [("buyer", Decimal(60_007), Decimal("0.01"))]


def test_in_a_gap_of_the_recording_nobody_trades(tmp_path: Path) -> None:
    """Changes are missing from 20 s on: what was recorded of trades then reaches no order."""
    path = store(
        tmp_path,
        recorded_lines(
            (0, snapshot(7, [("59999", "1")], [("60000", "1")])),
            (100, trade(1, "60000", "0.1")),
            (20_000, change(30, 31, bids=[("59000", "1")])),
            (21_000, trade(2, "58000", "5", sold=True)),
            (60_000, snapshot(40, [("59990", "1")], [("59991", "1")])),
            (61_000, trade(3, "59990", "0.1", sold=True)),
            (90_000, trade(4, "59990", "0.1", sold=True)),
        ),
    )

    outcome = played(path, rests=order_conf(**{**LIMIT, "price": "59500"}))

    assert fills(outcome) == []
    assert [line for line in outcome.ledger.lines if isinstance(line, FillLine)] == []


def test_the_recorded_book_goes_before_trades_where_it_covers_the_period(tmp_path: Path) -> None:
    book = recorded_lines(
        (40_000, snapshot(7, [("59999", "1")], [("60010", "1")])),
        (41_000, trade(1, "60010", "0.1")),
        (80_000, trade(2, "60010", "0.1")),
    )
    path = store(tmp_path, traded(*CALM), book)

    in_trades = played(path, replace(TRADES, begins=BEGIN), buyer=BUY)
    in_book = played(path, replace(TRADES, begins=BEGIN + 40_000), buyer=BUY)

    assert [price for _, price, _ in fills(in_trades)] == [Decimal(60_000)]
    assert [price for _, price, _ in fills(in_book)] == [Decimal(60_010)]


# --- several symbols


@pytest.mark.slow
def test_trades_of_one_symbol_and_candles_of_another_run_in_common_time(tmp_path: Path) -> None:
    swing = [(n * 1_000, 60_000 + (n * 7919 % 400) - 200, "0.5") for n in range(3_600)]
    bars = [
        replace(bar(n, 3_000 + 10 * (n % 3), 3_040, 2_960, 3_000 + 10 * ((n + 1) % 3)))
        for n in range(12)
    ]
    path = store(tmp_path, traded(*swing), candles(bars, symbol="ETHUSDT"))
    quick: dict[str, object] = {**DIPS, "patience": "60s"}
    ether: dict[str, object] = {
        **DIPS,
        "function": "dip_buyer",
        "symbol": "ETHUSDT",
        "quantity": "0.01",
        "dip": "0.005",
        "rebound": "0.005",
    }

    outcome = played(path, dip_buyer=quick, ether=ether)

    found = list(outcome.ledger.fills)
    assert {line.symbol for line in found} == {"BTCUSDT", "ETHUSDT"}
    assert outcome.ledger.lines == sorted(outcome.ledger.lines, key=lambda line: line.time)
    assert outcome.period.ends <= BEGIN + HOUR


def test_a_file_with_candles_alone_says_what_it_lacks(tmp_path: Path) -> None:
    path = store(tmp_path, candles([flat(n, 60_000) for n in range(3)]))

    with pytest.raises(NoSuchRecording, match="neither trades nor a recorded book of BTCUSDT"):
        played(path, buyer=BUY)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "dip"), [(1, "0.002"), (2, "0.002"), (2, "0.01"), (3, "0.01")])
def test_trades_that_concern_nobody_change_nothing_when_they_are_played(
    tmp_path: Path, seed: int, dip: str
) -> None:
    """Long calm stretches between swings: orders rest far away, and are reached in the end."""
    price, rows = 60_000, []
    for n in range(6_000):
        wild = n // 1_000 % 2
        price += ((n * 7919 + seed * 31) % 41 - 20) * (20 if wild else 1)
        rows.append((n * 1_000, price, "0.4" if n % 2 else "-0.4"))
    path = store(tmp_path, traded(*rows))
    dips: dict[str, object] = {**DIPS, "dip": dip, "patience": "2h"}

    passing = played(path, dip_buyer=dips)
    thorough = played(path, replace(TRADES, thorough=True), dip_buyer=dips)

    assert len(list(passing.ledger.fills)) > 1
    assert passing.played < thorough.played
    assert passing.ledger.as_json_lines() == thorough.ledger.as_json_lines()
