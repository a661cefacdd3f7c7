"""Whatever a person does at the exchange: what is guarded is, what is not says why, books agree."""

import math
import random
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

import lib.exits.position
from lib.exits.position import Ending, Position
from lib.life import Standing
from tests.exits.test_position_lives import SCENES
from tests.held_by_hand import HandWorld, drawn, judge, live_on
from tests.held_world import position_of
from tests.swinging import path, with_small_bots
from tests.world import CALM, Luck, live

Patch = pytest.MonkeyPatch
HEARD = 2_000  # ms until news of a calm exchange are on the disk
POLLED = 100_000  # ms until the lost ones were asked for, also in bad weather
FLAT = path((0, 1), (400, 1))
LATE = 400  # seconds after which the price swings widely, whatever it did before


@pytest.fixture(autouse=True)
def _watched(monkeypatch: Patch) -> None:
    """Show the world the position that its bot holds."""
    with_small_bots(monkeypatch)
    real = lib.exits.position.hold_position

    async def hold_position(desk: Any, position: Position) -> AsyncIterator[Position]:
        world = WORLDS[-1]
        async for position in real(desk, position):
            world.position, world.watched_life = position, world.lives
            yield position

    monkeypatch.setattr("bots.holder.hold_position", hold_position)


WORLDS: list[HandWorld] = []


def by_hand(
    deeds: list[tuple[float, str]],
    scene: str = "",
    seed: int = 1,
    luck: Luck = CALM,
    **conf: Any,
) -> HandWorld:
    own, shape, depth, _ = SCENES[scene] if scene else ({}, FLAT, "9", None)
    section = {"function": "holder", "symbol": "BTCUSDT", **own, **conf}
    later = {**section, "profit": "0.03", "loss": "0.02"}
    world = HandWorld(
        seed,
        {"holder": section},
        luck,
        later_bots={"holder": later},
        shape=lambda at: shape(at) * tide(at),
        depth=Decimal(depth),
        deeds=deeds,
    )
    WORLDS[:] = [world]
    return world


def tide(at: float) -> float:
    """Rise and fall by six percent: every position ends."""
    return 1 + 0.06 * math.sin(max(0.0, at - LATE) / 100)


def test_coins_sold_by_hand_stop_the_bot_with_what_is_missing() -> None:
    world = live(by_hand([(100, "sell")]))

    assert world.standings == {"holder": Standing.PARKED}
    position = position_of(world)
    assert position.unprotected_because == (
        "0.00999 of 0.00999 BTC are not free in the account: sold, moved or locked by somebody "
        "else; a person decides"
    )


@pytest.mark.parametrize("deed", ["sell", "withdraw"])
def test_a_release_accepts_that_the_coins_are_gone(deed: str) -> None:
    world = live_on(live(by_hand([(100, deed)])))

    position = judge(world, stale=HEARD)
    assert position.ending is Ending.GONE
    assert position.gone == Decimal("0.00999")
    assert position.result.sold == 0


def test_coins_that_came_back_before_the_release_are_protected_again() -> None:
    world = live(by_hand([(100, "withdraw")]))
    world.exchange.transfer("trader", "BTC", Decimal("0.00999"))
    world._move("BTC", Decimal("0.00999"))

    position = judge(live_on(world), stale=HEARD)

    assert position.gone == 0
    assert position.ending is Ending.TAKE_PROFIT


def test_where_that_is_wanted_gone_coins_are_accepted_at_once_and_nobody_is_stopped() -> None:
    world = live(by_hand([(100, "sell")], when_sold="accept"))

    position = judge(world, stale=HEARD)
    assert position.ending is Ending.GONE


def test_a_pair_canceled_by_hand_stands_again_and_is_never_missed_in_silence() -> None:
    world = live(by_hand([(100, "cancel"), (150, "cancel")]))

    position = judge(world, stale=HEARD)
    assert position.ending is Ending.TAKE_PROFIT
    assert world.naked_longest <= HEARD


def test_a_pair_canceled_by_hand_is_left_alone_until_the_release_where_that_is_wanted() -> None:
    world = live(by_hand([(100, "cancel")], when_canceled="park"))

    assert world.standings == {"holder": Standing.PARKED}
    assert world.sells == {}
    assert judge(live_on(world), stale=HEARD).ending is Ending.TAKE_PROFIT


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["park", "protect"])
def test_the_policy_holds_at_every_cut_around_a_hand_cancel(policy: str) -> None:
    length = live(by_hand([(60, "cancel")], when_canceled=policy)).instants
    for cut in range(1, length + 1, 2):
        world = live(by_hand([(60, "cancel")], when_canceled=policy), cut)
        canceled = any(order["status"] == "CANCELED" for order in world.orders())
        stopped = policy == "park" and canceled
        assert world.standings["holder"] is (Standing.PARKED if stopped else Standing.FINISHED)
        judge(live_on(world), stale=POLLED)


@pytest.mark.slow
def test_a_position_keeps_the_policy_it_began_with_when_the_conf_changes() -> None:
    def changed() -> HandWorld:
        world = by_hand([(60, "cancel")], when_canceled="park")
        assert world.later_bots is not None
        world.later_bots = {"holder": {**world.later_bots["holder"], "when_canceled": "protect"}}
        return world

    length = live(changed()).instants
    for cut in range(1, length + 1, 5):
        world = live(changed(), cut)
        canceled = any(order["status"] == "CANCELED" for order in world.orders())
        parks = canceled and position_of(world).when_canceled == "park"
        assert (world.standings["holder"] is Standing.PARKED) == parks
        judge(live_on(world), stale=POLLED)


SEEDS = range(16)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_any_script_of_hands_and_cuts_ends_with_exact_books(seed: int) -> None:
    chance = random.Random(f"script {seed}")
    policies = {
        "when_canceled": chance.choice(["park", "protect"]),
        "when_sold": chance.choice(["park", "accept"]),
    }
    scene = chance.choice([name for name, facts in SCENES.items() if facts[3] is not None])
    calm = chance.random() < 0.5
    luck = CALM if calm else Luck(query_lag_ms=chance.choice([0, 2_000]))
    length = live_on(live(by_hand(drawn(seed), scene, seed, luck, **policies))).instants
    judge(WORLDS[-1], stale=HEARD if calm else POLLED)
    for _ in range(3):
        cuts = [chance.randint(1, length) for _ in range(chance.randrange(1, 4))]
        world = live(by_hand(drawn(seed), scene, seed, luck, **policies), *cuts)
        judge(live_on(world), stale=POLLED)
