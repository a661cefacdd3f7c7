"""A little bad weather; all of it: make torture ARGS=sick-networks."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lib.torture.processes import ROOT
from tests.torture.experiment import Outcome
from tests.torture.network_place import lacks
from tests.torture.network_weathers import WEATHERS
from tests.torture.sick_networks import AT_ONCE, drawn

NAMES = [each.name for each in WEATHERS]
STORY = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.torture.network_story import outing
from tests.torture.network_weathers import WEATHERS
folder, weather, dying, plant = sys.argv[1:]
(found,) = (each for each in WEATHERS if each.name == weather)
with outing(Path(folder), 1, many=4) as opened:
    opened.patience = 15.0 if plant else opened.patience
    if plant:
        opened.arena.program += ("--plant", plant)
    opened.live_through(found if plant else replace(found, seconds=5), dying=bool(dying))
print(opened.outcome.model_dump_json())
"""

with_networks = pytest.mark.skipif(bool(lacks()), reason=lacks())


def weathered(folder: Path, weather: str, *, dying: str = "", plant: str = "") -> Outcome:
    """Live through a weather in a process of its own: it moves to another network."""
    done = subprocess.run(
        [sys.executable, "-c", STORY, str(folder), weather, dying, plant],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Outcome.model_validate_json(done.stdout.splitlines()[-1])


def weathers_of(seeds: Sequence[int]) -> Iterator[str]:
    for seed in seeds:
        yield from (each.name for each in drawn(seed))


def test_so_many_attempts_in_a_row_meet_every_weather() -> None:
    attempts = -(-len(WEATHERS) // AT_ONCE)

    assert set(weathers_of(range(7, 7 + attempts))) == set(NAMES)
    assert len(NAMES) == len(set(NAMES))


@with_networks
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("weather", "dying"),
    [("no name server, and reset", ""), ("old connections are forgotten", "amid it")],
    ids=["names lost", "killed amid it"],
)
def test_the_bots_trade_on_and_nothing_is_lost(tmp_path: Path, weather: str, dying: str) -> None:
    outcome = weathered(tmp_path, weather, dying=dying)

    assert outcome.losses == []
    assert outcome.deaths == 1 + bool(dying)
    assert f"{weather}: a new order was accepted after, s" in outcome.figures


@with_networks
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_runner_that_believes_the_stream_alone_is_found_out(tmp_path: Path) -> None:
    outcome = weathered(tmp_path, "the name is unknown", plant="polls-once")

    assert any("no patient" in loss for loss in outcome.losses)


@with_networks
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_runner_that_sends_again_without_looking_is_found_out(tmp_path: Path) -> None:
    outcome = weathered(tmp_path, "replies are lost, requests are not", plant="never-looks")

    assert any("given up as never accepted, and was accepted" in loss for loss in outcome.losses)
