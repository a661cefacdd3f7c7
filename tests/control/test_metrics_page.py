"""docs/metrics.md and docs/logs.md say what the program does."""

import re
from pathlib import Path

import orjson

from lib.binance.traffic import Outcome
from lib.control.log_lines import PRIORITY, json_line
from lib.control.metrics import ALL
from lib.modes import Mode
from lib.news import Kind, News
from tests.control.folder import ROOT

METRICS = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
LOGS = (ROOT / "docs/logs.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(auto_trading_\w+)` \| (\w+) \| ([^|]+) \| ([^|]*)\|$", re.MULTILINE)


def test_the_page_has_every_metric_with_its_type_and_meaning_and_no_other() -> None:
    rows = ROW.findall(METRICS)

    assert sorted((name, kind) for name, kind, _, _ in rows) == sorted(
        (metric.name, str(metric.kind)) for metric in ALL
    )
    assert all(meaning.strip() for _, _, meaning, _ in rows)


def test_every_alert_is_about_metrics_that_exist() -> None:
    names = {metric.name for metric in ALL}
    for _, _, _, alert in ROW.findall(METRICS):
        for named in re.findall(r"auto_trading_\w+", alert):
            assert named.removesuffix("_bucket") in names, alert


def test_the_page_names_every_outcome_of_a_request() -> None:
    assert all(f"`{outcome}`" in METRICS for outcome in Outcome)


def test_the_page_of_logs_has_every_kind_with_its_priority() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\d) \|", LOGS, re.MULTILINE)
    told = {kind: int(priority) for kinds, priority in rows for kind in re.findall(r"\w+", kinds)}

    assert told == {str(kind): PRIORITY[kind] for kind in Kind}


def test_the_page_of_logs_has_every_field_of_a_line() -> None:
    fields = orjson.loads(json_line(News(1, "lisa", Kind.FILL, "x", "a7"), mode=Mode.LIVE))
    listed = LOGS[LOGS.index("| field | |") :]

    assert re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE) == list(fields)
    assert Path(ROOT / "docs/logs.md").is_file()
