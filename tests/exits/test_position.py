"""A position rule by rule: what is protected, what is not and why, and what is done about it."""

import asyncio
from decimal import Decimal
from typing import Any

from lib.exits.looking import RETRY
from lib.exits.position import (
    TOO_SMALL,
    Ending,
    Position,
)
from lib.orders import OrderState
from lib.trailing import Trail
from tests.held_office import (
    begin,
    cancel_by_hand,
    fill,
    pair_of,
    planned,
    quantities,
    refusing,
    sales,
    take_part_of_profit,
)
from tests.scripted_venue import Office, limit_buy, market_buy, play

# --- what is protected


def test_what_was_bought_less_the_fee_is_protected_in_whole_lots() -> None:
    async def story(office: Office) -> Position:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        task.cancel()
        assert quantities(office) == [Decimal("0.4995")]
        return position

    position = play(story)
    assert position.held == Decimal("0.4995")
    assert position.guarded == Decimal("0.4995")
    assert position.unprotected_because == ""


def test_what_no_lot_takes_is_shown_as_dust() -> None:
    async def story(office: Office) -> Position:
        position = planned(market_buy("0.0333"))
        task = await begin(office, position)
        task.cancel()
        return position

    position = play(story)
    assert position.lots == position.guarded == Decimal("0.0332")
    assert position.dust == Decimal("0.0000667")


def test_a_part_of_the_entry_waits_its_patience_and_says_so_then_it_is_protected() -> None:
    async def story(office: Office) -> tuple[str, list[Decimal | None], Position]:
        position = planned(limit_buy("0.5", "60000"))
        task = await begin(office, position)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(3)
        why, before = position.unprotected_because, quantities(office)
        assert before == []
        await asyncio.sleep(4)
        task.cancel()
        return why, quantities(office), position

    why, placed, position = play(story)
    assert why == "the entry is filled in part; protected once that lasted 5 s"
    assert placed == [Decimal("0.1998")]
    assert position.opening.state is OrderState.OPEN
    assert position.unprotected == 0


def test_more_fills_have_the_pair_replaced_by_a_larger_one_after_its_end_is_known() -> None:
    async def story(office: Office) -> tuple[str, Position]:
        position = planned(limit_buy("0.5", "60000"))
        task = await begin(office, position)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(7)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(1)
        why = position.unprotected_because
        await asyncio.sleep(7)
        task.cancel()
        canceled_at, _ = office.venue.cancels[0]
        placed_at, _ = office.venue.placed_lists[1]
        assert placed_at > canceled_at
        assert quantities(office) == [Decimal("0.1998"), Decimal("0.3996")]
        return why, position

    why, position = play(story)
    assert why == "the pair stands for 0.1998; a larger one is about to replace it"
    assert position.unprotected == 0


def test_an_entry_canceled_in_part_is_protected_at_once() -> None:
    async def story(office: Office) -> list[Decimal | None]:
        position = planned(limit_buy("0.5", "60000", give_up_at=office.now() + 3_000))
        task = await begin(office, position)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(3)
        task.cancel()
        return quantities(office)

    assert play(story) == [Decimal("0.1998")]


def test_the_rest_of_a_profit_taken_in_part_is_protected_by_a_pair_of_its_own() -> None:
    async def story(office: Office) -> tuple[Position, int]:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        told_at = office.now()
        take_part_of_profit(office, pair_of(position), "0.1")
        await asyncio.sleep(1)
        task.cancel()
        placed_at, _ = office.venue.placed_lists[1]
        return position, placed_at - told_at

    position, took = play(story)
    assert took < 200
    assert position.unprotected == 0
    assert position.guarded == Decimal("0.3994")  # the venue took a fee in coins of the sale too
    assert [sale.executed for sale in position.exits] == [Decimal("0.1")]


def test_the_end_of_a_pair_and_the_next_one_are_one_save() -> None:
    async def story(office: Office) -> list[tuple[str, str]]:
        position, seen = planned(market_buy("0.5")), []
        real = office.save

        async def save(context: Any) -> None:
            await real(context)
            pair = Position.model_validate_json(office.saved).pair
            if pair is not None:
                seen.append((pair.id, str(pair.state)))

        office.save = save  # type: ignore[method-assign]
        task = await begin(office, position)
        take_part_of_profit(office, pair_of(position), "0.1")
        await asyncio.sleep(1)
        task.cancel()
        return seen

    seen = play(story)
    former, latter = seen[0][0], seen[-1][0]
    assert former != latter
    at = seen.index((latter, "submitting"))
    assert seen[at - 1] == (former, "open")


def test_a_restart_finds_the_pair_and_places_no_other() -> None:
    async def story(office: Office) -> tuple[int, Position]:
        task = await begin(office, planned(market_buy("0.5")))
        task.cancel()
        office.begin_life()
        position = Position.model_validate_json(office.saved)
        for leg in pair_of(position).legs:
            office.mirror.follow(leg.symbol, leg.id, leg.order_id)
        task = await begin(office, position, 20)
        task.cancel()
        return len(office.venue.placed_lists), position

    lists, position = play(story)
    assert lists == 1
    assert position.guarded == Decimal("0.4995")


# --- what a pair meets


def test_a_pair_refused_as_the_price_has_passed_its_stop_is_followed_by_a_sale_at_market() -> None:
    async def story(office: Office) -> tuple[Position, list[Decimal | None]]:
        position = planned(market_buy("0.5"))
        office.venue.list_placings.append(refusing("-2010 the relationship of the prices"))
        task = await begin(office, position, 0.1)
        office.venue.last = Decimal(58_500)
        await asyncio.sleep(15)
        assert task.done()
        return position, sales(office)

    position, sold = play(story)
    assert sold == [Decimal("0.4995")]
    assert (position.over, position.ending) == (True, Ending.STOP)
    assert position.because == "the price is 58500, beyond the stop"


def test_no_pair_is_sent_whose_stop_would_trigger_at_once() -> None:
    async def story(office: Office) -> tuple[int, Position]:
        position = planned(limit_buy("0.5", "60000"))
        task = await begin(office, position)
        office.venue.last = Decimal(58_500)
        fill(office, position.opening, "0.5")
        await asyncio.sleep(5)
        assert task.done()
        return len(office.venue.placed_lists), position

    lists, position = play(story)
    assert lists == 0
    assert position.ending is Ending.STOP


def test_a_pair_refused_otherwise_leaves_its_stop_to_this_program_and_says_so() -> None:
    async def story(office: Office) -> tuple[str, Position, list[Decimal | None]]:
        position = planned(market_buy("0.5"))
        office.venue.list_placings.append(refusing("too many stops"))
        task = await begin(office, position)
        why = position.unprotected_because
        office.venue.last = Decimal(58_000)
        await asyncio.sleep(15)
        assert task.done()
        return why, position, sales(office)

    why, position, sold = play(story)
    assert why == (
        "the pair was rejected: too many stops; watched here, and sold at market beyond "
        "59000 or 61000"
    )
    assert sold == [Decimal("0.4995")]
    assert position.ending is Ending.STOP


def test_the_stop_is_watched_at_every_price_also_where_a_wide_trail_is_followed() -> None:
    async def story(office: Office) -> Position:
        trail = Trail(symbol="BTCUSDT", side="SELL", distance=Decimal("0.5"), look_back=False)
        position = planned(market_buy("0.5"), trail=trail, patience=0)
        office.venue.list_placings.append(refusing("too many stops"))
        task = await begin(office, position, 3)
        office.venue.last = Decimal(58_500)
        office.quote("58500")
        await asyncio.sleep(2)
        assert task.done()
        return position

    assert play(story).ending is Ending.STOP


def test_a_refused_pair_is_tried_again_after_a_while() -> None:
    async def story(office: Office) -> tuple[list[int], Position]:
        position = planned(market_buy("0.5"))
        office.venue.list_placings.append(refusing("too many stops"))
        task = await begin(office, position, 80)
        task.cancel()
        return [at for at, _ in office.venue.placed_lists], position

    (first, second), position = play(story)
    assert RETRY <= second - first < RETRY + 2_000
    assert position.unprotected == 0


def test_a_pair_that_a_person_canceled_is_placed_again() -> None:
    async def story(office: Office) -> tuple[int, Position]:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        cancel_by_hand(office, pair_of(position))
        await asyncio.sleep(1)
        task.cancel()
        return len(office.venue.placed_lists), position

    lists, position = play(story)
    assert lists == 2
    assert position.unprotected == 0


def test_a_part_too_small_to_be_sold_says_so_until_the_entry_bought_more() -> None:
    async def story(office: Office) -> tuple[str, Position]:
        position = planned(limit_buy("0.5", "40000"))
        office.venue.last = Decimal(40_500)
        position.take_profit, position.stop = Decimal(41_000), Decimal(39_000)
        task = await begin(office, position)
        fill(office, position.opening, "0.00011")
        await asyncio.sleep(8)
        why = Position.model_validate_json(office.saved).unprotected_because
        fill(office, position.opening, "0.1")
        await asyncio.sleep(8)
        task.cancel()
        return why, position

    why, position = play(story)
    assert why == TOO_SMALL
    assert position.unprotected == 0
    assert position.guarded == Decimal("0.1")


def test_what_is_held_is_said_until_the_position_is_over() -> None:
    async def story(office: Office) -> tuple[str, str, Position]:
        position = planned(market_buy("0.5"))
        before = position.holding
        task = await begin(office, position)
        held = position.holding
        take_part_of_profit(office, pair_of(position), "0.4995")
        await asyncio.sleep(2)
        assert task.done()
        return before, held, position

    before, held, position = play(story)
    assert (before, held, position.holding) == ("", "0.4995 BTC", "")
