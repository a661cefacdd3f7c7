"""An order is moved by one decision: amended where it shrinks, else canceled and followed up."""

import asyncio
from decimal import Decimal

import pytest

from lib.errors import OutcomeUnknown, Refused
from lib.exchange import AmendRequest, Fill, OrderRecord
from lib.mirror import advance
from lib.money import SymbolRules
from lib.moving import Moving, follow_moving, move, rest
from lib.orders import Order, OrderState
from tests.scripted_venue import Office, limit_buy, play

AMENDABLE = SymbolRules("BTCUSDT", "BTC", "USDT", amend_allowed=True, amends_max=10)


async def begin(office: Office, moving: Moving, seconds: float = 1) -> "asyncio.Task[None]":
    """Let a moving order live beside the test, saved as the program saves."""
    office.floor.rules["BTCUSDT"] = AMENDABLE

    async def run() -> None:
        async for saved in follow_moving(office.desk, moving):
            await asyncio.sleep(0.005)
            office.saved = saved.model_dump_json().encode()
            office.saved_memory = office.memory.model_dump_json()
            office.dealer.wake_given_up()

    task = office.loop.create_task(run())
    await asyncio.sleep(seconds)
    return task


def decide(office: Office, moving: Moving, **where: Decimal) -> bool:
    decided = move(AMENDABLE, moving, **where)
    office.dealer.wake_given_up()
    return decided


def test_a_move_cancels_and_places_what_is_left() -> None:
    async def story(office: Office) -> tuple[Moving, list[Decimal | None]]:
        moving = rest(limit_buy("0.5"))
        task = await begin(office, moving)
        office.tell(office.venue.execute(moving.order.id, Decimal("0.2")))
        await asyncio.sleep(1)
        assert decide(office, moving, price=Decimal(58_000))
        await asyncio.sleep(1)
        task.cancel()
        return moving, [request.quantity for _, request in office.venue.placed]

    moving, placed = play(story)
    assert placed == [Decimal("0.5"), Decimal("0.3")]
    assert moving.order.price == Decimal(58_000)
    assert moving.executed == Decimal("0.2")
    assert moving.left == Decimal("0.3")


def test_the_next_order_leaves_one_save_after_the_cancel_is_known() -> None:
    async def story(office: Office) -> int:
        moving = rest(limit_buy("0.5"))
        task = await begin(office, moving)
        decide(office, moving, price=Decimal(58_000))
        await asyncio.sleep(1)
        task.cancel()
        canceled_at, _ = office.venue.cancels[0]
        placed_at, _ = office.venue.placed[1]
        return placed_at - canceled_at

    assert play(story) <= 10 + 5 + 5  # the cancel's answer, one save, and the clock's grain


def test_a_move_of_an_order_that_filled_meanwhile_is_over() -> None:
    async def story(office: Office) -> tuple[Moving, int]:
        moving = rest(limit_buy("0.5"))
        task = await begin(office, moving)
        office.venue.execute(moving.order.id, Decimal("0.5"))
        decide(office, moving, price=Decimal(58_000))
        await task
        return moving, len(office.venue.placed)

    moving, placed = play(story)
    assert placed == 1
    assert moving.order.state is OrderState.FILLED
    assert moving.target is None


def test_a_smaller_quantity_amends_the_order_where_it_stands() -> None:
    async def story(office: Office) -> tuple[Moving, Office]:
        moving = rest(limit_buy("0.5"))
        task = await begin(office, moving)
        decide(office, moving, quantity=Decimal("0.4"))
        await asyncio.sleep(1)
        task.cancel()
        return moving, office

    moving, office = play(story)
    assert (moving.order.state, moving.order.whole) == (OrderState.OPEN, Decimal("0.4"))
    assert (moving.target, moving.moves, office.venue.cancels) == (None, 1, [])
    (_, request), *rest_of_them = office.venue.amends
    assert not rest_of_them
    assert request.client_order_id == moving.order.id
    assert office.venue.book[moving.order.id].quantity == Decimal("0.4")


def refuse(request: AmendRequest) -> OrderRecord:
    raise Refused("-2038 Order amend is not supported for this symbol.")


def lose(request: AmendRequest) -> OrderRecord:
    raise OutcomeUnknown(f"the amend of {request.client_order_id} was lost")


@pytest.mark.parametrize("answer", [refuse, lose])
def test_an_amend_that_comes_to_nothing_is_a_cancel_and_a_smaller_order(
    answer: "type[object]",
) -> None:
    async def story(office: Office) -> tuple[Moving, Office]:
        moving = rest(limit_buy("0.5"))
        task = await begin(office, moving)
        office.venue.amendings.append(answer)  # type: ignore[arg-type]
        decide(office, moving, quantity=Decimal("0.4"))
        await asyncio.sleep(60)
        task.cancel()
        return moving, office

    moving, office = play(story)
    assert [request.quantity for _, request in office.venue.placed] == [
        Decimal("0.5"),
        Decimal("0.4"),
    ]
    assert len(office.venue.cancels) == 1
    assert (moving.order.state, moving.quantity) == (OrderState.OPEN, Decimal("0.4"))


def test_an_amend_whose_reply_was_lost_is_found_by_asking() -> None:
    async def story(office: Office) -> tuple[Moving, Office]:
        def act_and_lose(request: AmendRequest) -> OrderRecord:
            office.venue.shrink(request)
            raise OutcomeUnknown("the reply was lost")

        moving = rest(limit_buy("0.5"))
        task = await begin(office, moving)
        office.venue.amendings.append(act_and_lose)
        decide(office, moving, quantity=Decimal("0.4"))
        await asyncio.sleep(2)
        task.cancel()
        return moving, office

    moving, office = play(story)
    assert (moving.order.state, moving.order.whole) == (OrderState.OPEN, Decimal("0.4"))
    assert (len(office.venue.placed), len(office.venue.cancels)) == (1, 0)


def test_an_order_whose_amend_is_in_doubt_is_canceled_at_once_when_it_must_be() -> None:
    async def story(office: Office) -> int:
        moving = rest(limit_buy("0.5"))
        task = await begin(office, moving)
        office.venue.amendings.append(lose)
        decide(office, moving, quantity=Decimal("0.4"))
        await asyncio.sleep(1)
        began = office.now()
        decide(office, moving, price=Decimal(58_000))
        await asyncio.sleep(20)
        task.cancel()
        return office.venue.cancels[0][0] - began

    assert play(story) < 6_000


def test_an_order_that_is_being_canceled_for_another_reason_is_not_moved() -> None:
    order = limit_buy("0.5")
    order.state, order.give_up = OrderState.OPEN, "the bot wants it gone"
    moving = rest(order)

    assert not move(AMENDABLE, moving, price=Decimal(58_000))
    assert moving.target is None


def test_a_move_back_to_where_it_was_is_followed_too() -> None:
    order = limit_buy("0.5", "59000")
    order.state = OrderState.OPEN
    moving = rest(order)

    assert move(AMENDABLE, moving, price=Decimal(58_000))
    assert move(AMENDABLE, moving, price=Decimal(59_000))

    assert moving.target is not None
    assert moving.target.price == Decimal(59_000)


def test_a_larger_quantity_is_a_cancel_and_not_an_amend() -> None:
    order = limit_buy("0.5")
    order.state = OrderState.OPEN
    moving = rest(order)

    assert move(AMENDABLE, moving, quantity=Decimal("0.6"))

    assert (order.amend_to, bool(order.give_up)) == (None, True)


def test_an_older_answer_does_not_make_an_amended_order_larger_again() -> None:
    async def story(office: Office) -> tuple[OrderRecord, OrderRecord]:
        moving = rest(limit_buy("0.5"))
        task = await begin(office, moving)
        before = office.venue.book[moving.order.id]
        decide(office, moving, quantity=Decimal("0.4"))
        await asyncio.sleep(1)
        task.cancel()
        return before, office.venue.book[moving.order.id]

    before, after = play(story)
    assert advance(after, before).quantity == Decimal("0.4")
    assert advance(before, after).quantity == Decimal("0.4")


def test_fees_and_values_of_all_orders_of_a_move_are_added_up() -> None:
    async def story(office: Office) -> tuple[Moving, list[Fill]]:
        moving = rest(limit_buy("0.5"))
        task = await begin(office, moving)
        office.tell(office.venue.execute(moving.order.id, Decimal("0.2")))
        await asyncio.sleep(1)
        decide(office, moving, price=Decimal(58_000))
        await asyncio.sleep(1)
        office.tell(office.venue.execute(moving.order.id, Decimal("0.3")))
        await task
        return moving, [fill for fills in office.venue.trades.values() for fill in fills]

    moving, fills = play(story)
    assert moving.executed == Decimal("0.5")
    assert moving.executed_quote == sum(fill.quote for fill in fills)
    assert moving.fees == {"BTC": sum(fill.commission for fill in fills)}


def test_a_saved_context_without_amends_still_loads() -> None:
    order = limit_buy("0.5").model_dump(mode="json")
    for name in ("amends", "amended", "amend_to", "amend_token", "amend_id", "amend_refused"):
        del order[name]

    assert Order.model_validate(order).whole == Decimal("0.5")
