"""An event that says more than any trade shows does not hold up an order for ever."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from lib.exchange import OrderStatus
from lib.orders import OrderState
from tests.scripted_venue import Office, limit_buy, made_fill, play

PRICE = Decimal(59_000)


def test_an_event_that_no_trade_bears_out_is_given_up_and_the_person_is_told() -> None:
    async def story(office: Office) -> None:
        told: list[str] = []
        office.mirror.on_weather = told.append
        task = await office.begin(limit_buy("0.5"))
        [name] = office.venue.book
        shown = office.venue.book[name]
        office.tell(replace(shown, status=OrderStatus.PARTIALLY_FILLED, executed=Decimal("0.3")))

        await asyncio.sleep(180)
        office.tell(office.venue.execute(name, Decimal("0.5"), price=PRICE))
        order = await task

        assert order.state is OrderState.FILLED
        assert order.executed == Decimal("0.5")
        assert any("0.3 was executed, its trades are 0" in text for text in told)

    play(story)


def test_a_trade_that_never_was_is_forgotten_once_the_exchange_does_not_know_it() -> None:
    async def story(office: Office) -> None:
        task = await office.begin(limit_buy("0.5"))
        [name] = office.venue.book
        shown = office.venue.book[name]
        invented = made_fill(999, Decimal("0.4"), PRICE, office.now())
        office.tell(replace(shown, status=OrderStatus.PARTIALLY_FILLED, fills=(invented,)))

        await asyncio.sleep(180)
        office.tell(office.venue.execute(name, Decimal("0.5"), price=PRICE))
        order = await asyncio.wait_for(task, 600)

        assert order.state is OrderState.FILLED
        assert 999 not in {fill.trade_id for fill in order.fills}

    play(story)


def test_trades_that_come_late_are_waited_for_and_nothing_is_taken_back() -> None:
    async def story(office: Office) -> None:
        task = await office.begin(limit_buy("0.5"))
        [name] = office.venue.book
        office.tell(office.venue.execute(name, Decimal("0.2"), price=PRICE))
        await asyncio.sleep(1)
        known = office.mirror.record(name)
        assert known is not None
        office.tell(replace(known, executed=Decimal("0.3")))

        await asyncio.sleep(20)

        waiting = office.mirror.record(name)
        assert waiting is not None
        assert waiting.executed == Decimal("0.3")
        assert not task.done()

    play(story)
