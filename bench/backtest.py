"""Bars a second of a back-test, as a share of a bare loop over the same bars in the same run.

With a bot that is done, with one that waits (an order far away, a price far away, closed candles)
and with one that trades, from seldom to often: how often is said, for it is what the time goes by.
Then two other back-testers at the last one's strategy (bench/peers/), if `make bench` has installed
them. Reading the file counts for nobody.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from lib.backtest.backtest import Backtest
from lib.backtest.feed import recorded_bars
from lib.backtest.ledger import OrderLine
from lib.backtest.settings import BacktestSettings
from lib.conf import read_conf
from lib.simulator.paper.paper_settings import DATA

BEGIN = 1_709_251_200_000  # 2024-03-01
DAY = 86_400_000
SPAN = 300_000
CANDLES = DATA / "candles" / "BTCUSDT-5m-20240101-20240906.csv.gz"
ORDER = {"symbol": "BTCUSDT", "side": "BUY"}
DIPS = {"symbol": "BTCUSDT", "quantity": 0.001, "dip": 0.005, "rebound": 0.01, "stop": 0.02}
PATIENCE = 144  # bars
PEERS = {"backtesting.py": "with_backtesting", "backtrader": "with_backtrader"}
PEERS_PYTHON = Path(os.environ.get("BENCH_VENV", ".venv-bench")) / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Kind:
    """One bot, and the days it lives."""

    days: int
    bots: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Speed:
    """What one run came to."""

    bars: int
    seconds: float
    orders: int

    @property
    def bars_a_second(self) -> float:
        return self.bars / self.seconds

    @property
    def density(self) -> str:
        return f"{1000 * self.orders / self.bars:.1f} orders in 1000 bars"


def dips(**changes: Any) -> Mapping[str, Mapping[str, Any]]:
    return {"dip_buyer": {**DIPS, "patience": f"{PATIENCE * 5}m", **changes}}


WAITING = {
    "nothing open": Kind(
        120, {"add_order": {"order": {**ORDER, "type": "MARKET", "quoteOrderQty": 20}}}
    ),
    "an order far away": Kind(
        120,
        {"add_order": {"order": {**ORDER, "type": "LIMIT", "quantity": 0.001, "price": 20_000}}},
    ),
    "a price far away": Kind(
        60, dips(dip=0.001, rebound=0.9, stop=0.9)
    ),  # bought at once; then an order above and a price below
    "closed candles of an hour": Kind(
        14,
        {"ema_cross": {"symbol": "BTCUSDT", "quantity": "100 USDT", "interval": "1h"}},
    ),
}
TRADING = (
    Kind(60, dips(dip=0.03, rebound=0.06, stop=0.12, patience="10d")),
    Kind(30, dips(dip=0.015, rebound=0.03, stop=0.06, patience="2d")),
    Kind(14, dips()),
)


def measure() -> Iterator[tuple[str, float]]:
    """Answer the ratio of each kind, and how many bars a second that was here."""
    for name, kind in WAITING.items():
        bare, ours = _bare(kind.days), _ours(kind)
        yield f"of a bare loop, {name}", ours.bars_a_second / bare
        yield f"bars a second here, {name}", ours.bars_a_second
    for kind in TRADING:
        bare, ours = _bare(kind.days), _ours(kind)
        yield f"of a bare loop, {ours.density}", ours.bars_a_second / bare
        yield f"bars a second here, {ours.density}", ours.bars_a_second
    yield from _peers()


def _peers() -> Iterator[tuple[str, float]]:
    if not PEERS_PYTHON.exists():
        print(f"  left out: other back-testers, for want of {PEERS_PYTHON}", file=sys.stderr)
        return
    for name, kind, dip in (
        ("an order far away", WAITING["an order far away"], 0.9),
        ("dips", TRADING[-1], DIPS["dip"]),
    ):
        ours = _ours(kind)
        for peer, script in PEERS.items():
            patience = PATIENCE if name == "dips" else ours.bars
            theirs = _theirs(script, ours.bars, dip, patience)
            yield f"of {peer}, {name}", ours.bars_a_second / theirs.bars_a_second
            yield f"bars a second of {peer}, {theirs.density}", theirs.bars_a_second


def _theirs(script: str, bars: int, *terms: object) -> Speed:
    words = [CANDLES, BEGIN, bars, *terms]
    done = subprocess.run(  # noqa: S603 - programs of ours
        [PEERS_PYTHON, "-m", f"bench.peers.{script}", *map(str, words)],
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return Speed(told["bars"], told["seconds"], told["orders"])


def _bare(days: int) -> float:
    bars = recorded_bars(DATA / "candles", "BTCUSDT")
    began, count, total = time.process_time(), 0, Decimal(0)
    for bar in bars.between(BEGIN, BEGIN + days * DAY):
        count += 1
        total += bar.close
    assert total, "there were bars"
    return count / (time.process_time() - began)


def _ours(kind: Kind) -> Speed:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "conf.json"
        path.write_bytes(orjson.dumps([kind.bots]))
        conf = read_conf(path)
    assert not conf.held_back, conf.held_back
    settings = BacktestSettings(begins=BEGIN, ends=BEGIN + kind.days * DAY)
    backtest = Backtest(settings, conf)
    began = time.process_time()
    outcome = backtest.run()
    seconds = time.process_time() - began
    orders = {line.order for line in outcome.ledger.lines if isinstance(line, OrderLine)}
    return Speed(outcome.stood_for, seconds, len(orders))
