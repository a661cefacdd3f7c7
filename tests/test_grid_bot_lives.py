"""A grid that follows the price goes on after every power cut: no cell twice, none forgotten."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from lib.grid import Grid, Rung
from lib.grids.cells import number_of
from tests.bots_of_lines import (
    CLIMB,
    ENDLESS,
    FOLLOWING,
    GRID,
    ROUND_TRIP,
    THERE_AND_BACK,
    Section,
    Shape,
    finished,
    grid_world,
)
from tests.swinging import ShapedWorld, contexts
from tests.world import Luck, every_life, pairs_of_cuts

LAGGING = Luck(query_lag_ms=1_500)
GRIDS: Mapping[str, tuple[Section, Shape, int]] = {
    "following": (FOLLOWING, THERE_AND_BACK, 29),
    "endless": (ENDLESS, CLIMB, 97),
}
PARTS = Decimal("0.003")


def made(name: str, seed: int, depth: Decimal = Decimal(1)) -> ShapedWorld:
    section, shape, _ = {**GRIDS, "grid": (GRID, ROUND_TRIP, 0)}[name]
    return grid_world(section, shape, seed, Luck() if seed % 2 else LAGGING, depth=depth)


def verify(world: ShapedWorld) -> None:
    """The books agree, and every rung is a cell of its own, all of them side by side."""
    finished(world)
    grid = Grid.model_validate(contexts(world, "bot")["grid"])
    numbers = sorted(number_of(rung) for rung in grid.rungs)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert not any(parts_of(rung) for rung in grid.rungs)


def parts_of(rung: Rung) -> bool:
    return bool(rung.parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_that_follows_the_price_keeps_its_cells_whenever_the_power_fails(name: str) -> None:
    for world in every_life(lambda: made(name, 1), stride=GRIDS[name][2]):
        verify(world)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["grid", *GRIDS])
def test_a_grid_keeps_its_cells_after_two_cuts_while_orders_fill_in_parts(name: str) -> None:
    for world in pairs_of_cuts(lambda: made(name, 2, PARTS), 2, many=5):
        verify(world)
