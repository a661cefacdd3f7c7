"""Takes the guards of the promises away, one at a time: the tests must notice each."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.torture.experiment import Experiment, Outcome
from tests.torture.guards import MUTANTS, Mutant
from tests.torture.records import ROOT

COPIED: Final = (
    "auto_trading.py",
    "bots",
    "lib",
    "tests",
    "data",
    "docs",
    "conf.json",
    "conf.schema.json",
    "pyproject.toml",
    "README.md",
)
FAILED: Final = re.compile(r"^FAILED (.+?::.+?)(?: - .*)?$", re.MULTILINE)
HANGS: Final = ("--timeout", "60")  # a test that never ends without the guard is red too
CAUGHT: Final = 1  # pytest: tests were collected and run, and some failed


def take_away(seed: int, folder: Path) -> Outcome:
    """Copy the program, take one guard away, and ask the tests named beside it."""
    mutant = MUTANTS[seed % len(MUTANTS)]
    copy_program(folder)
    mutate(mutant, folder)
    done = ask_tests(mutant.tests.split(), folder)
    failed = FAILED.search(done.stdout)
    if done.returncode != CAUGHT or failed is None:
        return Outcome(
            losses=[f"{mutant.promise}: not caught: {mutant.what}\n{done.stdout[-1500:]}"]
        )
    return Outcome(notes=[f"{mutant.promise}, {mutant.what}: caught by `{failed[1]}`"])


def copy_program(folder: Path) -> None:
    """Copy what the tests need; only what a mutant changes is not shared."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in COPIED:
        source = ROOT / name
        if name == "data":
            (folder / name).symlink_to(source)
        elif source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)


def mutate(mutant: Mutant, folder: Path) -> None:
    """Change the one place in lib/ where the guard stands."""
    path = home_of(mutant, folder)
    path.write_text(path.read_text().replace(mutant.guard, mutant.instead))


def home_of(mutant: Mutant, folder: Path) -> Path:
    """Find the file with the guard; it must stand in exactly one place."""
    found = [
        path
        for path in sorted((folder / "lib").rglob("*.py"))
        for _ in range(path.read_text().count(mutant.guard))
    ]
    assert len(found) == 1, f"{mutant.what}: the guard stands in {len(found)} places: {found}"
    return found[0]


def ask_tests(tests: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run tests in a folder until the first one fails."""
    words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line", *HANGS, *tests]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


EXPERIMENTS = (
    Experiment(
        name="mutants",
        title="Guards taken away",
        text=(
            "A green test proves something only if a broken program turns it red. Each guard that "
            "makes a promise true is taken away or weakened, one at a time, in a copy of the "
            "program; the tests named beside it must fail. A guard whose absence nobody notices "
            "counts as a loss."
        ),
        attempts=len(MUTANTS),
        seconds=20,
        attempt=take_away,
    ),
)
