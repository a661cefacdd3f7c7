"""An entry that waits for a turn remembers from where it counts, and what it saw."""

import asyncio
from decimal import Decimal

import pytest

from lib.exchange import Side
from lib.exits.turning import await_turn, plan_turn
from lib.machine import drive
from lib.trailing import Trail
from tests.scripted_venue import Office, play

START = Decimal(60_000)


def follow(
    side: Side, distance: str, *prices: int, fixed: bool = False, dies_after: int = 0
) -> Trail:
    """Let a turn be waited for while these are traded; the program dies after so many of them."""

    async def story(office: Office) -> Trail:
        office.floor.quotes.open("BTCUSDT")
        trail = plan_turn(
            "BTCUSDT", side, Decimal(distance), base=START, fixed=fixed, now=office.now()
        )
        task = office.loop.create_task(drive(await_turn(office.desk, trail), office.save))
        await asyncio.sleep(1)
        for number, price in enumerate(prices, 1):
            office.venue.last = Decimal(price)
            office.quote(str(price))
            await asyncio.sleep(1)
            if number == dies_after:
                task.cancel()
                office.begin_life()
                office.floor.quotes.open("BTCUSDT")
                trail = Trail.model_validate_json(office.saved)
                task = office.loop.create_task(drive(await_turn(office.desk, trail), office.save))
        task.cancel()
        return trail

    return play(story)


@pytest.mark.parametrize(
    ("side", "distance", "prices", "turned"),
    [
        ("BUY", "0.1", (66_000, 54_000, 48_000), None),
        ("BUY", "0.1", (66_000, 54_000, 48_000, 52_801), 52_801),
        ("BUY", "-0.1", (54_001, 60_000), None),
        ("BUY", "-0.1", (54_000, 48_000, 52_900), 52_900),
        ("SELL", "0.1", (54_000, 72_000, 64_799), 64_799),
        ("SELL", "-0.1", (66_000, 72_000, 64_800), None),
    ],
)
def test_turns_beyond_its_line_and_not_at_it(
    side: Side, distance: str, prices: tuple[int, ...], turned: int | None
) -> None:
    assert follow(side, distance, *prices).turned_at == turned


def test_counts_its_line_from_a_fixed_price() -> None:
    assert follow("BUY", "0.01", 60_601, fixed=True).turned_at == 60_601


@pytest.mark.parametrize("dies_after", [1, 2, 3])
def test_counts_from_where_it_began_whenever_the_program_dies(dies_after: int) -> None:
    trail = follow("BUY", "-0.1", 57_000, 54_000, 50_000, 55_001, dies_after=dies_after)

    wanted = (Decimal(54_000), Decimal(50_000), Decimal(55_001))
    assert (trail.activation, trail.mark, trail.turned_at) == wanted
