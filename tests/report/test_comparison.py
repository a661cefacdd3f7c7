"""Runs side by side: what differs is shown, what is the same is not, and a broken one is named."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from auto_trading import main
from lib.report.comparison import NoRun, compared, read_run
from lib.report.metrics import Metrics

METRICS: dict[str, Any] = dict.fromkeys(Metrics.__slots__, 0.5)


def saved(folder: Path, name: str, **changes: Any) -> Path:
    """Write the result of a run of one bot."""
    amounts = dict.fromkeys(("began", "ended", "profit", "held", "fees", "bought", "sold"), "1")
    figures = {"symbols": ["BTCUSDT"], **amounts, "fills": 3, "trades": 1, "metrics": METRICS}
    options = {"seed": 1, "costs": {"spread": "0"}, **changes.pop("options", {})}
    tree = {
        "format": 1, "program": "0", "mode": "backtest", "asset": "USDT", "begins": 1, "ends": 2,
        "unpriced": [], "total": figures, "bots": {"lisa": figures},
        "asked": {"options": options, "bots": {"lisa": {"dip": "0.1"}}}, **changes,
    }  # fmt: skip
    place = folder / name
    place.mkdir()
    (place / "result.json").write_bytes(orjson.dumps(tree))
    return place


def compare(*words: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, words)])


def test_only_what_differs_is_told_of_what_was_asked_for(tmp_path: Path) -> None:
    runs = [
        read_run(saved(tmp_path, "one")),
        read_run(saved(tmp_path, "two", options={"seed": 2, "cuts": 3})),
    ]

    comparison = compared(runs)

    assert comparison.differences == {"seed": ("1", "2"), "cuts": (None, "3")}
    assert list(comparison.figures) == ["", "lisa"]
    assert comparison.figures[""]["sharpe"] == (0.5, 0.5)


def test_a_bot_of_one_run_alone_has_no_figures_in_the_other(tmp_path: Path) -> None:
    one, two = saved(tmp_path, "one"), saved(tmp_path, "two", bots={})

    comparison = compared([read_run(one), read_run(two)])

    assert comparison.figures["lisa"]["fills"] == (3, None)


def test_a_person_reads_a_table_and_a_program_json(tmp_path: Path) -> None:
    one, two = saved(tmp_path, "one"), saved(tmp_path, "two", options={"seed": 2})

    table, tree = compare(one, two), compare(one, two / "result.json", "--json")

    assert table.exit_code == tree.exit_code == 0
    assert "seed" in table.output
    assert "win rate" in table.output
    assert "50.00 %" in table.output
    assert orjson.loads(tree.output)["differences"]["seed"] == ["1", "2"]


def test_runs_that_were_asked_the_same_say_so(tmp_path: Path) -> None:
    same = compare(saved(tmp_path, "one"), saved(tmp_path, "two"))

    assert "all of it the same" in same.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"{", "is no result of a run"),
        (b"[]", "is no result of a run"),
        (b'{"format": 1}', "is no result of a run"),
        (b'{"format": 99}', "is of format 99"),
    ],
)
def test_what_is_no_run_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    place = tmp_path / "result.json"
    if content is not None:
        place.write_bytes(content)

    with pytest.raises(NoRun, match=said):
        read_run(place)
    refused = compare(place, place)

    assert refused.exit_code == 2
    assert said in refused.output


def test_one_run_alone_is_not_compared(tmp_path: Path) -> None:
    assert compare(saved(tmp_path, "one")).exit_code == 2
