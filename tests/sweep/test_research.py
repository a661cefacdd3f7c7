"""What research needs is pinned, goes on top of what runs, and burdens nobody else."""

import re

from tests.test_packaging import PIN, ROOT, RUNTIME, named_in, pins

LOCK = ROOT / "requirements-research.lock"
HEAVY = re.compile(
    r"^\s*(?:import|from) +(?:optuna|distributed|dask|numpy|scipy|pandas)\b", re.MULTILINE
)


def test_every_line_of_the_lock_is_a_pin_with_its_hashes() -> None:
    assert PIN.sub("", LOCK.read_text()) == ""


def test_what_is_asked_for_is_locked_at_the_versions_that_run() -> None:
    asked, locked, running = named_in(ROOT / "requirements/research.in"), pins(LOCK), pins(RUNTIME)

    assert asked == {"optuna", "distributed"}
    assert asked <= set(locked)
    assert {name: locked.get(name) for name in running} == running
    assert not asked & set(running)


def test_nothing_heavy_is_imported_until_it_is_asked_for() -> None:
    sources = [ROOT / "auto_trading.py", *(ROOT / "lib").rglob("*.py")]

    assert {path.name for path in sources if HEAVY.search(path.read_text())} == set()
