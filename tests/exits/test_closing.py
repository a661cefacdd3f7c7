"""One thing stands for a lot at a time, and nothing of it is closed twice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lib.errors import Halt, UnknownOrder
from lib.exchange import ZERO, Balance, CancelRequest, OrderRecord, OrderStatus, PlaceRequest
from lib.exits.holding import Holding, close_all
from lib.exits.protection import Ending
from lib.filters import Notional
from lib.orders import Order
from tests.exits.lot_office import (
    STOP,
    TARGET,
    again,
    begin,
    listed,
    pair_of,
    planned,
    released,
    sold,
)
from tests.held_office import (
    LOTS,
    cancel_by_hand,
    fill,
    refuse_order,
    refusing,
    show,
    take_part_of_profit,
)
from tests.scripted_venue import Office, limit_buy, market_buy, play

ALL = Decimal("0.4995")  # of 0.5 bought, less a fee of 0.1 %
BY_LIMIT = {"base": "ask", "price": "2%", "mode_sell": "LIMIT", "sell_timeout": "3s"}


def canceling(office: Office, meanwhile: str) -> Callable[[CancelRequest], OrderRecord]:
    """Have so much of an order be filled at the very moment of its cancel."""

    def cancel(request: CancelRequest) -> OrderRecord:
        record = office.venue.execute(request.target_client_order_id, Decimal(meanwhile))
        office.tell(record)
        if record.status.final:
            raise UnknownOrder("-2011 Unknown order sent.")
        return office.venue.take_out(request)

    return cancel


def buying(office: Office) -> Callable[[PlaceRequest], OrderRecord]:
    """Have the entry be accepted, whatever comes after it."""
    return lambda request: office.venue.full(office.venue.accept(request))


def raise_ask(office: Office) -> None:
    show(office, bid=60_000, ask=61_200)


# --- by a limit, then at market


def by_limit(meanwhile: str) -> tuple[Holding, list[tuple[str, Decimal | None]]]:
    """Sell by a limit of which so much is filled at the instant of its cancel."""

    async def story(office: Office) -> tuple[Holding, list[tuple[str, Decimal | None]]]:
        held = planned(market_buy("0.5"), BY_LIMIT)
        task = await begin(office, held)
        raise_ask(office)
        await asyncio.sleep(1)
        office.venue.cancelings.append(canceling(office, meanwhile))
        await asyncio.sleep(8)
        task.cancel()
        return held, sold(office)

    return play(story)


def test_a_limit_that_fills_at_the_instant_of_its_cancel_is_not_sold_again() -> None:
    held, orders = by_limit("0.4995")

    assert orders == [("LIMIT", ALL)]
    assert held.over
    assert held.result.sold == ALL


def test_what_a_limit_executed_at_the_instant_of_its_cancel_is_not_sold_again() -> None:
    held, orders = by_limit("0.2")

    assert orders[0] == ("LIMIT", ALL)
    assert orders[1][0] == "MARKET"
    assert held.over
    fees = held.result.fees["BTC"]  # this venue takes one in coins of every order
    assert held.result.bought - held.result.sold - fees < Decimal("0.0001")


def test_a_limit_waits_its_time_before_the_rest_goes_at_market() -> None:
    async def story(office: Office) -> list[int]:
        task = await begin(office, planned(market_buy("0.5"), BY_LIMIT))
        raise_ask(office)
        await asyncio.sleep(8)
        task.cancel()
        return [at for at, request in office.venue.placed if request.side == "SELL"]

    limit_at, market_at = play(story)
    assert 3_000 <= market_at - limit_at < 4_000


# --- what stands


def test_target_and_stop_stand_as_one_pair_for_all_that_was_bought() -> None:
    async def story(office: Office) -> Holding:
        held = planned(market_buy("0.5"), TARGET, stop=STOP)
        task = await begin(office, held)
        task.cancel()
        assert listed(office) == [ALL]
        return held

    lot = play(story).lots[0]
    legs = {(leg.type, leg.stop_price) for leg in pair_of(lot).legs}
    assert legs == {("TAKE_PROFIT", Decimal(61_200)), ("STOP_LOSS", Decimal(58_800))}
    assert (lot.guarded, lot.unprotected_because) == (ALL, "")


def test_where_the_exchange_takes_no_pair_the_stop_stands_alone_at_once() -> None:
    async def story(office: Office) -> list[tuple[str, Decimal | None]]:
        office.venue.list_placings.append(refusing("Filter failure: MAX_NUM_ALGO_ORDERS"))
        task = await begin(office, planned(market_buy("0.5"), TARGET, stop=STOP))
        task.cancel()
        return sold(office)

    assert play(story) == [("STOP_LOSS", ALL)]


def test_a_refused_stop_is_watched_here_and_tried_again_after_a_minute() -> None:
    async def story(office: Office) -> tuple[list[tuple[str, Decimal | None]], str, str]:
        office.venue.placings += [buying(office), refuse_order]
        held = planned(market_buy("0.5"), stop=STOP)
        task = await begin(office, held, 2)
        before = held.lots[0].unprotected_because
        await asyncio.sleep(61)
        task.cancel()
        return sold(office), before, held.lots[0].unprotected_because

    orders, before, after = play(story)
    assert orders == [("STOP_LOSS", ALL), ("STOP_LOSS", ALL)]
    assert "the symbol is halted; watched here" in before
    assert after == ""


def test_a_refused_stop_is_acted_on_from_here_once_the_price_is_there() -> None:
    async def story(office: Office) -> list[tuple[str, Decimal | None]]:
        office.venue.placings += [buying(office), refuse_order]
        task = await begin(office, planned(market_buy("0.5"), stop=STOP), 2)
        office.venue.last = Decimal(58_800)
        office.quote("58800")
        await asyncio.sleep(1)
        task.cancel()
        return sold(office)

    assert play(story) == [("STOP_LOSS", ALL), ("MARKET", ALL)]


def test_what_a_person_canceled_at_the_exchange_is_placed_again() -> None:
    async def story(office: Office) -> list[Decimal | None]:
        held = planned(market_buy("0.5"), TARGET, stop=STOP)
        task = await begin(office, held)
        cancel_by_hand(office, pair_of(held.lots[0]))
        await asyncio.sleep(1)
        task.cancel()
        assert any("not by this program" in text for _, text in office.news)
        return listed(office)

    assert play(story) == [ALL, ALL]


def test_the_rest_of_a_profit_taken_in_part_gets_a_pair_of_its_own() -> None:
    async def story(office: Office) -> Holding:
        held = planned(market_buy("0.5"), {**TARGET, "mode_sell": "LIMIT"}, stop=STOP)
        task = await begin(office, held)
        take_part_of_profit(office, pair_of(held.lots[0]), "0.1")
        await asyncio.sleep(1)
        task.cancel()
        assert listed(office) == [ALL, Decimal("0.3994")]
        return held

    assert play(story).lots[0].guarded == Decimal("0.3994")


def test_a_stop_that_the_exchange_leaves_is_executed_from_here_after_five_seconds() -> None:
    async def story(office: Office) -> tuple[Holding, list[tuple[str, Decimal | None]], int]:
        held = planned(market_buy("0.5"), stop=STOP)
        task = await begin(office, held)
        office.venue.last = Decimal(58_000)
        began = office.now()
        office.quote("58000")
        await asyncio.sleep(12)
        task.cancel()
        return held, sold(office), office.venue.placed[-1][0] - began

    held, orders, took = play(story)
    assert orders == [("STOP_LOSS", ALL), ("MARKET", ALL)]
    assert held.lots[0].ending is Ending.STOP
    assert 5_000 <= took < 8_000


def test_what_is_worth_more_than_one_order_may_be_is_closed_in_several() -> None:
    async def story(office: Office) -> tuple[Holding, list[tuple[str, Decimal | None]]]:
        held = planned(market_buy("0.5"), stop={**STOP, "base": "bid"})
        task = await begin(office, held)
        dear = Notional(largest=Decimal(14_000), largest_for_market=True)
        office.floor.rules["BTCUSDT"] = replace(LOTS, notional=dear)
        show(office, bid=58_000, ask=58_001)
        await asyncio.sleep(8)
        task.cancel()
        return held, sold(office)

    held, orders = play(story)
    assert held.over
    rest = ("MARKET", Decimal("0.079"))  # this venue takes its fees in coins, of sales too
    assert orders == [*[("MARKET", Decimal("0.21"))] * 2, rest]


def test_a_bot_that_decides_to_close_has_all_lots_sold_and_enters_no_more() -> None:
    async def story(office: Office) -> tuple[Holding, list[tuple[str, Decimal | None]]]:
        halves = {"price": "2%", "share": "50%"}, {"price": "4%"}
        held = planned(limit_buy("0.5", "60000"), *halves, stop=STOP)
        task = await begin(office, held)
        fill(office, held.opening, "0.2")
        await asyncio.sleep(7)
        close_all(office.desk, held, "the signal is gone")
        await office.save(held)
        office.dealer.wake_given_up()
        await asyncio.sleep(3)
        task.cancel()
        return held, sold(office)

    held, orders = play(story)
    assert orders == [("MARKET", Decimal("0.0999"))] * 2
    assert held.over
    assert held.opening.state == "canceled"
    assert {lot.ending for lot in held.lots} == {Ending.TOLD}


# --- an entry that comes in parts


def test_a_part_of_the_entry_is_protected_after_its_patience_and_the_rest_with_it() -> None:
    async def story(office: Office) -> list[Decimal | None]:
        held = planned(limit_buy("0.5", "60000"), TARGET, stop=STOP)
        task = await begin(office, held)
        fill(office, held.opening, "0.2")
        await asyncio.sleep(3)
        assert listed(office) == []
        await asyncio.sleep(4)
        fill(office, held.opening, "0.3")
        await asyncio.sleep(2)
        task.cancel()
        return listed(office)

    assert play(story) == [Decimal("0.1998"), ALL]


def test_nothing_more_is_entered_once_a_part_was_closed() -> None:
    async def story(office: Office) -> Order:
        held = planned(limit_buy("0.5", "60000"), TARGET, stop=STOP)
        task = await begin(office, held)
        fill(office, held.opening, "0.2")
        await asyncio.sleep(7)
        taking, stop = pair_of(held.lots[0]).legs
        fill(office, stop, "0.1998")
        ended = {"status": OrderStatus.EXPIRED, "reason": "OCO_TRIGGER"}
        office.tell(office.venue.change(taking.id, **ended))
        await asyncio.sleep(2)
        task.cancel()
        return held.opening

    entry = play(story)
    assert (entry.state, entry.executed) == ("canceled", Decimal("0.2"))


# --- when a person is needed


def halted(story: Callable[[Office], Awaitable[Any]]) -> str:
    with pytest.raises(Halt) as raised:
        play(story)
    return str(raised.value)


def test_a_refused_sale_stops_the_bot_and_a_release_lets_it_sell() -> None:
    async def story(office: Office) -> list[tuple[str, Decimal | None]]:
        office.venue.placings += [buying(office), refuse_order]
        task = await begin(office, planned(market_buy("0.5"), {"base": "ask", "price": "2%"}))
        raise_ask(office)
        with pytest.raises(Halt, match="the symbol is halted"):
            await task
        task = await begin(office, released(office), 12)
        task.cancel()
        return sold(office)

    assert play(story) == [("MARKET", ALL), ("MARKET", ALL)]


def test_coins_that_are_gone_stop_the_bot_and_a_release_accepts_it() -> None:
    async def story(office: Office) -> Holding:
        office.venue.placings += [buying(office), refuse_order]
        held = planned(market_buy("0.5"), {"base": "ask", "price": "2%"})
        task = await begin(office, held)
        office.venue.balances["BTC"] = Balance(Decimal("0.2"), ZERO)
        office.venue.account_time = office.now()
        raise_ask(office)
        await office.mirror.poll_again()
        await asyncio.sleep(1)
        with pytest.raises(Halt, match="are not free in the account"):
            await task
        held = released(office)
        office.venue.balances["BTC"] = Balance(Decimal("0.2"), ZERO)
        task = await begin(office, held, 15)
        task.cancel()
        return held

    held = play(story)
    assert held.over
    assert held.lots[0].gone > 0
    assert held.result.sold <= Decimal("0.2")


def test_a_stopped_bot_stays_stopped_through_a_restart() -> None:
    async def story(office: Office) -> None:
        office.venue.placings += [buying(office), refuse_order]
        task = await begin(office, planned(market_buy("0.5"), {"base": "ask", "price": "2%"}))
        raise_ask(office)
        with pytest.raises(Halt):
            await task
        await (await begin(office, again(office), 3))

    assert "was rejected: the symbol is halted" in halted(story)


# --- what it says


def test_the_words_for_status_name_every_price_that_ends_it() -> None:
    async def story(office: Office) -> str:
        held = planned(market_buy("0.5"), TARGET, stop={**STOP, "trailing": True})
        task = await begin(office, held)
        office.quote("60600")
        await asyncio.sleep(1)
        task.cancel()
        return held.words

    words = play(story)
    assert words == "0.4995 BTC (take profit 61200, stop 58800, following at 59388)"
