from pathlib import Path

import pytest

from tests.torture.guards import MUTANTS, Mutant
from tests.torture.mutants import copy_program, home_of, mutate, take_away
from tests.torture.records import ROOT

PROMISES = {f"P{number}" for number in range(1, 11)}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what.replace(" ", "-"))
def test_every_guard_stands_where_its_mutant_finds_it(mutant: Mutant) -> None:
    assert home_of(mutant, ROOT).exists()
    assert mutant.guard != mutant.instead


def test_every_promise_has_mutants() -> None:
    assert {mutant.promise for mutant in MUTANTS} == PROMISES
    assert len(MUTANTS) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 9, 18, 36, 45])  # quickly caught; the rest: make torture
def test_a_guard_that_is_missing_is_noticed(tmp_path: Path, number: int) -> None:
    outcome = take_away(number, tmp_path)

    assert not outcome.losses
    assert "caught by" in outcome.notes[0]


@pytest.mark.slow
def test_a_change_that_breaks_nothing_is_not_taken_for_caught(tmp_path: Path) -> None:
    harmless = Mutant("P1", "nothing", "_ATTEMPTS = 2\n", "_ATTEMPTS = 1 + 1\n", "")
    copy_program(tmp_path)

    mutate(harmless, tmp_path)

    assert "1 + 1" in (tmp_path / "lib" / "atomic_json.py").read_text()
