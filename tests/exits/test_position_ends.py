"""How a position ends, and what its bot may decide of it."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from lib.closing_order import PAUSE
from lib.errors import Halt
from lib.exchange import OrderRecord, OrderStatus, PlaceRequest
from lib.exits.position import (
    Ending,
    Position,
    close_position,
    move_stop,
    plan_bracket,
    plan_position,
)
from lib.exits.protection import taker
from lib.filters import Lot
from lib.orders import OrderState
from tests.held_office import (
    LOTS,
    PROFIT,
    STOP,
    begin,
    fill,
    pair_of,
    planned,
    refuse_order,
    release,
    sales,
    take_part_of_profit,
)
from tests.scripted_venue import Office, limit_buy, market_buy, play

# --- how it ends


def test_a_profit_taken_ends_it() -> None:
    async def story(office: Office) -> Position:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        take_part_of_profit(office, pair_of(position), "0.4995")
        await asyncio.sleep(2)
        assert task.done()
        return position

    position = play(story)
    assert position.ending is Ending.TAKE_PROFIT
    assert position.result.received == Decimal("0.4995") * PROFIT


def test_a_profit_taken_cancels_what_is_left_of_the_entry() -> None:
    async def story(office: Office) -> Position:
        position = planned(limit_buy("0.5", "60000"))
        task = await begin(office, position)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(7)
        take_part_of_profit(office, pair_of(position), "0.1998")
        await asyncio.sleep(2)
        assert task.done()
        return position

    position = play(story)
    assert position.opening.state is OrderState.CANCELED
    assert position.result.bought == Decimal("0.2")


def test_a_deadline_cancels_the_pair_and_sells_at_market() -> None:
    async def story(office: Office) -> tuple[Position, list[Decimal | None]]:
        position = planned(market_buy("0.5"), close_at=office.now() + 20_000)
        task = await begin(office, position, 23)
        assert task.done()
        assert len(office.venue.cancels) == 1
        return position, sales(office)

    position, sold = play(story)
    assert position.ending is Ending.DEADLINE
    assert sold == [Decimal("0.4995")]


def test_a_deadline_before_anything_was_bought_cancels_the_entry() -> None:
    async def story(office: Office) -> Position:
        position = planned(limit_buy("0.5", "50000"), close_at=office.now() + 5_000)
        task = await begin(office, position, 8)
        assert task.done()
        return position

    position = play(story)
    assert (position.over, position.ending) == (True, Ending.NOTHING_BOUGHT)
    assert position.opening.state is OrderState.CANCELED


def test_the_bots_own_decision_ends_it_at_market() -> None:
    async def story(office: Office) -> Position:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        close_position(position, "enough of it")
        office.dealer.wake_given_up()
        await asyncio.sleep(2)
        assert task.done()
        return position

    position = play(story)
    assert (position.ending, position.because) == (Ending.TOLD, "enough of it")


def test_a_sale_decided_upon_that_the_stop_forestalled_is_called_a_stop() -> None:
    async def story(office: Office) -> tuple[Position, list[Decimal | None]]:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        stop = next(leg for leg in pair_of(position).legs if leg.type == "STOP_LOSS")
        office.venue.execute(stop.id, Decimal("0.4995"), price=STOP)
        office.venue.change(
            taker(pair_of(position)).id, status=OrderStatus.EXPIRED, reason="OCO_TRIGGER"
        )
        close_position(position, "enough of it")
        office.dealer.wake_given_up()
        await asyncio.sleep(30)
        assert task.done()
        return position, sales(office)

    position, sold = play(story)
    assert sold == []
    assert position.ending is Ending.STOP


def test_what_is_too_small_to_be_sold_ends_as_dust() -> None:
    async def story(office: Office) -> Position:
        position = planned(limit_buy("0.5", "40000", give_up_at=office.now() + 5_000))
        office.venue.last = Decimal(40_500)
        task = await begin(office, position)
        fill(office, position.opening, "0.0001")
        await asyncio.sleep(10)
        assert task.done()
        assert office.venue.placed_lists == []
        return position

    position = play(story)
    assert position.ending is Ending.DUST
    assert position.dust == Decimal("0.0000999")


def test_a_sale_that_is_refused_parks_the_bot_and_is_tried_anew_after_its_release() -> None:
    async def story(office: Office) -> Position:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        office.venue.placings.append(refuse_order)
        close_position(position, "enough of it")
        office.dealer.wake_given_up()
        with pytest.raises(Halt, match="was rejected: the symbol is halted"):
            await task
        left = Position.model_validate_json(office.saved)
        assert left.unprotected_because == (
            "the sale of 0.4995 at market was rejected: the symbol is halted; a person decides"
        )
        left = release(office)
        task = await begin(office, left, 5)
        assert task.done()
        return left

    assert play(story).over


def test_an_entry_that_is_refused_says_why_nothing_was_bought() -> None:
    async def story(office: Office) -> Position:
        position = planned(market_buy("0.5"))
        office.venue.placings.append(refuse_order)
        task = await begin(office, position)
        assert task.done()
        return position

    position = play(story)
    assert (position.ending, position.because) == (Ending.NOTHING_BOUGHT, "the symbol is halted")


def test_a_symbol_that_does_not_trade_makes_no_dust_of_what_is_held() -> None:
    async def story(office: Office) -> tuple[Position, str]:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        office.floor.rules["BTCUSDT"] = replace(LOTS, status="BREAK")
        close_position(position, "enough of it")
        office.dealer.wake_given_up()
        await asyncio.sleep(5)
        task.cancel()
        return position, position.unprotected_because

    position, why = play(story)
    assert not position.over
    assert position.held == Decimal("0.4995")
    assert why.endswith("sold at market: enough of it")


def test_a_sale_that_nobody_takes_is_tried_again_after_a_pause() -> None:
    async def story(office: Office) -> tuple[list[int], Position]:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        office.venue.placings.append(lambda request: nobody_takes(office, request))
        close_position(position, "enough of it")
        office.dealer.wake_given_up()
        await asyncio.sleep(12)
        assert task.done()
        return [at for at, request in office.venue.placed if request.side == "SELL"], position

    (first, second), position = play(story)
    assert PAUSE <= second - first < PAUSE + 2_000
    assert position.held == position.dust == 0


def nobody_takes(office: Office, request: PlaceRequest) -> OrderRecord:
    office.venue.accept(request, Decimal(0))
    return office.venue.change(request.client_order_id, status=OrderStatus.EXPIRED)


def test_what_is_more_than_a_market_order_may_be_is_sold_in_parts() -> None:
    async def story(office: Office) -> tuple[list[Decimal | None], Position]:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        capped = Lot("MARKET_LOT_SIZE", Decimal(0), Decimal("0.3"))
        office.floor.rules["BTCUSDT"] = replace(LOTS, market_lot=capped)
        close_position(position, "enough of it")
        office.dealer.wake_given_up()
        await asyncio.sleep(5)
        assert task.done()
        return sales(office), position

    sold, position = play(story)
    assert sold[0] == Decimal("0.3")
    assert len(sold) == 2
    assert position.over


# --- decisions


def test_a_moved_stop_is_a_new_pair_after_the_former_has_ended() -> None:
    async def story(office: Office) -> list[Decimal | None]:
        position = planned(market_buy("0.5"))
        task = await begin(office, position)
        assert move_stop(LOTS, position, Decimal(59_500))
        assert position.unprotected_because == ""
        office.dealer.wake_given_up()
        await asyncio.sleep(1)
        task.cancel()
        stops = [request.legs[1].stop_price for _, request in office.venue.placed_lists]
        assert len(office.venue.cancels) == 1
        return stops

    assert play(story) == [STOP, Decimal(59_500)]


def test_a_stop_is_not_moved_where_the_position_ends_or_beyond_its_take_profit() -> None:
    position = planned(market_buy("0.5"))

    assert not move_stop(LOTS, position, PROFIT)
    close_position(position, "enough of it")
    assert not move_stop(LOTS, position, Decimal(59_500))
    assert position.stop == STOP


def test_the_limit_behind_a_stop_moves_along_with_it() -> None:
    position = planned(market_buy("0.5"), stop_limit=Decimal(58_900))

    assert move_stop(LOTS, position, Decimal(59_500))
    assert position.stop_limit == Decimal(59_400)


def test_a_bracket_filled_in_part_for_too_long_is_canceled_and_its_part_protected() -> None:
    async def story(office: Office) -> tuple[list[str], Position]:
        position = plan_bracket(
            LOTS, quantity=Decimal("0.5"), price=Decimal(60_000), take_profit=PROFIT, stop=STOP
        )
        position.patience = 5_000
        task = await begin(office, position)
        fill(office, position.opening, "0.2")
        await asyncio.sleep(1)
        assert position.unprotected_because.startswith("the working order is filled in part")
        await asyncio.sleep(7)
        task.cancel()
        return [request.kind for _, request in office.venue.placed_lists], position

    kinds, position = play(story)
    assert kinds == ["OTOCO", "OCO"]
    assert position.guarded == Decimal("0.1998")


def test_a_position_is_not_opened_by_a_sale_nor_with_a_stop_above_its_profit() -> None:
    sale = market_buy().model_copy(update={"side": "SELL"})

    with pytest.raises(Halt, match="opened by a BUY"):
        plan_position(LOTS, sale, take_profit=PROFIT, stop=STOP)
    with pytest.raises(Halt, match="below the take profit"):
        plan_position(LOTS, market_buy(), take_profit=STOP, stop=PROFIT)


def test_a_position_that_is_over_does_nothing() -> None:
    async def story(office: Office) -> int:
        position = planned(market_buy("0.5"), over=True)
        task = await begin(office, position)
        assert task.done()
        return len(office.venue.placed)

    assert play(story) == 0
