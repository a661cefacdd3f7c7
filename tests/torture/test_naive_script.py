"""The comparison: the same kills lose orders of the usual scripts and none of ours."""

from pathlib import Path

import pytest

from tests.torture.controls import moments, ours_killed, script_killed

KILLS = 24  # the careful script needs bad luck
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize("script", ["naive_bot", "careful_bot"])
def test_a_usual_script_forgets_orders_when_it_is_killed(tmp_path: Path, script: str) -> None:
    outcome = script_killed(1, tmp_path, f"tests.torture.{script}", kills=KILLS)

    assert outcome.losses
    assert outcome.figures["forgotten in 100 kills, orders"] == [100 * len(outcome.losses) / KILLS]


def test_the_same_task_in_this_program_forgets_none(tmp_path: Path) -> None:
    outcome = ours_killed(1, tmp_path, kills=4)

    assert outcome.losses == []
    assert outcome.figures["forgotten in 100 kills, orders"] == [0]
    assert outcome.figures["accepted in 100 kills, orders"][0] > 0


def test_all_that_are_compared_are_killed_at_the_same_moments() -> None:
    assert moments(3, 20) == moments(3, 20)
    assert moments(3, 20) != moments(4, 20)
