"""The lives of the torture chamber can fail: what is planted is found, cut down and told."""

from collections.abc import Callable
from pathlib import Path

import pytest

import lib.orders
from lib.dealing.dealer import Dealer
from lib.life import Life
from lib.machine import Context
from lib.orders import Exchange, Order, OrderState
from tests.torture import lives, stories
from tests.torture.branches import BRANCHES, missing
from tests.torture.experiment import Outcome
from tests.torture.lives import LUCKS, Teller, cast, every_instant, every_pair
from tests.torture.records import Record
from tests.torture.report import report
from tests.torture.scenes import SCENES, have_small_bots
from tests.torture.stories import Story, shortest, tell
from tests.world import Luck, World, live

Patch = pytest.MonkeyPatch
SMALL = 9_000  # turns of the event loop: half a second or so
BAD: Luck = LUCKS["stormy"]


@pytest.fixture(autouse=True)
def _small_bots(monkeypatch: Patch) -> None:
    have_small_bots()
    monkeypatch.setattr(World, "PATIENCE", World.PATIENCE)
    monkeypatch.setattr(lives, "BUDGET", SMALL)
    monkeypatch.setattr(stories, "TRIES", 60)


def an_order_in_doubt_is_sent_again_at_once(patch: Patch) -> None:
    async def resolve(exchange: Exchange, order: Order) -> bool:
        exchange.give_id_up(order)
        return False

    patch.setattr(lib.orders, "_resolve", resolve)
    patch.setattr("lib.ownership.witness._contradiction", lambda *_: "")


def nothing_is_saved_before_an_order_leaves(patch: Patch) -> None:
    real = Life._save

    async def save(life: Life, dealer: Dealer, context: Context) -> None:
        orders = lib.orders.orders_inside(context.model_dump(mode="json"))
        if all(order.state is not OrderState.SUBMITTING for order in orders):
            await real(life, dealer, context)

    patch.setattr(Life, "_save", save)
    patch.setattr(Dealer, "_tripwire", lambda *_: None)


def an_order_is_taken_for_filled_by_half(patch: Patch) -> None:
    real = lib.orders.union
    patch.setattr(lib.orders, "union", lambda *fills: real(*fills)[:-1])
    patch.setattr(lib.orders, "all_trades_known", lambda *_: True)


PLANTED = [
    (an_order_in_doubt_is_sent_again_at_once, "one gave up"),
    (nothing_is_saved_before_an_order_leaves, "left unannounced: POST"),
]


def first_failing(scene: str) -> Story:
    """Find the first seed whose story goes wrong when it is cut once and again."""
    for seed in range(40):
        story = Story(scene=scene, seed=seed, luck=BAD, cuts=(60 + 2 * seed, 90))
        if tell(story).wrong:
            return story
    raise AssertionError("the planted fault was never met")


# --- the real program


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 16, 12 + 3 * len(SCENES)])
def test_the_program_loses_nothing_in_a_share_of_the_lives(seed: int) -> None:
    outcome = every_instant(seed, Path())

    assert outcome.losses == []
    assert outcome.deaths > 2
    assert outcome.points.total() == outcome.deaths


@pytest.mark.slow
def test_the_program_loses_nothing_in_a_share_of_the_pairs(monkeypatch: Patch) -> None:
    monkeypatch.setattr(lives, "SLICES", 300)

    outcome = every_pair(7, Path())

    assert outcome.losses == []
    assert outcome.deaths > 30


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_the_same_story_goes_the_same_way(scene: str) -> None:
    story = Story(scene=scene, seed=5, luck=BAD, cuts=(100, 50))

    first, second = tell(story), tell(story)

    assert first.wrong == ""
    assert first.world.transcript.digest() == second.world.transcript.digest()


def test_every_scene_meets_every_weather() -> None:
    met = {cast(seed) for seed in range(4 * len(SCENES))}

    assert met == {(scene, luck) for scene in SCENES for luck in LUCKS.values()}


@pytest.mark.slow
def test_power_fails_at_the_disk_on_the_wire_at_events_at_timers_and_between_steps(
    monkeypatch: Patch,
) -> None:
    monkeypatch.setattr(lives, "BUDGET", 4 * SMALL)
    teller = Teller()
    calm = teller.hear(Story(scene="side by side", seed=2, luck=LUCKS["calm"]))
    for story in lives.singles(calm, 0):
        teller.hear(story)

    kinds = {point.partition(":")[0] for point in teller.outcome.points}
    assert kinds == {"disk", "wire", "event", "loop"}
    assert teller.outcome.points["loop: between two steps"] > 0
    assert teller.outcome.points["loop: a timer"] > 0
    assert teller.outcome.losses == []


# --- planted faults


@pytest.mark.slow
@pytest.mark.parametrize(("planted", "found"), PLANTED)
def test_a_planted_fault_is_found_and_told(
    planted: Callable[[Patch], None], found: str, monkeypatch: Patch
) -> None:
    planted(monkeypatch)
    monkeypatch.setattr(lives, "LUCKS", {"stormy": BAD})
    monkeypatch.setattr(lives, "LOSSES_MAX", 1)

    (loss,) = every_instant(list(SCENES).index("market buy"), Path()).losses

    assert loss.startswith("market buy, seed 0; luck ")
    assert "POST order BUY MARKET 0.01 BTCUSDT one#1" in loss
    assert f"WRONG AT THE END: AssertionError {found}" in loss


@pytest.mark.slow
def test_the_shortest_story_still_fails_and_nothing_in_it_can_be_left_out(
    monkeypatch: Patch,
) -> None:
    an_order_in_doubt_is_sent_again_at_once(monkeypatch)
    long = tell(first_failing("market buy"))

    short = shortest(long)

    assert short.wrong.startswith(long.kind)
    assert len(short.story.cuts) <= len(long.story.cuts)
    assert short.world.turns <= long.world.turns
    told = short.transcript()
    assert told.count("POST order BUY MARKET") >= 2
    assert "WRONG AT THE END: AssertionError one gave up" in told


@pytest.mark.slow
def test_a_world_that_fails_its_check_tells_its_story(monkeypatch: Patch) -> None:
    an_order_is_taken_for_filled_by_half(monkeypatch)
    bots = SCENES["market buy"].bots

    world = live(World(3, bots, BAD))
    with pytest.raises(AssertionError) as wrong:
        world.check()

    (story,) = wrong.value.__notes__
    assert "POST order BUY MARKET 0.01 BTCUSDT one#1" in story
    assert "TRADE: BUY 0.01000000 BTCUSDT" in story


# --- what was gone


def test_a_branch_that_nobody_went_is_named() -> None:
    outcome = Outcome(reached={name: 1 for name in BRANCHES if name != "amended"})

    assert missing(outcome.reached) == ["amended"]


def test_a_run_that_never_went_a_branch_says_so_on_the_page() -> None:
    experiment = lives.EXPERIMENTS[0]
    outcome = Outcome(reached={name: 1 for name in BRANCHES if name != "amended"})
    record = Record(experiment=experiment.name, seed=0, seconds=1, outcome=outcome)

    page = report([experiment], [record], "code", "machine")

    assert "Never reached in this run: amended." in page
