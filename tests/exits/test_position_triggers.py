"""Prices that end a position from here: of the last trade, or what a sale or a buy gets now."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from lib.exits.position import Ending, Position, Trigger
from lib.trailing import Trail
from tests.held_office import begin, planned, refusing, sales, show
from tests.scripted_venue import Office, limit_buy, market_buy, play


def held(*markets: dict[str, int], pair: bool = True, **more: Any) -> tuple[Position, list[Any]]:
    """Hold a position while the market is one after the other; answer it and what was sold."""

    async def story(office: Office) -> tuple[Position, list[Any]]:
        office.floor.quotes.open("BTCUSDT")
        if not pair:
            office.venue.list_placings.append(refusing("too many stops"))
        position = planned(market_buy("0.5"), **more)
        task = await begin(office, position, 2)
        for market in markets:
            show(office, **market)
            await asyncio.sleep(2)
        task.cancel()
        return position, sales(office)

    return play(story)


CALM = {"bid": 59_999, "ask": 60_001}


@pytest.mark.parametrize(
    ("trigger", "market"),
    [
        ({"base": "bid", "below": 59_500}, {"bid": 59_500, "ask": 60_001}),
        ({"base": "bid", "above": 60_500}, {"bid": 60_500, "ask": 60_600}),
        ({"base": "ask", "below": 59_900}, {"bid": 59_800, "ask": 59_900}),
        ({"base": "ask", "above": 60_300}, {"bid": 59_999, "ask": 60_300}),
        ({"base": "last", "below": 59_500}, {**CALM, "last": 59_500}),
        ({"base": "last", "above": 60_500}, {**CALM, "last": 60_500}),
    ],
)
def test_a_trigger_ends_the_position_once_the_price_of_its_base_is_there(
    trigger: dict[str, Any], market: dict[str, int]
) -> None:
    position, sold = held(CALM, market, triggers=[Trigger.model_validate(trigger)])

    assert (position.over, position.ending) == (True, Ending.TRIGGER)
    assert sold == [Decimal("0.4995")]


@pytest.mark.parametrize(
    ("trigger", "market"),
    [
        ({"base": "bid", "below": 59_500}, {"bid": 59_501, "ask": 60_001, "last": 59_400}),
        ({"base": "ask", "above": 60_500}, {"bid": 60_400, "ask": 60_499, "last": 60_600}),
        ({"base": "last", "below": 59_500}, {"bid": 59_400, "ask": 59_450, "last": 59_501}),
    ],
)
def test_a_trigger_heeds_no_price_of_another_base(
    trigger: dict[str, Any], market: dict[str, int]
) -> None:
    position, sold = held(CALM, market, triggers=[Trigger.model_validate(trigger)])

    assert (position.ending, sold) == (None, [])
    assert position.guarded == Decimal("0.4995")


def test_the_pair_rests_at_the_exchange_until_its_trigger_is_reached() -> None:
    trigger = Trigger(base="bid", below=Decimal(59_500))

    position, _ = held(CALM, triggers=[trigger])

    assert position.guarded == Decimal("0.4995")
    assert position.unprotected == 0


def test_what_a_trigger_saw_is_said() -> None:
    position, _ = held(
        {"bid": 59_400, "ask": 60_001}, triggers=[Trigger(base="bid", below=Decimal(59_500))]
    )

    assert position.because == "the bid is 59400, beyond a trigger"


def test_a_trigger_waits_until_something_is_held() -> None:
    async def story(office: Office) -> Position:
        office.floor.quotes.open("BTCUSDT")
        position = planned(
            limit_buy("0.5", "60000"), triggers=[Trigger(base="bid", below=Decimal(59_500))]
        )
        task = await begin(office, position)
        show(office, bid=59_400, ask=59_600)
        await asyncio.sleep(3)
        task.cancel()
        return position

    position = play(story)
    assert position.ending is None
    assert position.opening.give_up == ""


def test_a_bid_that_nobody_told_triggers_nothing() -> None:
    position, sold = held(
        {"bid": 0, "ask": 60_001}, triggers=[Trigger(base="bid", below=Decimal(59_500))]
    )

    assert (position.ending, sold) == (None, [])


def test_a_trigger_without_a_price_is_refused() -> None:
    with pytest.raises(ValidationError, match="below or above"):
        Trigger(base="bid")


@pytest.mark.parametrize(
    ("more", "market", "ending"),
    [
        ({"stop_base": "bid"}, {"bid": 58_900, "ask": 60_001}, Ending.STOP),
        ({"stop_base": "ask"}, {"bid": 58_900, "ask": 59_001}, None),
        ({"stop_base": "bid"}, {"bid": 59_001, "ask": 60_001, "last": 58_000}, None),
        ({"take_profit_base": "bid"}, {"bid": 61_000, "ask": 61_100}, Ending.TAKE_PROFIT),
        ({"take_profit_base": "bid"}, {"bid": 60_900, "ask": 61_100, "last": 61_500}, None),
    ],
)
def test_while_no_pair_stands_stop_and_profit_are_held_against_the_price_that_was_chosen(
    more: dict[str, Any], market: dict[str, int], ending: Ending | None
) -> None:
    position, _ = held(CALM, market, pair=False, **more)

    assert position.ending is ending


@pytest.mark.parametrize(
    ("base", "turn"),
    [("bid", {"bid": 59_300, "ask": 60_001}), ("ask", {"bid": 59_200, "ask": 59_300})],
)
def test_a_trail_of_a_position_follows_the_price_of_its_base(
    base: str, turn: dict[str, int]
) -> None:
    trail = Trail.model_validate({
        "symbol": "BTCUSDT",
        "side": "SELL",
        "distance": Decimal("0.01"),
        "base": base,
    })

    before, _ = held(CALM, {"bid": 60_000, "ask": 60_000, "last": 59_200}, trail=trail.model_copy())
    after, _ = held(CALM, turn, trail=trail.model_copy())

    assert before.ending is None
    assert after.ending is Ending.TRAIL


def test_decisions_of_every_trigger_are_on_disk_before_anything_is_canceled() -> None:
    seen: list[tuple[Ending | None, str]] = []

    async def story(office: Office) -> None:
        office.floor.quotes.open("BTCUSDT")
        real: Callable[[Any], Any] = office.venue.take_out

        def take_out(request: Any) -> Any:
            saved = Position.model_validate_json(office.saved)
            seen.append((saved.ending, saved.because))
            return real(request)

        office.venue.take_out = take_out  # type: ignore[method-assign]
        position = planned(market_buy("0.5"), triggers=[Trigger(base="bid", below=Decimal(59_500))])
        task = await begin(office, position, 2)
        show(office, bid=59_400, ask=60_001)
        await asyncio.sleep(2)
        task.cancel()

    play(story)

    assert seen == [(Ending.TRIGGER, "the bid is 59400, beyond a trigger")]
