"""A long run sees what grows: the real program keeps nothing of a lap, a leaking one is told."""

from dataclasses import replace

import pytest

from lib.mirror import Mirror
from tests.torture.experiment import Outcome
from tests.torture.footprint import bytes_kept
from tests.torture.long_runs import RUNS, long_world, measured, per_fill
from tests.torture.scenes import GRID, SOAK, have_small_bots

Patch = pytest.MonkeyPatch
SHORT = replace(RUNS["soak"], bot={**SOAK, "loop": 300}, laps=300)


@pytest.fixture(autouse=True)
def _small_bots() -> None:
    have_small_bots()


def lived() -> Outcome:
    return measured(long_world(3, "soak", SHORT), SHORT)


@pytest.mark.slow
def test_the_program_keeps_nothing_of_its_laps() -> None:
    outcome = lived()

    assert outcome.losses == []
    assert outcome.figures["length of a run, laps"] == [300]


@pytest.mark.slow
def test_a_dealer_forgets_the_orders_that_it_closed() -> None:
    run = replace(RUNS["grid"], bot={**GRID, "fills": 120}, laps=180)

    assert measured(long_world(2, "grid", run), run).losses == []


@pytest.mark.slow
def test_a_mirror_that_forgets_no_order_is_told(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Mirror, "unfollow", lambda *_: None)

    assert any("of each fill are kept" in loss for loss in lived().losses)


def test_what_is_kept_is_counted_once_and_grows_with_what_is_held() -> None:
    held: list[object] = ["x" * 1_000] * 3
    before = bytes_kept(held)

    held.append("y" * 1_000)

    assert 1_000 < before < 2_000
    assert 1_000 <= bytes_kept(held) - before < 1_200


def test_the_bytes_of_a_fill_are_the_slope_after_the_warm_up() -> None:
    warm_up = [(fills, 10_000 * fills) for fills in range(5)]
    later = [(fills, 80_000 + 7 * fills) for fills in range(5, 30)]

    assert per_fill({1: [(1, 1)], 2: warm_up + later}) == pytest.approx(7)
