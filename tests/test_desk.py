"""What a bot may touch, and what it is told."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from lib.errors import Halt, Unavailable
from lib.exchange import Quote
from tests.scripted_venue import Office, play

SYMBOL = "BTCUSDT"


def test_the_price_comes_from_the_stream_while_it_is_young_and_is_asked_for_after() -> None:
    async def story(office: Office) -> list[Decimal]:
        office.floor.quotes.open(SYMBOL)
        office.quote("61000")
        seen = [await office.desk.price(SYMBOL)]
        await asyncio.sleep(11)
        seen.append(await office.desk.price(SYMBOL))
        return seen

    assert play(story) == [Decimal(61_000), Decimal(60_000)]


def test_a_price_that_cannot_be_had_is_not_invented() -> None:
    async def story(office: Office) -> None:
        office.venue.failing["quote"] = Unavailable("no network")
        await office.desk.price(SYMBOL)

    with pytest.raises(Unavailable):
        play(story)


def test_a_symbol_that_never_traded_has_no_price() -> None:
    async def story(office: Office) -> Decimal:
        office.venue.last = Decimal(0)
        return await office.desk.price(SYMBOL)

    with pytest.raises(Unavailable):
        play(story)


def test_a_symbol_that_the_venue_does_not_trade_stops_the_bot_with_its_name() -> None:
    async def story(office: Office) -> None:
        office.desk.rules("GONEUSDT")

    with pytest.raises(Halt, match="GONEUSDT"):
        play(story)


def test_waiting_for_a_time_that_has_passed_returns_at_once() -> None:
    async def story(office: Office) -> int:
        began = office.now()
        await office.desk.until(began - 5)
        return office.now() - began

    assert play(story) == 0


def test_waiting_for_a_time_ends_at_that_exchange_time() -> None:
    async def story(office: Office) -> int:
        at = office.now() + 90_000
        await office.desk.until(at)
        return office.now() - at

    assert 0 <= play(story) <= 5


def test_a_wait_that_was_slept_through_ends_soon_after_the_machine_wakes() -> None:
    async def story(office: Office) -> int:
        began = office.loop.time()
        waiting = office.loop.create_task(office.desk.until(office.now() + 3_600_000))
        await asyncio.sleep(60)
        office.jumped = 8 * 3_600_000
        await waiting
        return int(office.loop.time() - began)

    assert play(story) <= 60 + 60


@pytest.mark.parametrize(("bound", "price"), [("below", "58000"), ("above", "62000")])
def test_a_crossing_waits_for_its_price_and_answers_it(bound: str, price: str) -> None:
    async def story(office: Office) -> Decimal:
        limit = Decimal(59_000) if bound == "below" else Decimal(61_000)
        bounds: dict[str, Any] = {bound: limit}
        waiting = office.loop.create_task(office.desk.crossing(SYMBOL, **bounds))
        await asyncio.sleep(0)
        office.quote("60000")
        await asyncio.sleep(1)
        assert not waiting.done()
        office.quote(price)
        return await waiting

    assert play(story) == Decimal(price)


def test_a_crossing_that_is_abandoned_leaves_no_feed_and_no_alarm_behind() -> None:
    async def story(office: Office) -> set[str]:
        waiting = office.loop.create_task(office.desk.crossing(SYMBOL, below=Decimal(1)))
        await asyncio.sleep(1)
        assert set(office.venue.watched) == {SYMBOL}
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return set(office.venue.watched)

    assert play(story) == set()


def test_a_price_that_is_beyond_the_bound_already_is_answered_at_once() -> None:
    async def story(office: Office) -> bool:
        office.floor.quotes.open(SYMBOL)
        office.quote("58000")
        waiting = office.loop.create_task(office.desk.crossing(SYMBOL, below=Decimal(59_000)))
        await asyncio.sleep(1)
        return waiting.done()

    assert play(story)


def test_a_crossing_answers_the_price_that_crossed() -> None:
    async def story(office: Office) -> Decimal:
        waiting = office.loop.create_task(office.desk.crossing(SYMBOL, below=Decimal(59_000)))
        await asyncio.sleep(0)
        office.quote("58000")
        office.quote("60000")
        return await waiting

    assert play(story) == Decimal(58_000)


def test_a_quote_is_asked_for_and_holds_the_last_price() -> None:
    async def story(office: Office) -> Quote:
        return await office.desk.quote(SYMBOL)

    assert play(story).last == Decimal(60_000)


def test_a_wait_for_news_ends_with_the_next_quote_or_after_the_longest_silence() -> None:
    async def story(office: Office) -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        loop.call_later(3, office.quote, "61000")
        began = loop.time()
        office.floor.quotes.open(SYMBOL)
        await office.desk.news_of(SYMBOL)
        heard = loop.time()
        await office.desk.news_of(SYMBOL)
        return round(heard - began, 2), round(loop.time() - heard, 2)

    assert play(story) == (3.0, 10.0)


def test_a_wait_for_a_save_or_a_time_ends_with_the_first_of_them() -> None:
    async def story(office: Office) -> tuple[float, float]:
        loop, desk = asyncio.get_running_loop(), office.desk
        loop.call_later(4, desk.exchange.wake_all)
        began = loop.time()
        await desk.until_save(desk.now() + 20_000)
        woken = loop.time()
        await desk.until_save(desk.now() + 7_000)
        return round(woken - began, 2), round(loop.time() - woken, 2)

    assert play(story) == (4.0, 7.0)
