"""How orders end: filled in parts, canceled in time or too late, by us or by hand."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from lib.errors import NotSent, OutcomeUnknown
from lib.exchange import CancelRequest, OrderRecord, OrderStatus
from lib.orders import Order, OrderState, add_order
from tests.scripted_venue import Office, limit_buy, play

HALF = Decimal("0.5")
DAY = 86_400


def sell(quantity: str = "0.5", **more: object) -> Order:
    return limit_buy(quantity, "61000", **more).model_copy(update={"side": "SELL"})


def canceled_by_hand(office: Office, order: Order) -> OrderRecord:
    return office.venue.change(order.id, status=OrderStatus.CANCELED)


def on_disk(office: Office) -> Order:
    return Order.model_validate_json(office.saved)


# --- fills and cancels


def test_a_partial_fill_is_a_state_and_not_an_end() -> None:
    async def story(office: Office) -> tuple[Order, Order]:
        task = await office.begin(limit_buy())
        name = on_disk(office).id
        office.venue.execute(name, Decimal("0.2"))
        office.tell(office.venue.full(office.venue.book[name]))
        await asyncio.sleep(1)
        part = on_disk(office)
        office.venue.execute(name, Decimal("0.3"))
        office.tell(office.venue.full(office.venue.book[name]))
        return part, await task

    part, whole = play(story)

    assert (part.state, part.executed) == (OrderState.OPEN, Decimal("0.2"))
    assert (whole.state, whole.executed) == (OrderState.FILLED, HALF)


def test_a_partial_fill_and_then_a_cancel_keep_the_executed_quantity() -> None:
    async def story(office: Office) -> Order:
        task = await office.begin(limit_buy(give_up_at=office.now() + 60_000))
        office.venue.execute(on_disk(office).id, Decimal("0.2"))  # nobody is told
        return await task

    order = play(story)

    assert (order.state, order.executed) == (OrderState.CANCELED, Decimal("0.2"))
    assert sum(fill.quantity for fill in order.fills) == Decimal("0.2")


@pytest.mark.parametrize("lag", [0, 3])
def test_a_cancel_that_comes_too_late_finds_the_order_filled(lag: int) -> None:
    async def story(office: Office) -> Order:
        def too_late(request: CancelRequest) -> OrderRecord:
            name = request.target_client_order_id
            office.venue.hidden.add(name)
            office.loop.call_later(lag, office.venue.hidden.clear)
            office.venue.execute(name, HALF)
            return office.venue.take_out(request)

        office.venue.cancelings = [too_late]
        return await office.run(limit_buy(give_up_at=office.now() + 5_000))

    order = play(story)

    assert (order.state, order.executed) == (OrderState.FILLED, HALF)
    assert sum(fill.quantity for fill in order.fills) == HALF


def lost_reply(office: Office, request: CancelRequest) -> OrderRecord:
    office.venue.take_out(request)
    raise OutcomeUnknown("the reply was lost")


def lost_request(office: Office, request: CancelRequest) -> OrderRecord:
    raise OutcomeUnknown(f"{office.now()}: {request.client_order_id} was lost")


def unconnected(office: Office, request: CancelRequest) -> OrderRecord:
    raise NotSent(f"{office.now()}: {request.client_order_id} found no connection")


@pytest.mark.parametrize("failure", [lost_reply, lost_request, unconnected])
def test_a_cancel_of_unknown_outcome_is_asked_for_until_the_order_is_gone(
    failure: Callable[[Office, CancelRequest], OrderRecord],
) -> None:
    async def story(office: Office) -> tuple[Order, OrderStatus, list[str]]:
        office.venue.cancelings = [lambda request: failure(office, request)]
        order = await office.run(limit_buy(give_up_at=office.now() + 5_000))
        ids = [request.client_order_id for _, request in office.venue.cancels]
        return order, office.venue.book[order.id].status, ids

    order, status, ids = play(story)

    assert order.state is OrderState.CANCELED
    assert status is OrderStatus.CANCELED
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("when", ["announced", "accepted", "answered"])
def test_a_crash_around_a_cancel_ends_with_the_order_gone_and_counted(when: str) -> None:
    async def story(office: Office) -> tuple[Order, OrderStatus]:
        order = limit_buy(give_up_at=office.now() + 5_000)
        async for order in add_order(office.dealer, order):
            await office.save(order)
            if order.state is OrderState.CANCELING and when == "announced":
                break
            if order.state is OrderState.CANCELING and when == "accepted":
                canceled_by_hand(office, order)
                break
            if order.final:
                office.saved = (
                    order
                    .model_copy(update={"state": OrderState.CANCELING, "booked": False})
                    .model_dump_json()
                    .encode()
                )
                break
        order = await office.run(office.recovered())
        return order, office.venue.book[order.id].status

    order, status = play(story)

    assert order.state is OrderState.CANCELED
    assert status is OrderStatus.CANCELED


@pytest.mark.parametrize("told", [True, False])
def test_an_order_canceled_by_hand_is_final_with_or_without_the_event(told: bool) -> None:
    async def story(office: Office) -> Order:
        task = await office.begin(limit_buy())
        record = canceled_by_hand(office, on_disk(office))
        if told:
            office.tell(record)
        return await task

    assert play(story).state is OrderState.CANCELED


def test_a_decision_to_give_up_is_acted_upon_without_other_news() -> None:
    async def story(office: Office) -> OrderStatus:
        task = await office.begin(order := limit_buy())
        order.give_up = "the trend has turned"
        await office.save(order)
        await asyncio.sleep(3_600)
        task.cancel()
        return office.venue.book[on_disk(office).id].status

    assert play(story) is OrderStatus.CANCELED


def test_a_stop_acts_on_a_price_that_came_back_before_anybody_looked() -> None:
    async def story(office: Office) -> OrderStatus:
        task = await office.begin(sell(give_up_below=Decimal(58_000)))
        office.quote("57900")
        office.quote("58100")
        await asyncio.sleep(1)
        office.quote("50000")
        await asyncio.sleep(5)
        task.cancel()
        return office.venue.book[on_disk(office).id].status

    assert play(story) is OrderStatus.CANCELED


def test_a_stop_is_not_judged_by_a_price_of_yesterday() -> None:
    async def story(office: Office) -> Order:
        office.venue.last = Decimal(50_000)
        await office.desk.price("BTCUSDT")
        await asyncio.sleep(DAY)
        office.venue.last = Decimal(60_000)
        await office.begin(sell(give_up_below=Decimal(58_000)), seconds=5)
        return on_disk(office)

    assert play(story).state is OrderState.OPEN


def test_a_deadline_that_passed_while_the_machine_slept_is_kept_at_the_next_news() -> None:
    async def story(office: Office) -> Order:
        task = await office.begin(limit_buy(give_up_at=office.now() + 60_000))
        office.jumped = 8 * 3_600_000
        return await task

    assert play(story).state is OrderState.CANCELED


def test_a_stop_that_triggered_while_nobody_ran_is_found_as_it_ended() -> None:
    async def story(office: Office) -> Order:
        stop = sell().model_copy(update={"type": "STOP_LOSS_LIMIT", "stop_price": Decimal(58_000)})
        task = await office.begin(stop)
        task.cancel()
        office.venue.execute(on_disk(office).id, HALF)
        await asyncio.sleep(DAY)
        return await office.run(office.recovered())

    order = play(story)

    assert (order.state, order.executed) == (OrderState.FILLED, HALF)
    assert len(order.fills) == 1
