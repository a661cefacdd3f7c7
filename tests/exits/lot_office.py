"""One holding at a scripted venue, saved as the program saves, with lots that a section says."""

import asyncio
from decimal import Decimal
from typing import Any

from lib.exits.holding import Holding, hold, plan_holding
from lib.exits.lot import Lot
from lib.exits.sections import StopLoss, TakeProfit, plan_lots, shares_of
from lib.machine import drive
from lib.order_lists import OrderList
from lib.orders import Order
from tests.held_office import LOTS
from tests.scripted_venue import Office

TARGET = {"price": "2%"}
STOP = {"price": "-2%"}


def planned(entry: Order, *targets: dict[str, Any], stop: dict[str, Any] | None = None) -> Holding:
    """Plan a holding; a step of the lots is 0.0001."""
    profits = tuple(TakeProfit.model_validate(target) for target in targets)
    limit = None if stop is None else StopLoss.model_validate(stop)
    lots = plan_lots(LOTS, entry.side, profits, limit)
    held = plan_holding(LOTS, entry, lots, shares_of(profits))
    held.patience = 5_000
    held.even = None if limit is None else limit.break_even
    return held


async def begin(office: Office, held: Holding, seconds: float = 1) -> "asyncio.Task[None]":
    """Let a holding live beside the test."""
    office.floor.rules["BTCUSDT"] = LOTS
    office.floor.quotes.open("BTCUSDT")

    async def save(saved: Holding) -> None:
        await office.save(saved)
        office.dealer.wake_given_up()

    task = office.loop.create_task(drive(hold(office.desk, held), save))
    await asyncio.sleep(seconds)
    return task


def again(office: Office) -> Holding:
    """Begin a new life with what is on disk; its orders are followed as the roster does it."""
    office.begin_life()
    held = Holding.model_validate_json(office.saved)
    for order in held.orders:
        if order.id and not order.final:
            office.mirror.follow(order.symbol, order.id, order.order_id)
    return held


def released(office: Office) -> Holding:
    """Begin a new life as after the command `release`."""
    held = again(office)
    office.memory.releases += 1
    return held


def pair_of(lot: Lot) -> OrderList:
    assert lot.pair is not None
    return lot.pair


def sold(office: Office) -> list[tuple[str, Decimal | None]]:
    """What was sent to be sold by single orders, in turn."""
    placed = [request for _, request in office.venue.placed if request.side == "SELL"]
    return [(request.type, request.quantity) for request in placed]


def listed(office: Office) -> list[Decimal | None]:
    """The quantities of the pairs that were sent, in turn."""
    return [request.legs[0].quantity for _, request in office.venue.placed_lists]
