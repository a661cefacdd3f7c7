"""Answers that have lost a part, or say what cannot be: refused, never half believed."""

import asyncio
from typing import Any

import pytest

from lib.binance import payloads
from lib.binance.budget import DAY, MINUTE, PAUSE_MAX, Budget
from lib.binance.payloads import Unreadable
from lib.binance.quotes import Quotes
from lib.binance.transport import Frame, Reply
from lib.clock import ExchangeClock
from lib.errors import NotSent, Unavailable
from lib.exchange import Quote, Urgency
from tests.binance.test_budget import virtually
from tests.binance.test_payloads import AT, REQUEST, full_answer, report, row
from tests.binance.test_venue import SilentMarket, Stage
from tests.binance.virtually import run, ticks_of
from tests.virtual_time import VirtualLoop

HUGE = "9" * 2_000_000
ACCOUNT = {
    "uid": 7,
    "canTrade": True,
    "canWithdraw": False,
    "updateTime": AT,
    "balances": [{"asset": "BTC", "free": "1.0", "locked": "0.5"}],
}


def without(found: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != key}


# --- a part is missing


@pytest.mark.parametrize("key", ["executedQty", "origQty", "cummulativeQuoteQty", "price"])
def test_an_amount_that_is_missing_is_not_zero(key: str) -> None:
    with pytest.raises(Unreadable):
        payloads.order(without(row(), key))


@pytest.mark.parametrize("key", ["q", "p", "z", "Z", "l", "L", "Y", "n", "N", "C", "t"])
def test_an_event_with_a_part_missing_is_no_event(key: str) -> None:
    with pytest.raises(Unreadable):
        payloads.execution(without(report(), key))


def test_a_fee_of_nothing_may_be_of_no_asset() -> None:
    [fill] = payloads.execution(report(n="0", N=None)).fills

    assert fill.commission_asset == ""


@pytest.mark.parametrize("key", ["uid", "canTrade", "balances", "updateTime"])
def test_an_account_with_a_part_missing_is_no_account(key: str) -> None:
    with pytest.raises(Unreadable):
        payloads.account(without(ACCOUNT, key))


@pytest.mark.parametrize("key", ["free", "locked", "asset"])
def test_a_balance_with_a_part_missing_is_no_balance(key: str) -> None:
    with pytest.raises(Unreadable):
        payloads.account({**ACCOUNT, "balances": [without(ACCOUNT["balances"][0], key)]})  # type: ignore[index]


@pytest.mark.parametrize(
    "changes", [{"canTrade": "true"}, {"canTrade": None}, {"uid": {}}, {"uid": "7"}]
)
def test_a_key_is_not_judged_by_a_flag_that_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        payloads.account({**ACCOUNT, **changes})


# --- it cannot be


@pytest.mark.parametrize(
    "changes",
    [
        {"executedQty": "10.1"},
        {"status": "FILLED", "executedQty": "9.0"},
        {"status": "NEW", "executedQty": "1.0"},
        {"executedQty": "-1.0"},
        {"type": "limit"},
        {"type": "9" * 70},
        {"time": 2**53},
        {"updateTime": -1},
        {"orderId": 2**63},
        {"orderListId": "7"},
    ],
)
def test_an_order_that_cannot_be_is_not_believed(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        payloads.order(row(**changes))


@pytest.mark.parametrize("changes", [{"Y": "9" * 20}, {"l": "0.0"}, {"L": "0.0"}, {"Y": "1.0"}])
def test_a_trade_whose_value_is_not_price_times_quantity_is_not_believed(
    changes: dict[str, str],
) -> None:
    with pytest.raises(Unreadable):
        payloads.execution(report(**changes))


def test_an_acceptance_whose_trades_are_not_worth_its_sum_is_not_believed() -> None:
    wrong = [{**full_answer()["fills"][0], "price": "0.000000000000000001"}]

    with pytest.raises(Unreadable):
        payloads.placed(full_answer(fills=wrong), REQUEST)


def test_a_market_order_by_money_may_end_with_less_than_its_size() -> None:
    found = payloads.order(row(status="FILLED", origQuoteOrderQty="100.0", origQty="0.0"))

    assert found.executed == 4


@pytest.mark.parametrize("value", [0.5, True, None, -1, 2**63, 4_102_444_800_000])
def test_a_server_time_that_is_no_time_is_not_believed(value: object) -> None:
    with pytest.raises(Unreadable):
        payloads.server_time({"serverTime": value})


@pytest.mark.parametrize("key", ["clientOrderId", "symbol", "side", "type", "status", "price"])
def test_a_refusal_stays_one_sentence_however_much_came(key: str) -> None:
    with pytest.raises(Unreadable) as refused:
        payloads.placed(full_answer(**{key: HUGE}), REQUEST)

    assert len(str(refused.value)) < 200


# --- the time


def test_a_leap_of_the_exchange_s_time_is_believed_only_when_it_is_said_twice() -> None:
    stage = Stage()

    async def story() -> None:
        await stage.venue.server_time()
        stage.skew = 3_600_000
        with pytest.raises(Unavailable):
            await stage.venue.server_time()
        assert abs(stage.clock.now() - stage.true_time()) > 3_000_000

        await stage.venue.server_time()

        assert abs(stage.clock.now() - stage.true_time()) < 100

    stage.run(story())


def test_one_wrong_server_time_does_not_move_the_clock() -> None:
    stage = Stage()

    async def story() -> None:
        await stage.venue.server_time()
        stage.skew = 86_400_000
        with pytest.raises(Unavailable):
            await stage.venue.server_time()
        stage.skew = 0

        await stage.venue.server_time()

        assert abs(stage.clock.now() - stage.true_time()) < 100
        assert stage.clock.proven < stage.true_time() + 1_000

    stage.run(story())


# --- limits


def test_rate_limits_that_cannot_be_read_are_no_reason_to_end() -> None:
    stage = Stage()
    stage.answers(Reply(200, {"symbols": [], "rateLimits": [[]]}))

    with pytest.raises(Unavailable):
        stage.run(stage.venue.rules())


@pytest.mark.parametrize("limit", [1, -5, 0])
def test_a_limit_into_which_no_question_fits_is_not_taken_over(limit: int) -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        kind = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        budget.adopt([{**kind, "limit": limit}])

        await budget.admit(80, Urgency.POLL)

    virtually(story)


def test_a_window_of_orders_longer_than_a_day_is_not_taken_over() -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        kind = {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 10**9, "limit": 1}
        budget.adopt([kind])

        for _ in range(3):
            await budget.admit(1, Urgency.ORDER, orders=1, until=clock.now() + 1_000)

    virtually(story)


@pytest.mark.parametrize("seconds", ["999999999", "9" * 400])
def test_nobody_is_silent_for_longer_than_the_longest_ban(seconds: str) -> None:
    async def story(budget: Budget, clock: ExchangeClock) -> None:
        budget.hear(Reply(418, None, {"Retry-After": seconds}), weight=1)

        assert 0 < budget.silence <= PAUSE_MAX <= 3 * DAY + MINUTE
        with pytest.raises(NotSent):
            await budget.admit(1, Urgency.POLL)

    virtually(story)


# --- prices


def heard(*frames: Frame) -> list[Quote]:
    """Answer the quotes that come of these frames, each in a turn of its own."""
    loop = VirtualLoop()
    market, told = SilentMarket(), list[Quote]()

    async def story() -> None:
        clock = ExchangeClock(ticks_of(loop))
        clock.measured(AT, 0, 0)
        quotes = Quotes(market, clock)
        quotes.watch("BTCUSDT", told.append)
        for frame in frames:
            market.on_frame(frame)
            await asyncio.sleep(0.01)

    run(loop, story())
    return told


BOOK: Frame = {"s": "BTCUSDT", "u": 1, "b": "60000.0", "a": "60001.0"}


def trade(price: str) -> Frame:
    return {"e": "trade", "s": "BTCUSDT", "p": price}


@pytest.mark.parametrize("price", ["0.000000000000000001", "0.0", "9" * 20, "-1.0", "1e9"])
def test_a_price_that_best_prices_deny_reaches_nobody(price: str) -> None:
    quotes = heard(BOOK, trade("60000.5"), trade(price), BOOK, trade("60000.0"))

    assert {str(quote.last) for quote in quotes} <= {"0", "60000.5", "60000.0"}
    assert str(quotes[-1].last) == "60000.0"


@pytest.mark.parametrize("changes", [{"b": "0.000001"}, {"a": "0.000001"}, {"b": "9" * 20}])
def test_best_prices_that_deny_each_other_reach_nobody(changes: dict[str, str]) -> None:
    quotes = heard(trade("60000.5"), {**BOOK, **changes}, BOOK)

    assert [str(quote.bid) for quote in quotes] == ["0", "60000.0"]


def test_a_side_of_the_book_may_be_empty() -> None:
    [quote] = heard({**BOOK, "b": "0.00000000"})

    assert quote.bid == 0
    assert quote.ask == 60_001
