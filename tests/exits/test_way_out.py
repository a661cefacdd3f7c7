"""What stands for coins bought in parts goes at market in as many orders as that takes."""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from lib.exits.way_out import Aim, WayOut, leave
from lib.filters import Lot, Notional
from lib.machine import drive
from lib.money import SymbolRules
from tests.held_office import LOTS
from tests.scripted_venue import Office, play

HELD = Decimal("0.5")


@dataclass(frozen=True)
class Bought:
    """So much was bought, and is to be sold at once."""

    bought: Decimal = HELD
    settled_at: int = 0
    complete: bool = True

    @property
    def aim(self) -> Aim:
        return Aim(sell_now="it is told so")


@pytest.mark.parametrize(
    "rules",
    [
        replace(LOTS, market_lot=Lot(step=LOTS.lot.step, largest=Decimal("0.2"))),
        replace(LOTS, notional=Notional(largest=Decimal(14_000), largest_for_market=True)),
    ],
    ids=["the lot", "the value"],
)
def test_more_than_one_order_may_have_is_sold_in_several(rules: SymbolRules) -> None:
    async def story(office: Office) -> list[Decimal | None]:
        office.floor.rules["BTCUSDT"] = rules
        office.floor.quotes.open("BTCUSDT")
        office.quote("60000")
        way = WayOut(symbol="BTCUSDT")
        task = office.loop.create_task(drive(leave(office.desk, way, Bought()), office.save))
        await asyncio.sleep(20)
        task.cancel()
        assert way.over
        return [request.quantity for _, request in office.venue.placed]

    quantities = play(story)
    assert sum((each or Decimal(0) for each in quantities), Decimal(0)) == HELD
    assert len(quantities) == 3
