"""The chamber of processes: a few deaths of each way, and proof that it sees what is wrong."""

from pathlib import Path

import pytest

from lib.torture.deaths import (
    Way,
    both_killed,
    ended_at_random,
    exchange_killed_under_the_runner,
    killed_at_a_request,
    killed_at_an_event,
    killed_at_random,
)
from tests.torture.crowd import KINDS, crowd
from tests.torture.killings import chamber, killed_at_a_system_call, lives_and_deaths

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "ways",
    [
        (killed_at_random, ended_at_random),
        (killed_at_a_request, killed_at_an_event, killed_at_a_system_call),
        (both_killed, exchange_killed_under_the_runner),
    ],
    ids=["at random", "at chosen moments", "with the exchange"],
)
def test_nothing_is_lost_whichever_way_it_dies(tmp_path: Path, ways: tuple[Way, ...]) -> None:
    with chamber(tmp_path, 1, crowd("a", len(KINDS))) as opened:
        for way in ways:
            opened.die(way)

    assert opened.outcome.losses == []
    assert opened.outcome.deaths >= len(ways)


def test_a_runner_that_sends_again_without_looking_is_found_out(tmp_path: Path) -> None:
    outcome = lives_and_deaths(
        1, tmp_path, deaths=40, ways=(killed_at_a_request,), plant="never-looks"
    )

    assert any("given up as never accepted, and was accepted" in loss for loss in outcome.losses)


def test_a_runner_that_sends_before_it_saves_is_found_out(tmp_path: Path) -> None:
    outcome = lives_and_deaths(
        1, tmp_path, deaths=40, ways=(killed_at_a_request,), plant="never-saves"
    )

    assert any("on disk are" in loss for loss in outcome.losses)
