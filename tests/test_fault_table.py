"""docs/faults.md has every call and every way of failing, and names only tests that are there."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from lib.binance.venue import WEIGHTS
from lib.exchange import ListKind, Venue
from tests.fated import CHANGES, QUESTIONS, Fate
from tests.fault_table import PAGE, TABLE, method_of, named_tests, write

ROOT = Path(__file__).parents[1]
VENUE = (ROOT / "lib/binance/venue.py").read_text(encoding="utf-8")


def venue_methods() -> set[str]:
    members = inspect.getmembers(Venue, inspect.isfunction)
    return {name for name, _ in members if not name.startswith("_")}


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds)}


def test_the_page_says_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == write(), (
        "write it anew with: python -m tests.fault_table"
    )


def test_every_method_of_a_venue_has_a_row_and_every_row_is_a_method() -> None:
    assert len(venue_methods()) > 15
    assert set(map(method_of, TABLE)) == venue_methods() | {"public_market"}


def test_no_cell_is_empty() -> None:
    for name, row in TABLE.items():
        assert set(row) == set(Fate), name
        assert all(cell.outcome and cell.tests for cell in row.values()), name


def test_every_call_that_is_a_request_meets_its_fates_in_a_story() -> None:
    streams = {"watch_user", "watch_quotes", "close"}

    assert set(QUESTIONS) | set(map(method_of, CHANGES)) == venue_methods() - streams
    assert set(QUESTIONS) | set(CHANGES) <= set(TABLE)


def test_every_path_that_the_venue_asks_is_asked_in_a_story() -> None:
    changes = {"change", "amend"}
    paths = {f"/api/v3/{name.split(' of ')[0]}" for name in WEIGHTS if name not in changes}

    assert {call.path for call in QUESTIONS.values()} == paths


def test_every_kind_of_list_and_every_path_of_a_change_is_sent_in_a_story() -> None:
    told = {(call.method, call.path) for call in CHANGES.values()}
    lists = {("POST", f"/api/v3/orderList/{kind.lower()}") for kind in get_args(ListKind)}

    assert told == lists | {
        ("POST", "/api/v3/order"),
        ("DELETE", "/api/v3/order"),
        ("PUT", "/api/v3/order/amend/*"),
    }
    assert set(re.findall(r'"(POST|PUT|DELETE)"', VENUE)) == {method for method, _ in told}
    assert VENUE.count("await self._change(") == len(set(map(method_of, CHANGES)))


def test_every_test_that_the_page_names_is_written() -> None:
    named = {tuple(test.split("[")[0].split("::")) for test in named_tests()}

    missing = [f"{path}::{name}" for path, name in named if name not in functions_of(path)]
    assert missing == []


@pytest.mark.slow
def test_every_test_that_the_page_names_is_collected() -> None:
    files = sorted({test.split("::")[0] for test in named_tests()})

    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    collected = set(told.stdout.splitlines())
    collected |= {line.split("[")[0] for line in collected}
    assert named_tests() - collected == set()
