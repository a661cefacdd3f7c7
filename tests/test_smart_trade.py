"""The smart trade enters once and closes what it entered, whatever fails or is said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from lib.control.office import Verb
from lib.exits.holding import Holding
from lib.life import Standing
from tests.held_world import HeldWorld
from tests.stepping import Step, SteppedWorld
from tests.swinging import contexts
from tests.told_world import Said, ToldWorld
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

LAGGING = Luck(query_lag_ms=2_000)
DUST = Decimal("0.006")  # of BTC at 800 and more: less than can be sold
UNIT = {"unit": "0.1"}
CASES: Mapping[str, tuple[Mapping[str, Any], Sequence[Step]]] = {
    "target and stop": (
        {"take_profit": {"price": "2%"}, "stop_loss": {"price": "-1%"}},
        ("1000", "1010", "1020", "1030"),
    ),
    "two targets and break-even, entered on a condition": (
        {
            "mode": "COND_MARKET_ORDER",
            "cond_price": 1000,
            "take_profit": [
                {"price": "2%", "share": "50%", "mode_sell": "LIMIT"},
                {"price": "4%"},
            ],
            "stop_loss": {"price": "-1%", "break_even": "0.2%"},
        },
        ("1000", "1010", "1021", "1021", "1002", "1001", "990"),
    ),
    "a limit that goes at market": (
        {
            "take_profit": {
                "base": "ask",
                "price": "1%",
                "mode_sell": "LIMIT",
                "sell_timeout": "2s",
            },
            "stop_loss": {"price": "-2%"},
        },
        ("1000", {"ask": "1010"}, {"ask": "1011"}, "1005"),
    ),
    "an entry that brings its exits along": (
        {
            "mode": "LIMIT",
            "price": 900,
            "take_profit": {"price": "2%"},
            "stop_loss": {"price": "-1%"},
        },
        ("1000", "900", "905", "920"),
    ),
    "a short with a stop that trails": (
        {
            "type": "short",
            "take_profit": {"price": "2%"},
            "stop_loss": {"price": "-1%", "trailing": True},
        },
        ("1000", "995", "985", "970"),
    ),
    "smaller profits that are kept": (
        {
            "take_profit": {
                "price": "20%",
                "minimal": "1%",
                "timeout": "3s",
                "minimal_trailing": True,
            },
            "stop_loss": {"base": "bid", "price": "-3%", "timeout": "5s"},
        },
        ("1000", "1020", "1025", "1005", "990", "900"),
    ),
    "a stop and a target that ticks confirm": (
        {
            "take_profit": {"price": "2%", "confirm": "4 ticks"},
            "stop_loss": {"price": "-2%", "confirm": "20 ticks"},
        },
        ("1000", "975", "1021", "1000", "1025", "1025"),
    ),
    "trails everywhere": (
        {
            "trailing": "+1%",
            "take_profit": {"price": "2%", "trailing": "-1%"},
            "stop_loss": {"price": "-5%", "trailing": True},
        },
        ("1000", "985", "970", "990", "1015", "1040", "1020", "1000"),
    ),
}
WORDS: Mapping[str, tuple[Verb, Verb | None]] = {
    "pause": (Verb.PAUSE, Verb.RESUME),
    "stop": (Verb.STOP, Verb.START),
    "flatten": (Verb.FLATTEN, None),
}


@dataclass
class TradeWorld(SteppedWorld, HeldWorld):
    """Judges at the exchange whether more is for sale than was bought."""

    def heard(self, event: Mapping[str, Any]) -> None:
        ToldWorld.heard(self, event)
        HeldWorld.heard(self, event)


def trade(name: str, seed: int = 1, luck: Luck = CALM, **more: Any) -> TradeWorld:
    conf, steps = CASES[name]
    section = {"function": "smart_trade", "symbol": "BTCUSDT", **UNIT, **conf}
    return TradeWorld(seed, {"bot": section}, luck, steps=steps, ever=("1300", "800"), **more)


def verify(world: TradeWorld, ends: frozenset[Standing] = frozenset({Standing.FINISHED})) -> None:
    world.check()
    assert world.standings["bot"] in ends, world.news
    assert world.locked() == {}
    if not world.said:
        verify_result(world)
    left = sum(world.held("bot").values(), Decimal(0))
    assert abs(left) < DUST, left
    if world.bots["bot"].get("type") != "short":
        assert world.oversold == []


def verify_result(world: TradeWorld) -> None:
    """What it says it brought is what moved in the account, to the last digit."""
    held = contexts(world, "bot").get("held")
    if held is not None:
        moved = Holding.model_validate(held).moved
        assert {asset: amount for asset, amount in moved.items() if amount} == world._moved()


def entries(world: TradeWorld) -> list[str]:
    """The quantities that were entered."""
    side = "SELL" if world.bots["bot"].get("type") == "short" else "BUY"
    own = [order for order in world.orders() if order["side"] == side]
    return [order["executedQty"] for order in own if Decimal(order["executedQty"])]


@pytest.mark.parametrize("name", CASES)
def test_enters_once_and_closes_all_of_it_in_fair_weather(name: str) -> None:
    world = live(trade(name))

    verify(world)
    assert entries(world) == ["0.10000000"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_enters_once_and_closes_all_of_it_whenever_the_power_fails(name: str) -> None:
    for world in every_life(lambda: trade(name), stride=5):
        verify(world)
        assert entries(world) == ["0.10000000"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_books_agree_in_bad_weather_with_lagging_queries(name: str) -> None:
    for world in every_life(lambda: trade(name, 2, LAGGING), stride=23):
        verify(world)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_books_agree_after_two_cuts(name: str) -> None:
    for world in pairs_of_cuts(lambda: trade(name, 3, Luck()), 3, many=5):
        verify(world)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["two targets and break-even, entered on a condition", "target and stop"]
)
def test_what_was_entered_is_ended_as_was_said_then_under_a_changed_conf(name: str) -> None:
    section = {"function": "smart_trade", "symbol": "BTCUSDT", "unit": "0.2"}
    exits = {"take_profit": {"price": "7%"}, "stop_loss": {"price": "-20%"}}
    changed = {"bot": {**section, **exits}}

    for world in every_life(lambda: trade(name, 4, later_bots=changed), stride=17):
        verify(world)
        stops = [order for order in world.orders() if order["type"] == "STOP_LOSS"]
        paid = world.orders()[0]
        least = Decimal(paid["cummulativeQuoteQty"]) / Decimal(paid["executedQty"]) * 95 / 100
        near = {Decimal(stop["stopPrice"]) > least for stop in stops}
        assert entries(world) in (["0.10000000"], ["0.20000000"])
        assert near <= {entries(world) == ["0.10000000"]}


# --- what a person says


def told(name: str, word: str, seed: int, luck: Luck = CALM) -> TradeWorld:
    verb, back = WORDS[word]
    at = 15 + (seed * 13) % 40
    said = [Said(at, verb)] + ([Said(at + 200, back)] if back is not None else [])
    return trade(name, seed, luck, said=said)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", CASES)
def test_a_word_of_a_person_is_kept_and_the_books_agree(name: str, word: str) -> None:
    world = live(told(name, word, 1))

    verify(world, frozenset({Standing.FINISHED, Standing.IDLE}))
    if word != "flatten":
        came = world.orders_between(world.answered_at(0), world.answered_at(1))
        assert [order for order in came if order.is_entry] == []


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", CASES)
def test_a_word_of_a_person_is_kept_whenever_the_power_fails(name: str, word: str) -> None:
    for world in every_life(lambda: told(name, word, 2, LAGGING), stride=61):
        verify(world, frozenset({Standing.FINISHED, Standing.IDLE}))
