"""Whatever bots want and whatever dies when: no entry passes a limit, and no exit is held up.

What is counted is the exchange's own: tests/risk/limited_world.py.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from lib.control.office import Verb
from lib.instructions import Instruction
from lib.life import Standing
from lib.risk.limit_guard import LimitGuard
from lib.risk.page import FILE
from tests.disk import HOME
from tests.risk.limited_world import ALL, LimitedLife, LimitedWorld, Moment
from tests.swinging import path, swing, with_small_bots
from tests.told_world import Said, ToldWorld
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts, world_conf

Patch = pytest.MonkeyPatch

ROUGH = Luck(query_lag_ms=500)
ROUGHER = Luck(requests=10, events=5, stream_loss=150, query_lag_ms=500)
SWING = swing(0.01, 120)
SLACK = Decimal("1.03")  # how far a price may move between the announcement and the exchange
FENCE = 7_000  # ms between announcing an order and the last moment at which it can come in
DIPS = {
    "function": "dip_buyer",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "dip": "0.002",
    "rebound": "0.002",
    "stop": "0.01",
    "patience": "60s",
    "laps": 2,
}
LADDER = {
    "function": "ladder",
    "symbol": "BTCUSDT",
    "quantity": "0.01",
    "step": "0.001",
    "rungs": 3,
    "fills": 2,
}
HOLDER = {"function": "holder", "symbol": "BTCUSDT", "quantity": "0.01", "close_after": "400s"}
EAGER = {"function": "eager", "symbol": "BTCUSDT"}
CROWD: Mapping[str, Mapping[str, Any]] = {
    "lisa": {**EAGER, "limits": {"open_orders": 1}},
    "bart": {**EAGER, "salt": 3, "limits": {"exposure_per_asset": {"BTC": 300}}},
    "homer": {**EAGER, "symbol": "ETHUSDT", "salt": 5, "lot": "0.02"},
    "maggie": {**EAGER, "salt": 8, "rest": "3s", "limits": {"orders_per_minute": 3}},
}
OF_ALL = {"exposure": 1_100, "order_value": 500, "price_distance": "1%", "orders_per_minute": 20}


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: Patch) -> None:
    with_small_bots(monkeypatch)


def crowd(seed: int, luck: Luck = CALM, of_all: Mapping[str, Any] = OF_ALL) -> LimitedWorld:
    wave = lambda seconds: 1 + 0.004 * ((seconds * (7 + seed) / 60) % 2 - 1)  # noqa: E731
    settings = {"limits": of_all}
    depth = Decimal("0.005")
    return LimitedWorld(seed, CROWD, luck, settings, shape=wave, depth=depth)


def passed(moment: Moment, others: list[Moment]) -> list[str]:
    """Name the limits of the crowd that an entry passed; `others` began in the minute before."""
    hers = [each for each in others if each.bot == "maggie"]
    limits = {
        "exposure": moment.exposure[ALL] > 1_100 * SLACK,
        "order_value": moment.value > 500 * SLACK,
        "price_distance": abs(moment.price / moment.last - 1) > Decimal("0.01") + SLACK - 1,
        "orders_per_minute": len(others) >= 20,
        "orders_per_minute of maggie": moment.bot == "maggie" and len(hers) >= 3,
        "open_orders of lisa": moment.bot == "lisa" and moment.open_orders["lisa"] > 1,
        "exposure_per_asset of bart": moment.bot == "bart"
        and moment.exposure_in["bart", "BTCUSDT"] > 300 * SLACK,
    }
    return [name for name, is_passed in limits.items() if is_passed]


def verify(world: LimitedWorld) -> None:
    world.check()
    assert wrongs(world) == []
    ended = [news.text for news in world.news if "rejected" in news.text and "limits." in news.text]
    assert [text for text in ended if not text.startswith("BUY")] == [], "an exit was refused"


def wrongs(world: LimitedWorld) -> list[tuple[str, list[str]]]:
    found = []
    for number, moment in enumerate(world.moments):
        window = range(moment.at - 60_000 + FENCE, moment.at + 1)
        others = [each for each in world.moments[:number] if each.at in window]
        if limits := passed(moment, others):
            found.append((moment.id, limits))
    return found


def refusals(world: LimitedWorld) -> set[str]:
    """Answer the names of the limits that refused anything."""
    texts = [news.text for news in world.news if "an entry was refused" in news.text]
    return {word.strip("();") for text in texts for word in text.split() if "limits." in word}


@pytest.mark.slow
def test_a_crowd_is_refused_by_limits_and_passes_none() -> None:
    world = live(crowd(1))

    verify(world)
    assert len(world.moments) > 10
    assert len(world.exits) > 3
    assert {"limits.exposure", "limits.open_orders"} <= refusals(world), refusals(world)


@pytest.mark.slow
def test_without_a_guard_the_crowd_passes_limits(monkeypatch: Patch) -> None:
    monkeypatch.setattr(LimitGuard, "refusal", lambda *_: "")

    world = live(crowd(1))

    found = {limit for _, limits in wrongs(world) for limit in limits}
    assert {"exposure", "open_orders of lisa"} <= found, found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_passes_no_limit_whenever_the_power_fails(seed: int) -> None:
    for world in every_life(lambda: crowd(seed, ROUGH), stride=41):
        verify(world)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_passes_no_limit_in_bad_weather_after_two_cuts(seed: int) -> None:
    for world in pairs_of_cuts(lambda: crowd(seed, ROUGHER), seed, many=10):
        verify(world)


# --- a loss and what follows


FALL = path((0, 1.0), (60, 1.0), (120, 0.97), (600, 0.97))
BOTS: Mapping[str, Mapping[str, Any]] = {
    "dips": {**DIPS, "stop": "0.005"},
    "grid": LADDER,
    "holder": {**HOLDER, "by": "LIMIT", "away": "0.001", "loss": "0.02"},
    "bracket": {**HOLDER, "by": "OTOCO", "away": "0.001", "loss": "0.02"},
}
LOSSES = {"daily_loss": 3}


def falling(bot: str, then: str, seed: int, luck: Luck = CALM) -> LimitedWorld:
    """Make a world whose price falls by three percent within a minute, and stays there."""
    said = [Said(700, Verb.RESUME if then == "pause" else Verb.START)]
    settings = {"limits": {**LOSSES, "daily_loss_then": then}}
    shape = lambda at: FALL(at) * SWING(at)  # noqa: E731
    return LimitedWorld(seed, {"bot": BOTS[bot]}, luck, settings, shape=shape, said=said)


def verify_halt(world: LimitedWorld) -> None:
    """No entry came in between the news of the loss, a fence later, and the person's word."""
    world.check()
    at = tripped_at(world)
    until = world.answered_at(0) if world.answered else world.clock()
    assert [m.id for m in world.moments if at + FENCE < m.at < until] == []


def tripped_at(world: LimitedWorld) -> int:
    """Answer when the exchange's books first showed a loss that the program saved as reached."""
    found = [at for at, text in world.heard_at if "limits.daily_loss: all bots: " in text]
    assert found, "nothing was lost"
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("then", ["pause", "flatten"])
def test_a_loss_ends_entries_until_the_person_lets_go_on(bot: str, then: str) -> None:
    world = live(falling(bot, then, 1))

    verify_halt(world)
    assert world.generation("bot").told_by in {"a person", "limits.daily_loss"}


@pytest.mark.slow
@pytest.mark.parametrize("bot", ["dips", "grid", "bracket"])
@pytest.mark.parametrize("then", ["pause", "flatten"])
def test_a_loss_ends_entries_whenever_the_power_fails(bot: str, then: str) -> None:
    for world in every_life(lambda: falling(bot, then, 2, ROUGH), stride=23):
        verify_halt(world)


@pytest.mark.slow
def test_what_is_let_go_on_counts_anew_and_trades_again() -> None:
    world = live(falling("dips", "pause", 1))

    told = [text for _, text in world.heard_at if text.startswith("limits.daily_loss")]
    assert told[1].endswith("you let go on, so losses are counted anew from now")
    assert [moment for moment in world.moments if moment.at > world.answered_at(0)]
    assert world.standings == {"bot": Standing.FINISHED}


@pytest.mark.slow
def test_what_is_flattened_has_nothing_left_and_waits_for_start() -> None:
    world = live(falling("holder", "flatten", 1))

    assert world.standings == {"bot": Standing.IDLE}
    assert world.generation("bot").instruction is Instruction.FLATTEN
    assert world.locked() == {}
    assert abs(world.holdings["bot", "BTCUSDT"]) < Decimal("0.0001")


# --- what conf.json says later


def later(world: ToldWorld, limits: Mapping[str, Any]) -> None:
    """Have the bot's section be taken over with other limits, while all goes on."""
    life = world.life
    assert isinstance(life, LimitedLife)
    world.bots = {"bot": {**world.bots["bot"], "limits": limits}}
    life.limiting.take(world_conf(world))


@pytest.mark.slow
@pytest.mark.parametrize("first", [{}, {"limits": {"open_orders": 9}}])
def test_limits_that_come_while_bots_run_count_from_then_on(first: Mapping[str, Any]) -> None:
    deeds = [(60, lambda world: later(world, {"allowed_symbols": ["ETHUSDT"]}))]
    world = live(LimitedWorld(1, {"bot": {**DIPS, **first}}, CALM, shape=SWING, deeds=deeds))

    world.check()
    assert len(world.moments) == 1
    assert world.standings == {"bot": Standing.PARKED}
    parked = world.generation("bot").parked
    assert parked is not None
    assert "(limits.allowed_symbols)" in parked.reason


def test_without_limits_there_is_no_file() -> None:
    world = live(LimitedWorld(1, {"bot": {**DIPS, "laps": 1}}, CALM, shape=SWING))

    assert FILE not in world.disk.names(HOME / "ctx")
    assert world.standings == {"bot": Standing.FINISHED}
