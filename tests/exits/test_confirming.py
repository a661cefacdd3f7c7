"""A price that must be confirmed by ticks closes a lot after so many in a row, and no earlier."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from lib.exchange import Quote
from lib.exits.confirming import Confirmation
from lib.exits.holding import Holding
from lib.exits.sections import StopLoss, TakeProfit
from tests.exits.lot_office import again, begin, planned, sold
from tests.scripted_venue import Office, market_buy, play

ALL = Decimal("0.4995")  # of 0.5 bought, less a fee of 0.1 %
STOP = {"price": "-2%", "confirm": "3 ticks"}
BEYOND, BACK = "58000", "59000"
CLOSED = [("MARKET", ALL)]


class Ticker:
    """Brings trades and best prices one by one, each with its number."""

    def __init__(self, office: Office, first: int = 1) -> None:
        self._office = office
        self._number = first
        self._last = Decimal(60_000)
        self._trade = self._top = 0

    async def trade(self, *prices: str) -> None:
        for price in prices:
            self._last = self._office.venue.last = Decimal(price)
            self._trade = self._number
            await self._bring()

    async def best_prices(self, times: int) -> None:
        for _ in range(times):
            self._top = self._number
            await self._bring()

    async def _bring(self) -> None:
        self._number += 1
        quote = Quote(
            "BTCUSDT",
            bid=self._last - 1,
            ask=self._last,
            last=self._last,
            time=self._office.now(),
            trades=self._trade,
            tops=self._top,
        )
        self._office.floor.quotes.take(quote)
        await asyncio.sleep(0.1)


def sales_after(*prices: str, **section: Any) -> list[tuple[str, Decimal | None]]:
    """Trade at these prices; answer what was sold."""

    async def story(office: Office) -> list[tuple[str, Decimal | None]]:
        held = planned(market_buy("0.5"), stop={**STOP, **section})
        task = await begin(office, held)
        await Ticker(office).trade(*prices)
        task.cancel()
        return sold(office)

    return play(story)


def test_a_stop_sells_with_the_last_of_so_many_ticks_in_a_row() -> None:
    assert sales_after("60000", BEYOND, BEYOND) == []
    assert sales_after("60000", BEYOND, BEYOND, BEYOND) == CLOSED


def test_a_price_that_came_back_has_the_ticks_counted_anew() -> None:
    assert sales_after(BEYOND, BEYOND, BACK, BEYOND, BEYOND) == []
    assert sales_after(BEYOND, BEYOND, BACK, BEYOND, BEYOND, BEYOND) == CLOSED


def test_one_tick_is_enough_where_one_is_asked_for() -> None:
    assert sales_after(BEYOND, confirm="1 tick") == CLOSED


def test_a_stop_that_ticks_confirm_is_not_left_to_the_exchange() -> None:
    assert sales_after("60000") == []
    assert sales_after("60000", confirm="0s") == [("STOP_LOSS", ALL)]


@pytest.mark.parametrize(("base", "expected"), [("last", []), ("bid", CLOSED)])
def test_news_of_the_best_prices_are_ticks_of_bid_and_ask_alone(
    base: str, expected: list[tuple[str, Decimal]]
) -> None:
    async def story(office: Office) -> list[tuple[str, Decimal | None]]:
        task = await begin(office, planned(market_buy("0.5"), stop={**STOP, "base": base}))
        ticker = Ticker(office)
        await ticker.trade(BEYOND)
        await ticker.best_prices(4)
        task.cancel()
        return sold(office)

    assert play(story) == expected


def test_a_target_is_confirmed_by_ticks_as_a_stop_is() -> None:
    async def story(office: Office) -> list[list[tuple[str, Decimal | None]]]:
        task = await begin(office, planned(market_buy("0.5"), {"price": "2%", "confirm": "2ticks"}))
        ticker, seen = Ticker(office), []
        for price in ("61200", "61199", "61200", "61300"):
            await ticker.trade(price)
            seen.append(sold(office))
        task.cancel()
        return seen

    assert play(story) == [[], [], [], CLOSED]


def test_the_fall_below_a_smaller_profit_is_confirmed_by_as_many_ticks() -> None:
    target = {"price": "20%", "minimal": "1%", "timeout": "1s", "confirm": "3 ticks"}

    async def story(office: Office) -> list[list[tuple[str, Decimal | None]]]:
        task = await begin(office, planned(market_buy("0.5"), target))
        ticker, seen = Ticker(office), []
        await ticker.trade("60700")
        await asyncio.sleep(3)
        for price in ("60500", "60500", "60700", "60500", "60500", "60500"):
            await ticker.trade(price)
            seen.append(sold(office))
        task.cancel()
        return seen

    assert play(story) == [[], [], [], [], [], CLOSED]


def test_ticks_that_were_counted_before_a_power_cut_count_after_it() -> None:
    async def story(office: Office) -> list[list[tuple[str, Decimal | None]]]:
        task = await begin(office, planned(market_buy("0.5"), stop=STOP))
        await Ticker(office).trade(BEYOND, BEYOND)
        task.cancel()
        held, seen = again(office), [sold(office)]
        ticker = Ticker(office, first=900)
        await ticker.trade(BEYOND)
        task = await begin(office, held)
        seen.append(sold(office))
        task.cancel()
        return seen

    assert play(story) == [[], CLOSED]


def test_a_price_that_is_back_after_a_power_cut_has_the_ticks_counted_anew() -> None:
    async def story(office: Office) -> tuple[Holding, list[tuple[str, Decimal | None]]]:
        task = await begin(office, planned(market_buy("0.5"), stop=STOP))
        await Ticker(office).trade(BEYOND, BEYOND)
        task.cancel()
        held, ticker = again(office), Ticker(office, first=900)
        await ticker.trade(BACK)
        task = await begin(office, held)
        await ticker.trade(BEYOND, BEYOND)
        task.cancel()
        return held, sold(office)

    held, orders = play(story)
    assert orders == []
    stop = held.lots[0].stop
    assert stop is not None
    assert stop.counted == 2


def test_while_no_stream_brings_prices_each_one_that_was_asked_for_is_a_tick() -> None:
    async def story(office: Office) -> list[list[tuple[str, Decimal | None]]]:
        task = await begin(office, planned(market_buy("0.5"), stop=STOP))
        await Ticker(office).trade(BEYOND)
        seen = [sold(office)]
        await asyncio.sleep(60)
        task.cancel()
        return [*seen, sold(office)]

    assert play(story) == [[], CLOSED]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("3 ticks", Confirmation(ticks=3)),
        ("1 tick", Confirmation(ticks=1)),
        ("999ticks", Confirmation(ticks=999)),
        ("10s", Confirmation(duration=10_000)),
        (0, Confirmation()),
    ],
)
def test_a_confirmation_reads_back_as_what_was_written(said: object, meant: Confirmation) -> None:
    found = StopLoss.model_validate({"price": "-2%", "confirm": said})

    assert found.confirm == meant
    assert StopLoss.model_validate({"price": "-2%", "confirm": str(found.confirm)}) == found


@pytest.mark.parametrize("said", ["0 ticks", "1000 ticks", "-3 ticks", "3", "ticks", 3.5, True])
def test_a_confirmation_of_another_kind_is_refused(said: object) -> None:
    with pytest.raises(ValidationError, match="a number of updates"):
        TakeProfit.model_validate({"price": "2%", "confirm": said})


def test_a_stop_is_confirmed_in_one_of_two_ways() -> None:
    with pytest.raises(ValidationError, match="confirm and timeout: one of them"):
        StopLoss.model_validate({"price": "-2%", "confirm": "3 ticks", "timeout": "2s"})
