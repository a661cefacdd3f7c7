"""What a person took into their own hands at the exchange stays theirs until they say: go on."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest

from lib.errors import Halt
from lib.exchange import OrderStatus
from lib.exits.position import Ending, Position, hold_position, plan_bracket
from lib.exits.protection import taker
from lib.machine import Context, drive
from lib.orders import OrderState
from tests.held_office import (
    LOTS,
    PROFIT,
    STOP,
    begin,
    cancel_by_hand,
    fill,
    pair_of,
    planned,
    release,
    restart,
    sales,
)
from tests.scripted_venue import Office, limit_buy, market_buy, play

BY_HAND = "the pair was canceled at the exchange, not by this program"


async def parked(office: Office, position: Position) -> Position:
    """Hold it until a person cancels its pair; answer what is then on the disk."""
    task = await begin(office, position)
    cancel_by_hand(office, pair_of(position))
    with pytest.raises(Halt, match="not by this program"):
        await asyncio.wait_for(task, 30)
    return Position.model_validate_json(office.saved)


def parking(**more: Any) -> Position:
    return planned(market_buy("0.5"), when_canceled="park", **more)


async def lists_after(office: Office, position: Position) -> int:
    """Let it live for a while; answer how many pairs were ever placed."""
    task = await begin(office, position, 5)
    task.cancel()
    return len(office.venue.placed_lists)


def test_a_pair_canceled_by_a_person_stops_the_bot_and_says_why_nothing_protects() -> None:
    async def story(office: Office) -> Position:
        return await parked(office, parking())

    left = play(story)
    assert left.unprotected == Decimal("0.4995")
    assert left.unprotected_because == f"{BY_HAND}; a person decides"


def test_a_restart_before_the_parking_reached_the_disk_parks_again_and_places_nothing() -> None:
    async def story(office: Office) -> int:
        await parked(office, parking())
        for _ in range(2):
            with pytest.raises(Halt, match="not by this program"):
                await (await begin(office, restart(office), 5))
        return len(office.venue.placed_lists)

    assert play(story) == 1


def test_a_release_protects_again() -> None:
    async def story(office: Office) -> tuple[int, Position]:
        await parked(office, parking())
        position = release(office)
        return await lists_after(office, position), position

    lists, position = play(story)
    assert lists == 2
    assert position.unprotected_because == ""
    assert position.guarded == Decimal("0.4995")


def test_each_pair_that_is_taken_away_needs_a_release_of_its_own() -> None:
    async def story(office: Office) -> int:
        await parked(office, parking())
        await parked(office, release(office))
        with pytest.raises(Halt, match="not by this program"):
            await (await begin(office, restart(office), 5))
        return len(office.venue.placed_lists)

    assert play(story) == 2


def test_a_pair_canceled_while_nothing_ran_parks_as_well() -> None:
    async def story(office: Office) -> tuple[int, Position]:
        position = parking()
        task = await begin(office, position)
        task.cancel()
        office.venue.tell = lambda _: None
        cancel_by_hand(office, pair_of(position))
        with pytest.raises(Halt, match="not by this program"):
            await (await begin(office, restart(office), 60))
        return len(office.venue.placed_lists), Position.model_validate_json(office.saved)

    lists, left = play(story)
    assert lists == 1
    assert left.unprotected_because.startswith(BY_HAND)


def test_an_entry_that_still_buys_is_canceled_before_the_bot_stops() -> None:
    async def story(office: Office) -> Position:
        position = planned(limit_buy("0.5", "60000"), when_canceled="park")
        task = await begin(office, position)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(7)
        cancel_by_hand(office, pair_of(position))
        with pytest.raises(Halt, match="not by this program"):
            await asyncio.wait_for(task, 30)
        return Position.model_validate_json(office.saved)

    left = play(story)
    assert left.opening.state is OrderState.CANCELED
    assert left.unprotected == Decimal("0.1998")


def test_a_cut_while_the_entry_is_being_canceled_parks_all_the_same() -> None:
    async def story(office: Office) -> tuple[Position, int]:
        position = planned(limit_buy("0.5", "60000"), when_canceled="park")
        task = await begin(office, position)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(7)
        cancel_by_hand(office, pair_of(position))
        while b'"stopped":""' in office.saved:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(Halt, match="not by this program"):
            await (await begin(office, restart(office), 30))
        return Position.model_validate_json(office.saved), len(office.venue.placed_lists)

    left, lists = play(story)
    assert left.opening.state is OrderState.CANCELED
    assert lists == 1


def test_a_bracket_canceled_by_a_person_after_a_part_was_bought_parks() -> None:
    async def story(office: Office) -> Position:
        position = plan_bracket(
            LOTS, quantity=Decimal("0.5"), price=Decimal(60_000), take_profit=PROFIT, stop=STOP
        )
        position.when_canceled = "park"
        task = await begin(office, position)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(1)
        cancel_by_hand(office, pair_of(position))
        with pytest.raises(Halt, match="not by this program"):
            await asyncio.wait_for(task, 30)
        return Position.model_validate_json(office.saved)

    left = play(story)
    assert left.unprotected == Decimal("0.1998")
    assert left.unprotected_because.startswith(BY_HAND)


def test_a_bracket_canceled_by_a_person_before_anything_was_bought_just_ends() -> None:
    async def story(office: Office) -> Position:
        position = plan_bracket(
            LOTS, quantity=Decimal("0.5"), price=Decimal(60_000), take_profit=PROFIT, stop=STOP
        )
        position.when_canceled = "park"
        task = await begin(office, position)
        cancel_by_hand(office, pair_of(position))
        await asyncio.sleep(2)
        assert task.done()
        return position

    assert play(story).ending is Ending.NOTHING_BOUGHT


def test_a_gapped_stop_canceled_by_a_person_is_not_sold_over_their_head() -> None:
    async def story(office: Office) -> tuple[Position, list[Any]]:
        position = parking(stop_limit=Decimal(58_990), gap_patience=60_000)
        task = await begin(office, position)
        pair = pair_of(position)
        office.tell(
            office.venue.change(taker(pair).id, status=OrderStatus.EXPIRED, reason="OCO_TRIGGER")
        )
        guard = next(leg for leg in pair.legs if leg.type == "STOP_LOSS_LIMIT")
        fill(office, guard, "0.1")
        await asyncio.sleep(1)
        office.tell(office.venue.change(guard.id, status=OrderStatus.CANCELED))
        with pytest.raises(Halt, match="not by this program"):
            await asyncio.wait_for(task, 30)
        return Position.model_validate_json(office.saved), sales(office)

    left, sold = play(story)
    assert sold == []
    assert [each.executed for each in left.exits] == [Decimal("0.1")]
    assert left.unprotected_because.startswith(BY_HAND)


def test_a_pair_that_this_program_itself_replaces_parks_nobody() -> None:
    async def story(office: Office) -> tuple[int, Position]:
        position = planned(limit_buy("0.5", "60000"), when_canceled="park")
        task = await begin(office, position)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(7)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(8)
        assert not task.done()
        task.cancel()
        return len(office.venue.placed_lists), position

    lists, position = play(story)
    assert lists == 2
    assert position.stopped == ""


@pytest.mark.parametrize("policy", ["park", "protect"])
def test_a_cut_at_any_save_after_a_hand_cancel_keeps_to_the_policy(policy: str) -> None:
    for cut in range(12):
        lists, stopped, why = play(lambda office, cut=cut: _cut_after(office, policy, cut))  # type: ignore[misc]
        if policy == "park":
            assert (lists, stopped) == (1, True), cut
            assert why.startswith(BY_HAND)
        else:
            assert (lists, stopped, why) == (2, False, ""), cut


async def _cut_after(office: Office, policy: str, cut: int) -> tuple[int, bool, str]:
    """Cancel by hand, lose the power at the next save but so many, and live on."""
    position = parking().model_copy(update={"when_canceled": policy})
    task = await begin(office, position)
    saves = _dying_after(office, cut)
    cancel_by_hand(office, pair_of(position))
    await asyncio.wait([task], timeout=5)
    task.cancel()
    office.save = saves  # type: ignore[method-assign,assignment]
    task = await begin(office, restart(office), 10)
    stopped = task.done() and isinstance(task.exception(), Halt)
    left = Position.model_validate_json(office.saved)
    task.cancel()
    return len(office.venue.placed_lists), stopped, left.unprotected_because


def _dying_after(office: Office, saves: int) -> Callable[[Context], Coroutine[Any, Any, None]]:
    """Have the disk take so many saves more, and then nothing for ever."""
    real, left = office.save, [saves]

    async def save(context: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            await asyncio.Event().wait()
        await real(context)

    office.save = save  # type: ignore[method-assign]
    return real


def test_a_released_bot_that_is_not_told_so_would_stop_for_ever() -> None:
    async def story(office: Office) -> int:
        left = await parked(office, parking())
        assert left.stopped_at == office.desk.releases
        position = release(office)
        assert position.stopped_at != office.desk.releases
        machine = hold_position(office.desk, position)
        task = office.loop.create_task(drive(machine, office.save))
        await asyncio.sleep(2)
        task.cancel()
        return len(office.venue.placed_lists)

    assert play(story) == 2
