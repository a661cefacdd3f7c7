"""Limits in a back-test: they refuse, pause and sell as live, and say so in the ledger."""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from auto_trading import main
from lib.backtest.backtest import MEMORY, Backtest, Outcome
from lib.backtest.bar_path import PathModel
from lib.backtest.ledger import RefusalLine
from lib.backtest.recordings import Recordings
from lib.backtest.settings import BacktestSettings
from lib.conf import RunnerConf, RunnerSettings
from lib.market.candles import Bar
from lib.news import News
from lib.risk.page import FILE as PAGE
from lib.simulator.paper.recorded_market import exchange_info
from tests.backtest.scenes import BEGIN, DIPS, SPAN, SYMBOL, ListBars, bar, conf_of, flat, staged
from tests.backtest.test_backtest import WHOLE
from tests.swinging import with_small_bots

HOLDER = {
    "function": "holder",
    "symbol": SYMBOL,
    "quantity": "0.01",
    "close_after": "30d",
    "profit": "0.5",
    "loss": "0.5",
}
FALLING = [
    flat(0, 60_000),
    flat(1, 60_000),
    *(flat(number, 60_000 - 400 * number) for number in range(2, 8)),
]


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def limited_conf(
    bots: Mapping[str, Mapping[str, Any]], limits: Mapping[str, Any], **settings: Any
) -> RunnerConf:
    said = RunnerSettings.model_validate({"limits": {"funds": 1_000, **limits}, **settings})
    return replace(conf_of(bots), settings=said)


def limited(
    bots: Mapping[str, Mapping[str, Any]],
    limits: Mapping[str, Any],
    bars: list[Bar],
    settings: BacktestSettings = WHOLE,
    **said: Any,
) -> Backtest:
    conf = limited_conf(bots, limits, **said)
    return Backtest(settings, conf, recordings=recordings_of(bars, settings))


def recordings_of(bars: list[Bar], settings: BacktestSettings = WHOLE) -> Recordings:
    return Recordings(settings, {SYMBOL: ListBars(*bars)}, exchange_info(symbols=[SYMBOL]))


def refused(outcome: Outcome) -> list[tuple[str, str]]:
    lines = (line for line in outcome.ledger.lines if isinstance(line, RefusalLine))
    return [(line.bot, line.request) for line in lines]


def test_an_entry_above_a_limit_is_refused_and_the_ledger_names_the_rule() -> None:
    outcome = limited({"dip_buyer": DIPS}, {"order_value": 50}, [flat(n, 60_000) for n in range(4)])

    ended = outcome.run()

    assert refused(ended)[0] == ("dip_buyer", "limits.order_value")
    assert list(ended.ledger.fills) == []


def test_a_daily_loss_pauses_and_the_ledger_says_when() -> None:
    ended = limited({"holder": HOLDER}, {"daily_loss": 10}, FALLING).run()

    (line,) = (line for line in ended.ledger.lines if isinstance(line, RefusalLine))
    assert (line.bot, line.request) == ("", "limits.daily_loss")
    assert 5_000 <= line.time - (BEGIN + 3 * SPAN) <= 5_100
    assert len(list(ended.ledger.fills)) == 1


def test_what_is_told_of_a_limit_has_the_time_of_the_back_test() -> None:
    told: list[News] = []
    backtest = Backtest(
        WHOLE,
        limited_conf({"holder": HOLDER}, {"daily_loss": 10}),
        recordings=recordings_of(FALLING),
        tell=told.append,
    )

    backtest.run()

    (reached,) = (news for news in told if "USDT are the most" in news.text)
    assert 5_000 <= reached.at - (BEGIN + 3 * SPAN) <= 5_100


def test_a_drawdown_sells_everything_and_nothing_is_bought_again() -> None:
    limits = {"drawdown": 10, "drawdown_then": "flatten"}

    ended = limited({"holder": HOLDER}, limits, FALLING).run()

    sides = [line.side for line in ended.ledger.fills]
    assert refused(ended) == [("", "limits.drawdown")]
    assert (sides[0], set(sides[1:])) == ("BUY", {"SELL"})
    assert ended.standings == {"holder": "idle"}
    assert ended.left["BTC"] < Decimal("0.00002")


@pytest.mark.parametrize(
    ("zone", "trips"),
    [("UTC", []), ("Asia/Kolkata", [("", "limits.daily_loss")])],
)
def test_a_day_begins_where_the_time_zone_says(zone: str, trips: list[tuple[str, str]]) -> None:
    """Half is lost before midnight UTC, half after: in India, 5:30 ahead, it is one day."""
    eve = [flat(number, 60_000) for number in range(286)]
    falling = [flat(286 + number, 60_000 - 300 * number) for number in range(5)]

    ended = limited({"holder": HOLDER}, {"daily_loss": 10}, [*eve, *falling], timezone=zone).run()

    assert refused(ended) == trips


def test_a_limit_of_one_bot_holds_up_no_other() -> None:
    bots: Mapping[str, Mapping[str, Any]] = {
        "small": {**HOLDER, "limits": {"order_value": 100}},
        "free": HOLDER,
    }

    ended = limited(bots, {}, FALLING[:3]).run()

    assert set(refused(ended)) == {("small", "limits.order_value")}
    assert {line.bot for line in ended.ledger.fills} == {"free"}


def test_without_limits_nothing_of_them_is_loaded_or_kept() -> None:
    free = staged({"holder": HOLDER}, FALLING[:3])
    tied = limited({"holder": HOLDER}, {"daily_loss": 10}, FALLING[:3])

    free.run()
    tied.run()

    assert PAGE not in free.disk.listdir(MEMORY / "ctx")
    assert PAGE in tied.disk.listdir(MEMORY / "ctx")


def test_losses_are_seen_whether_or_not_anybody_else_looks_at_the_market() -> None:
    """Bars that concern nobody are passed over; a limit makes each price of what is held count."""
    slow = [
        *(flat(number, 60_000) for number in range(3)),
        *(flat(number, 60_000 - 20 * number) for number in range(3, 120)),
    ]
    limits = {"drawdown": 20, "drawdown_then": "flatten"}

    passing = limited({"holder": HOLDER}, limits, slow).run()
    thorough = limited({"holder": HOLDER}, limits, slow, replace(WHOLE, thorough=True)).run()

    assert refused(passing) == [("", "limits.drawdown")]
    assert passing.ledger.as_json_lines() == thorough.ledger.as_json_lines()


def test_a_cool_down_holds_entries_up_and_nothing_else() -> None:
    falls = [flat(0, 60_000), flat(1, 60_000)]
    for lap in range(6):
        low = 58_000 - 1_000 * lap
        falls += [bar(2 + lap * 2, 60_000, 60_000, low, 60_000), flat(3 + lap * 2, 60_000)]
    dips = {**DIPS, "quantity": "0.001", "dip": "0.002", "rebound": "0.5", "stop": "0.01"}

    free = limited({"dip_buyer": dips}, {}, falls, replace(WHOLE, path=PathModel.LOW_FIRST)).run()
    cool = limited(
        {"dip_buyer": dips}, {"cool_down": "1h"}, falls, replace(WHOLE, path=PathModel.LOW_FIRST)
    ).run()

    bought = [[f.side for f in each.ledger.fills].count("BUY") for each in (free, cool)]
    assert bought[0] > bought[1] >= 1


@pytest.mark.slow
def test_the_command_says_what_was_refused_and_which_limit_was_reached(tmp_path: Path) -> None:
    both = {"dip_buyer": DIPS}, {"big": {**DIPS, "function": "dip_buyer", "quantity": "0.1"}}
    limits = {"order_value": 1_000, "daily_loss": "0.6"}
    conf = tmp_path / "conf.json"
    conf.write_bytes(orjson.dumps({"limits": limits, "bots": both}))
    words = ("--conf", str(conf), "--from", "2024-08-01", "--to", "2024-08-01T06:00")

    result = CliRunner().invoke(main, ["backtest", *words])

    assert result.exit_code == 1, result.output
    assert "big: refused once by limits.order_value: it is worth 6" in result.output
    assert re.search(r"2024-08-01 0\d:\d\d limits.daily_loss: all bots: 0\.\d+", result.output)


def test_once_a_limit_was_reached_nobody_looks_at_losses_any_more() -> None:
    after = [flat(number, 57_000 + number) for number in range(8, 300)]
    both = {"daily_loss": 10, "drawdown": 1_000}

    reached = limited({"holder": HOLDER}, {"daily_loss": 10}, [*FALLING, *after]).run()
    waiting = limited({"holder": HOLDER}, both, [*FALLING, *after]).run()

    assert refused(reached) == refused(waiting) == [("", "limits.daily_loss")]
    assert reached.played < 20
    assert waiting.played == 300, "the other limit may still be reached"
