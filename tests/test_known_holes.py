"""A hole that is known fails the audit; what nobody could be asked about is said aloud."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.known_holes import verdict

SOUND = {"name": "click", "version": "8.5.1", "vulns": []}
HOLED = {
    "name": "requests",
    "version": "2.19.0",
    "vulns": [{"id": "PYSEC-2018-28", "fix_versions": ["2.20.0"], "aliases": []}],
}
UNKNOWN = {"name": "yarl", "skip_reason": "Dependency not found on PyPI"}
NOT_REACHED = "left out: known holes of the packages; whoever knows them cannot be reached"
ROOT = Path(__file__).parents[1]


def report(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_hole_fails_and_is_named_with_its_cure() -> None:
    assert verdict(report(SOUND, UNKNOWN, HOLED)) == (
        1,
        ["known hole: requests 2.19.0: PYSEC-2018-28; mended by 2.20.0"],
    )


def test_packages_without_a_hole_pass_and_are_counted() -> None:
    assert verdict(report(SOUND)) == (0, ["no known hole in 1 packages"])


def test_a_package_of_which_nothing_is_known_is_not_called_sound() -> None:
    assert verdict(report(SOUND, UNKNOWN)) == (
        0,
        ["left out: known holes of 1 of 2 packages, of which nothing could be learnt"],
    )


@pytest.mark.parametrize("answer", ["", "Traceback", "[]", "{}", '{"dependencies": 1}', "null"])
def test_no_answer_is_said_in_words(answer: str) -> None:
    assert verdict(answer) == (0, [NOT_REACHED])


@pytest.mark.slow
@pytest.mark.parametrize(("packages", "code"), [([SOUND], 0), ([HOLED], 1)])
def test_the_command_ends_with_what_the_tool_found(
    tmp_path: Path, packages: list[object], code: int
) -> None:
    tool = tmp_path / "pip-audit"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{report(*packages)}\nEND\nexit 1\n")
    tool.chmod(0o755)
    words = [sys.executable, "-m", "tests.known_holes", str(tool), "requirements.lock"]

    assert subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode == code


@pytest.mark.slow
def test_a_tool_that_could_not_be_installed_is_said(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.known_holes", str(tmp_path / "none"), "a.lock"]

    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, NOT_REACHED)
