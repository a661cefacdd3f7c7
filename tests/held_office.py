"""One position at a scripted venue, saved as the program saves."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lib.errors import Refused
from lib.exchange import OrderRecord, OrderStatus, PlaceListRequest, Quote
from lib.exits.position import (
    Position,
    hold_position,
    plan_position,
)
from lib.exits.protection import taker
from lib.filters import Lot, Notional
from lib.machine import drive
from lib.order_lists import OrderList
from lib.orders import Order
from tests.scripted_venue import RULES, Office

LOTS = replace(
    RULES["BTCUSDT"],
    lot=Lot("LOT_SIZE", Decimal("0.0001"), Decimal(100), Decimal("0.0001")),
    notional=Notional(smallest=Decimal(5), smallest_for_market=True),
)
PROFIT, STOP = Decimal(61_000), Decimal(59_000)


def planned(entry: Order, **more: Any) -> Position:
    position = plan_position(LOTS, entry, take_profit=PROFIT, stop=STOP)
    return position.model_copy(update={"patience": 5_000, **more})


async def begin(office: Office, position: Position, seconds: float = 1) -> "asyncio.Task[None]":
    """Let a position live beside the test, saved as the program saves."""
    office.floor.rules["BTCUSDT"] = LOTS

    async def save(saved: Position) -> None:
        await office.save(saved)
        office.dealer.wake_given_up()

    task = office.loop.create_task(drive(hold_position(office.desk, position), save))
    await asyncio.sleep(seconds)
    return task


def pair_of(position: Position) -> OrderList:
    assert position.pair is not None
    return position.pair


def fill(office: Office, order: Order, quantity: str) -> OrderRecord:
    record = office.venue.execute(order.id, Decimal(quantity), price=order.price or Decimal(60_000))
    office.tell(record)
    return record


def take_part_of_profit(office: Office, pair: OrderList, quantity: str) -> None:
    """Have the profit be taken in part, which ends the stop."""
    fill(office, taker(pair), quantity)
    stop = next(leg for leg in pair.legs if leg.type == "STOP_LOSS")
    office.tell(office.venue.change(stop.id, status=OrderStatus.EXPIRED, reason="OCO_TRIGGER"))


def quantities(office: Office) -> list[Decimal | None]:
    return [request.legs[0].quantity for _, request in office.venue.placed_lists]


def sales(office: Office) -> list[Decimal | None]:
    placed = office.venue.placed
    return [request.quantity for _, request in placed if request.side == "SELL"]


def refusing(why: str) -> Callable[[PlaceListRequest], list[OrderRecord]]:
    def refuse(_: PlaceListRequest) -> list[OrderRecord]:
        raise Refused(why)

    return refuse


def cancel_by_hand(office: Office, pair: OrderList) -> None:
    for leg in pair.legs:
        office.tell(office.venue.change(leg.id, status=OrderStatus.CANCELED))


def refuse_order(_: Any) -> OrderRecord:
    raise Refused("the symbol is halted")


def show(office: Office, *, bid: int, ask: int, last: int = 60_000) -> None:
    """Bring a market whose prices differ; it stays so until the next."""
    quote = Quote("BTCUSDT", bid=Decimal(bid), ask=Decimal(ask), last=Decimal(last))
    office.floor.quotes.take(replace(quote, time=office.now()))


def release(office: Office) -> Position:
    """Begin a new life with what is on disk, as after the command `release`."""
    office.begin_life()
    office.memory.releases += 1
    return restarted(office)


def restart(office: Office) -> Position:
    """Begin a new life with what is on disk."""
    office.begin_life()
    return restarted(office)


def restarted(office: Office) -> Position:
    """Read the position, its orders followed as the roster does it."""
    position = Position.model_validate_json(office.saved)
    legs = [] if position.pair is None else position.pair.legs
    for order in (position.entry, position.sale, *legs):
        if order is not None and order.id and not order.final:
            office.mirror.follow(order.symbol, order.id, order.order_id)
    return position
