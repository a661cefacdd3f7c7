"""Bars a second of a back-test, as a share of a bare loop over the same bars in the same run.

`nothing open`: a bot that is done. `an order far away`: one that rests where no bar comes near.
`trading`: dips bought and sold for two weeks, orders, fills, fees and contexts included; then the
runner's own work counts, not the bars.
"""

import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from lib.backtest.backtest import Backtest
from lib.backtest.feed import recorded_bars
from lib.backtest.settings import BacktestSettings
from lib.conf import read_conf
from lib.simulator.paper.paper_settings import DATA

BEGIN = 1_722_470_400_000  # 2024-08-01
DAY = 86_400_000
DAYS = {"nothing open": 30, "an order far away": 30, "trading": 14}
ORDER = {"symbol": "BTCUSDT", "side": "BUY"}
BOTS: Mapping[str, Mapping[str, Any]] = {
    "nothing open": {
        "add_order": {"order": {**ORDER, "type": "MARKET", "quoteOrderQty": 20}},
    },
    "an order far away": {
        "add_order": {
            "order": {**ORDER, "type": "LIMIT", "quantity": 0.001, "price": 20_000},
        },
    },
    "trading": {
        "dip_buyer": {
            "symbol": "BTCUSDT",
            "quantity": 0.001,
            "dip": 0.005,
            "rebound": 0.01,
            "stop": 0.02,
            "patience": "12h",
        },
    },
}


def measure() -> Iterator[tuple[str, float]]:
    """Answer the ratio of each kind, and how many bars a second that was here."""
    for kind, days in DAYS.items():
        bare, ours = _bare(days), _backtest(kind, days)
        yield f"of a bare loop, {kind}", ours / bare
        yield f"bars a second here, {kind}", ours


def _bare(days: int) -> float:
    bars = recorded_bars(DATA / "candles", "BTCUSDT")
    began, count, total = time.process_time(), 0, Decimal(0)
    for bar in bars.between(BEGIN, BEGIN + days * DAY):
        count += 1
        total += bar.close
    assert total, "there were bars"
    return count / (time.process_time() - began)


def _backtest(kind: str, days: int) -> float:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "conf.json"
        path.write_bytes(orjson.dumps([BOTS[kind]]))
        conf = read_conf(path)
    assert not conf.held_back, conf.held_back
    settings = BacktestSettings(begins=BEGIN, ends=BEGIN + days * DAY)
    backtest = Backtest(settings, conf)
    began = time.process_time()
    outcome = backtest.run()
    return outcome.stood_for / (time.process_time() - began)
