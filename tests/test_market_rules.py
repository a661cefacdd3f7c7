"""Rules change while bots run: orders are judged by those of now, and wait while nothing trades."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest

from lib.errors import FilterRefused, Halt, MarketClosed, NotSent, Refused, Unavailable
from lib.exchange import OrderRecord, PlaceListRequest, PlaceRequest, Rulebook
from lib.filters import Lot
from lib.market_rules import GONE, RENEW_SECONDS, MarketRules
from lib.money import SymbolRules
from lib.oco import plan_oco
from lib.order_lists import OrderList
from lib.orders import Order, OrderState
from lib.simulator.server.faults import Fault, FaultKind, Rule, spoil_reply
from tests.scripted_venue import RULES, Office, limit_buy, market_buy, play
from tests.test_life import Story, bot
from tests.world import RULES as MARKET

COARSE = {"filterType": "LOT_SIZE", "minQty": "0.005", "maxQty": "9000", "stepSize": "0.005"}
GOOD = bot("steady", quantity="0.007")


def executed(story: Story) -> list[Decimal]:
    return [Decimal(order["executedQty"]) for order in story.shown()]


# --- while the program runs


@pytest.mark.slow
def test_rules_that_change_are_known_after_ten_minutes_and_orders_rounded_by_them() -> None:
    story = Story(1, {"good": GOOD})
    change = lambda: story.exchange.change_symbol("BTCUSDT", {"filters": [COARSE]})  # noqa: E731
    story.exchange.change_symbol("BTCUSDT", {"filters": [{**COARSE, "stepSize": "0.001"}]})
    story.bots = {"good": bot("steady", quantity="0.007", every="11m", times=2)}
    story.after(300, change)

    story.live_for(1_000)

    assert executed(story) == [Decimal("0.007"), Decimal("0.005")]


def test_a_refusal_by_a_new_filter_stops_the_bot_with_its_name_and_its_values() -> None:
    story = Story(2, {"good": GOOD})
    story.after(55, lambda: story.exchange.change_symbol("BTCUSDT", {"filters": [COARSE]}))

    story.live_for(90)

    parked = story.generation("good").parked
    assert parked is not None
    assert "Filter failure: LOT_SIZE" in parked.reason
    assert "0.007" in parked.reason
    assert "0.005" in parked.reason


def test_a_bot_waits_while_the_rules_of_its_symbol_cannot_be_read() -> None:
    spoilt = [
        {**each, "status": 1} if each["symbol"] == "BTCUSDT" else each for each in MARKET["symbols"]
    ]
    answer = orjson.dumps({**MARKET, "symbols": spoilt}).decode()
    story = Story(4, {"good": GOOD})
    story.plan.set([Rule(fault=spoil_reply(200, answer), path="/api/v3/exchangeInfo", times=1)])

    story.live_for(120)

    assert story.generation("good").parked is None
    assert executed(story)


def test_after_a_refusal_by_a_new_filter_the_next_plan_is_rounded_by_it() -> None:
    story = Story(3, {"one": GOOD, "two": bot("steady", quantity="0.007", first_at="70s")})
    story.after(55, lambda: story.exchange.change_symbol("BTCUSDT", {"filters": [COARSE]}))

    story.live_for(120)

    assert executed(story)[-1] == Decimal("0.005")
    assert story.generation("two").parked is None


@pytest.mark.slow
@pytest.mark.parametrize("status", ["BREAK", "HALT"])
def test_orders_wait_while_their_symbol_does_not_trade_and_the_person_hears_it_once(
    status: str,
) -> None:
    story = Story(
        4, {"one": GOOD, "two": GOOD, "eth": bot("steady", symbol="ETHUSDT", quantity="0.01")}
    )
    story.after(60, lambda: story.exchange.change_symbol("BTCUSDT", {"status": status}))
    story.after(660, lambda: story.exchange.change_symbol("BTCUSDT", {"status": "TRADING"}))

    story.live_for(600)
    while_closed = len(executed(story))
    story.live_for(300)

    assert len(story.told("BTCUSDT does not trade", status)) == 2  # one in each life
    assert len(story.told("BTCUSDT trades again")) == 1
    assert len(executed(story)) > while_closed
    assert all(story.generation(name).parked is None for name in ("one", "two", "eth"))
    assert story.generation("eth").context["done"] > 50


def test_a_plan_that_grew_old_while_its_symbol_did_not_trade_is_abandoned() -> None:
    async def story(office: Office) -> Order:
        office.floor.rules["BTCUSDT"] = replace(RULES["BTCUSDT"], status="BREAK")
        return await office.run(market_buy(valid_for=60_000))

    order = play(story)

    assert order.state is OrderState.ABANDONED
    assert not order.id


def test_a_plan_that_is_given_up_while_its_symbol_does_not_trade_ends_soon() -> None:
    async def story(office: Office) -> tuple[Order, int]:
        office.floor.rules["BTCUSDT"] = replace(RULES["BTCUSDT"], status="HALT")
        order = limit_buy()
        task = await office.begin(order, seconds=20)
        began, order.give_up = office.now(), "no more"
        return await task, office.now() - began

    order, took = play(story)

    assert (order.state, order.reason) == (OrderState.ABANDONED, "no more")
    assert took <= 6_000


def test_an_order_turned_away_because_nothing_trades_keeps_its_id_and_is_placed_later() -> None:
    async def story(office: Office) -> tuple[Order, list[str]]:
        office.venue.placings = [closed]
        order = await office.run(market_buy(valid_for=600_000))
        return order, [request.client_order_id for _, request in office.venue.placed]

    order, sent = play(story)

    assert order.state is OrderState.FILLED
    assert sent == [order.id, order.id]


def test_a_symbol_that_stops_trading_as_an_order_is_about_to_be_announced_lets_it_wait() -> None:
    async def story(office: Office) -> tuple[Order, int]:
        def close() -> None:
            office.floor.rules["BTCUSDT"] = replace(RULES["BTCUSDT"], status="BREAK")
            del office.venue.before["quote"]

        office.venue.before["quote"] = close
        task = await office.begin(market_buy(valid_for=600_000), seconds=60)
        waiting = len(office.venue.placed)
        office.floor.rules["BTCUSDT"] = RULES["BTCUSDT"]
        return await task, waiting

    order, waiting = play(story)

    assert waiting == 0
    assert order.state is OrderState.FILLED


def test_a_list_waits_as_an_order_does_and_its_refusal_names_the_leg_and_the_new_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(office: Office) -> tuple[OrderList, int]:
        office.floor.rules["BTCUSDT"] = replace(RULES["BTCUSDT"], status="HALT")
        office.venue.list_placings = [filtered]
        monkeypatch.setattr(office.venue, "rules", Source({"BTCUSDT": STEPPED}).rules)
        task = await office.begin_list(oco(), seconds=60)
        waiting = len(office.venue.placed_lists)
        office.floor.rules["BTCUSDT"] = RULES["BTCUSDT"]
        return await task, waiting

    order_list, waiting = play(story)

    assert waiting == 0
    assert order_list.state is OrderState.REJECTED
    assert "LOT_SIZE" in order_list.reason
    assert "0.005" in order_list.reason


def oco() -> OrderList:
    return plan_oco(
        RULES["BTCUSDT"],
        side="SELL",
        quantity=Decimal("0.007"),
        take_profit=Decimal(66_000),
        stop=Decimal(55_000),
    )


def filtered(request: PlaceListRequest) -> list[OrderRecord]:
    raise FilterRefused(f"place {request.client_order_id}: -1013 Filter failure: LOT_SIZE")


def closed(request: PlaceRequest) -> OrderRecord:
    raise MarketClosed(f"place {request.client_order_id}: -1013 Market is closed.")


# --- whenever the power fails, and in bad weather


@pytest.mark.parametrize("after", [6, 12, 20])
def test_no_order_is_doubled_or_lost_by_a_cut_around_a_refusal(after: int) -> None:
    story = Story(5, {"good": bot("steady", quantity="0.007", every="3s")})
    story.after(after, lambda: story.exchange.change_symbol("BTCUSDT", {"filters": [COARSE]}))

    for seconds in (after + 1.0, 1.5, 2.5, 150.0):
        story.live_for(seconds)

    shown = [order["clientOrderId"] for order in story.shown()]
    assert len(shown) == len(set(shown))
    story.check()


@pytest.mark.slow
def test_rules_that_cannot_be_asked_for_stay_as_they_are_and_bots_trade_on() -> None:
    story = Story(6, {"good": GOOD})
    away = Fault(kind=FaultKind.REFUSE, status=503, body="<html>away</html>")
    story.after(30, lambda: story.plan.set([Rule(fault=away, path="/api/v3/exchangeInfo")]))

    story.live_for(1_300)

    assert story.generation("good").context["done"] > 100
    assert story.generation("good").parked is None


# --- the rules alone


class Source:
    """Says what the rules are, and how often it was asked."""

    name = "somewhere"

    def __init__(self, *answers: dict[str, SymbolRules] | Exception) -> None:
        self.answers, self.asked = list(answers), 0

    async def rules(self) -> Rulebook:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Rulebook) else Rulebook(answer)


def kept(source: Source, known: dict[str, SymbolRules]) -> MarketRules:
    return MarketRules(source, known)  # type: ignore[arg-type]


async def refused(why: Exception) -> OrderRecord:
    raise why


def asking(quantity: str = "0.007") -> PlaceRequest:
    return PlaceRequest(
        client_order_id="one",
        symbol="BTCUSDT",
        side="BUY",
        type="MARKET",
        send_by=0,
        recv_window=0,
        quantity=Decimal(quantity),
    )


STEPPED = replace(RULES["BTCUSDT"], lot=Lot(step=Decimal("0.005")))


def test_a_symbol_that_the_exchange_names_no_longer_is_kept_and_takes_no_orders() -> None:
    known = dict(RULES)
    rules = kept(Source({}), known)

    rules.take(Rulebook({"ETHUSDT": RULES["ETHUSDT"]}))

    assert known["BTCUSDT"] == replace(RULES["BTCUSDT"], status=GONE)
    assert rules.closed("BTCUSDT") == GONE
    assert not rules.closed("ETHUSDT")


UNREAD = Rulebook({"ETHUSDT": RULES["ETHUSDT"]}, {"BTCUSDT": "its tick is a word"})


def test_a_symbol_that_could_not_be_read_keeps_the_rules_it_had() -> None:
    known = dict(RULES)
    rules = kept(Source({}), known)

    rules.take(UNREAD)

    assert rules.of("BTCUSDT") == RULES["BTCUSDT"]
    assert not rules.closed("BTCUSDT")


def test_a_symbol_that_could_never_be_read_is_waited_for_and_one_that_is_not_there_is_not() -> None:
    async def story(_: Office) -> None:
        rules = kept(Source(UNREAD, RULES), {})
        await rules.renew()

        with pytest.raises(Unavailable, match="its tick is a word"):
            rules.of("BTCUSDT")
        with pytest.raises(Halt, match="somewhere does not trade DOGEUSDT"):
            rules.of("DOGEUSDT")
        await rules.renew()
        assert rules.of("BTCUSDT") == RULES["BTCUSDT"]

    play(story)


def test_an_answer_that_names_no_symbol_closes_none() -> None:
    known = dict(RULES)

    kept(Source({}), known).take(Rulebook())

    assert known == RULES


def test_many_who_are_refused_at_once_ask_for_the_rules_once() -> None:
    async def story(_: Office) -> tuple[int, set[str]]:
        source = Source({"BTCUSDT": STEPPED})
        rules = kept(source, dict(RULES))
        wrong = [FilterRefused("-1013 Filter failure: LOT_SIZE") for _ in range(20)]
        heard = await asyncio.gather(
            *(rules.heeding(refused(each), asking()) for each in wrong), return_exceptions=True
        )
        return source.asked, {str(each) for each in heard}

    asked, heard = play(story)

    assert asked == 1
    [reason] = heard
    assert reason.startswith("-1013 Filter failure: LOT_SIZE; ")
    assert "0.005" in reason


@pytest.mark.parametrize("why", [Refused("-2010 no money"), NotSent("no route")])
def test_a_refusal_for_another_reason_asks_for_no_rules(why: Exception) -> None:
    async def story(_: Office) -> tuple[int, Any]:
        source = Source({"BTCUSDT": STEPPED})
        rules = kept(source, dict(RULES))
        heard = await asyncio.gather(rules.heeding(refused(why), asking()), return_exceptions=True)
        return source.asked, heard

    assert play(story) == (0, [why])


def test_a_refusal_is_passed_on_as_it_is_when_the_rules_cannot_be_asked_for() -> None:
    async def story(_: Office) -> Iterable[object]:
        rules = kept(Source(Unavailable("away")), dict(RULES))
        why = FilterRefused("-1013 Filter failure: PERCENT_PRICE")
        return await asyncio.gather(rules.heeding(refused(why), asking()), return_exceptions=True)

    [heard] = play(story)

    assert str(heard) == "-1013 Filter failure: PERCENT_PRICE"


def test_rules_are_asked_for_every_ten_minutes_and_soon_again_without_an_answer() -> None:
    async def story(_: Office) -> list[int]:
        source = Source(dict(RULES), Unavailable("away"), dict(RULES))
        keeping = asyncio.get_running_loop().create_task(kept(source, dict(RULES)).keep())
        counts = []
        for seconds in (RENEW_SECONDS + 1, RENEW_SECONDS, 31, 100):
            await asyncio.sleep(seconds)
            counts.append(source.asked)
        keeping.cancel()
        return counts

    assert play(story) == [1, 2, 3, 3]
