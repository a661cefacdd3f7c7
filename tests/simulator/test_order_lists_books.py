"""Order lists outlive the process that took them, whatever stage they were in."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.simulator.exchange import Books
from tests.simulator.order_lists import list_status, place_list, statuses
from tests.simulator.venue import SYMBOL, Venue

Step = Callable[[Venue], object]

STEPS: dict[str, list[Step]] = {
    "oco": [
        lambda venue: venue.last(110, "0.4"),
        lambda venue: venue.last(110, 1),
    ],
    "otoco": [
        lambda venue: venue.last(97, "0.4", seller=True),
        lambda venue: venue.last(97, 1, seller=True),
        lambda venue: venue.last(90),
    ],
    "opoco": [
        lambda venue: venue.last(97, "0.4", seller=True),
        lambda venue: venue.last(97, 1, seller=True),
        lambda venue: venue.last(110, "0.2"),
        lambda venue: venue.ask("DELETE orderList", symbol=SYMBOL, orderListId=0),
    ],
    "oto": [
        lambda venue: venue.last(97, 1, seller=True),
        lambda venue: venue.last(120, 1),
    ],
}


def remembered(venue: Venue) -> list[object]:
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        ("GET allOrders", {"symbol": SYMBOL}),
        ("GET myTrades", {"symbol": SYMBOL}),
        ("GET allOrderList", {}),
        ("GET openOrderList", {}),
        ("GET account", {}),
    )
    bodies: list[object] = [venue.ask(call, **params).body for call, params in asked]
    return bodies


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(STEPS))
def test_a_list_goes_on_after_a_restart_at_every_stage(kind: str, tmp_path: Path) -> None:
    steady = Venue().with_market()
    broken = Venue(books=Books.open(tmp_path / "venue.db")).with_market()
    place_list(steady, kind)
    place_list(broken, kind)

    for step in STEPS[kind]:
        broken = reopened(broken, tmp_path)
        assert remembered(broken) == remembered(steady)
        for venue in (steady, broken):
            venue.now += 1
            step(venue)

    broken = reopened(broken, tmp_path)
    assert remembered(broken) == remembered(steady)
    assert list_status(broken, {"orderListId": 0}) == "ALL_DONE"


def test_the_ids_of_lists_go_on_after_a_restart(tmp_path: Path) -> None:
    venue = Venue(books=Books.open(tmp_path / "venue.db")).with_market()
    place_list(venue, "oco")

    venue = reopened(venue, tmp_path)

    assert place_list(venue, "oto")["orderListId"] == 1


def test_a_wipe_forgets_the_lists() -> None:
    venue = Venue().with_market()
    place_list(venue, "oco", listClientOrderId="pair")

    venue.exchange.wipe()
    venue.with_market()

    assert venue.ask("GET allOrderList").body == []
    assert venue.balances()["BTC"] == (Decimal(10), Decimal(0))
    placed = place_list(venue, "oco", listClientOrderId="pair")
    assert placed["orderListId"] == 0
    assert statuses(venue, placed) == ["NEW", "NEW"]


def reopened(venue: Venue, folder: Path) -> Venue:
    """Lose all that is in memory; what others had in the book comes back with the recording."""
    venue.books.close()
    again = Venue(books=Books.open(folder / "venue.db"), now=venue.now)
    again.exchange.set_book(
        SYMBOL, [("99", "1"), ("98", "5")], [("101", "1"), ("102", "5")], again.now
    )
    return again
