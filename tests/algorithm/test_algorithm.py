"""What an algorithm is told, and what becomes of what it asks for."""

from decimal import Decimal
from itertools import pairwise

import pytest

from lib.algorithm.algorithm import HISTORY_MAX, Algorithm
from lib.algorithm.course import AlgorithmCtx, AlgorithmSettings, CandleSettings
from lib.algorithm.session import Session
from lib.errors import Halt
from lib.exchange import Candle
from lib.life import Standing
from lib.simulator.protocol import Answer, Request
from tests.algorithm.worlds import MINUTE, heard_truly, scripted, told
from tests.bots_of_lines import SlowWorld, executed, finished
from tests.scripted_venue import Office, play
from tests.swinging import path, with_small_bots
from tests.world import live

FLAT = path((0, 1))
ONE = Decimal(1)
RISES = path((0, 1), (70, 1), (200, 1.02))
FALLS = path((0, 1), (70, 1), (200, 0.98))


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


def test_hears_each_closed_candle_once_and_in_order() -> None:
    world = live(scripted("", "", "", ""))

    heard_truly(world)
    seen = told(world)["seen"]
    assert [later - before for before, later in pairwise(seen)] == [MINUTE] * 3


def test_buys_and_sells_at_market_and_knows_what_it_holds() -> None:
    world = live(scripted("buy", "", "sell", "", shape=FLAT))

    heard_truly(world)
    assert executed(world, "BUY") == Decimal("0.01")
    assert executed(world, "SELL") == Decimal("0.00999")
    assert [Decimal(each) for each in told(world)["positions"]] == [
        Decimal(each) for each in ("0", "0.00999", "0.00999", "0")
    ]
    assert told(world)["ends"] == ["buy BUY filled", "sell SELL filled"]


@pytest.mark.parametrize(("shape", "side"), [(RISES, "LIMIT_MAKER"), (FALLS, "STOP_LOSS")])
def test_what_it_bought_is_ended_at_the_exchange_by_profit_or_stop(
    shape: object, side: str
) -> None:
    world = live(scripted("bracket", "", "", "", shape=shape))  # type: ignore[arg-type]

    heard_truly(world)
    exits = [o["type"] for o in world.orders() if o["side"] == "SELL" and o["status"] == "FILLED"]
    assert exits == [side]
    assert told(world)["fills"][-1].endswith("exit")


def test_a_stop_is_moved_where_the_algorithm_wants_it() -> None:
    world = live(scripted("stopped", "tighten", "", "close", shape=FLAT))

    heard_truly(world)
    stops = [Decimal(o["stopPrice"]) for o in world.orders() if o["type"] == "STOP_LOSS"]
    assert len(stops) == 2
    assert stops[0] < stops[1]
    assert world.locked() == {}
    assert executed(world, "SELL") == Decimal("0.00999")


def test_a_limit_that_is_canceled_is_told_as_canceled() -> None:
    world = live(scripted("far", "", "cancel", "", shape=FLAT))

    heard_truly(world)
    assert told(world)["ends"] == ["far BUY canceled"]
    assert [o["status"] for o in world.orders()] == ["CANCELED"]


def test_a_limit_rests_no_longer_than_it_may() -> None:
    world = live(scripted("brief", "", "", "", shape=FLAT))

    heard_truly(world)
    assert told(world)["ends"] == ["brief BUY canceled"]


def test_a_refused_order_is_told_as_rejected_and_nothing_is_lost() -> None:
    world = live(scripted("too much", "buy", "close", "", shape=FLAT))

    heard_truly(world)
    (rejected, *_) = told(world)["ends"]
    assert rejected.startswith("too much BUY rejected")
    assert executed(world, "BUY") == Decimal("0.01")


def test_closing_cancels_what_rests_and_sells_all_that_is_held() -> None:
    world = live(scripted("buy", "bracket", "far", "close", "", shape=FLAT))

    heard_truly(world)
    assert executed(world, "BUY") == Decimal("0.02")
    assert executed(world, "SELL") >= Decimal("0.01997")
    assert world.locked() == {}


def test_a_thin_book_fills_in_parts_and_each_part_is_told() -> None:
    world = live(scripted("buy", "", "close", "", shape=FLAT, depth=Decimal("0.004")))

    heard_truly(world)
    assert told(world)["ends"][0].startswith("buy BUY expired")
    assert executed(world, "BUY") == Decimal("0.008")
    assert executed(world, "SELL") == Decimal("0.00799")
    assert len(told(world)["fills"]) > 3


def test_what_fell_below_what_can_be_sold_is_dust_once_that_was_seen() -> None:
    falls = path((0, 1), (100, 1), (110, 0.8))
    world = live(scripted("buy", "", "close", "", "", quantity="0.0001", shape=falls))

    heard_truly(world)
    assert told(world)["holds"] == [False, True, True, False, False]
    assert executed(world, "SELL") == 0


def test_a_purchase_can_be_sold_out_before_its_exits() -> None:
    world = live(scripted("bracket", "sell out", "", shape=FLAT))

    heard_truly(world)
    sold = [o["type"] for o in world.orders() if o["side"] == "SELL" and o["status"] == "FILLED"]
    assert sold == ["MARKET"]


def test_finishing_awaits_what_was_asked_for() -> None:
    world = live(scripted("below", shape=path((0, 1), (200, 1), (400, 0.99))))

    heard_truly(world)
    assert told(world)["ends"] == ["below BUY filled"]


def test_a_mistake_of_the_author_parks_the_bot_around_the_last_save() -> None:
    world = live(scripted("buy", "wrong", "buy", shape=FLAT))

    world.check()
    assert world.standings == {"bot": Standing.PARKED}
    assert len(told(world)["seen"]) == 1
    assert executed(world, "BUY") == Decimal("0.01")


def test_the_history_is_handed_over_in_order_before_the_first_candle() -> None:
    world = scripted("", "", history=3)
    world.pass_time(600)
    live(world)

    heard_truly(world)
    heard = told(world)
    assert len(heard["past"]) == 3
    assert [*heard["past"], *heard["seen"]] == list(
        range(heard["past"][0], heard["seen"][-1] + MINUTE, MINUTE)
    )
    assert heard["windows"][0] == [*heard["past"][1:], heard["seen"][0]]


def stale(entries_within: str) -> SlowWorld:
    """Lose the power for ten minutes after the first candle; the second one asks for coins."""
    world = scripted("", "buy", "", "close", "", shape=FLAT, entries_within=entries_within)
    sleep_after_first_candle(world, 600)
    return world


def sleep_after_first_candle(world: SlowWorld, seconds: float) -> None:
    clock = world.clock

    def instant(where: str = "") -> None:
        if world.lives == 1 and clock() / 1000 - world.begun >= 75:
            world.cut_at = world.instants + 1
        type(world).instant(world, where)

    world.instant = instant  # type: ignore[method-assign]
    assert not world.live()
    del world.instant
    world.cut()
    world.pass_time(seconds)
    assert world.live()


def test_an_entry_that_is_too_late_is_refused_before_the_next_candle_is_told() -> None:
    world = stale("1m")

    heard_truly(world)
    assert world.orders() == []
    (late,) = told(world)["ends"]
    assert "too late to enter" in late


def test_an_entry_may_be_late_as_long_as_its_setting_says_and_exits_always() -> None:
    world = stale("1h")

    heard_truly(world)
    assert executed(world, "BUY") == Decimal("0.01")
    assert executed(world, "SELL") == Decimal("0.00999")
    finished(world)


def test_a_wish_of_a_missed_candle_is_done_before_the_next_candle_is_told() -> None:
    world = scripted("", "buy", "sell", "buy", "sell", shape=FLAT)
    sleep_after_first_candle(world, 600)

    heard_truly(world)
    assert [Decimal(each) for each in told(world)["positions"]] == [
        Decimal(each) for each in ("0", "0", "0.00999", "0", "0.00999")
    ]


def test_another_symbol_begins_anew_with_nothing_of_the_former_remembered() -> None:
    world = scripted("", "", "", "", shape=FLAT)
    section = {**world.bots["bot"], "acts": ["", ""]}
    world.later_bots = {"bot": {**section, "symbol": "ETHUSDT"}}
    world.prices["ETHUSDT"] = 3_100.0
    world.move_market()
    sleep_after_first_candle(world, 60)

    finished(world)
    heard = told(world)
    assert heard["course"]["symbol"] == "ETHUSDT"
    assert heard["starts"] == 1
    assert len(heard["seen"]) == 2
    assert all(Decimal(close) < 4_000 for close in heard["closes"])


@pytest.mark.slow
def test_an_outage_of_more_candles_than_a_page_is_made_up_for_in_order() -> None:
    world = scripted(*[""] * 1_130, shape=FLAT)
    sleep_after_first_candle(world, 1_120 * 60)

    finished(world)
    seen = told(world)["seen"]
    assert len(seen) == 1_130
    assert {later - before for before, later in pairwise(seen)} == {MINUTE}


class Asker(Algorithm[CandleSettings, AlgorithmCtx]):
    """Asks for an order before it began, and for more candles than there are."""

    def wants_history(self) -> int:
        return HISTORY_MAX + 1

    def on_history(self, candle: Candle) -> None:
        self.buy("0.01")


def asked_of(office: Office, settings: AlgorithmSettings) -> Session:
    return Session(office.desk, settings, AlgorithmCtx(), Asker)


def test_the_past_cannot_be_traded() -> None:
    async def story(office: Office) -> None:
        candle = Candle(0, ONE, ONE, ONE, ONE, ONE, MINUTE - 1)
        asked_of(office, CandleSettings(symbol="BTCUSDT")).tell_history(candle)

    with pytest.raises(Halt, match="the past cannot be traded"):
        play(story)


def test_more_history_than_can_be_had_is_refused() -> None:
    async def story(office: Office) -> int:
        return asked_of(office, CandleSettings(symbol="BTCUSDT")).history

    with pytest.raises(Halt, match="501 candles of history, at most 500"):
        play(story)


def test_candles_and_trades_need_a_conf_that_says_how() -> None:
    async def story(office: Office) -> None:
        session = asked_of(office, AlgorithmSettings(symbol="BTCUSDT"))
        with pytest.raises(Halt, match="CandleSettings"):
            assert session.interval
        with pytest.raises(Halt, match="TradeSettings"):
            assert session.every

    play(story)


def test_a_profit_below_the_stop_is_refused() -> None:
    voice = Asker(CandleSettings(symbol="BTCUSDT"), AlgorithmCtx(), now=0)

    with pytest.raises(Halt, match="is not above the stop"):
        voice.buy("0.01", take_profit=Decimal(1), stop=Decimal(2))


def test_what_is_asked_for_has_a_number_and_a_label_to_be_named_by() -> None:
    voice = Asker(CandleSettings(symbol="BTCUSDT"), AlgorithmCtx(), now=1_000)
    first = voice.buy("0.01", price=Decimal(9), label="low")
    second = voice.buy("0.01", price=Decimal(8), label="low", wait=500)

    voice.cancel(first, "by number")
    voice.cancel("low", "by label")
    voice.cancel("", "an empty label names nothing")

    wishes = voice.ctx.course.wishes
    assert [wish.given_up for wish in wishes] == ["by number", "by label"]
    assert [each.wish for each in voice.open_wishes] == [first, second]
    assert wishes[1].give_up_at == 1_500


def test_candles_are_asked_for_when_one_is_due_and_not_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = scripted("", "bracket", "", interval="3m", shape=path((0, 1), (700, 1), (800, 1.02)))
    asked: list[int] = []
    answer = world.exchange.answer

    def noting(request: Request) -> Answer:
        if request.path.endswith("klines"):
            asked.append(world.clock())
        return answer(request)

    monkeypatch.setattr(world.exchange, "answer", noting)
    live(world)

    assert told(world)["ends"] == ["bracket BUY filled"]
    assert len(asked) <= 6


def test_what_was_asked_for_after_a_closing_needs_another_one() -> None:
    voice = Asker(CandleSettings(symbol="BTCUSDT"), AlgorithmCtx(), now=1_000)

    voice.close_all()
    voice.close_all()
    voice.buy("0.01")
    voice.close_all()

    assert [wish.closes for wish in voice.ctx.course.wishes] == [True, False, True]
