"""Back-tests of bars that a test wrote down, or of some hours of the recording."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson

from lib.backtest.backtest import Backtest, Outcome, run_backtest
from lib.backtest.recordings import Recordings
from lib.backtest.settings import BacktestSettings
from lib.bot_kinds import find_bot, split_function
from lib.budget import Terms, split_terms
from lib.conf import BotConf, RunnerConf, RunnerSettings
from lib.context_file.generation import decode
from lib.market.candles import Bar
from lib.simulator.paper.recorded_market import exchange_info

SPAN = 300_000
BEGIN = 1_722_470_400_000  # 2024-08-01
HOUR = 3_600_000
SYMBOL = "BTCUSDT"
VOLUME = Decimal(100)
DIPS: Mapping[str, Any] = {
    "symbol": SYMBOL,
    "quantity": "0.001",
    "dip": "0.002",
    "rebound": "0.003",
    "stop": "0.01",
    "patience": "5h",
    "laps": 0,
}


class ListBars:
    """Bars that a test wrote down."""

    def __init__(self, *bars: Bar, interval: int = SPAN) -> None:
        self.bars = bars
        self.interval = interval
        self.begins_at = bars[0].open_time
        self.ends_at = bars[-1].open_time + interval

    def between(self, begins: int, ends: int) -> Iterator[Bar]:
        return (bar for bar in self.bars if begins <= bar.open_time < ends)

    def close(self) -> None:
        """Nothing is open."""


def bar(number: int, *prices: int | str, volume: Decimal = VOLUME, interval: int = SPAN) -> Bar:
    """Make a bar: open, high, low, close."""
    opened, high, low, close = (Decimal(price) for price in prices)
    return Bar(BEGIN + number * interval, opened, high, low, close, volume)


def flat(number: int, price: int | str) -> Bar:
    return bar(number, price, price, price, price)


def conf_of(bots: Mapping[str, Mapping[str, Any]]) -> RunnerConf:
    """Make the conf as conf.json would."""
    parts = []
    for name, section in bots.items():
        module, function = split_function(str(section.get("function", name)))
        kind = find_bot(module, function)
        money, own = split_terms({k: v for k, v in section.items() if k != "function"})
        conf, terms = kind.conf_type.model_validate(own), Terms.model_validate(money)
        parts.append(BotConf(name, module, function, kind, conf, own, 1, terms))
    return RunnerConf(RunnerSettings(), tuple(parts), ())


def order_conf(**order: Any) -> dict[str, Any]:
    """Make the section of a bot that places one order."""
    return {"function": "placer", "order": orjson.dumps({"symbol": SYMBOL, **order}).decode()}


def staged(
    bots: Mapping[str, Mapping[str, Any]],
    bars: Sequence[Bar],
    settings: BacktestSettings | None = None,
    *,
    interval: int = SPAN,
) -> Backtest:
    """Set up a back-test of these bars of BTCUSDT."""
    settings = settings or BacktestSettings()
    sources = {SYMBOL: ListBars(*bars, interval=interval)}
    recordings = Recordings(settings, sources, exchange_info(symbols=[SYMBOL]))
    return Backtest(settings, conf_of(bots), recordings=recordings)


def recorded(
    bots: Mapping[str, Mapping[str, Any]],
    settings: BacktestSettings | None = None,
    *,
    hours: int = 12,
) -> Outcome:
    """Run a back-test of some hours of the recording."""
    settings = settings or BacktestSettings()
    period = replace(settings, begins=BEGIN, ends=BEGIN + hours * HOUR)
    return run_backtest(period, conf_of(bots))


def context_of(backtest: Backtest, bot: str) -> Any:
    """Read a bot's context from the disk in memory."""
    from lib.atomic_json import read_generations
    from lib.backtest.backtest import MEMORY

    disk = backtest.disk
    return decode(read_generations(MEMORY / "ctx" / f"{bot}.json", disk=disk)).context
