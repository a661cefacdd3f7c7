"""Killed at any instant, the venue has what it answered; what it did not answer it may have."""

import os
from pathlib import Path

import pytest

from lib.simulator.books.audit import audit
from lib.simulator.books.books import Books
from lib.simulator.exchange import Exchange
from lib.simulator.paper.paper import exchange_info, machine_time
from tests.simulator_server.venue_kills import KilledVenue, check_file

KILLS = int(os.environ.get("KILLS", "20"))
pytestmark = [pytest.mark.asyncio, pytest.mark.slow, pytest.mark.timeout(120 + 6 * KILLS)]


@pytest.mark.parametrize("seed", [1], ids="seed {}".format)
async def test_what_was_answered_is_there_after_a_few_kills(tmp_path: Path, seed: int) -> None:
    await live_and_die(tmp_path, seed, kills=3)


@pytest.mark.long
@pytest.mark.parametrize("seed", [2], ids="seed {}".format)
async def test_what_was_answered_is_there_after_many_kills(tmp_path: Path, seed: int) -> None:
    venue = await live_and_die(tmp_path, seed, kills=KILLS)

    assert venue.noted.tried - venue.noted.placed.keys(), "no kill hit a request under way"


async def live_and_die(folder: Path, seed: int, *, kills: int) -> KilledVenue:
    async with KilledVenue(folder, seed) as venue:
        for _ in range(kills):
            await venue.live()
            venue.noted.check(await venue.orders())
            await venue.trade_until_killed()
            check_file(venue.books)
            check_books(venue.books)
        await venue.live()
        venue.noted.check(await venue.orders())
    assert len(venue.noted.placed) > kills
    return venue


def check_books(path: Path) -> None:
    books = Books.open(path)
    try:
        Exchange(exchange_info(), clock=machine_time, books=books)
        assert audit(books) == ()
    finally:
        books.close()
