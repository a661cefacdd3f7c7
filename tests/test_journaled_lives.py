"""The journal of lists, amends and orphans is the exchange's own story, also after every cut."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lib.journal.rows import Row
from lib.life import Standing
from lib.order_lists import OrderList
from lib.simulator.server.faults import Fault, FaultKind, FaultPlan, Rule, lose_reply, lose_request
from tests.journaled_world import JournaledWorld
from tests.oco_trade import at_hand
from tests.ownership.test_orphans import CANCEL, MARKET_BUY, ROUGH, OrphanWorld
from tests.swinging import ShapedWorld, contexts, with_small_bots
from tests.test_moving_lives import PATIENT, SHRINKER, SINKING
from tests.test_oco_lives import NEAR, TAKEN, trading
from tests.world import CALM, Luck, every_life, live, pairs_of_cuts

AMEND = "/api/v3/order/amend/keepPriority"


def of(world: JournaledWorld, *events: str) -> list[Row]:
    """The rows of these events, oldest first."""
    return [row for row in world.rows("journal") if row.event in events]


# --- order lists


@pytest.fixture
def _lists() -> Iterator[None]:
    with at_hand():
        yield


def listed(path: Path, seed: int, kind: str, luck: Luck = CALM) -> Callable[[], JournaledWorld]:
    bots = trading(kind, "BUY" if kind == "OTOCO" else "SELL", **TAKEN, laps=2)
    return lambda: JournaledWorld(seed, bots, luck, folder=path)


def check_lists(world: JournaledWorld) -> None:
    """Every row of a leg names its list, and the lists are those of the context."""
    world.check()
    done = [OrderList.model_validate(each) for each in contexts(world, "one")["done"]]
    lists = {leg.id: each.id for each in done for leg in each.legs if leg.id}
    rows = [row for row in world.rows("journal") if row.client_order_id in lists]
    assert lists
    assert {row.client_order_id for row in rows} == lists.keys()
    assert {row.list_id for row in rows if row.client_order_id not in lists} == set()
    told = [row for row in rows if row.event in {"intent", "sent", "reply", "result", "fill"}]
    assert {row.client_order_id: row.list_id for row in told} == lists


@pytest.mark.slow
@pytest.mark.usefixtures("_lists")
@pytest.mark.parametrize("kind", ["OCO", "OTOCO"])
def test_the_orders_of_a_list_name_it_whenever_the_power_fails(tmp_path: Path, kind: str) -> None:
    for world in every_life(listed(tmp_path, 1, kind), stride=5):
        check_lists(world)


@pytest.mark.slow
@pytest.mark.usefixtures("_lists")
@pytest.mark.parametrize("seed", range(2))
def test_the_orders_of_a_list_name_it_in_bad_weather_after_two_cuts(
    tmp_path: Path, seed: int
) -> None:
    luck = Luck(query_lag_ms=2_000)
    for world in pairs_of_cuts(listed(tmp_path, seed, "OTOCO", luck), seed, many=15):
        check_lists(world)


@pytest.mark.usefixtures("_lists")
def test_an_order_outside_of_any_list_names_none(tmp_path: Path) -> None:
    conf = trading("OTO", "BUY", profit=NEAR, loss=NEAR, patience="30s")
    world = live(JournaledWorld(5, conf, CALM, folder=tmp_path))

    singles = [row for row in world.rows("journal") if row.type == "MARKET"]
    world.check()
    assert {row.list_id for row in singles} <= {""}
    assert {bool(row.list_id) for row in world.rows("journal") if row.type != "MARKET"} == {True}


# --- amends


@pytest.fixture
def _movers(monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_bots(monkeypatch)


@dataclass
class AmendedWorld(ShapedWorld, JournaledWorld):
    """A resting order is made smaller; the journal is kept."""


def amending(
    path: Path, seed: int, conf: Mapping[str, Any] = SHRINKER, *rules: Rule, luck: Luck = CALM
) -> Callable[[], AmendedWorld]:
    def make() -> AmendedWorld:
        world = AmendedWorld(
            seed, {"mover": conf}, luck, shape=SINKING, depth=Decimal("0.011"), folder=path
        )
        if rules:
            world.plan = FaultPlan(seed, list(rules))
        return world

    return make


def check_amends(world: AmendedWorld) -> None:
    """Each amend has an end that the exchange confirms; a cut may take the last rows of it."""
    world.check()
    settled = {row.amend_id: row for row in of(world, "amend settled")}
    if world.lives == 1:
        assert {row.amend_id for row in of(world, "amend sent")} == settled.keys()
    amended = [row for row in settled.values() if not row.reason]
    assert [row.amended_quantity for row in amended] == ["0.08"] * len(amended)
    taken = {order["clientOrderId"]: order["origQty"] for order in world.orders()}
    for row in amended:
        assert Decimal(taken[row.client_order_id]) == Decimal("0.08")
        assert (row.quantity, row.amend_quantity) == ("0.1", "0.08")


@pytest.mark.usefixtures("_movers")
def test_an_amend_is_told_from_its_intent_to_its_end(tmp_path: Path) -> None:
    world = live(amending(tmp_path, 1)())

    check_amends(world)
    rows = of(world, "amend intent", "amend sent", "amend reply", "amend settled")
    assert [row.event for row in rows] == [
        "amend intent",
        "amend sent",
        "amend reply",
        "amend settled",
    ]
    assert len({row.amend_id for row in rows}) == 1
    assert {row.amend_quantity for row in rows} == {"0.08"}
    (order,) = {row.client_order_id for row in rows}
    (ended,) = [row for row in world.rows("orders") if row.client_order_id == order]
    assert (ended.quantity, ended.amended_quantity) == ("0.1", "0.08")


@pytest.mark.slow
@pytest.mark.usefixtures("_movers")
def test_what_is_told_of_amends_is_true_whenever_the_power_fails(tmp_path: Path) -> None:
    ends = 0
    for world in every_life(amending(tmp_path, 1), stride=5):
        check_amends(world)
        ends += len(of(world, "amend settled"))
    assert ends > 10


@pytest.mark.slow
@pytest.mark.usefixtures("_movers")
@pytest.mark.parametrize("fault", [lose_reply(3_000), lose_request(3_000)], ids=lambda f: f.kind)
def test_an_amend_without_an_answer_is_in_doubt_until_it_is_settled(
    tmp_path: Path, fault: Any
) -> None:
    rule = Rule(fault=fault, method="PUT", path=AMEND, times=1)
    doubted = 0
    for world in every_life(amending(tmp_path, 2, PATIENT, rule), stride=9):
        check_amends(world)
        doubted += len(of(world, "amend in doubt"))
    assert doubted > 0


@pytest.mark.usefixtures("_movers")
def test_an_amend_that_was_refused_says_why(tmp_path: Path) -> None:
    body = '{"code":-2038,"msg":"Order amend is not supported for this symbol."}'
    refusal = Rule(
        fault=Fault(kind=FaultKind.REFUSE, status=400, body=body), method="PUT", path=AMEND
    )
    world = live(amending(tmp_path, 3, SHRINKER, refusal)())

    world.check()
    (settled,) = of(world, "amend settled")
    assert "Order amend is not supported" in settled.reason
    assert settled.amended_quantity is None


# --- orphans


@dataclass
class JournaledOrphans(OrphanWorld, JournaledWorld):
    """Two orders were left behind; one of them filled in part. The journal is kept."""

    def fill_in_part(self) -> None:
        """Let the market come down to them for a moment."""
        price, size = Decimal(29_999), Decimal("0.004")
        self.exchange.market_trade("BTCUSDT", price, size, buyer_is_maker=True, time=self.clock())


def abandoned(path: Path, seed: int, luck: Luck = CALM) -> Callable[[], JournaledOrphans]:
    def make() -> JournaledOrphans:
        world = JournaledOrphans(seed, {"one": MARKET_BUY}, luck, CANCEL, folder=path)
        world.leave_orphans()
        return world

    return make


def check_orphans(world: JournaledOrphans) -> None:
    """Both are told with their end; a cut may take the last rows of their cancels."""
    world.check()
    assert world.standings == {"one": Standing.FINISHED}
    ended = {row.client_order_id: row for row in world.rows("orders")}
    for left in world.left:
        assert ended[left].state_after == "canceled"
        story = [row for row in world.rows("journal") if row.client_order_id == left]
        sent = {row.cancel_id for row in story if row.event == "cancel sent"}
        assert sent <= {row.cancel_id for row in story if row.event == "cancel intent"}


def test_the_cancel_of_an_orphan_is_told_from_its_intent_to_its_end(tmp_path: Path) -> None:
    world = live(abandoned(tmp_path, 1)())

    check_orphans(world)
    for left in world.left:
        story = [row for row in world.rows("journal") if row.client_order_id == left]
        events = [row.event for row in story]
        for earlier, later in (
            ("heard", "cancel intent"),
            ("cancel intent", "cancel sent"),
            ("cancel sent", "cancel reply"),
            ("cancel reply", "result"),
        ):
            assert events.index(earlier) < events.index(later)
        (intent,) = [row for row in story if row.event == "cancel intent"]
        assert intent.cancel_id
        assert intent.reason == "no bot knows it"
        assert intent.quantity == "0.01"


@pytest.mark.slow
def test_the_cancels_of_orphans_are_journaled_whenever_the_power_fails(tmp_path: Path) -> None:
    intents = 0
    for world in every_life(abandoned(tmp_path, 1), stride=3):
        check_orphans(world)
        intents += len(of(world, "cancel intent"))
    assert intents > 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_cancels_of_orphans_are_journaled_in_bad_weather(tmp_path: Path, seed: int) -> None:
    for world in pairs_of_cuts(abandoned(tmp_path, seed, ROUGH), seed, many=10):
        check_orphans(world)


def test_what_an_orphan_executed_is_in_the_journal_though_no_context_has_it(
    tmp_path: Path,
) -> None:
    world = abandoned(tmp_path, 4)()
    world.fill_in_part()

    live(world)

    world.check_journal()
    (fill,) = [row for row in world.rows() if row.client_order_id in world.left]
    assert fill.fill_quantity == "0.004"
