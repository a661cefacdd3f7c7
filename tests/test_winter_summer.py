"""Winter buys what summer sells, never both coins, whatever the average and the power do."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bots.winter_summer import Conf, Ctx
from lib.context_file.generation import Parked
from lib.errors import Halt
from lib.exchange import Candle
from lib.life import Standing
from lib.seasons.season import (
    EXPIRED_PAUSE,
    Seasons,
    Terms,
    find_top,
    mean_of,
    summer_price,
    winter_price,
)
from lib.simulator.protocol import Request
from tests.bots_of_lines import (
    WINTER,
    SlowWorld,
    executed,
    finished,
    resting_prices,
    said,
    seasonal,
    slow_world,
)
from tests.crossing import crossed
from tests.scripted_venue import Office, play
from tests.swinging import contexts, path
from tests.world import ACCOUNT, EPOCH, Luck, every_life, live, pairs_of_cuts

WEEK = 7 * 86_400_000
TERMS = Terms(
    symbol="BTCUSDT",
    mean="ohlc",
    interval="1w",
    interval_top="1w",
    history=5 * 366 * 86_400_000,
    top=None,
    drop=Decimal("0.2"),
    rise=Decimal("0.05"),
)


def wintering(
    changes: Any = None, shape: Callable[[float], float] = seasonal, **more: Any
) -> SlowWorld:
    return slow_world({**WINTER, **(changes or {})}, shape, **more)


def seasons_of(world: SlowWorld) -> Seasons:
    seasons = Ctx.model_validate(dict(contexts(world, "bot"))).seasons
    assert seasons is not None
    return seasons


def week(number: int, high: int, now: int = 0) -> Candle:
    prices = (Decimal(100), Decimal(high), Decimal(80), Decimal(100))
    opened = now - number * WEEK
    return Candle(opened, *prices, Decimal(1), opened + WEEK - 1)


def test_the_average_of_a_candle_and_both_targets_are_those_of_the_idea() -> None:
    mean = mean_of(week(0, 120), TERMS)

    assert mean == 100
    assert winter_price(TERMS, mean, Decimal(95)) == 80
    assert winter_price(TERMS, mean, Decimal(70)) == 70
    assert summer_price(TERMS, Decimal(200), Decimal(80), Decimal(81)) == 210
    assert summer_price(TERMS, Decimal(200), Decimal(300), Decimal(250)) == 315


def test_an_order_that_another_one_of_the_account_ended_is_planned_anew() -> None:
    world = live(crossed(WINTER, 30, "59000", "SELL", seasonal))

    first, second = [
        each for each in world.orders() if each["side"] == "BUY" and each["type"] == "LIMIT"
    ][:2]
    assert world.standings == {"bot": Standing.FINISHED}
    assert first["status"] == "EXPIRED_IN_MATCH"
    assert second["time"] >= first["updateTime"] + EXPIRED_PAUSE
    assert said(world, "parked") == []


def test_buys_below_the_average_and_sells_above_the_top() -> None:
    world = live(wintering())

    finished(world)
    buy, sell = [o for o in world.orders() if o["status"] == "FILLED"]
    assert (buy["side"], buy["type"], sell["side"], sell["type"]) == (
        "BUY",
        "LIMIT",
        "SELL",
        "LIMIT",
    )
    assert Decimal(sell["price"]) == Decimal(62_000) * Decimal("1.005")
    assert executed(world, "SELL") == Decimal(buy["origQty"]) - Decimal("0.00002")


def test_the_buy_is_planned_anew_as_the_average_moves() -> None:
    world = live(wintering())

    buys = [o for o in world.orders() if o["side"] == "BUY"]
    assert [o["status"] for o in buys] == ["CANCELED"] * (len(buys) - 1) + ["FILLED"]
    assert len(set(resting_prices(world, "BUY"))) == len(buys) > 1


def test_a_buy_whose_average_did_not_move_stays_where_it_is() -> None:
    falls_late = path((0, 1), (200, 1), (230, 0.95), (300, 1.04))
    world = live(wintering({"winter": "0.025"}, falls_late))

    finished(world)
    first = next(o for o in world.orders() if o["side"] == "BUY")
    assert first["updateTime"] > EPOCH + 200_000


def test_a_price_lower_than_the_target_is_taken_and_told() -> None:
    crash = path((0, 1), (10, 0.9), (100, 0.9), (130, 1.1))
    world = live(wintering({"winter": "0.01"}, crash))

    finished(world)
    bought = Decimal(world.orders()[0]["cummulativeQuoteQty"]) / executed(world, "BUY")
    assert bought < Decimal(61_000) * Decimal("0.95")
    assert any("lower than that already" in text for text in said(world, "plan"))


def test_what_a_refreshed_order_had_bought_counts_and_only_the_rest_is_planned_anew() -> None:
    world = live(wintering(depth=Decimal("0.002")))

    finished(world)
    partly = [o for o in world.orders() if o["side"] == "BUY" and Decimal(o["executedQty"])]
    spent = sum(Decimal(o["cummulativeQuoteQty"]) for o in partly)
    assert Decimal(985) < spent <= 1_000
    assert seasons_of(world).base < Decimal("0.0001")


def test_what_it_has_is_what_its_fills_left_of_what_it_began_with() -> None:
    world = live(wintering({"laps": 2}))

    finished(world)
    seasons, moved = seasons_of(world), world._moved()
    assert (seasons.quote - 1_000, seasons.base) == (moved["USDT"], moved["BTC"])


def test_coins_it_begins_with_are_sold_above_the_top_at_once() -> None:
    section = {**WINTER, "base_quantity": "0.1", "may_sell_your_coins": True}
    del section["quote_quantity"]
    world = live(slow_world(section))

    finished(world)
    (sell,) = world.orders()
    assert (sell["side"], Decimal(sell["price"])) == ("SELL", Decimal(62_310))


@pytest.mark.parametrize(
    ("base", "quote", "first"), [("0.1", "1000", "BUY"), ("0.01", "1000", "SELL")]
)
def test_the_smaller_holding_is_dealt_at_market_at_the_beginning(
    base: str, quote: str, first: str
) -> None:
    both = {"base_quantity": base, "quote_quantity": quote, "may_sell_your_coins": True}
    world = live(wintering(both))

    finished(world)
    aligned = world.orders()[0]
    assert (aligned["side"], aligned["type"], aligned["status"]) == (first, "MARKET", "FILLED")


def test_an_alignment_larger_than_one_market_order_is_dealt_in_lots(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = {"base_quantity": "0.05", "quote_quantity": "9000", "may_sell_your_coins": True}
    world = wintering(both)
    monkeypatch.setattr("lib.closing_order.largest_at_market", lambda *_: Decimal("0.02"))
    monkeypatch.setattr("lib.bulk_order.largest_at_market", lambda *_: Decimal("0.02"))
    live(world)

    finished(world)
    market = [Decimal(o["executedQty"]) for o in world.orders() if o["type"] == "MARKET"]
    assert market == [Decimal("0.02"), Decimal("0.02"), Decimal("0.01")]


def test_a_part_of_the_wallet_is_what_it_begins_with() -> None:
    world = live(wintering({"quote_quantity": "2%"}))

    spent = sum(Decimal(o["cummulativeQuoteQty"]) for o in world.orders() if o["side"] == "BUY")
    assert 1_990 < spent <= 2_000


# --- the top


def topped(candles: list[tuple[int, int]], terms: Terms = TERMS) -> Decimal:
    async def story(office: Office) -> Decimal:
        now = office.now()
        found = [week(number, high, now) for number, high in candles]

        async def answer(_: str, interval: str, limit: int, *, since: int = 0) -> list[Candle]:
            assert interval == terms.interval_top
            return [candle for candle in found if candle.open_time >= since][:limit]

        office.venue.candles = answer  # type: ignore[method-assign, assignment]
        return await find_top(office.desk, terms)

    return play(story)


def test_the_top_is_the_highest_price_of_the_history() -> None:
    weeks = [(number, 100 + number % 50) for number in range(300, 0, -1)]

    assert topped(weeks) == 149


def test_what_is_older_than_the_history_does_not_count() -> None:
    weeks = [(number, 100) for number in range(300, 0, -1)]

    assert topped([(301, 900), (290, 800), *weeks[1:]]) == 100


def test_too_short_a_history_is_named_and_the_top_asked_for() -> None:
    with pytest.raises(Halt, match=r'20 candles of 1w, the highest price is 119\), .* say "top"'):
        topped([(number, 120 - number) for number in range(20, 0, -1)])


def test_a_top_that_was_given_is_not_looked_for() -> None:
    given = TERMS.model_copy(update={"top": Decimal(500)})

    assert topped([], given) == 500


def test_without_enough_history_nothing_is_bought_and_the_bot_says_what_it_found() -> None:
    world = live(wintering({"top": None, "history_top": "5 years ago UTC"}))

    parked = world.generation("bot").parked
    assert isinstance(parked, Parked)
    assert 'say "top"' in parked.reason
    assert world.orders() == []


def test_the_top_of_the_history_is_sold_above_once_winter_is_over() -> None:
    world = live(wintering({"top": None, "history_top": "20s", "summer": "0.0001"}))

    finished(world)
    sells = resting_prices(world, "SELL")
    assert sells[0] < 60_000


# --- what is refused


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quote_quantity": None}, "what it begins with"),
        ({"winter": "1.2"}, "less than 1"),
        ({"summer": "0"}, "greater than 0"),
        ({"history_top": "for ever"}, "a duration like"),
        ({"interval": "2w"}, "1w"),
    ],
)
def test_nonsense_is_refused_with_its_reason(changes: Any, reason: str) -> None:
    section = {k: v for k, v in {**WINTER, **changes}.items() if v is not None and k != "function"}

    with pytest.raises(ValidationError) as refused:
        Conf.model_validate(section)

    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("written", "days"),
    [("5 years ago UTC", 1_830), ("18 months", 558), ("1 week", 7), ("365d", 365)],
)
def test_a_history_may_be_written_as_a_person_says_it(written: str, days: int) -> None:
    conf = Conf.model_validate({
        "symbol": "BTCUSDT",
        "quote_quantity": 1,
        "winter": "0.2",
        "summer": "0.05",
        "history_top": written,
    })

    assert conf.history_top == days * 86_400_000


def test_more_than_there_is_stops_the_bot_before_it_trades() -> None:
    world = live(wintering({"quote_quantity": "200000"}))

    parked = world.generation("bot").parked
    assert parked is not None
    assert "free for it are 100000" in parked.reason


def test_a_sale_that_a_person_canceled_stops_the_bot_until_it_is_released() -> None:
    flat = path((0, 1), (30, 0.96), (1_000, 0.96))
    world = wintering({}, flat)
    move = world.move_market

    def meddling() -> None:
        move()
        if world.clock() > EPOCH + 200_000:
            for order in world.exchange.answer(_asked(world)).body:
                world.exchange.answer(_asked(world, order))

    world.move_market = meddling  # type: ignore[method-assign]
    live(world)

    parked = world.generation("bot").parked
    assert parked is not None
    assert "the SELL of summer was canceled" in parked.reason
    world.check()


def _asked(world: SlowWorld, order: Any = None) -> Request:
    params = {"symbol": "BTCUSDT", "timestamp": str(world.clock())}
    if order is None:
        return Request("GET", "/api/v3/openOrders", params, ACCOUNT)
    params["orderId"] = str(order["orderId"])
    return Request("DELETE", "/api/v3/order", params, ACCOUNT)


# --- cuts


@pytest.mark.slow
def test_nothing_is_lost_or_bought_twice_whenever_the_power_fails() -> None:
    for world in every_life(lambda: wintering(luck=Luck()), stride=9):
        finished(world)
        seasons, moved = seasons_of(world), world._moved()
        assert (seasons.quote - 1_000, seasons.base) == (moved["USDT"], moved["BTC"])


@pytest.mark.slow
def test_partial_fills_are_never_lost_after_two_cuts() -> None:
    def made() -> SlowWorld:
        lagging = Luck(query_lag_ms=1_500)
        return wintering({"laps": 2}, seed=2, luck=lagging, depth=Decimal("0.004"))

    for world in pairs_of_cuts(made, 2, many=8):
        finished(world)
        seasons, moved = seasons_of(world), world._moved()
        assert (seasons.quote - 1_000, seasons.base) == (moved["USDT"], moved["BTC"])
