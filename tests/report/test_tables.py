"""Files for other programs: columns as documented, amounts that add up, the same bytes again."""

import csv
import re
from dataclasses import fields
from decimal import Decimal
from io import StringIO
from pathlib import Path

import orjson
import pytest

from lib.report.metrics import Metrics
from lib.report.run_report import RunReport
from lib.report.tables import EQUITY, MONTHLY, TRADES
from tests.backtest.scenes import BEGIN, DIPS, SYMBOL, ListBars, bar
from tests.report.scenes import DAY, HOUR, WHOLE, reported

PAGE = (Path(__file__).parents[2] / "docs/report.md").read_text(encoding="utf-8")
BOTS = {"dips": {**DIPS, "function": "dip_buyer"}, "late": {**DIPS, "function": "dip_buyer",
        "dip": "0.004"}}  # fmt: skip


def swinging() -> list[object]:
    return [
        bar(number, 60_000, 60_300, 59_000 - number * 10, 59_900, interval=HOUR)
        for number in range(30)
    ]


def texts() -> tuple[RunReport, dict[str, str]]:
    report, tape = reported(BOTS, *swinging())  # type: ignore[arg-type]
    return report, dict(report.texts(tape, version="0"))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_the_same_run_writes_the_same_bytes() -> None:
    assert texts()[1] == texts()[1]


def test_the_trades_add_up_to_the_closed_part_of_the_profit() -> None:
    report, files = texts()

    trades = rows(files["trades.csv"])

    assert trades
    assert all(int(row["entered_at"]) < int(row["exited_at"]) for row in trades)
    for result in report.summary.bots:
        own = [Decimal(row["worth"]) for row in trades if row["bot"] == result.name]
        assert len(own) == result.trades
        expected = (result.metrics.expectancy or 0) * len(own)
        assert float(sum(own)) == pytest.approx(expected, abs=1e-6)


def test_equity_is_told_at_both_ends_and_at_each_midnight_between() -> None:
    _, files = texts()

    total = [row for row in rows(files["equity.csv"]) if not row["bot"]]

    assert [int(row["time"]) for row in total] == [BEGIN, BEGIN + DAY, BEGIN + 30 * HOUR]
    assert total[0]["equity"] == "10000"


def test_months_begin_where_the_one_before_ended() -> None:
    _, files = texts()

    table = rows(files["monthly.csv"])
    equity = [row for row in rows(files["equity.csv"]) if not row["bot"]]

    assert [(row["year"], row["month"]) for row in table if not row["bot"]] == [("2024", "8")]
    assert table[0]["ended"] == equity[-1]["equity"]


def test_the_result_holds_what_was_asked_for_and_what_came_of_it() -> None:
    report, files = texts()

    result = orjson.loads(files["result.json"])

    assert result["mode"] == "backtest"
    assert (result["begins"], result["ends"]) == (BEGIN, BEGIN + 30 * HOUR)
    assert result["asked"]["options"]["seed"] == WHOLE.seed
    assert result["asked"]["options"]["path"] == "pessimistic"
    assert result["asked"]["bots"]["late"]["dip"] == "0.004"
    assert set(result["bots"]) == {"dips", "late"}
    assert Decimal(result["total"]["profit"]) == sum(
        Decimal(bot["profit"]) for bot in result["bots"].values()
    )
    assert result["total"]["metrics"]["exposure"] == report.summary.total.metrics.exposure


def test_nothing_of_this_machine_is_in_a_result() -> None:
    _, files = texts()

    assert str(Path(__file__).parents[2]) not in "".join(files.values())


@pytest.mark.parametrize("columns", [EQUITY, TRADES, MONTHLY], ids=["equity", "trades", "monthly"])
def test_the_page_explains_every_column(columns: tuple[str, ...]) -> None:
    assert set(columns) <= set(re.findall(r"`(\w+)`", PAGE))


def test_the_page_defines_every_figure() -> None:
    assert {field.name for field in fields(Metrics)} <= set(re.findall(r"`(\w+)`", PAGE))


def test_an_empty_tape_still_begins_and_ends() -> None:
    from lib.report.course import course_of

    report, _ = texts()
    late = [bar(1_000, 1, 1, 1, 1, interval=HOUR)]

    course = course_of(report.outcome, {SYMBOL: ListBars(*late, interval=HOUR)})

    assert course.total.curve.last is not None
    assert course.total.curve.last.time == BEGIN + 30 * HOUR
