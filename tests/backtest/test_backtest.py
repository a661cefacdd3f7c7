"""What a back-test promises: the same ledger again, nothing seen ahead, costs as on an exchange."""

import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from lib.backtest.backtest import run_backtest
from lib.backtest.bar_path import PathModel
from lib.backtest.latency import Latency
from lib.backtest.ledger import FillLine, Line, OrderLine, RefusalLine
from lib.backtest.liquidity import Costs
from lib.backtest.settings import BacktestSettings
from lib.life import Standing
from lib.market.candles import Bar
from lib.simulator.options import Options
from tests.backtest.scenes import (
    BEGIN,
    DIPS,
    SPAN,
    bar,
    conf_of,
    context_of,
    flat,
    order_conf,
    recorded,
    staged,
)
from tests.swinging import with_small_bots

ALL = Costs(volume_share=Decimal(1))
WHOLE = BacktestSettings(costs=ALL)
LIMIT = {"side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
DIGEST = """
import hashlib
from tests.backtest.scenes import DIPS, recorded
print(hashlib.sha256(recorded({"dip_buyer": DIPS}, hours=6).ledger.as_json_lines()).hexdigest())
"""


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


# --- the same again


@pytest.mark.slow
def test_the_same_words_give_the_same_ledger_byte_for_byte() -> None:
    bots = {"dip_buyer": DIPS, "other": {**DIPS, "function": "dip_buyer", "dip": "0.001"}}

    first, second = recorded(bots), recorded(bots)

    assert len(list(first.ledger.fills)) > 4
    assert first.ledger.as_json_lines() == second.ledger.as_json_lines()


@pytest.mark.slow
def test_the_ledger_does_not_depend_on_how_python_hashes() -> None:
    def ran(seed: str) -> str:
        words = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."}
        done = subprocess.run(
            [sys.executable, "-c", DIGEST], env=words, check=True, capture_output=True, text=True
        )
        return done.stdout

    assert ran("1") == ran("2")


@pytest.mark.slow
def test_what_nobody_looks_at_changes_nothing_when_it_is_played() -> None:
    bots = {"dip_buyer": DIPS, "ema": {"function": "ema_cross", "symbol": "BTCUSDT",
            "quantity": "100 USDT", "interval": "15m", "fast": 3, "slow": 8}}  # fmt: skip

    passing = recorded(bots, hours=24)
    thorough = recorded(bots, BacktestSettings(thorough=True), hours=24)

    assert {line.bot for line in passing.ledger.fills} == {"dip_buyer", "ema"}
    assert passing.ledger.as_json_lines() == thorough.ledger.as_json_lines()


def test_bars_that_nobody_looks_at_are_passed_over() -> None:
    bars = [flat(number, 60_000 + number) for number in range(200)]
    buy = order_conf(side="BUY", type="MARKET", quantity="0.001")

    outcome = staged({"buyer": buy}, bars).run()

    assert outcome.standings == {"buyer": Standing.FINISHED}
    assert outcome.stood_for == 200
    assert outcome.played < 5


# --- nothing ahead of its time


def test_a_bot_that_peeks_sees_only_what_has_happened() -> None:
    bars = [bar(number, 60_000, 61_000 + number, 59_000 - number, 60_500) for number in range(6)]
    backtest = staged({"peeker": {"symbol": "BTCUSDT", "looks": 30}}, bars)

    backtest.run()

    seen = context_of(backtest, "peeker")["seen"]
    assert len(seen) == 30
    known = {each.open_time: each for each in bars}
    for look in seen:
        assert look["ahead"] == 0
        assert max(look["opened"]) <= look["now"]
        for opened, close, high, low in zip(
            look["opened"], look["closes"], look["highs"], look["lows"], strict=True
        ):
            way = _until(known[opened], look["now"] - opened)
            assert Decimal(close) == way[-1]
            assert Decimal(high) == max(way)
            assert Decimal(low) == min(way)
        assert Decimal(look["price"]) == _until(known[look["opened"][-1]], look["now"] % SPAN)[-1]


def _until(whole: Bar, elapsed: int) -> list[Decimal]:
    """List the prices of a bar up to a moment; a bot without coins and orders sees its high first.

    A moment is told with the latency that an answer took.
    """
    steps = [whole.open, whole.high, whole.low, whole.close]
    times = [number * (SPAN - 1) // 3 for number in range(4)]
    return [price for price, at in zip(steps, times, strict=True) if at <= elapsed]


def test_what_was_before_the_period_is_there_to_be_asked_for() -> None:
    bars = [flat(number, 60_000 + number) for number in range(30)]
    later = BacktestSettings(begins=BEGIN + 20 * SPAN)
    backtest = staged({"peeker": {"symbol": "BTCUSDT", "looks": 1}}, bars, later)

    backtest.run()

    (look,) = context_of(backtest, "peeker")["seen"]
    assert [Decimal(close) for close in look["closes"]] == [60_018, 60_019, 60_020]


# --- what it costs


def test_a_resting_order_pays_the_maker_and_a_taking_one_the_taker() -> None:
    fees = Options(maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.0005"))
    bots = {
        "rests": order_conf(**LIMIT, quantity="0.01", price="59000"),
        "takes": order_conf(side="BUY", type="MARKET", quantity="0.01"),
    }
    bars = [flat(0, 60_000), bar(1, 60_000, 60_000, 58_000, 59_500)]

    ledger = staged(bots, bars, replace(WHOLE, options=fees)).run().ledger

    fills = {line.bot: line for line in ledger.fills}
    assert (fills["rests"].maker, Decimal(fills["rests"].fee)) == (True, Decimal("0.000002"))
    assert (fills["takes"].maker, Decimal(fills["takes"].fee)) == (False, Decimal("0.000005"))


def test_an_order_gets_no_more_than_its_share_of_what_was_traded() -> None:
    bots = {"big": order_conf(**LIMIT, quantity="0.1", price="59000")}
    thin = [
        flat(0, 60_000),
        *(bar(number, 59_100, 59_100, 59_000, 59_100, volume=Decimal(1)) for number in range(1, 4)),
    ]

    ledger = (
        staged(bots, thin, BacktestSettings(costs=Costs(volume_share=Decimal("0.05")))).run().ledger
    )

    filled = sum(Decimal(line.quantity) for line in ledger.fills)
    assert 0 < filled <= Decimal("0.05") * 3
    assert [line.status for line in _orders(ledger.lines)][-1] == "PARTIALLY_FILLED"


@pytest.mark.parametrize(
    ("costs", "paid"),
    [
        (ALL, "60000.01"),
        (replace(ALL, spread=Decimal("0.001")), "60060"),
        (replace(ALL, slippage=Decimal("0.002")), "60120.01"),
    ],
)
def test_spread_and_slippage_make_a_market_order_dearer(costs: Costs, paid: str) -> None:
    falling = [bar(0, 60_000, 60_000, 59_990, 59_990), flat(1, 60_000)]
    bots = {"takes": order_conf(side="BUY", type="MARKET", quantity="0.01")}

    ledger = staged(bots, falling, BacktestSettings(costs=costs)).run().ledger

    assert max(Decimal(line.price) for line in ledger.fills) == Decimal(paid)


def test_what_the_exchange_refuses_is_in_the_ledger_with_its_code() -> None:
    bots = {"hasty": order_conf(side="BUY", type="LIMIT", quantity="0.01", price="59000")}

    outcome = staged(bots, [flat(0, 60_000), flat(1, 60_000)]).run()

    (refused,) = (line for line in outcome.ledger.lines if isinstance(line, RefusalLine))
    assert (refused.bot, refused.request, refused.code) == ("hasty", "POST order", -1102)
    assert not list(outcome.ledger.fills)


def test_an_answer_takes_its_latency_both_ways() -> None:
    bots = {"takes": order_conf(side="BUY", type="MARKET", quantity="0.01")}
    bars = [flat(0, 60_000), flat(1, 60_000)]

    def filled_at(latency_ms: int) -> int:
        settings = BacktestSettings(latency=Latency(latency_ms // 2, latency_ms // 2))
        return next(staged(bots, bars, settings).run().ledger.fills).time

    assert filled_at(2_000) - filled_at(0) >= 5_000  # the start alone asks several questions


def test_the_worst_way_takes_the_stop_where_the_best_one_takes_the_profit() -> None:
    bars = [flat(0, 60_000), bar(1, 60_000, 60_000, 59_980, 59_990), flat(2, 59_990)]
    bars += [bar(3, 60_000, 61_000, 58_000, 60_000), flat(4, 60_000)]
    dips = {
        **DIPS,
        "quantity": "0.1",
        "dip": "0.0002",
        "rebound": "0.01",
        "stop": "0.01",
        "laps": 1,
    }

    def result(path: PathModel) -> Decimal:
        outcome = staged({"dip_buyer": dips}, bars, replace(WHOLE, path=path)).run()
        assert len(list(outcome.ledger.fills)) == 2
        return outcome.left["USDT"] - outcome.balances["USDT"]

    assert result(PathModel.HIGH_FIRST) > 0
    assert result(PathModel.LOW_FIRST) < 0
    assert result(PathModel.PESSIMISTIC) == result(PathModel.LOW_FIRST)


# --- when the power fails


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_trading_is_the_same_when_the_power_fails(seed: int) -> None:
    calm = recorded({"dip_buyer": DIPS})

    cut = recorded({"dip_buyer": DIPS}, BacktestSettings(seed=seed, cuts=6))

    assert cut.lives == 7
    assert len(cut.ledger.trading) > 4
    assert cut.ledger.trading == calm.ledger.trading


def _orders(lines: list[Line]) -> list[OrderLine]:
    return [line for line in lines if isinstance(line, OrderLine)]


def test_a_fill_stands_before_the_order_it_fills() -> None:
    bots = {"takes": order_conf(side="BUY", type="MARKET", quantity="0.01")}

    lines = staged(bots, [flat(0, 60_000), flat(1, 60_000)]).run().ledger.lines

    kinds = [type(line) for line in lines]
    assert kinds.index(FillLine) < max(
        place for place, line in enumerate(lines)
        if isinstance(line, OrderLine) and line.status == "FILLED"
    )  # fmt: skip


def test_contexts_are_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    bots = {"takes": order_conf(side="BUY", type="MARKET", quantity="0.01")}
    settings = BacktestSettings(ctx=tmp_path / "ctx")

    staged(bots, [flat(0, 60_000), flat(1, 60_000)], settings).run()

    assert (tmp_path / "ctx" / "takes.json").exists()


@pytest.mark.slow
def test_every_captured_trade_can_be_played_at_its_own_time() -> None:
    quick = {**DIPS, "dip": "0.0001", "rebound": "0.0003", "stop": "0.002", "patience": "30s"}

    outcome = run_backtest(BacktestSettings(market="trades"), conf_of({"dip_buyer": quick}))

    period, fills = outcome.period, list(outcome.ledger.fills)
    assert len(fills) > 10
    assert all(period.begins < fill.time <= period.ends for fill in fills)
    assert outcome.ledger.lines == sorted(outcome.ledger.lines, key=lambda line: line.time)
