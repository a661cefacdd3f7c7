"""The ground of all proof is tortured too: the simulator under storms, and killed under load."""

import asyncio
from pathlib import Path

from tests.simulator.storms import storm
from tests.simulator.test_shadow import ride_out, ride_out_beside_a_twin
from tests.simulator_server.test_durable_books import live_and_die
from tests.torture.experiment import Experiment, Outcome

STORMS_EACH = 600
TWINS_EACH = 30
KILLS_EACH = 20


def weather_storms(seed: int, folder: Path) -> Outcome:
    """Let a run of storms blow; beside some of them a twin venue is stopped and started again."""
    first = 10_000_000 + seed * STORMS_EACH
    losses = []
    for number in range(first, first + STORMS_EACH):
        try:
            ride_out(storm(number))
            if number < first + TWINS_EACH:
                ride_out_beside_a_twin(storm(number), _made(folder / str(number)))
        except AssertionError as wrong:
            losses.append(f"storm {number}: {wrong}")
    return Outcome(deaths=0, points={"a storm of requests": STORMS_EACH}, losses=losses)


def venue_kills(seed: int, folder: Path) -> Outcome:
    """Kill the simulator's process under load, again and again; what it answered must be there."""
    asyncio.run(live_and_die(folder, 1_000 + seed, kills=KILLS_EACH))
    return Outcome(deaths=KILLS_EACH, points={"SIGKILL of the simulator under load": KILLS_EACH})


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


EXPERIMENTS = (
    Experiment(
        name="storms",
        title="The simulator in storms",
        text=(
            "Several people, their order lists and a recording act at random on one simulated "
            "exchange. A shadow that hears the user events alone must know every account as the "
            "exchange does, and a venue that is stopped and started again now and then must go "
            "on as its twin that never was."
        ),
        attempts=30,
        seconds=11,
        attempt=weather_storms,
    ),
    Experiment(
        name="venue-kills",
        title="The simulator killed under load",
        text=(
            "The simulator's process is killed while several clients place and cancel. What it "
            "had answered must be in its books in the next life, what it had not answered may be, "
            "nothing is there twice, and its own audit finds every balance explained."
        ),
        attempts=10,
        seconds=17,
        attempt=venue_kills,
    ),
)
